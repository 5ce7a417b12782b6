//! Each rule, with what it finds and what it lets pass.

use std::path::Path;

use super::files::{self, File};
use super::{crates, examine, modules, size};

const LIBRARY: &str = "crates/marmot-runtime/src/sched/find.rs";
const SYS: &str = "crates/marmot-poll/src/sys/mod.rs";
const TEST: &str = "crates/marmot-poll/tests/epoll.rs";

/// The findings in a file of that text, each as `line: rule: advice`.
fn findings(path: &str, text: &str) -> Vec<String> {
    let file = File::new(path.to_owned(), text.to_owned()).expect("the rules look at the file");
    let prefix = format!("{path}:");
    examine(&file)
        .into_iter()
        .map(|finding| finding.strip_prefix(&prefix).expect("a finding has a path").to_owned())
        .collect()
}

/// The same for a Rust file that opens as it should; the lines of `code` count from 1.
fn code_findings(path: &str, code: &str) -> Vec<String> {
    let renumber = |finding: String| {
        let (line, rest) = finding.split_once(':').expect("a finding has a line");
        format!("{}:{rest}", line.parse::<usize>().expect("a line is a number") - 1)
    };
    findings(path, &format!("//! A sample.\n{code}")).into_iter().map(renumber).collect()
}

#[track_caller]
fn assert_starts(found: &[String], expected: &[&str]) {
    let all_start = found.iter().zip(expected).all(|(finding, start)| finding.starts_with(start));
    assert!(all_start && found.len() == expected.len(), "found {found:#?}, expected {expected:#?}");
}

/// The code breaks rules as `expected`, each as `line: rule`.
#[track_caller]
fn assert_found(path: &str, code: &str, expected: &[&str]) {
    assert_starts(&code_findings(path, code), expected);
}

#[track_caller]
fn assert_clean(path: &str, code: &str) {
    assert_found(path, code, &[]);
}

#[test]
fn platforms_are_chosen_in_sys_folders() {
    let code = "#[cfg(unix)]\nmod unix;\n#[cfg(not(any(windows, target_arch = \"arm\")))]\nuse a::b;";
    assert_clean(SYS, code);
    assert_clean("crates/marmot-coro/src/stack/mod.rs", code);
    assert_found(LIBRARY, code, &["1: cfg: `unix` is chosen", "3: cfg: `target_arch` is", "3: cfg: `windows` is"]);
    assert_found("xtask/src/main.rs", "#[cfg(unix)]\nmod unix;", &["1: cfg"]);
    assert_found("crates/marmot-cli/src/main.rs", "fn f() -> bool {\n cfg!(target_os = \"linux\") }", &["2: cfg"]);
}

#[test]
fn platforms_are_chosen_among_modules() {
    assert_clean(SYS, "#[cfg(unix)]\n#[path = \"u.rs\"]\npub(crate) mod unix;");
    assert_clean(SYS, "#[cfg(unix)]\npub type Backend = unix::Kqueue;\n#[cfg(not(unix))]\ncompile_error!(\"none\");");
    assert_found(SYS, "#[cfg(unix)]\nfn f() {}", &["1: cfg: `unix` stands on"]);
    assert_found(SYS, "fn f() {\n #[cfg(unix)]\n use a::b;\n}", &["2: cfg: `unix` stands on"]);
    assert_found(SYS, "fn f() {\n if cfg!(windows) { g() }\n}", &["2: cfg: `windows` stands on"]);
    assert_found(SYS, "#[cfg_attr(unix, inline)]\nfn f() {}", &["1: cfg"]);
    assert_found(SYS, "macro_rules! m { () => {\n #[cfg(unix)] fn f() {} } }", &["2: cfg"]);
}

#[test]
fn tests_may_be_for_a_platform() {
    let code = "#![cfg(target_os = \"linux\")]\nuse a::b;";
    assert_clean(TEST, code);
    assert_found(LIBRARY, code, &["1: cfg"]);
    assert_found(TEST, "#[cfg(unix)]\nfn f() {}", &["1: cfg"]);
}

#[test]
fn other_conditions_are_free() {
    assert_clean(LIBRARY, "#[cfg(test)]\nmod m {}\n#[cfg(all(debug_assertions, feature = \"unix\"))]\nfn f() {}");
    assert_clean(LIBRARY, "/// `#[cfg(unix)]`, in words.\nfn f() { let s = \"cfg!(unix)\"; }");
}

