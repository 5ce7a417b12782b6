//! Small runtimes that are built, used and shut down beside the large one, with goroutines waiting in them in every way.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use marmot::net::{TcpListener, TcpStream};
use marmot::{Runtime, go, park, sleep};

use crate::chance::Chance;
use crate::counts::What;
use crate::ground::Ground;

/// Each leaves a few kilobytes behind, so there are only so many in a round.
const MOST: u64 = 200;

/// And these leave a stack and a thread behind.
const MOST_WITH_LEFT: u64 = 3;

/// How long those are waited for that never end.
const SHORT: Duration = Duration::from_millis(100);

pub fn run(ground: &Arc<Ground>, _: &Runtime) {
    let (mut chance, mut with_left) = (ground.chance("runtimes", &[]), 0);
    for _ in 0..MOST {
        if ground.is_over() {
            break;
        }
        if with_left < MOST_WITH_LEFT && chance.one_in(10) {
            with_left += 1;
            ground.left.fetch_add(leave(&mut chance), Relaxed);
        } else {
            use_up(ground, &mut chance);
        }
        ground.count(What::Runtimes, 1);
        ground.rest(&mut chance);
    }
}

/// A runtime whose goroutines wait for descriptors, which its shutdown ends.
fn use_up(ground: &Ground, chance: &mut Chance) {
    let runtime = Runtime::builder().procs(chance.up_to(3)).build().expect("a runtime starts");
    let ended = Arc::new(AtomicU64::new(0));
    let waiting = wait_in_every_way(&runtime, &ended);
    marmot::sleep(chance.micros(500));
    runtime.shutdown(ground.patience).expect("the shutdown has ended all waits for descriptors");
    assert_eq!(ended.load(Relaxed), waiting, "goroutines that waited when the runtime was shut down");
}

/// Returns how many goroutines wait for descriptors.
fn wait_in_every_way(runtime: &Runtime, ended: &Arc<AtomicU64>) -> u64 {
    let ended = Arc::clone(ended);
    runtime.run(move || {
        let listener = TcpListener::bind("127.0.0.10:0").expect("a port is free");
        let mut here = TcpStream::connect(listener.local_addr().expect("it has an address")).expect("it listens");
        let (mut there, _) = listener.accept().expect("one has connected");
        here.write_all(b"x").expect("the other end is open");
        there.read_exact(&mut [0]).expect("a byte was written");
        let mut clone = there.try_clone().expect("a clone costs nothing");
        let ends: [Box<dyn FnOnce() + Send>; 3] = [
            Box::new(move || assert!(listener.accept().is_err())),
            // The other end may have been told first, and be gone.
            Box::new(move || assert!(!matches!(here.read(&mut [0]), Ok(1..)))),
            Box::new(move || assert!(!matches!(clone.read(&mut [0]), Ok(1..)))),
        ];
        // First, for it takes its turn to read, and the clone waits for that.
        let count = Arc::clone(&ended);
        there.go_when_readable(move |mut conn| {
            assert!(!matches!(conn.read(&mut [0]), Ok(1..)));
            count.fetch_add(1, Relaxed);
        });
        for end in ends {
            let ended = Arc::clone(&ended);
            go(move || {
                end();
                ended.fetch_add(1, Relaxed);
            });
        }
        4
    })
}

/// A runtime that is shut down while goroutines wait for what nobody can end. Returns how many those were.
fn leave(chance: &mut Chance) -> usize {
    let runtime = Runtime::builder().procs(chance.up_to(2)).build().expect("a runtime starts");
    let all = [runtime.go(park), runtime.go(|| sleep(Duration::from_secs(1 << 30)))];
    let begun = Instant::now();
    while all.iter().any(|one| one.goroutine().wait_reason().is_none()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "goroutines that only wait have not come to it");
        marmot::sleep(chance.micros(100));
    }
    let left = runtime.shutdown(SHORT).expect_err("two goroutines never end").left();
    assert_eq!(left, all.len() as u64, "goroutines that were left");
    all.len()
}
