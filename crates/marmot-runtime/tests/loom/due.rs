//! What timers and channels need of what is done later: those who are to be readied.

use std::ptr::NonNull;

use crate::sched::{self, G};

pub struct Due(Vec<NonNull<G>>);

impl Due {
    pub fn new() -> Due {
        Due(Vec::new())
    }

    pub fn push(&mut self, gp: NonNull<G>) {
        self.0.push(gp);
    }

    pub fn settle(self) {
        self.0.into_iter().for_each(sched::ready);
    }
}
