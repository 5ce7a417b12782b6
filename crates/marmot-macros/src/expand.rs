//! The function below an attribute, and what becomes of it.
//!
//! `fn main() -> R { body }` becomes
//!
//! ```text
//! fn main() -> ::std::process::ExitCode {
//!     fn main() -> R { body }
//!     ::marmot::__private::run_main(::marmot::Runtime::builder(), main)
//! }
//! ```
//!
//! The inner function has the outer one's name. So no name comes into the body's scope that its author did not write, and
//! one that calls itself calls what its author sees. All attributes stay on the outer one, where lint levels reach the
//! body, too. The body is passed on as it came, unparsed: what is wrong in it the compiler says, in its own words.

#[cfg(test)]
mod tests;

use proc_macro2::{Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Result, ReturnType, Safety, Signature, Visibility, token};

use crate::options::Options;

/// The expansion of `#[marmot::main(options)] item`.
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand("main", options, item, |function, builder| {
        let Function { attributes, visibility, .. } = function;
        let (inner, name) = (function.inner(), &function.signature.ident);
        let call = function.call(quote!(::marmot::__private::run_main), builder);
        quote! {
            #(#attributes)*
            #visibility fn #name() -> ::std::process::ExitCode {
                #inner
                #call
            }
        }
    })
}

/// The expansion of `#[marmot::test(options)] item`.
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand("test", options, item, |function, builder| {
        let Function { attributes, visibility, .. } = function;
        let (inner, name) = (function.inner(), &function.signature.ident);
        let call = function.call(quote!(::marmot::__private::run_test), builder);
        // By its full path: in a module that imports Marmot's, `test` alone would be this attribute again.
        let test = (!attributes.iter().any(is_test)).then(|| quote!(#[::core::prelude::v1::test]));
        quote! {
            #test
            #(#attributes)*
            #visibility fn #name() {
                #inner
                #call
            }
        }
    })
}

/// Parses both parts of the input and checks them, then leaves the rest to `build`, which gets the function and the
/// expression that makes the runtime's builder.
fn expand(
    attribute: &str,
    options: TokenStream,
    item: TokenStream,
    build: impl FnOnce(&Function, TokenStream) -> TokenStream,
) -> TokenStream {
    let function: Function = match syn::parse2(item) {
        Ok(function) => function,
        Err(e) => return e.into_compile_error(),
    };
    let mut errors = function.check(attribute).err();
    let options = syn::parse2::<Options>(options).unwrap_or_else(|e| {
        match &mut errors {
            Some(errors) => errors.combine(e),
            None => errors = Some(e),
        }
        Options::default()
    });
    match errors {
        None => build(&function, options.builder()),
        Some(errors) => {
            // An empty function stands in, so that the compiler does not complain that there is none.
            let (errors, name) = (errors.into_compile_error(), &function.signature.ident);
            quote!(#errors fn #name() {})
        }
    }
}

/// A function whose body has not been looked into.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Group,
}

impl Function {
    /// Whether the attribute can do something with it. All that is wrong is said at once.
    fn check(&self, attribute: &str) -> Result<()> {
        let Signature { constness, asyncness, safety, abi, ident, generics, inputs, variadic, .. } = &self.signature;
        let mut found: Option<Error> = None;
        let mut refuse = |at: Span, why: &str| {
            let error = Error::new(at, format!("#[marmot::{attribute}] {why}"));
            match &mut found {
                Some(errors) => errors.combine(error),
                None => found = Some(error),
            }
        };
        if let Some(token) = asyncness {
            refuse(token.span, "needs no `async`: a goroutine blocks, and only it waits; write a plain `fn`");
        }
        if let Some(token) = constness {
            refuse(token.span, "cannot run a `const fn`: write a plain `fn`");
        }
        if !matches!(safety, Safety::Default) {
            refuse(safety.span(), "cannot promise what an `unsafe fn` asks for: write a plain `fn`");
        }
        if let Some(abi) = abi {
            refuse(abi.span(), "runs Rust's own calling convention: write a plain `fn`");
        }
        if !generics.params.is_empty() {
            refuse(generics.params.span(), "has nothing to fill generics with: write a plain `fn`");
        }
        if let Some(clause) = &generics.where_clause {
            refuse(clause.span(), "has no use for a `where` clause: write a plain `fn`");
        }
        if !inputs.is_empty() || variadic.is_some() {
            refuse(self.signature.paren_token.span.join(), "calls the function without arguments: take no parameters");
        }
        if attribute == "main" && ident != "main" {
            refuse(ident.span(), "goes on `fn main`; start other functions with `marmot::go`");
        }
        found.map_or(Ok(()), Err)
    }

    /// The function as it was written, without attributes and visibility.
    fn inner(&self) -> TokenStream {
        let (signature, body) = (&self.signature, &self.body);
        quote!(#signature #body)
    }

    /// The call that runs it. A return type that does not do is an error at that type.
    fn call(&self, run: TokenStream, builder: TokenStream) -> TokenStream {
        let name = &self.signature.ident;
        let at = match &self.signature.output {
            ReturnType::Default => name.span(),
            ReturnType::Type(_, output) => output.span(),
        };
        let run = run.into_iter().map(|mut token| {
            token.set_span(at);
            token
        });
        let run: TokenStream = run.collect();
        quote_spanned!(at=> #run(#builder, #name))
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if !input.peek(token::Brace) {
            return Err(input.error("expected the function's body"));
        }
        Ok(Function { attributes, visibility, signature, body: input.parse()? })
    }
}

/// Whether it makes a test of the function already.
fn is_test(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "test")
}
