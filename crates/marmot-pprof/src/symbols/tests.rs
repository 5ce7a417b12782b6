//! Names, from what debug information has of them.

use super::*;

#[test]
fn files_are_modules() {
    for (file, module) in [
        ("/home/me/server/src/main.rs", Some("server")),
        ("/home/me/web-server/src/net/http.rs", Some("web_server::net::http")),
        (
            "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/bytes-1.12.0/src/buf/mod.rs",
            Some("bytes::buf"),
        ),
        ("/rustc/0123/library/alloc/src/vec/mod.rs", Some("alloc::vec")),
        ("crates/marmot-pprof/tests/heap.rs", Some("heap")),
        ("crates/marmot-cli/tests/program/main.rs", Some("program")),
        ("/home/me/server/src/bin/client.rs", Some("client")),
        ("src/main.rs", None),
        ("/usr/include/stdio.h", None),
        ("", None),
    ] {
        assert_eq!(module_of(file).as_deref(), module, "{file}");
    }
}

#[test]
fn names_are_demangled_without_their_hashes() {
    let name = |symbol: &str, file: &str| {
        readable(&Call { symbol: symbol.to_owned(), file: file.to_owned(), line: 1, offset: 0 })
    };
    let legacy = "_ZN4heap5cases13with_capacity28_$u7b$$u7b$closure$u7d$$u7d$17h5723bda4bea48328E";
    assert_eq!(name(legacy, "/p/tests/heap.rs"), "heap::cases::with_capacity::{{closure}}");
    assert_eq!(name("_RNvCskwGfYPst2Cb_3foo16example_function", "/p/foo/src/lib.rs"), "foo::example_function");
    assert_eq!(name("with_capacity<u8>", "/rustc/0123/library/alloc/src/vec/mod.rs"), "alloc::vec::with_capacity<u8>");
    assert_eq!(name("{closure#0}", "/home/me/server/src/main.rs"), "server::{closure#0}");
    assert_eq!(
        name("pick<core::option::Option<u8>>", "/home/me/server/src/main.rs"),
        "server::pick<core::option::Option<u8>>"
    );
    assert_eq!(name("epoll_wait", ""), "epoll_wait");
    assert_eq!(name("deflate", "/usr/src/zlib/src/deflate.c"), "deflate");
}
