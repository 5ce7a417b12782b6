//! What a writer leaves to its M, also when the writer is handed to another.

use loom::sync::Arc;
use loom::thread;

use crate::left::Left;
use crate::support::{Plain, explore};
use crate::turn::Turn;

struct Writer {
    left: Left,
    turn: Turn,
    /// Both are touched in the turn only.
    gathered: Plain,
    sent: Plain,
}

impl Writer {
    /// A goroutine's part; true if its M is to send after its turn.
    fn write(&self, here: usize) -> bool {
        self.turn.take();
        self.gathered.set(self.gathered.get() + 1);
        self.turn.give();
        self.left.claim(here)
    }

    /// An M's part. If the turn is taken, a goroutine waits for it, which is the same here.
    fn send(&self) {
        self.left.begin();
        if !self.turn.try_take() {
            self.turn.take();
        }
        self.sent.set(self.gathered.get());
        self.turn.give();
    }
}

#[test]
fn nothing_that_was_written_stays_behind() {
    explore(3, || {
        let writer =
            Arc::new(Writer { left: Left::new(), turn: Turn::new(), gathered: Plain::new(0), sent: Plain::new(0) });
        let is_left = writer.write(1);
        // The writer goes to a goroutine of another M before this one has sent.
        let theirs = Arc::clone(&writer);
        let other = thread::spawn(move || {
            for _ in 0..2 {
                if theirs.write(2) {
                    theirs.send();
                }
            }
        });
        assert!(is_left, "nobody else was going to send");
        writer.send();
        other.join().unwrap();
        writer.turn.take();
        assert_eq!((writer.gathered.get(), writer.sent.get()), (3, 3));
        writer.turn.give();
    });
}
