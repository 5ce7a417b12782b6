//! Running out of descriptors. Alone in its program, because the limit is the process's.

use std::io;

use marmot_poll::Poller;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_poller_without_descriptors_says_which_limit_to_raise() {
    let limit = getrlimit(Resource::Nofile);
    // No new number is below it.
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limit }).expect("a limit may be lowered");
    let failed = Poller::init();
    setrlimit(Resource::Nofile, limit).expect("and raised to what it was");

    let error = failed.expect_err("there are no descriptors left");
    assert!(error.to_string().contains("ulimit -n"), "{error}");
    let source = error.get_ref().and_then(|explained| explained.source());
    let source = source.and_then(|source| source.downcast_ref::<io::Error>()).expect("the system's own error");
    assert_eq!(source.raw_os_error(), Some(libc::EMFILE));
    assert_eq!(error.kind(), source.kind());
    Poller::init().expect("and now there are some");
}
