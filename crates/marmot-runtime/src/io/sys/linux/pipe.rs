//! Pipes, through which splice(2) moves bytes.
//!
//! A thread keeps a few that are empty. A goroutine that has started stays on its thread, so a pipe goes back to where it
//! came from; and no list is borrowed across a switch. A pipe that still holds bytes when it is dropped is closed. When
//! the process runs out of descriptors, the thread that notices closes those that it keeps ([`spare`]).

use std::cell::RefCell;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice};

use super::splice::BUFFER;
use crate::fd::spare;

/// How many bytes a pipe shall have room for: what an unprivileged process may ask for (`pipe-max-size`, pipe(7)).
pub(super) const ROOM: usize = 1024 * 1024;

/// How many empty pipes a thread keeps.
const KEPT: usize = 4;

/// Pages are moved instead of copied where that can be, and the pipe itself is not waited for.
const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

impl Ends {
    /// A pipe that has room for as many bytes as may be had, up to `room`.
    ///
    /// All the pipes of a user share a limit (`pipe-user-pages-soft`, pipe(7)). Near it a pipe keeps the room that it was
    /// made with, which does; beyond it that is a page or two, and a buffer moves more at a time: there is none then.
    fn open(room: usize) -> Option<Ends> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        let has = fcntl_setpipe_size(&write, room).or_else(|_| fcntl_getpipe_size(&write)).ok()?;
        (has >= BUFFER).then_some(Ends { read, write })
    }
}

thread_local! {
    static EMPTY: RefCell<Vec<Ends>> = const { RefCell::new(Vec::new()) };
}

/// A pipe.
pub(super) struct Pipe {
    /// `None` only while it is being dropped.
    ends: Option<Ends>,
    held: usize,
}

impl Pipe {
    /// An empty pipe; none if no descriptor is left for it, or no memory for one that is worth it.
    pub(super) fn take() -> Option<Pipe> {
        // A thread that is ending has no list any more.
        let kept = EMPTY.try_with(|empty| empty.borrow_mut().pop()).ok().flatten();
        let ends = kept.or_else(|| Ends::open(ROOM))?;
        Some(Pipe { ends: Some(ends), held: 0 })
    }

    /// How many bytes are in it.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Moves up to `count` bytes into it; says how many.
    pub(super) fn draw(&mut self, from: impl AsFd, count: usize) -> Result<usize, Errno> {
        let count = splice(from, None, &self.ends().write, None, count, FLAGS)?;
        self.held += count;
        Ok(count)
    }

    /// Moves bytes out of it, as many as go; says how many.
    pub(super) fn pour(&mut self, to: impl AsFd) -> Result<usize, Errno> {
        let count = splice(&self.ends().read, None, to, None, self.held, FLAGS)?;
        self.held -= count;
        Ok(count)
    }

    fn ends(&self) -> &Ends {
        self.ends.as_ref().expect("a pipe has its ends until it is dropped")
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.held == 0 {
            return Ok(0);
        }
        let count = rustix::io::read(&self.ends().read, buf)?;
        self.held -= count;
        Ok(count)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        if self.held > 0 {
            return;
        }
        let ends = self.ends.take();
        let _ = EMPTY.try_with(|empty| {
            let mut empty = empty.borrow_mut();
            if empty.len() < KEPT {
                empty.extend(ends);
                spare::keep(|| EMPTY.try_with(RefCell::take).map_or(0, |kept| kept.len()));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_that_is_smaller_than_a_buffer_is_none() {
        assert!(Ends::open(BUFFER / 2).is_none());
        assert!(Ends::open(BUFFER).is_some());
    }

    #[test]
    fn the_pipes_that_are_kept_are_given_back() {
        drop([Pipe::take(), Pipe::take()]);
        assert_eq!(EMPTY.with_borrow(Vec::len), 2);
        assert!(spare::give_back());
        assert_eq!(EMPTY.with_borrow(Vec::len), 0);
        assert!(!spare::give_back());
    }
}
