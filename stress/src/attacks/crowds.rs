//! Crowds: more goroutines at once than a P's queue holds, which wait unstarted and are taken by whoever has time. All of
//! them run, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use marmot::{go, sleep};

use crate::counts::What;
use crate::ground::{Ground, Home};

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "crowds", |chance| {
        let size = chance.pick(&[300, 700, 1500]);
        let ran: Arc<Vec<AtomicU64>> = Arc::new((0..size).map(|_| AtomicU64::new(0)).collect());
        let all: Vec<_> = (0..size)
            .map(|i| {
                let (ran, mut chance) = (Arc::clone(&ran), chance.fork());
                go(move || {
                    ran[i].fetch_add(1, Relaxed);
                    // Some settle, and stay where they are.
                    if chance.one_in(16) {
                        let home = Home::here();
                        sleep(chance.micros(200));
                        home.check();
                    }
                })
            })
            .collect();
        // Half of them are joined by another goroutine, and the rest end unseen.
        let (joined, unseen) = all.into_iter().enumerate().partition::<Vec<_>, _>(|(i, _)| i % 2 == 0);
        drop(unseen);
        go(move || joined.into_iter().for_each(|(_, one)| one.join().expect("it has not panicked")))
            .join()
            .expect("the joiner has not panicked");
        while ran.iter().any(|times| times.load(Relaxed) == 0) {
            sleep(chance.micros(100));
        }
        assert!(ran.iter().all(|times| times.load(Relaxed) == 1), "a goroutine has run twice");
        ground.count(What::Crowds, size as u64);
    });
}
