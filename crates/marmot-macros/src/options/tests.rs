//! Options, and the builder that they make.

use proc_macro2::TokenStream;
use quote::quote;

use super::Options;

/// The builder for the options in `tokens`, or the error's text.
fn builder(tokens: TokenStream) -> Result<String, String> {
    match syn::parse2::<Options>(tokens) {
        Ok(options) => Ok(options.builder().to_string()),
        Err(e) => Err(e.to_string()),
    }
}

#[track_caller]
fn assert_builder(tokens: TokenStream, expected: TokenStream) {
    assert_eq!(builder(tokens), Ok(expected.to_string()));
}

#[track_caller]
fn assert_refused(tokens: TokenStream, expected: &str) {
    let error = builder(tokens).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn none_are_needed() {
    assert_builder(quote!(), quote!(::marmot::Runtime::builder()));
}

#[test]
fn each_is_a_call_of_the_builder() {
    assert_builder(quote!(procs = 4), quote!(::marmot::Runtime::builder().procs(4)));
    assert_builder(quote!(max_blocking_threads = 8), quote!(::marmot::Runtime::builder().max_blocking_threads(8)));
    assert_builder(
        quote!(stack_size = 0x1_0000, procs = 1usize,),
        quote!(::marmot::Runtime::builder().stack_size(0x1_0000).procs(1usize)),
    );
}

#[test]
fn unknown_and_repeated_ones_are_refused() {
    assert_refused(
        quote!(threads = 4),
        "unknown option `threads`: there are `procs`, `stack_size`, `max_blocking_threads`",
    );
    assert_refused(quote!(procs = 4, procs = 4), "`procs` is given twice");
}

#[test]
fn values_are_integers() {
    assert_refused(quote!(procs), "`procs` needs a value");
    assert_refused(quote!(procs(4)), "`procs` needs a value");
    for value in [quote!("4"), quote!(4.0), quote!(-4), quote!(N), quote!(4u8), quote!(4294967296)] {
        assert_refused(quote!(procs = #value), "`procs` takes an integer literal");
    }
}

#[test]
fn they_are_separated_by_commas() {
    assert_refused(quote!(procs = 4; stack_size = 65536), "expected `,`");
    assert_refused(quote!(4), "expected identifier");
}
