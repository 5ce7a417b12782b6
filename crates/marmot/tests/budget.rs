//! Calls that yield because the goroutine has used its turn up, and a runtime that stops just then: nothing is lost, and nobody waits for
//! what such a goroutine has.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::time::Duration;

use common::*;
use marmot::context;
use marmot::sync::chan;
use marmot::sync::singleflight::Group;

/// What a turn has, in calls of the cheapest kind.
const TURN: u32 = 16_384;

/// What it costs to make a goroutine.
const SPAWN: u32 = 16;

/// More than run in a row.
const ROW: u32 = 16;

/// Uses so much of the turn up.
fn use_up(calls: u32) {
    (0..calls).for_each(|_| drop(context::check()));
}

/// Runs `call` in a turn that has `left` calls left, in a runtime that stops while others have their turns if `call` yields.
fn stops_at(left: u32, call: impl FnOnce() + Send + 'static) {
    let rt = runtime(1);
    let (blocks, blocked) = channel();
    let (stops, stopped) = channel::<()>();
    rt.go(move || {
        // The one that has its turn if the call yields blocks the M until the runtime has stopped.
        marmot::go_local(move || {
            blocks.send(()).unwrap();
            let _ = stopped.recv();
        });
        // So many run in a row before the M sees that the runtime has stopped.
        (0..ROW).for_each(|_| drop(marmot::go_local(|| ())));
        use_up(TURN - (1 + ROW) * SPAWN - left);
        call();
        marmot::park();
    });
    blocked.recv_timeout(LIMIT).unwrap();
    let _ = rt.shutdown(Duration::ZERO);
    drop(stops);
    // Whatever became of the call, the M leaves then.
    until(|| open_pollers() == 0);
}

#[test]
fn a_message_is_seen_or_stays() {
    let outcome = in_child("a_message_is_seen_or_stays", || {
        for left in [0, 1, 10, 100, 200, 255, 256, 300] {
            let (sender, receiver) = chan::bounded(4);
            sender.send(7).unwrap();
            let seen = Arc::new(AtomicBool::new(false));
            let (theirs, sees) = (receiver.clone(), Arc::clone(&seen));
            stops_at(left, move || {
                assert_eq!(theirs.recv(), Ok(7));
                sees.store(true, SeqCst);
            });
            assert_ne!(seen.load(SeqCst), receiver.try_recv().is_ok(), "{left} calls before the end of a turn");
        }
    });
    outcome.assert_success();
}

#[test]
fn a_group_of_calls_is_never_left_locked() {
    let outcome = in_child("a_group_of_calls_is_never_left_locked", || {
        for left in 0..8 {
            let group = Arc::new(Group::<u8, u8>::new());
            let (leads, led) = channel();
            let (ends, ended) = channel::<()>();
            let theirs = Arc::clone(&group);
            let leader = std::thread::spawn(move || {
                let under_way = || {
                    leads.send(()).unwrap();
                    let _ = ended.recv();
                    1
                };
                theirs.run(&1, under_way).unwrap()
            });
            led.recv().unwrap();
            let theirs = Arc::clone(&group);
            stops_at(left, move || drop(theirs.run(&1, || 1)));
            assert_eq!(group.run(&7, || 7).unwrap().0, 7);
            drop(ends);
            assert_eq!(leader.join().unwrap().0, 1);
        }
    });
    outcome.assert_success();
}
