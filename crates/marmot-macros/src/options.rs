//! What stands between the parentheses of an attribute: `procs = 4, stack_size = 65536`.
//!
//! Only the form is checked here: known names, each once, each with an integer. Which numbers are in range is for the
//! runtime to say, in one place for the attributes and the builder alike.

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, Result, Token};

/// The options that there are. Each is a method of `RuntimeBuilder` of the same name, which takes a `usize`.
const KNOWN: [&str; 3] = ["procs", "stack_size", "max_blocking_threads"];

/// The options of an attribute, in the order in which they were written.
#[derive(Default)]
pub struct Options(Vec<(Ident, LitInt)>);

impl Options {
    /// The expression that makes the runtime's builder.
    pub fn builder(&self) -> TokenStream {
        let calls = self.0.iter().map(|(name, value)| quote!(.#name(#value)));
        quote!(::marmot::Runtime::builder() #(#calls)*)
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Options> {
        let mut options = Options::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            if !KNOWN.iter().any(|known| name == known) {
                return Err(Error::new(
                    name.span(),
                    format!("unknown option `{name}`: there are `{}`", KNOWN.join("`, `")),
                ));
            }
            if options.0.iter().any(|(earlier, _)| name == *earlier) {
                return Err(Error::new(name.span(), format!("`{name}` is given twice")));
            }
            let value = integer(&name, input)?;
            options.0.push((name, value));
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// The value of the option `name`: `= 65536`.
fn integer(name: &Ident, input: ParseStream<'_>) -> Result<LitInt> {
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), format!("`{name}` needs a value: `{name} = 4`")));
    }
    input.parse::<Token![=]>()?;
    match input.parse::<Expr>()? {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if is_plain(&number) => Ok(number),
        other => Err(Error::new_spanned(
            other,
            format!("`{name}` takes an integer literal of up to {}, such as `{name} = 65536`", u32::MAX),
        )),
    }
}

/// Whether it can be a `usize` on every platform.
fn is_plain(number: &LitInt) -> bool {
    matches!(number.suffix(), "" | "usize") && number.base10_parse::<u32>().is_ok()
}