#[test]
fn loom_is_known_in_one_place() {
    let code = "#[cfg(loom)]\npub use loom::sync::atomic;\n#[cfg(not(loom))]\nconst N: usize = 4;";
    assert_clean("crates/marmot-buf/src/primitive.rs", code);
    assert_clean("crates/marmot-buf/tests/loom.rs", "#![cfg(loom)]\nuse a::b;");
    assert_found("crates/marmot-buf/src/list.rs", code, &["1: cfg: `loom`", "3: cfg: `loom`"]);
    assert_found(LIBRARY, "#[cfg(all(test, not(loom)))]\nmod m {}", &["1: cfg: `loom`"]);
}

/// The findings in the manifest of `name` with `tables`.
fn manifest(name: &str, tables: &str) -> Vec<String> {
    findings(&format!("crates/{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{tables}"))
}

#[test]
fn crates_know_those_below() {
    assert_starts(&manifest("marmot", "[dependencies]\nmarmot-runtime.workspace = true\nlibc = \"0.2\""), &[]);
    let upwards = "[dependencies]\nlibc = \"0.2\"\nmarmot-runtime.workspace = true";
    assert_starts(&manifest("marmot-io", upwards), &["5: crates: `marmot-io` may not know `marmot-runtime`"]);
    let sideways = "[dependencies]\nmarmot-poll = { path = \"../marmot-poll\" }";
    assert_starts(&manifest("marmot-coro", sideways), &["4: crates"]);
    assert_starts(&manifest("marmot-cli", "[dependencies]\nmarmot-runtime.workspace = true"), &["4: crates"]);
}

#[test]
fn every_kind_of_dependency_counts() {
    let upwards = ["dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"];
    for table in upwards {
        assert_starts(&manifest("marmot-io", &format!("[{table}]\nmarmot.workspace = true")), &["4: crates"]);
    }
    assert_starts(&manifest("marmot-io", "[dependencies]\nm = { package = \"marmot\" }"), &["4: crates"]);
    assert_starts(&manifest("marmot-io", "[dependencies.marmot]\nworkspace = true"), &["3: crates"]);
    assert_starts(&manifest("marmot-macros", "[dev-dependencies]\nmarmot = { path = \"../marmot\" }"), &[]);
    assert_starts(&manifest("marmot-macros", "[dependencies]\nmarmot = { path = \"../marmot\" }"), &["4: crates"]);
}

#[test]
fn crates_have_a_place() {
    assert_starts(&manifest("marmot-new", ""), &["2: crates: `marmot-new` has no place yet"]);
    assert_starts(&findings("crates/marmot-io/Cargo.toml", "package"), &["1: crates: this is not TOML"]);
}

#[test]
fn both_laws_point_one_way() {
    fn reaches(law: &[(&str, &[&str])], from: &str, to: &str, steps: usize) -> bool {
        assert!(steps > 0, "there is a circle from {from}");
        let known = law.iter().find(|(name, _)| *name == from).map(|(_, known)| *known);
        let known = known.unwrap_or_else(|| panic!("`{from}` is named and has no line of its own"));
        known.iter().any(|next| *next == to || reaches(law, next, to, steps - 1))
    }
    for law in [&crates::LAW[..], &modules::LAW[..]] {
        for (name, _) in law {
            assert!(!reaches(law, name, name, law.len()), "`{name}` stands on itself");
        }
    }
}

/// A file of the runtime with one line.
#[track_caller]
fn assert_runtime(file: &str, code: &str, expected: &[&str]) {
    assert_found(&format!("crates/marmot-runtime/src/{file}"), code, expected);
}

#[test]
fn modules_know_those_below() {
    assert_runtime("net/stream.rs", "use crate::fd::Fd;\nuse crate::sched;\nuse crate::net::addr;", &[]);
    assert_runtime("timer.rs", "use crate::{primitive, sched::{self, G}};", &[]);
    assert_runtime("sched/park.rs", "use crate::timer;", &["1: modules: `sched` may not know `timer`"]);
    assert_runtime("fd/mod.rs", "use crate::{\n sched::{self, net},\n net::{TcpStream},\n};", &["3: modules"]);
    assert_runtime("netpoll/desc.rs", "fn f() {\n crate::fd::g();\n}", &["2: modules"]);
    assert_runtime("rt/mod.rs", "pub(in crate::rt) fn f() { crate::netpoll::g() }", &[]);
    assert_runtime("lib.rs", "use crate::net::TcpStream;", &[]);
    assert_runtime("sync/m.rs", "macro_rules! m { () => { $crate::n!() }; (a) => { $crate::sync::n!() } }", &[]);
    assert_runtime("sync/m.rs", "macro_rules! m { () => { $crate::net::n() } }", &["1: modules"]);
}

