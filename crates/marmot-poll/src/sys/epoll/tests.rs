//! What the contract suite cannot see from outside.

use super::*;

#[test]
fn milliseconds_are_rounded_up() {
    let cases = [
        (Duration::ZERO, 0),
        (Duration::from_nanos(1), 1),
        (Duration::from_millis(1), 1),
        (Duration::from_nanos(1_000_001), 2),
        (Duration::from_millis(c_int::MAX as u64), c_int::MAX),
        (Duration::MAX, c_int::MAX),
    ];
    for (timeout, millis) in cases {
        assert_eq!(whole_millis(timeout), millis, "{timeout:?}");
    }
}

#[test]
fn errors_keep_their_kind_and_their_source_and_give_advice() {
    let cases = [
        (init_error(Errno::MFILE), Errno::MFILE, "ulimit -n"),
        (init_error(Errno::NFILE), Errno::NFILE, "fs.file-max"),
        (open_error(Errno::NOSPC), Errno::NOSPC, "fs.epoll.max_user_watches"),
        (open_error(Errno::PERM), Errno::PERM, "regular files"),
    ];
    for (error, errno, advice) in cases {
        assert_eq!(error.kind(), errno.kind());
        assert!(error.to_string().contains(advice), "{error}");
        let explained = error.get_ref().expect("it has been explained");
        let source = explained.source().and_then(|source| source.downcast_ref::<io::Error>());
        let source = source.expect("the system's error is the source");
        assert_eq!(source.raw_os_error(), Some(errno.raw_os_error()));
    }
}

#[test]
fn only_the_first_wake_up_rings() {
    let poller = Epoll::init().expect("a poller can be made");
    for _ in 0..100 {
        poller.wake().expect("a poller can be woken");
    }
    let mut counter = [0; 8];
    rustix::io::read(&poller.bell, &mut counter).expect("the bell has been rung");
    assert_eq!(u64::from_ne_bytes(counter), 1);
}
