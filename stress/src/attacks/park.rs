//! Pairs of goroutines, one of which parks while the other counts up and unparks it: with limits that race with the
//! notifications, no notification may be lost, and what was counted before it must be seen after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use marmot::{current, go, park, park_timeout, sleep, yield_now};

use crate::chance::Chance;
use crate::counts::What;
use crate::ground::{Ground, Home};

const PAIRS: u64 = 8;
const SIGNALS: u64 = 50;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "park", |chance| {
        let pairs: Vec<_> = (0..PAIRS)
            .map(|_| {
                let (ground, mut chance) = (Arc::clone(ground), chance.fork());
                go(move || {
                    signal(&mut chance);
                    ground.count(What::Unparks, SIGNALS);
                })
            })
            .collect();
        pairs.into_iter().for_each(|pair| pair.join().expect("a pair has not panicked"));
    });
}

fn signal(chance: &mut Chance) {
    let signals = Arc::new(AtomicU64::new(0));
    let (me, theirs, mut their_chance) = (current(), Arc::clone(&signals), chance.fork());
    let signaller = go(move || {
        for _ in 0..SIGNALS {
            // Relaxed: `unpark` and `park` order what was done before and after them.
            theirs.fetch_add(1, Relaxed);
            me.unpark();
            match their_chance.below(8) {
                0 => sleep(their_chance.micros(50)),
                1 => yield_now(),
                _ => {}
            }
        }
    });
    let home = Home::here();
    // A notification that is lost leaves this goroutine parked for ever, and the watchdog says so.
    while signals.load(Relaxed) < SIGNALS {
        match chance.below(4) {
            0 => park(),
            1 => park_timeout(Duration::ZERO),
            _ => park_timeout(chance.micros(50)),
        }
        home.check();
    }
    signaller.join().expect("the signaller has not panicked");
}
