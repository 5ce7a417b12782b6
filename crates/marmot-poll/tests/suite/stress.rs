//! Many threads at once: nothing is lost.

use std::io::ErrorKind;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;
use std::time::Instant;

use marmot_poll::{Buffer, Contract, Key};

use super::{Bench, Fixture, GivesUp, PATIENCE, fill};

const STREAMS: usize = 8;
const BYTES: usize = 64 * 1024;

/// Writes `BYTES` bytes in small pieces, and closes the sending side.
fn write_all<F: Fixture>(end: &F::End, given_up: &AtomicBool) {
    let mut left = BYTES;
    while left > 0 && !given_up.load(Relaxed) {
        match F::write(end, &[7; 61][..left.min(61)]) {
            Ok(count) => left -= count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            Err(e) => panic!("a healthy stream failed: {e}"),
        }
    }
    F::finish(end);
}

/// What a poll's caller keeps of one stream.
#[derive(Default)]
struct Intake {
    bytes: AtomicUsize,
    ended: AtomicBool,
}

impl Intake {
    /// Reads until the stream would block or has ended, as an edge obliges one to.
    fn read_all<F: Fixture>(&self, end: &F::End) {
        let mut buf = [0; 256];
        loop {
            match F::read(end, &mut buf) {
                Ok(0) => return self.ended.store(true, Release),
                Ok(count) => _ = self.bytes.fetch_add(count, Relaxed),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) => panic!("a healthy stream failed: {e}"),
            }
        }
    }
}

/// Threads write to as many streams and wake, one reads what the polls report: all bytes, all ends, all wake-ups.
pub fn nothing_is_lost_under_load<F: Fixture>() {
    const WAKE_UPS: usize = 2000;
    let mut bench = Bench::<F>::with_capacity(3);
    let pairs: Vec<_> = (0..STREAMS).map(|_| F::pair()).collect();
    let intakes: Vec<_> = (0..STREAMS).map(|_| Intake::default()).collect();
    let said = AtomicUsize::new(0);
    let given_up = AtomicBool::new(false);
    for (key, (here, _)) in (0..).zip(&pairs) {
        bench.open(here, key);
    }
    thread::scope(|s| {
        let (poller, events) = bench.split();
        for (_, there) in &pairs {
            s.spawn(|| write_all::<F>(there, &given_up));
        }
        for _ in 0..2 {
            s.spawn(|| {
                for _ in 0..WAKE_UPS {
                    said.fetch_add(1, Relaxed);
                    poller.wake().expect("a poller can be woken");
                    thread::yield_now();
                }
            });
        }
        let is_done = || said.load(Relaxed) == 2 * WAKE_UPS && intakes.iter().all(|intake| intake.ended.load(Acquire));
        let _gives_up = GivesUp(&given_up);
        while !is_done() {
            let start = Instant::now();
            poller.poll(events, Some(PATIENCE)).expect("a poll does not fail");
            assert!(start.elapsed() < PATIENCE, "an event or a wake-up was lost");
            for event in events.iter().filter(|event| event.readable) {
                let i = event.key.get() as usize;
                intakes[i].read_all::<F>(&pairs[i].0);
            }
        }
    });
    for intake in &intakes {
        assert_eq!(intake.bytes.load(Relaxed), BYTES);
    }
}

/// Two threads poll the same poller while others write: each event goes to one of them, and none to neither.
pub fn nothing_is_lost_between_two_polling_threads<F: Fixture>() {
    let bench = Bench::<F>::new();
    let poller = &bench.poller;
    let pairs: Vec<_> = (0..STREAMS).map(|_| F::pair()).collect();
    let intakes: Vec<_> = (0..STREAMS).map(|_| Intake::default()).collect();
    let given_up = AtomicBool::new(false);
    for (key, (here, _)) in (0..).zip(&pairs) {
        poller.open(F::source(here), Key::new(key)).expect("a stream can be polled");
    }
    let is_done = || intakes.iter().all(|intake| intake.ended.load(Acquire));
    thread::scope(|s| {
        for (_, there) in &pairs {
            s.spawn(|| write_all::<F>(there, &given_up));
        }
        for _ in 0..2 {
            s.spawn(|| {
                F::prepare();
                let mut events = Buffer::with_capacity(2);
                let _gives_up = GivesUp(&given_up);
                while !is_done() {
                    let start = Instant::now();
                    poller.poll(&mut events, Some(PATIENCE)).expect("a poll does not fail");
                    assert!(start.elapsed() < PATIENCE, "an event was lost");
                    for event in events.iter().filter(|event| event.readable) {
                        let i = event.key.get() as usize;
                        intakes[i].read_all::<F>(&pairs[i].0);
                    }
                }
                // The other one may be asleep, and has nothing more to hear of.
                poller.wake().expect("a poller can be woken");
            });
        }
    });
    for intake in &intakes {
        assert_eq!(intake.bytes.load(Relaxed), BYTES);
    }
    // The poller is as good as before.
    let mut bench = bench;
    bench.settle();
    let (here, there) = F::pair();
    fill::<F>(&there);
    bench.open(&here, 99);
    bench.wait_for(99, |event| event.readable);
}
