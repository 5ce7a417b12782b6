//! The attributes as programs meet them: compiled, and run.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// On a plain thread `go_local` would run its closure at once.
#[marmot_macros::test]
fn the_body_is_a_goroutine() {
    let ran = Rc::new(Cell::new(false));
    let theirs = Rc::clone(&ran);
    let handle = marmot::go_local(move || theirs.set(true));
    assert!(!ran.get());
    handle.join().unwrap();
    assert!(ran.get());
}

#[marmot_macros::test(procs = 1, stack_size = 4_194_304)]
fn options_reach_the_runtime() {
    // More than the default stack has.
    let block = std::hint::black_box([1_u8; 512 * 1024]);
    assert_eq!(block.iter().map(|&byte| usize::from(byte)).sum::<usize>(), block.len());
}

#[marmot_macros::test]
fn a_result_is_returned() -> io::Result<()> {
    marmot::Builder::new().name("child").spawn(|| ())?.join().unwrap();
    Ok(())
}

#[marmot_macros::test]
#[should_panic(expected = "as it should")]
fn a_panic_is_handed_on() {
    panic!("as it should");
}

#[marmot_macros::test]
#[ignore = "shows that the attribute is kept"]
fn an_ignored_test_does_not_run() {
    unreachable!("it is ignored");
}

/// With Marmot's attribute in scope under the name of the built-in one, a test is still made one once.
mod imported {
    use marmot_macros::test;

    #[test]
    fn the_name_does_not_clash() {
        assert_eq!(marmot::go(|| 1).join().unwrap(), 1);
    }
}

/// A function that calls itself calls what was written, not what was made of it.
mod recursive {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[marmot_macros::main]
    fn main() -> Result<(), std::rc::Rc<str>> {
        // Counts to three, and returns what is not `Send`.
        if CALLS.fetch_add(1, Relaxed) < 2 { main() } else { Ok(()) }
    }

    #[test]
    fn main_returns_an_exit_code() {
        let code: std::process::ExitCode = main();
        assert_eq!(code, std::process::ExitCode::SUCCESS);
        assert_eq!(CALLS.load(Relaxed), 3);
    }
}

#[marmot::test]
fn a_test_may_return_what_is_not_send() -> Result<(), Box<dyn std::error::Error>> {
    Ok("7".parse::<i32>().map(drop)?)
}

#[marmot::test]
#[should_panic(expected = "the test returned an error")]
fn a_test_that_returns_an_error_fails() -> Result<(), Box<dyn std::error::Error>> {
    Ok("seven".parse::<i32>().map(drop)?)
}
