//! How many Ps a runtime has: what the program says, or `MARMOT_MAXPROCS`, or the cores.

#![cfg(target_os = "linux")]

mod common;

use std::io::ErrorKind;
use std::{fs, thread};

use common::{LIMIT, Outcome, in_child_with, runtime, until};

/// How many Ms this process runs.
fn ms_here() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default());
    names.filter(|name| name.starts_with("marmot-m")).count()
}

#[track_caller]
fn with_maxprocs(name: &str, value: &str, procs: impl FnOnce() -> usize + Send + 'static) -> Outcome {
    in_child_with(
        name,
        |command| command.env("MARMOT_MAXPROCS", value),
        move || {
            let procs = procs();
            assert_eq!(marmot::go(|| 1).join().unwrap(), 1);
            // A thread gets its name when it first runs.
            until(|| ms_here() == procs);
            // One that is configured does not ask, and one that is not does.
            assert_eq!(runtime(2).procs(), 2);
            let rt = marmot::Runtime::new().unwrap();
            assert_eq!(rt.procs(), procs);
            rt.shutdown(LIMIT).unwrap();
        },
    )
}

#[test]
fn maxprocs_is_honoured() {
    let outcome = with_maxprocs("maxprocs_is_honoured", "3", || 3);
    outcome.assert_success();
    assert!(!outcome.stderr.contains("MARMOT_MAXPROCS"), "{}", outcome.stderr);
}

#[test]
fn a_maxprocs_that_is_no_number_is_reported() {
    let cores = || thread::available_parallelism().unwrap().get();
    for value in ["0", "two", "", "-1", "100000"] {
        let outcome = with_maxprocs("a_maxprocs_that_is_no_number_is_reported", value, cores);
        outcome.assert_success();
        outcome.assert_says(&format!("marmot: MARMOT_MAXPROCS is '{value}'"));
    }
}

#[test]
fn a_runtime_says_what_it_cannot_have() {
    for procs in [0, 1025, usize::MAX] {
        let error = marmot::Runtime::builder().procs(procs).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("1 to 1024"), "{error}");
    }
}
