//! The linked buffer beside what else moves bytes from one thread to another: a mutexed queue and two rings.
//!
//! ```sh
//! cargo bench --package marmot-buf --bench linked              # two threads, by the size of a piece
//! cargo bench --package marmot-buf --bench linked -- same      # one thread, requests and answers
//! ```
//!
//! All have room for 64 KiB, and their sides park when it is full or empty. Rounds are interleaved, so that what else the
//! machine does is the same for all; figures are the best and the median of many short rounds. That the bytes arrive is
//! checked before, and not in the rounds.

use std::collections::VecDeque;
use std::env;
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst, fence};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, Thread};
use std::time::Instant;

use marmot_buf::linked;
use ringbuf::traits::{Consumer as _, Producer as _, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// How many bytes each buffer has room for.
const ROOM: usize = linked::HIGH_WATER;

/// How many rounds each buffer has.
const ROUNDS: usize = 31;

/// The writing end of a buffer.
trait Sender: Send + 'static {
    fn send(&mut self, bytes: &[u8]);
}

/// The reading end of a buffer.
trait Receiver: Send + 'static {
    /// Takes some bytes; none at the end.
    fn receive(&mut self, buf: &mut [u8]) -> usize;
}

// The linked buffer.

impl Sender for linked::Producer {
    fn send(&mut self, bytes: &[u8]) {
        self.write_all(bytes).expect("somebody reads");
    }
}

impl Receiver for linked::Consumer {
    fn receive(&mut self, buf: &mut [u8]) -> usize {
        self.read(buf).expect("it ends in good order")
    }
}

// The mutexed queue. Who waits is woken when half has been used, or as soon as there is something.

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    readable: Condvar,
    writable: Condvar,
}

#[derive(Default)]
struct QueueState {
    bytes: VecDeque<u8>,
    ended: bool,
    reader_waits: bool,
    writer_waits: bool,
}

struct QueueSender(Arc<Queue>);
struct QueueReceiver(Arc<Queue>);

fn queue() -> (QueueSender, QueueReceiver) {
    let queue = Arc::new(Queue::default());
    queue.state.lock().expect("nobody panics").bytes.reserve(2 * ROOM);
    (QueueSender(Arc::clone(&queue)), QueueReceiver(queue))
}

impl Sender for QueueSender {
    fn send(&mut self, bytes: &[u8]) {
        let mut state = self.0.state.lock().expect("nobody panics");
        while state.bytes.len() >= ROOM {
            state.writer_waits = true;
            state = self.0.writable.wait(state).expect("nobody panics");
        }
        state.bytes.extend(bytes);
        if std::mem::take(&mut state.reader_waits) {
            drop(state);
            self.0.readable.notify_one();
        }
    }
}

impl Drop for QueueSender {
    fn drop(&mut self) {
        self.0.state.lock().expect("nobody panics").ended = true;
        self.0.readable.notify_one();
    }
}

impl Receiver for QueueReceiver {
    fn receive(&mut self, buf: &mut [u8]) -> usize {
        let mut state = self.0.state.lock().expect("nobody panics");
        while state.bytes.is_empty() && !state.ended {
            state.reader_waits = true;
            state = self.0.readable.wait(state).expect("nobody panics");
        }
        // This copies both slices of the queue by `memcpy`.
        let count = state.bytes.read(buf).expect("it is memory");
        if state.writer_waits && state.bytes.len() <= ROOM / 2 {
            state.writer_waits = false;
            drop(state);
            self.0.writable.notify_one();
        }
        count
    }
}

// The rings, which have no waiting of their own: a flag and a handle for each side.

#[derive(Default)]
struct Waiting {
    reader: Side,
    writer: Side,
    ended: AtomicBool,
}

