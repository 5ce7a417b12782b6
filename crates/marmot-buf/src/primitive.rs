//! The one switch between `std` and loom.
//!
//! The linked buffer takes its atomics, cells and allocations from here, so that the model in `tests/loom.rs` runs the
//! very code that ships. Under the model nodes are a few bytes large, none is kept for later, and each byte leaves a
//! trace that loom checks for races.

#[cfg(not(loom))]
mod real {
    pub(crate) use std::alloc::{alloc_zeroed, dealloc};
    pub(crate) use std::sync::{Arc, atomic};
    pub(crate) use std::thread::yield_now;

    use std::ops::Range;

    /// A cell whose accesses are scoped, as loom wants them.
    pub(crate) struct Cell<T>(std::cell::UnsafeCell<T>);

    impl<T> Cell<T> {
        pub(crate) fn new(value: T) -> Self {
            Cell(std::cell::UnsafeCell::new(value))
        }

        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// Nothing: accesses of bytes are checked under the model only.
    pub(crate) struct Traces;

    impl Traces {
        pub(crate) fn new(_capacity: usize) -> Self {
            Traces
        }

        #[inline(always)]
        pub(crate) fn len(&self) -> usize {
            0
        }

        #[inline(always)]
        pub(crate) fn read(&self, _range: Range<usize>) {}

        #[inline(always)]
        pub(crate) fn write(&self, _range: Range<usize>) {}
    }

    pub(crate) const SMALLEST_NODE: usize = 512;
}

#[cfg(loom)]
mod real {
    pub(crate) use loom::alloc::{alloc_zeroed, dealloc};
    pub(crate) use loom::cell::UnsafeCell as Cell;
    pub(crate) use loom::sync::{Arc, atomic};
    pub(crate) use loom::thread::yield_now;

    use std::ops::Range;

    /// A cell for each byte of a node: loom finds two accesses that nothing orders.
    pub(crate) struct Traces(Vec<Cell<()>>);

    impl Traces {
        pub(crate) fn new(capacity: usize) -> Self {
            Traces((0..capacity).map(|_| Cell::new(())).collect())
        }

        pub(crate) fn len(&self) -> usize {
            self.0.len()
        }

        pub(crate) fn read(&self, range: Range<usize>) {
            self.0[range].iter().for_each(|byte| byte.with(|_| ()));
        }

        pub(crate) fn write(&self, range: Range<usize>) {
            self.0[range].iter().for_each(|byte| byte.with_mut(|_| ()));
        }
    }

    pub(crate) const SMALLEST_NODE: usize = 2;
}

pub(crate) use real::*;

/// Whether this is built for a model.
pub(crate) const MODELLED: bool = cfg!(loom);
