//! Contention of a mutex in the profile: who let it go, and how long the next one had waited.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use common::{LATE, is_in, ms, until, with_procs};
use marmot::WaitReason;
use marmot::sync::{Mutex, MutexGuard};
use marmot_runtime::profile;

const HELD: Duration = Duration::from_millis(50);

#[inline(never)]
fn lets_go(held: MutexGuard<'_, u32>) {
    drop(held);
    black_box(());
}

#[inline(never)]
fn lets_go_alone(held: MutexGuard<'_, u32>) {
    drop(held);
    black_box(());
    black_box(());
}

/// Holds the lock until somebody has waited for it for a while.
fn holds(lock: &Arc<Mutex<u32>>) {
    let mut held = lock.lock().unwrap();
    let theirs = Arc::clone(lock);
    let waits = marmot::go(move || *theirs.lock().unwrap());
    until(|| waits.goroutine().wait_reason() == Some(WaitReason::Mutex));
    marmot::sleep(HELD);
    *held += 1;
    lets_go(held);
    assert_eq!(waits.join().unwrap(), black_box(1));
}

#[test]
fn who_lets_a_contended_mutex_go_is_recorded_when_that_is_wanted() {
    with_procs(1, || {
        holds(&Arc::new(Mutex::new(0)));
        assert!(profile::contention().is_empty(), "nobody has asked for it");
        assert_eq!(profile::set_mutex_fraction(1), 0);
        holds(&Arc::new(Mutex::new(0)));
        lets_go_alone(Mutex::new(0).lock().unwrap());
        profile::set_mutex_fraction(0);
        // When it was let go alone, nobody had waited.
        let found = profile::contention();
        let [one] = &found[..] else { panic!("one place is expected: {found:?}") };
        assert!(is_in(&one.stack, lets_go as fn(MutexGuard<'_, u32>) as usize), "{one:x?}");
        assert_eq!((one.reason, one.count), (None, 1));
        let waited = Duration::from_nanos(one.nanos);
        assert!(waited >= HELD && waited < HELD + ms(50) + LATE, "{waited:?}");
    });
}
