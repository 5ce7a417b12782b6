//! The lock of a read-write lock: readers, writers, and such as are cancelled or do not go on.

use loom::sync::Arc;
use loom::thread;

use crate::raw_rw::RawRw;
use crate::sched::Ended;
use crate::support::{Plain, explore};
use crate::wait::{Limit, unless_lost};

struct Guarded {
    raw: RawRw,
    /// What writers touch alone, and readers together.
    value: Plain,
}

#[derive(Clone, Copy)]
enum Turn {
    Read,
    Write,
    Downgrade,
}

impl Guarded {
    fn new() -> Arc<Guarded> {
        Arc::new(Guarded { raw: RawRw::new(), value: Plain::new(0) })
    }

    /// How much it has written.
    fn turn(&self, turn: Turn, limit: Limit) -> usize {
        let begin = || match turn {
            Turn::Read => self.raw.read(limit),
            _ => self.raw.write(limit),
        };
        if unless_lost(begin) != Some(Ended::Readied) {
            return 0;
        }
        let before = self.value.get();
        if let Turn::Read = turn {
            self.raw.unlock_read();
            return 0;
        }
        self.value.set(before + 1);
        match turn {
            Turn::Downgrade => {
                self.raw.downgrade();
                assert_eq!(self.value.get(), before + 1);
                self.raw.unlock_read();
            }
            _ => self.raw.unlock_write(),
        }
        1
    }
}

/// Three at a time, the last of them with a limit; the lock is free at the end.
fn take_turns(preemptions: usize, turns: [Turn; 3], limit: Limit) {
    explore(preemptions, move || {
        let guarded = Guarded::new();
        let others = [(turns[1], Limit::Never), (turns[2], limit)].map(|(turn, limit)| {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || guarded.turn(turn, limit))
        });
        let own = guarded.turn(turns[0], Limit::Never);
        let written = others.into_iter().map(|other| other.join().unwrap()).sum::<usize>() + own;
        assert!(guarded.raw.try_write(), "the lock is free at the end");
        assert_eq!(guarded.value.get(), written);
        guarded.raw.unlock_write();
        assert!(guarded.raw.try_read());
    });
}

#[test]
fn two_read_and_one_writes() {
    take_turns(3, [Turn::Read, Turn::Read, Turn::Write], Limit::Never);
}

#[test]
fn one_reads_and_two_write() {
    take_turns(3, [Turn::Read, Turn::Write, Turn::Write], Limit::Never);
}

#[test]
fn one_downgrades() {
    take_turns(3, [Turn::Read, Turn::Write, Turn::Downgrade], Limit::Never);
}

#[test]
fn a_writer_that_is_cancelled_keeps_nobody_waiting() {
    take_turns(3, [Turn::Read, Turn::Read, Turn::Write], Limit::Cancelled);
    take_turns(3, [Turn::Read, Turn::Write, Turn::Write], Limit::Cancelled);
}

#[test]
fn a_reader_that_is_cancelled_keeps_nobody_waiting() {
    take_turns(3, [Turn::Write, Turn::Write, Turn::Read], Limit::Cancelled);
}

#[test]
fn a_writer_that_does_not_go_on_keeps_nobody_waiting() {
    for limit in [Limit::Lost, Limit::CancelledAndLost] {
        take_turns(3, [Turn::Read, Turn::Read, Turn::Write], limit);
        take_turns(3, [Turn::Read, Turn::Write, Turn::Write], limit);
    }
}

#[test]
fn a_reader_that_does_not_go_on_keeps_nobody_waiting() {
    take_turns(3, [Turn::Write, Turn::Write, Turn::Read], Limit::Lost);
}
