//! The contract on a kernel without `epoll_pwait2`: the suite once more, behind a filter that refuses the call.

mod suite;

mod fixtures {
    pub mod unix;
}

use std::cell::Cell;
use std::io;
use std::mem::offset_of;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_DATA, SECCOMP_RET_ERRNO,
    seccomp_data, sock_filter, sock_fprog,
};
use marmot_poll::Backend;

use self::fixtures::unix::Unix;
use self::suite::Fixture;

/// An older kernel, as it is.
mod old_kernel {
    crate::suite::suite!(crate::Refusing<{ libc::ENOSYS }>);
}

/// An older filter of system calls, around a container say.
mod old_filter {
    crate::suite::suite!(crate::Refusing<{ libc::EPERM }>);
}

/// Unix sockets where `epoll_pwait2` fails with `ERRNO`.
struct Refusing<const ERRNO: i32>;

impl<const ERRNO: i32> Fixture for Refusing<ERRNO> {
    type Poller = Backend;
    type End = UnixStream;

    fn prepare() {
        refuse(ERRNO);
    }

    fn pair() -> (UnixStream, UnixStream) {
        Unix::pair()
    }

    fn source(end: &UnixStream) -> BorrowedFd<'_> {
        Unix::source(end)
    }

    fn number(end: &UnixStream) -> RawFd {
        Unix::number(end)
    }

    fn numbers() -> impl Iterator<Item = RawFd> {
        Unix::numbers()
    }

    fn read(end: &UnixStream, buf: &mut [u8]) -> io::Result<usize> {
        Unix::read(end, buf)
    }

    fn write(end: &UnixStream, buf: &[u8]) -> io::Result<usize> {
        Unix::write(end, buf)
    }

    fn finish(end: &UnixStream) {
        Unix::finish(end);
    }
}

/// Makes `epoll_pwait2` fail with `errno` on this thread and those that it starts.
fn refuse(errno: i32) {
    thread_local! {
        static REFUSED: Cell<i32> = const { Cell::new(0) };
    }
    if REFUSED.replace(errno) == errno {
        return;
    }
    let op = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    let mut filter = [
        op(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset_of!(seccomp_data, nr) as u32),
        op(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, libc::SYS_epoll_pwait2 as u32),
        op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (errno as u32 & SECCOMP_RET_DATA)),
        op(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: neither call touches memory but the program, which lives until both have returned.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    assert!(done, "the filter cannot be set up: {}", io::Error::last_os_error());
    // SAFETY: no descriptor, no memory: the call would fail in any case, and what is asked is how.
    let result = unsafe { libc::syscall(libc::SYS_epoll_pwait2, -1, 0, 0, 0, 0, 0) };
    let refused = io::Error::last_os_error().raw_os_error();
    assert_eq!((result, refused), (-1, Some(errno)), "the filter does nothing");
}
