//! Several threads that take stacks, run on them, and give them back in every way there is.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use common::pool;
use marmot_coro::{Coroutine, GuardPolicy, MIN_STACK_SIZE, Progress, Stack, StackCache, StackPool};

const THREADS: usize = 4;
const ROUNDS: usize = 2000;

/// Marks the stack while it is held. Two holders of one stack would see each other's mark.
fn run_on(stack: Stack, mark: usize) -> Stack {
    let word = std::ptr::with_exposed_provenance_mut::<usize>(stack.limit());
    let mut coroutine = Coroutine::new(stack, move |suspender| {
        // SAFETY: the lowest word of the stack that this runs on, far below what it uses.
        unsafe { word.write_volatile(mark) };
        suspender.suspend();
        // SAFETY: as above.
        assert_eq!(unsafe { word.read_volatile() }, mark);
    });
    assert_eq!(coroutine.resume(), Progress::Suspended);
    thread::yield_now();
    assert_eq!(coroutine.resume(), Progress::Finished);
    coroutine.into_stack()
}

fn churn(pool: &'static StackPool, thread: usize, inbox: &mpsc::Receiver<Stack>, next: &mpsc::Sender<Stack>) {
    let mut cache = StackCache::new(pool);
    let mut held = Vec::new();
    for round in 0..ROUNDS {
        let size = MIN_STACK_SIZE << (round % 3);
        let stack = if round % 2 == 0 { cache.take(size) } else { pool.take(size) }.unwrap();
        let stack = run_on(stack, thread * ROUNDS + round);
        match (round + thread) % 5 {
            0 => cache.put(stack),
            1 => drop(stack),
            2 => next.send(stack).expect("every inbox outlives the threads"),
            _ => held.push(stack),
        }
        // Crossing the cache's capacity both ways, again and again.
        if held.len() == 150 {
            held.drain(..).for_each(|stack| cache.put(stack));
        }
        while let Ok(stack) = inbox.try_recv() {
            cache.put(stack);
        }
    }
}

#[test]
fn no_stack_is_held_twice_and_none_is_lost() {
    let pool = pool(GuardPolicy::Auto);
    let over = AtomicBool::new(false);
    let (senders, inboxes): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel()).unzip();
    thread::scope(|scope| {
        let trimmer = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                pool.trim();
                thread::yield_now();
            }
        });
        let threads: Vec<_> = inboxes
            .into_iter()
            .enumerate()
            .map(|(thread, inbox)| {
                let next = senders[(thread + 1) % THREADS].clone();
                scope.spawn(move || {
                    churn(pool, thread, &inbox, &next);
                    inbox
                })
            })
            .collect();
        // The inboxes come back alive, so that nobody sent to one that was gone.
        let inboxes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        drop(inboxes);
        over.store(true, Ordering::Relaxed);
        trimmer.join().unwrap();
    });
    drop(senders);
    let stats = pool.stats();
    assert_eq!(stats.in_use, 0, "{stats:?}");
    assert!(stats.free > 0);
}
