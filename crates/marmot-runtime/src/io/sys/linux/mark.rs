//! Whether a connection has come to its urgent byte.

use std::os::fd::AsRawFd;

/// The request's number on every architecture that Rust and Linux have in common but MIPS, which has no request of this
/// number (asm-generic/sockios.h).
const SIOCATMARK: u32 = 0x8905;

/// Whether the next byte to be read is the urgent one (`MSG_OOB`), as sockatmark(3) tells; `false` also where that cannot
/// be known.
pub(super) fn is_at_mark(socket: &impl AsRawFd) -> bool {
    let mut at_mark: libc::c_int = 0;
    // SAFETY: the request writes one integer to where it is told to, and keeps nothing (tcp_ioctl in net/ipv4/tcp.c).
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCATMARK as _, &raw mut at_mark) };
    result == 0 && at_mark != 0
}
