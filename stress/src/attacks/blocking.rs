//! Closures that block, on spare threads: they borrow from the goroutine, which is parked meanwhile, and which finds itself
//! on its own thread again.

use std::sync::Arc;
use std::thread;

use marmot::{blocking, go};

use crate::counts::What;
use crate::ground::{Ground, Home};

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "blocking", |chance| {
        let calls = chance.pick(&[1, 4, 12]);
        let all: Vec<_> = (0..calls)
            .map(|i| {
                let mut chance = chance.fork();
                go(move || {
                    let (home, mut borrowed) = (Home::here(), [i; 4]);
                    let back = blocking(|| {
                        borrowed[1] += 1;
                        if chance.one_in(2) {
                            thread::sleep(chance.micros(500));
                        }
                        (thread::current().id(), borrowed[1])
                    });
                    home.check();
                    assert_ne!(back.0, thread::current().id(), "a blocking call has run on its goroutine's thread");
                    assert_eq!((back.1, borrowed), (i + 1, [i, i + 1, i, i]), "what a blocking call has borrowed");
                })
            })
            .collect();
        all.into_iter().for_each(|call| call.join().expect("a blocking call has not panicked"));
        ground.count(What::Blocking, calls);
    });
}
