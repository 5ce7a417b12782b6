//! Pipes, through which splice(2) moves bytes.
//!
//! A thread keeps a few that are empty. A goroutine that has started stays on its thread, so a pipe goes back to where it
//! came from; and no list is borrowed across a switch. A pipe that still holds bytes when it is dropped is closed.

use std::cell::RefCell;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

/// How many bytes a pipe shall have room for: what an unprivileged process may ask for (`pipe-max-size`, pipe(7)).
pub(super) const ROOM: usize = 1024 * 1024;

/// How many empty pipes a thread keeps.
const KEPT: usize = 8;

/// Pages are moved instead of copied where that can be, and the pipe itself is not waited for.
const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

struct Ends {
    read: OwnedFd,
    write: OwnedFd,
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
    /// An empty pipe.
    ///
    /// # Errors
    ///
    /// When no descriptor or no memory is left for it.
    pub(super) fn take() -> Result<Pipe, Errno> {
        // A thread that is ending has no list any more.
        let kept = EMPTY.try_with(|empty| empty.borrow_mut().pop()).ok().flatten();
        let ends = match kept {
            Some(ends) => ends,
            None => {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
                // A user's pipes are limited in all; a smaller one does, too.
                let _ = fcntl_setpipe_size(&write, ROOM);
                Ends { read, write }
            }
        };
        Ok(Pipe { ends: Some(ends), held: 0 })
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
            }
        });
    }
}
