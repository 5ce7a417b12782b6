//! What belongs to a poller, and the buffer.

use std::panic;

use marmot_poll::{Buffer, Contract};

use super::{Bench, Fixture};

pub fn the_pollers_own_descriptors_are_known<F: Fixture>() {
    let bench = Bench::<F>::new();
    let other = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, 1);
    assert!(!bench.poller.is_poll_descriptor(F::number(&here)));
    assert!(!bench.poller.is_poll_descriptor(F::number(&there)));
    let own = F::numbers().filter(|&number| bench.poller.is_poll_descriptor(number)).count();
    assert!(own > 0, "a poller has a descriptor");
    let shared = F::numbers()
        .filter(|&number| bench.poller.is_poll_descriptor(number) && other.poller.is_poll_descriptor(number));
    assert_eq!(shared.count(), 0, "each poller has its own");
}

pub fn a_buffer_has_its_capacity<F: Fixture>() {
    for capacity in [1, 2, 64, 1024] {
        let bench = Bench::<F>::with_capacity(capacity);
        assert!(bench.events.capacity() >= capacity);
        assert_eq!(bench.events.iter().count(), 0);
    }
}

pub fn a_buffer_of_nothing_is_refused<F: Fixture>() {
    let made = panic::catch_unwind(|| drop(<F::Poller as Contract>::Events::with_capacity(0)));
    assert!(made.is_err());
}
