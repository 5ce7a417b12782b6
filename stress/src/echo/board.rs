//! What each connection is doing, for the report of a hang.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::order::Kind;
use super::plan::{End, Plan};

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

/// A slot for each client, packed: the number of its life, the kind of server, the end, and the step.
pub struct Board(Vec<AtomicU64>);

const LIFE: u32 = 24;
const KIND: u32 = 16;
const END: u32 = 8;

impl Board {
    pub fn new(slots: usize) -> Board {
        Board((0..slots).map(|_| AtomicU64::new(0)).collect())
    }

    pub fn begin(&self, slot: usize, life: u64) {
        self.0[slot].store(life << LIFE | Step::Idle as u64, Relaxed);
    }

    pub fn note_plan(&self, slot: Option<usize>, plan: &Plan) {
        if let Some(slot) = slot {
            // One goroutine at a time writes a slot.
            let life = self.0[slot].load(Relaxed) >> LIFE;
            let (kind, end) = (plan.kind as u64, plan.end as u64);
            self.0[slot].store(life << LIFE | kind << KIND | end << END | Step::Connecting as u64, Relaxed);
        }
    }

    pub fn note(&self, slot: Option<usize>, step: Step) {
        if let Some(slot) = slot {
            let rest = self.0[slot].load(Relaxed) & !0xff;
            self.0[slot].store(rest | step as u64, Relaxed);
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
            let (kind, end) = (Kind::ALL[(slot >> KIND) as u8 as usize], End::ALL[(slot >> END) as u8 as usize]);
            let step = NAMES[slot as u8 as usize];
            write!(f, "\n  client {i} in its life {}: {step}; server {kind:?}, end {end:?}", slot >> LIFE)?;
        }
        Ok(())
    }
}
