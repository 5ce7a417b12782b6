//! What each connection is doing, for the report of a hang.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// So many connections are shown.
const SHOWN: usize = 12;

/// Makes the enumeration and its names from one table.
macro_rules! steps {
    ($($step:ident = $name:literal,)*) => {
        /// What a connection is doing.
        #[derive(Clone, Copy, Debug)]
        pub enum Step {
            $($step,)*
        }

        const NAMES: &[&str] = &[$($name),*];
    };
}

steps! {
    Idle = "between two lives",
    Connecting = "connecting",
    Sending = "sending",
    Receiving = "receiving what was sent",
    Both = "sending and receiving at the same time",
    InVain = "waiting for a deadline",
    Ending = "ending",
    Done = "done",
}

/// A slot for each client: the number of its life, and the step in it.
pub struct Board(Vec<AtomicU64>);

impl Board {
    pub fn new(slots: usize) -> Board {
        Board((0..slots).map(|_| AtomicU64::new(0)).collect())
    }

    pub fn begin(&self, slot: usize, life: u64) {
        self.0[slot].store(life << 8 | Step::Idle as u64, Relaxed);
    }

    pub fn note(&self, slot: Option<usize>, step: Step) {
        if let Some(slot) = slot {
            let life = self.0[slot].load(Relaxed) >> 8;
            self.0[slot].store(life << 8 | step as u64, Relaxed);
        }
    }

    pub fn end(&self, slot: usize) {
        self.note(Some(slot), Step::Done);
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut in_step = [0; NAMES.len()];
        for slot in &self.0 {
            in_step[slot.load(Relaxed) as u8 as usize] += 1;
        }
        write!(f, "connections:")?;
        for (count, name) in in_step.iter().zip(NAMES).filter(|(count, _)| **count > 0) {
            write!(f, " {count} {name};")?;
        }
        let unfinished = self.0.iter().map(|slot| slot.load(Relaxed)).enumerate();
        for (i, slot) in unfinished.filter(|(_, slot)| *slot as u8 != Step::Done as u8).take(SHOWN) {
            write!(f, "\n  client {i} in its life {}: {}", slot >> 8, NAMES[slot as u8 as usize])?;
        }
        Ok(())
    }
}
