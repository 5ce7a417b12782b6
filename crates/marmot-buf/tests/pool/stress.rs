//! Threads that get and give at random, hand guards to each other, tick and end: no object has two owners, and all are
//! dropped in the end.

use std::sync::Mutex;
use std::thread;

use marmot_buf::{Pool, Pooled, pool};

use crate::behaviour::ticking;
use crate::counted::{Counted, Living};

const THREADS: u64 = 4;
const ROUNDS: u64 = 8;
const STEPS: usize = 20_000;

static LIVING: Living = Living::new();

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }
}

fn run<'p>(pool: &'p Pool<Counted>, exchange: &Mutex<Vec<Pooled<'p, Counted>>>, mut random: Random) {
    let mut held = Vec::new();
    for _ in 0..STEPS {
        match random.below(100) {
            0..=44 if held.len() < 200 => {
                let mut object = pool.get();
                object.begin();
                held.push(object);
            }
            0..=79 => drop(held.pop()),
            80..=84 => held.clear(),
            85..=89 => exchange.lock().expect("nobody panics under it").extend(held.pop()),
            90..=97 => {
                let travelled = exchange.lock().expect("nobody panics under it").pop();
                drop(travelled);
            }
            98 => drop(held.pop().map(Pooled::into_inner)),
            _ if random.below(4) == 0 => pool::tick(),
            _ => drop(pool.stats()),
        }
    }
}

#[test]
fn nothing_is_lent_twice_or_lost() {
    let _ticking = ticking();
    for round in 0..ROUNDS {
        let pool: Pool<Counted> = Pool::new(|| LIVING.object());
        {
            let exchange = Mutex::new(Vec::new());
            thread::scope(|scope| {
                for thread in 0..THREADS {
                    let seed = Random(round * THREADS + thread + 1);
                    let (pool, exchange) = (&pool, &exchange);
                    scope.spawn(move || run(pool, exchange, seed));
                }
            });
        }
        let stats = pool.stats();
        assert_eq!(LIVING.count(), stats.kept as isize, "{stats}");
        assert!(stats.hits > 0 && stats.misses > 0, "{stats}");
        drop(pool);
        assert_eq!(LIVING.count(), 0);
    }
}