#[test]
fn super_counts_where_it_leads() {
    assert_runtime("sched/idle.rs", "use super::g;\nmod tests {\n use super::super::g;\n}", &[]);
    assert_runtime("net/sys/unix.rs", "use super::super::addr;", &[]);
    assert_runtime("sched/idle.rs", "use super::super::fd;", &["1: modules: `sched` may not know `fd`"]);
    assert_runtime("timer.rs", "use super::fd;", &["1: modules"]);
    assert_runtime("timer.rs", "mod inner {\n use super::super::fd;\n}", &["2: modules"]);
}

#[test]
fn modules_have_a_place() {
    assert_runtime("fresh.rs", "", &["0: modules: the module `fresh` has no place yet"]);
    assert_runtime("net/mod.rs", "use crate::WaitReason;", &["1: modules: `WaitReason` is no module"]);
    assert_runtime("net/mod.rs", "use crate::*;", &["1: modules"]);
}

#[test]
fn files_have_a_head() {
    assert_starts(&findings(LIBRARY, "// Finds.\nfn f() {}"), &["1: head"]);
    assert_starts(&findings(LIBRARY, "fn f() {}"), &["1: head"]);
    assert_starts(&findings(LIBRARY, "//! Finds.\n\nfn f() {"), &["3: head: this is not Rust"]);
    assert_starts(&findings(LIBRARY, "//! Finds.\n\nfn f() {}"), &[]);
}

#[test]
fn files_are_short() {
    let long = "\n".repeat(size::MAX_LINES);
    assert_clean(LIBRARY, &long[1..]);
    assert_found(LIBRARY, &long, &["800: size: 801 lines"]);
    assert_clean(TEST, &long);
    assert_clean("crates/marmot/examples/echo.rs", &long);
}

#[test]
fn unsafe_code_is_argued() {
    assert_clean(LIBRARY, "fn f() {\n // SAFETY: it holds.\n unsafe { g() }\n}");
    assert_clean(
        LIBRARY,
        "fn f() {\n // Why. SAFETY: it\n // holds.\n #[inline]\n let x = h(1,\n  unsafe { g() });\n}",
    );
    assert_clean(LIBRARY, "fn f() {\n let x = 1;\n // SAFETY: it holds.\n let s = S { a: 1, ..unsafe { g() } };\n}");
    assert_clean(LIBRARY, "fn f() {\n match x {\n  A => 1,\n  // SAFETY: it holds.\n  B => unsafe { g() },\n }\n}");
    assert_clean(LIBRARY, "// SAFETY: it has no threads' own parts.\nunsafe impl Send for G {}");
    let bare = "fn f() {\n unsafe { g() }\n}\nunsafe impl<T> Sync for G<T> {}\nunsafe extern \"C\" {\n fn c();\n}";
    assert_found(LIBRARY, bare, &["2: safety", "4: safety", "5: safety"]);
    assert_found(TEST, "macro_rules! m { () => {\n unsafe { g() } } }", &["2: safety"]);
}

#[test]
fn an_argument_is_for_what_follows_it() {
    let apart = "fn f() {\n // SAFETY: it holds.\n g();\n unsafe { h() }\n}";
    assert_found(LIBRARY, apart, &["4: safety"]);
    let arms = "fn f() {\n match x {\n  // SAFETY: it holds.\n  A => unsafe { g() },\n  B => unsafe { h() },\n }\n}";
    assert_found(LIBRARY, arms, &["5: safety"]);
    let body = "fn f() {\n // SAFETY: it holds.\n if x {\n  unsafe { g() }\n }\n}";
    assert_found(LIBRARY, body, &["4: safety"]);
}

#[test]
fn unsafe_functions_are_documented() {
    let documented = "/// Ends it.\n///\n/// # Safety\n///\n/// It runs.\n#[inline]\npub unsafe fn end() {}";
    assert_clean(LIBRARY, documented);
    assert_clean(LIBRARY, &documented.replace("unsafe fn", "unsafe extern \"C\" fn"));
    assert_found(LIBRARY, "/// Ends it.\npub(crate) unsafe fn end() {}", &["2: safety: say in a section"]);
    assert_found(LIBRARY, "/// A list.\nunsafe trait Linked {\n /// # Safety\n unsafe fn f();\n}", &["2: safety"]);
    assert_found(LIBRARY, "impl<F: for<'a> Fn(&'a u8)> G<F> {\n unsafe fn end() {}\n}", &["2: safety"]);
    assert_clean(LIBRARY, "impl<A, B> Linked for G<A, B> {\n unsafe fn end() {}\n}");
    assert_clean(LIBRARY, "struct V {\n run: unsafe fn(u8),\n}\nfn f(g: unsafe extern \"C\" fn(u8)) {}");
}

