//! Objects that count themselves.

use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering::SeqCst};

use marmot_buf::pool::Reset;

/// A number of objects that there are; a static for each test that counts.
pub struct Living(AtomicIsize);

impl Living {
    pub const fn new() -> Self {
        Living(AtomicIsize::new(0))
    }

    pub fn count(&self) -> isize {
        self.0.load(SeqCst)
    }

    pub fn object(&'static self) -> Counted {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        self.0.fetch_add(1, SeqCst);
        Counted { living: self, number: NUMBERS.fetch_add(1, SeqCst), used: false }
    }
}

/// An object with a number of its own, which is counted as long as it lives.
pub struct Counted {
    living: &'static Living,
    pub number: u64,
    /// Set by whoever has it; two owners at the same time would see it.
    pub used: bool,
}

impl Counted {
    /// Takes it into use, which nobody else may be doing.
    pub fn begin(&mut self) {
        assert!(!self.used, "number {} is used by two", self.number);
        self.used = true;
    }
}

impl Reset for Counted {
    fn reset(&mut self) {
        self.used = false;
    }

    fn is_reset(&self) -> bool {
        !self.used
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.living.0.fetch_sub(1, SeqCst);
    }
}
