//! Expansions, held to the letter, and what is refused.

use proc_macro2::TokenStream;
use quote::quote;

#[track_caller]
fn assert_same(expansion: TokenStream, expected: TokenStream) {
    assert_eq!(expansion.to_string(), expected.to_string());
}

#[test]
fn main_runs_on_the_default_runtime() {
    assert_same(
        super::main(
            quote!(),
            quote!(
                fn main() {
                    body();
                }
            ),
        ),
        quote! {
            fn main() -> ::std::process::ExitCode {
                fn main() { body(); }
                ::marmot::__private::run_main(::marmot::Runtime::builder(), main)
            }
        },
    );
}

#[test]
fn main_keeps_what_is_around_it() {
    assert_same(
        super::main(
            quote!(procs = 4, stack_size = 65536),
            quote! {
                /// Serves.
                #[allow(dead_code)]
                pub(crate) fn main() -> io::Result<()> { serve() }
            },
        ),
        quote! {
            /// Serves.
            #[allow(dead_code)]
            pub(crate) fn main() -> ::std::process::ExitCode {
                fn main() -> io::Result<()> { serve() }
                ::marmot::__private::run_main(::marmot::Runtime::builder().procs(4).stack_size(65536), main)
            }
        },
    );
}

#[test]
fn test_is_one_of_the_test_harness() {
    assert_same(
        super::test(
            quote!(procs = 2),
            quote! {
                #[should_panic(expected = "no")]
                #[ignore]
                fn says_no() -> io::Result<()> { panic!("no") }
            },
        ),
        quote! {
            #[::core::prelude::v1::test]
            #[should_panic(expected = "no")]
            #[ignore]
            fn says_no() {
                fn says_no() -> io::Result<()> { panic!("no") }
                ::marmot::__private::run_test(::marmot::Runtime::builder().procs(2), says_no)
            }
        },
    );
}

#[test]
fn test_is_not_made_one_twice() {
    assert_same(
        super::test(
            quote!(),
            quote!(
                #[test]
                fn t() {}
            ),
        ),
        quote! {
            #[test]
            fn t() {
                fn t() {}
                ::marmot::__private::run_test(::marmot::Runtime::builder(), t)
            }
        },
    );
}

#[test]
fn a_body_is_not_looked_into() {
    let expansion = super::main(quote!(), quote!(fn main() { let = ; }));
    assert!(expansion.to_string().contains("let = ;"), "{expansion}");
}

/// The texts of the compile errors in an expansion, and whether an empty function stands in.
fn errors(expansion: TokenStream) -> (Vec<String>, bool) {
    let file: syn::File = syn::parse2(expansion).expect("an expansion is items");
    let mut texts = Vec::new();
    let mut stand_in = false;
    for item in file.items {
        match item {
            syn::Item::Macro(item) => {
                assert!(item.mac.path.segments.last().is_some_and(|last| last.ident == "compile_error"));
                texts.push(item.mac.parse_body::<syn::LitStr>().expect("an error has a text").value());
            }
            syn::Item::Fn(_) => stand_in = true,
            _ => panic!("neither an error nor a function"),
        }
    }
    (texts, stand_in)
}

#[track_caller]
fn assert_refused(expansion: TokenStream, expected: &[&str]) {
    let (texts, stand_in) = errors(expansion);
    assert_eq!(texts.len(), expected.len(), "{texts:?}");
    for (text, expected) in texts.iter().zip(expected) {
        assert!(text.contains(expected), "{text:?} does not say {expected:?}");
    }
    assert!(stand_in, "nothing stands in for the function");
}

#[test]
fn other_kinds_of_functions_are_refused() {
    let on_main = |item| super::main(quote!(), item);
    assert_refused(
        on_main(quote!(
            async fn main() {}
        )),
        &["#[marmot::main] needs no `async`"],
    );
    assert_refused(
        on_main(quote!(
            const fn main() {}
        )),
        &["`const fn`"],
    );
    assert_refused(
        on_main(quote!(
            unsafe fn main() {}
        )),
        &["`unsafe fn`"],
    );
    assert_refused(
        on_main(quote!(
            extern "C" fn main() {}
        )),
        &["calling convention"],
    );
    assert_refused(
        on_main(quote!(
            fn main<T>() {}
        )),
        &["generics"],
    );
    assert_refused(
        on_main(quote!(
            fn main()
            where
                u8: Copy,
            {
            }
        )),
        &["`where` clause"],
    );
    assert_refused(
        on_main(quote!(
            fn main(args: Vec<String>) {}
        )),
        &["without arguments"],
    );
    assert_refused(
        on_main(quote!(
            fn serve() {}
        )),
        &["goes on `fn main`"],
    );
    assert_refused(
        super::test(
            quote!(),
            quote!(
                async fn t() {}
            ),
        ),
        &["#[marmot::test] needs no `async`"],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    assert_refused(
        super::test(
            quote!(threads = 4),
            quote!(
                async fn t(n: usize) {}
            ),
        ),
        &["`async`", "without arguments", "unknown option `threads`"],
    );
}

#[test]
fn what_is_no_function_is_refused() {
    for item in [
        quote!(
            struct Main;
        ),
        quote!(
            fn main();
        ),
        quote!(),
    ] {
        let expansion = super::main(quote!(), item);
        let (texts, _) = errors(expansion);
        assert_eq!(texts.len(), 1);
    }
}