#[test]
fn nobody_goes_from_a_field_to_what_is_around_it() {
    let goes = "fn f(t: NonNull<T>) -> NonNull<R> {\n    // SAFETY: none.\n    unsafe { t.byte_sub(8).cast() }\n}";
    assert_found(LIBRARY, goes, &["3: container"]);
    assert_found(TEST, goes, &["3: container"]);
    assert_clean("crates/marmot-runtime/src/sched/timers.rs", goes);
    assert_clean(LIBRARY, &goes.replace("byte_sub", "byte_add"));
}

#[test]
fn tests_do_not_sleep() {
    let sleeps = "use std::thread;\nfn f() { thread::sleep(D) }";
    assert_clean(LIBRARY, sleeps);
    assert_found(TEST, sleeps, &["2: sleep"]);
    assert_found("crates/marmot-poll/src/sys/epoll/tests.rs", sleeps, &["2: sleep"]);
    assert_found(TEST, "use std::thread::{self, sleep};", &["1: sleep"]);
    assert_clean(TEST, "use std::thread::{self, park_timeout};\nfn f() { marmot::sleep(D) }");
}

#[test]
fn parts_of_a_file_may_be_tests() {
    let sleep = "{ std::thread::sleep(D) }";
    for head in ["mod tests", "#[cfg(test)]\nmod m", "#[cfg(all(test, feature = \"x\"))] fn f()", "#[test] fn f()"] {
        let lines = head.lines().count();
        assert_found(LIBRARY, &format!("{head} {sleep}"), &[&format!("{lines}: sleep")]);
    }
    assert_found(LIBRARY, "mod tests { mod inner { fn f() { thread::sleep(D) } } }", &["1: sleep"]);
    assert_found(LIBRARY, "#![cfg(test)]\nfn f() { thread::sleep(D) }", &["2: sleep"]);
    assert_clean(LIBRARY, &format!("#[cfg(not(test))]\nfn f() {sleep}\nfn test(test: u8) {sleep}"));
}

#[test]
fn nothing_is_left_for_later() {
    let drafts = "fn f() {\n todo!();\n dbg!(x);\n unimplemented!(\"y\")\n}";
    assert_found(LIBRARY, drafts, &["2: unfinished", "3: unfinished", "4: unfinished"]);
    assert_clean(LIBRARY, "/// Not `todo!()`.\nfn f() { unreachable!(\"todo!()\") }\nfn g(todo: u8) { todo != 1; }");
}

#[test]
fn words_are_the_projects_own() {
    assert_found(LIBRARY, "struct TaskList;", &["1: words: `TaskList` says task: here it is goroutine"]);
    assert_found(LIBRARY, "fn f() { wake_worker();\n g.wakers() }", &["1: words", "2: words"]);
    assert_found(
        TEST,
        "const MAX_FIBERS: u8 = 1;\nuse a::driver;\nlet executor = 1;",
        &["1: words", "2: words", "3: words"],
    );
    assert_clean(LIBRARY, "/// Not a task.\nfn wake() { let multitasking = \"worker\"; } struct Awaker;");
    assert_clean("xtask/src/main.rs", "struct Task;");
}

#[test]
fn nothing_tells_of_a_machine() {
    let folder = ["/", "work", "/"].concat();
    assert_starts(&findings("README.md", &format!("Clone.\nRun `{folder}run`.")), &["2: neutral"]);
    assert_found(LIBRARY, &format!("// See {folder}notes."), &["1: neutral"]);
    assert_starts(&findings("README.md", &format!("See https://a.org{folder}x and src{folder}x.")), &[]);
}

#[test]
fn the_workspace_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace");
    let files = files::read(root).expect("the workspace can be read");
    for path in ["xtask/Cargo.toml", "xtask/src/tidy/tests.rs", "crates/marmot/src/lib.rs"] {
        assert!(files.iter().any(|file| file.path == path), "{path} is not looked at");
    }
}
