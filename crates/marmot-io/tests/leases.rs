//! That a waiting reader and a waiting scanner hold no buffer while they wait.
//!
//! The buffer is then the first that the pool lends, if nobody else borrows any: so this is one test in a process of its own.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ptr;

use marmot_buf::Lease;
use marmot_io::WaitReadable;
use marmot_io::bufio::{Reader, Scanner};

/// A source of lines that looks, at each wait, whether the buffer that was last read into has gone back.
struct Idle {
    lines: VecDeque<&'static [u8]>,
    last: *const u8,
}

impl Idle {
    fn new() -> Idle {
        Idle { lines: [&b"one\n"[..], b"two\nthr", b"ee\n"].into(), last: ptr::null() }
    }
}

impl Read for Idle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.last = buf.as_ptr();
        let line = self.lines.pop_front().unwrap_or_default();
        buf[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

impl WaitReadable for Idle {
    fn wait_readable(&self) -> io::Result<()> {
        if !self.last.is_null() {
            let free = Lease::new(4096);
            assert!(free.as_ptr_range().contains(&self.last), "a buffer was held while waiting");
        }
        Ok(())
    }
}

#[test]
fn no_buffer_is_held_while_waiting() {
    let mut reader = Reader::with_capacity(4096, Idle::new()).waiting();
    for line in [&b"one\n"[..], b"two\n", b"three\n", b""] {
        assert_eq!(reader.read_slice(b'\n').unwrap(), line);
    }
    let mut scanner = Scanner::new(Idle::new()).waiting();
    for line in [Some(&b"one"[..]), Some(b"two"), Some(b"three"), None] {
        assert_eq!(scanner.scan().unwrap(), line);
    }
}
