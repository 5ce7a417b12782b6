//! Sleepers of many lengths: none wakes too early, and each wakes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use marmot::{go, park_timeout, sleep, sleep_until};

use crate::chance::Chance;
use crate::counts::What;
use crate::ground::Ground;

const SLEEPERS: u64 = 60;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "time", |chance| {
        let longest = chance.pick(&[50, 1000, 5000, 20_000]);
        let sleepers: Vec<_> = (0..SLEEPERS)
            .map(|_| {
                let mut chance = chance.fork();
                let length = chance.micros(longest);
                go(move || sleep_once(&mut chance, length))
            })
            .collect();
        sleepers.into_iter().for_each(|sleeper| sleeper.join().expect("a sleeper has not panicked"));
        ground.count(What::Sleeps, SLEEPERS);
    });
}

fn sleep_once(chance: &mut Chance, length: Duration) {
    let begun = Instant::now();
    match chance.below(4) {
        0 => sleep_until(begun + length),
        // Nobody unparks it, so the limit ends it.
        1 => park_timeout(length),
        2 => {
            sleep(length / 2);
            sleep_until(begun + length);
        }
        _ => sleep(length),
    }
    let took = begun.elapsed();
    assert!(took >= length, "a sleep of {length:?} ended after {took:?}");
}
