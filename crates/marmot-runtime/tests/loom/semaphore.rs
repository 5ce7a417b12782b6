//! The permits of a semaphore, and who wants several of them.

use loom::sync::Arc;
use loom::thread;

use crate::permits::Permits;
use crate::sched::{Ended, WaitReason};
use crate::support::{Plain, explore};
use crate::wait::{Limit, unless_lost};

struct Guarded {
    permits: Permits,
    /// What is touched with all permits only.
    turns: Plain,
}

/// Three want so many of two permits, one of them within a limit; at the end both are free.
fn take_turns(preemptions: usize, wants: [usize; 3], limit: Limit) {
    explore(preemptions, move || {
        let guarded = Arc::new(Guarded { permits: Permits::new(2), turns: Plain::new(0) });
        let turn = move |guarded: &Guarded, n: usize, limit: Limit| {
            if unless_lost(|| guarded.permits.take(n, WaitReason::Semaphore, limit)) != Some(Ended::Readied) {
                return 0;
            }
            let has_all = n == 2;
            if has_all {
                guarded.turns.set(guarded.turns.get() + 1);
            }
            guarded.permits.give(n);
            usize::from(has_all)
        };
        let others = [(wants[1], Limit::Never), (wants[2], limit)].map(|(n, limit)| {
            let guarded = Arc::clone(&guarded);
            thread::spawn(move || turn(&guarded, n, limit))
        });
        let own = turn(&guarded, wants[0], Limit::Never);
        let all = others.into_iter().map(|other| other.join().unwrap()).sum::<usize>() + own;
        assert!(guarded.permits.try_take(2), "all are free at the end");
        assert_eq!((guarded.permits.free(), guarded.turns.get()), (0, all));
    });
}

#[test]
fn permits_go_round() {
    take_turns(3, [2, 2, 2], Limit::Never);
    take_turns(3, [1, 2, 1], Limit::Never);
}

#[test]
fn who_is_cancelled_keeps_nobody_waiting() {
    take_turns(3, [1, 1, 2], Limit::Cancelled);
    take_turns(3, [2, 1, 2], Limit::Cancelled);
}

#[test]
fn who_wants_more_than_there_are_waits_apart_until_they_are_added() {
    for limit in [Limit::Never, Limit::Cancelled] {
        explore(3, move || {
            let permits = Arc::new(Permits::new(1));
            let wants = {
                let permits = Arc::clone(&permits);
                thread::spawn(move || {
                    let taken = permits.take(2, WaitReason::Semaphore, limit) == Ended::Readied;
                    if taken {
                        permits.give(2);
                    }
                    taken
                })
            };
            let adds = {
                let permits = Arc::clone(&permits);
                thread::spawn(move || permits.add(1))
            };
            // It is not kept waiting, whether they have been added or not.
            assert_eq!(permits.take(1, WaitReason::Semaphore, Limit::Never), Ended::Readied);
            permits.give(1);
            adds.join().unwrap();
            assert!(wants.join().unwrap() || limit == Limit::Cancelled);
            assert!(permits.try_take(2), "all are free at the end");
        });
    }
}

#[test]
fn who_does_not_go_on_keeps_nobody_waiting() {
    for limit in [Limit::Lost, Limit::CancelledAndLost] {
        take_turns(3, [2, 1, 2], limit);
    }
}