#[derive(Default)]
struct Side {
    waits: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Side {
    /// Calls `attempt` until it says other than 0, or `ended` is true, parking in between.
    fn wait(&self, ended: &AtomicBool, mut attempt: impl FnMut() -> usize) -> usize {
        self.thread.get_or_init(thread::current);
        loop {
            let count = attempt();
            if count > 0 {
                return count;
            }
            self.waits.store(true, SeqCst);
            fence(SeqCst);
            let has_ended = ended.load(SeqCst);
            let count = attempt();
            if count > 0 || has_ended {
                self.waits.store(false, SeqCst);
                return count;
            }
            thread::park();
        }
    }

    fn wake(&self) {
        fence(SeqCst);
        if self.waits.load(SeqCst)
            && self.waits.swap(false, SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

/// The end of a ring, of which it is known how bytes are put in or taken out.
struct End<T: RingEnd>(T, Arc<Waiting>);

trait RingEnd: Send + 'static {
    /// Whether half of the ring is free, by the reader's view.
    fn is_half_free(&self) -> bool {
        true
    }

    /// Puts in what there is room for.
    fn put(&mut self, _bytes: &[u8]) -> usize {
        0
    }

    /// Takes out what is there.
    fn take(&mut self, _buf: &mut [u8]) -> usize {
        0
    }
}

impl<T: RingEnd> Sender for End<T> {
    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.1.writer.wait(&AtomicBool::new(false), || self.0.put(bytes));
            bytes = &bytes[count..];
            self.1.reader.wake();
        }
    }
}

impl<T: RingEnd> Receiver for End<T> {
    fn receive(&mut self, buf: &mut [u8]) -> usize {
        let count = self.1.reader.wait(&self.1.ended, || self.0.take(buf));
        if self.0.is_half_free() {
            self.1.writer.wake();
        }
        count
    }
}

impl<T: RingEnd> Drop for End<T> {
    fn drop(&mut self) {
        self.1.ended.store(true, SeqCst);
        self.1.reader.wake();
    }
}

impl RingEnd for rtrb::Producer<u8> {
    fn put(&mut self, bytes: &[u8]) -> usize {
        // It fails when the ring is full.
        self.write(bytes).unwrap_or(0)
    }
}

impl RingEnd for rtrb::Consumer<u8> {
    fn is_half_free(&self) -> bool {
        self.slots() <= ROOM / 2
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        self.read(buf).unwrap_or(0)
    }
}

impl RingEnd for HeapProd<u8> {
    fn put(&mut self, bytes: &[u8]) -> usize {
        self.push_slice(bytes)
    }
}

impl RingEnd for HeapCons<u8> {
    fn is_half_free(&self) -> bool {
        ringbuf::traits::Observer::occupied_len(self) <= ROOM / 2
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        self.pop_slice(buf)
    }
}

fn ends<P: RingEnd, C: RingEnd>((producer, consumer): (P, C)) -> (End<P>, End<C>) {
    let waiting = Arc::new(Waiting::default());
    (End(producer, Arc::clone(&waiting)), End(consumer, waiting))
}

// The rounds.

/// Sends `total` bytes in pieces of `piece`, and says how many GB there were in a second.
fn round<S: Sender, R: Receiver>((mut sender, mut receiver): (S, R), piece: usize, total: usize) -> f64 {
    let bytes = vec![1; piece];
    let writer = thread::spawn(move || {
        for _ in 0..total / piece {
            sender.send(black_box(&bytes));
        }
    });
    let mut buf = vec![0; piece];
    let (mut received, mut begin) = (0, None);
    loop {
        let count = receiver.receive(&mut buf);
        black_box(&buf);
        // Starting a thread is not timed.
        begin.get_or_insert_with(Instant::now);
        if count == 0 {
            break;
        }
        received += count;
    }
    let taken = begin.map(|begin| begin.elapsed()).unwrap_or_default();
    writer.join().expect("the writer is content");
    assert_eq!(received, total / piece * piece);
    received as f64 / taken.as_secs_f64() / 1e9
}

/// Sends bytes that can be told apart, and looks at each.
fn verify<S: Sender, R: Receiver>((mut sender, mut receiver): (S, R)) {
    const TOTAL: usize = 4 << 20;
    let byte_at = |at: usize| (at % 251) as u8;
    let writer = thread::spawn(move || {
        let (mut at, mut piece) = (0, 1);
        while at < TOTAL {
            sender.send(&(at..at + piece).map(byte_at).collect::<Vec<u8>>());
            at += piece;
            piece = piece % 5000 + 61;
        }
        at
    });
    let (mut at, mut buf) = (0, vec![0; 3000]);
    loop {
        let count = receiver.receive(&mut buf);
        if count == 0 {
            break;
        }
        assert!(buf[..count].iter().all(|byte| {
            at += 1;
            *byte == byte_at(at - 1)
        }));
    }
    assert_eq!(writer.join().expect("the writer is content"), at);
}

/// Writes 16 pieces of 64 bytes and reads them again, on one thread; says how many ns a piece takes.
fn same<S: Sender, R: Receiver>((mut sender, mut receiver): (S, R)) -> f64 {
    const TURNS: usize = 20_000;
    let (bytes, mut buf) = ([1; 64], [0; 64]);
    let begin = Instant::now();
    for _ in 0..TURNS {
        for _ in 0..16 {
            sender.send(black_box(&bytes));
        }
        for _ in 0..16 {
            assert_eq!(receiver.receive(black_box(&mut buf)), 64);
        }
    }
    begin.elapsed().as_nanos() as f64 / (TURNS * 16) as f64
}

const NAMES: [&str; 4] = ["linked", "mutexed queue", "rtrb", "ringbuf"];

fn report(unit: &str, mut samples: [Vec<f64>; 4], is_best: fn(&[f64]) -> f64) {
    let medians = samples.each_mut().map(|samples| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    });
    for ((name, samples), median) in NAMES.iter().zip(&samples).zip(medians) {
        let best = is_best(samples);
        println!(
            "  {name:<14} best {best:8.2} {unit}, median {median:8.2} {unit}, linked / it {:5.2}",
            medians[0] / median
        );
    }
}

fn main() {
    verify(linked::buffer());
    verify(queue());
    verify(ends(rtrb::RingBuffer::new(ROOM)));
    verify(ends(HeapRb::new(ROOM).split()));

    if env::args().any(|argument| argument == "same") {
        println!("one thread, 16 pieces of 64 B written, then read");
        let mut samples = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            samples[0].push(same(linked::buffer()));
            samples[1].push(same(queue()));
            samples[2].push(same(ends(rtrb::RingBuffer::new(ROOM))));
            samples[3].push(same(ends(HeapRb::new(ROOM).split())));
        }
        report("ns", samples, |sorted| sorted[0]);
        return;
    }
    for (piece, total) in [(64, 4 << 20), (4096, 64 << 20), (1 << 16, 64 << 20)] {
        println!("two threads, pieces of {piece} B, {} MiB a round", total >> 20);
        let mut samples = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            samples[0].push(round(linked::buffer(), piece, total));
            samples[1].push(round(queue(), piece, total));
            samples[2].push(round(ends(rtrb::RingBuffer::new(ROOM)), piece, total));
            samples[3].push(round(ends(HeapRb::new(ROOM).split()), piece, total));
        }
        report("GB/s", samples, |sorted| sorted[sorted.len() - 1]);
    }
}
