//! Channels and selects whose waits are ended by something else: the caller's context, or its runtime.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{LIMIT, Place, Started, alone, bounded, busy, everywhere, ms, runtime, until};
use marmot::context::{self, Context};
use marmot::sync::Done;
use marmot::sync::chan::{
    self, Receiver, RecvError, RecvTimeoutError, Select, SendError, SendTimeoutError, Sender, TryRecvError,
};
use marmot::time::Timer;
use marmot::{Runtime, WaitReason, select};

const LONG: Duration = Duration::from_secs(3600);

/// Starts `f` under a context that is cancelled when `f` waits, and returns what it came to.
#[track_caller]
fn cancelled<T: Send + 'static>(place: Place, reason: WaitReason, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (ctx, cancel) = Context::background().with_cancel();
    let waits = place.start(move || ctx.run(f));
    waits.until_waiting(reason);
    cancel.cancel();
    waits.join()
}

#[test]
fn the_end_of_the_context_ends_a_wait_to_receive() {
    everywhere(|place| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(1), chan::bounded(3), chan::unbounded()] {
            let theirs = receiver.clone();
            assert_eq!(cancelled(place, WaitReason::Receive, move || theirs.recv()), Err(RecvError::Cancelled));
            let theirs = receiver.clone();
            let result = cancelled(place, WaitReason::Receive, move || theirs.recv_timeout(LONG));
            assert_eq!(result, Err(RecvTimeoutError::Cancelled));
            let theirs = receiver.clone();
            assert_eq!(cancelled(place, WaitReason::Receive, move || theirs.iter().count()), 0);
            // Nobody is left in the list, to whom a message would be handed.
            let theirs = receiver.clone();
            let waits = place.start(move || theirs.recv());
            waits.until_waiting(WaitReason::Receive);
            sender.send(1).unwrap();
            assert_eq!(waits.join(), Ok(1));
            // An iterator ends, and has taken what was there.
            if sender.capacity() != Some(0) {
                sender.send(2).unwrap();
                let all = cancelled(place, WaitReason::Receive, move || receiver.into_iter().collect::<Vec<_>>());
                assert_eq!(all, [2]);
            }
        }
    });
}

#[test]
fn the_end_of_the_context_gives_a_message_back() {
    everywhere(|place| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(1), chan::bounded(3)] {
            while sender.try_send(0).is_ok() {}
            let theirs = sender.clone();
            assert_eq!(cancelled(place, WaitReason::Send, move || theirs.send(1)), Err(SendError::Cancelled(1)));
            let theirs = sender.clone();
            let result = cancelled(place, WaitReason::Send, move || theirs.send_timeout(2, LONG));
            assert_eq!(result, Err(SendTimeoutError::Cancelled(2)));
            let there = sender.len();
            assert_eq!(receiver.try_iter().collect::<Vec<_>>(), vec![0; there]);
            drop(receiver);
            assert_eq!(sender.send(3), Err(SendError::Disconnected(3)));
        }
    });
}

#[test]
fn what_need_not_wait_is_done_in_a_context_that_has_ended() {
    everywhere(|_| {
        let (ctx, cancel) = Context::background().with_cancel();
        cancel.cancel();
        ctx.run(|| {
            let (sender, receiver) = chan::bounded(1);
            sender.send(1).unwrap();
            assert_eq!(sender.send(2), Err(SendError::Cancelled(2)));
            assert_eq!(receiver.recv(), Ok(1));
            assert_eq!(receiver.recv(), Err(RecvError::Cancelled));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(select! { recv(receiver) -> m => m, cancelled => Ok(7) }, Ok(7));
            assert_eq!(select! { send(sender, 3) -> r => r, cancelled => panic!("there is room") }, Ok(()));
            assert_eq!(select! { recv(receiver) -> m => m, default => Ok(8) }, Ok(3));
            assert_eq!(select! { recv(receiver) -> m => m, default => Ok(8) }, Ok(8));
            drop(sender);
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
            assert_eq!(receiver.iter().count(), 0);
            assert_eq!(context::shield(|| receiver.recv()), Err(RecvError::Disconnected));
        });
    });
}

#[test]
fn the_end_of_the_context_is_an_arm_of_a_select() {
    everywhere(|place| {
        let ((sender, receiver), (full, other)) = (chan::rendezvous::<u32>(), chan::bounded(1));
        full.send(0).unwrap();
        let ends = move || (receiver.clone(), full.clone());

        // With an arm for it.
        let (r, f) = ends();
        let error = cancelled(place, WaitReason::Select, move || {
            select! { recv(r) -> _ => None, send(f, 1) -> _ => None, cancelled(e) => Some(e) }
        });
        assert!(error.unwrap().is_cancelled());
        // Without one, the first operation fails, also if a limit comes before it.
        let (r, f) = ends();
        let result = cancelled(place, WaitReason::Select, move || {
            select! { default(LONG) => Ok(0), recv(r) -> m => m, send(f, 1) -> _ => Ok(0) }
        });
        assert_eq!(result, Err(RecvError::Cancelled));
        let (r, f) = ends();
        let result = cancelled(place, WaitReason::Select, move || {
            select! { recv(None::<Receiver<u8>>) -> m => Err(SendError::Cancelled(m.map_or(9, u32::from))),
            send(f, 1) -> sent => sent, recv(r) -> _ => Ok(()) }
        });
        assert_eq!(result, Err(SendError::Cancelled(9)), "an arm that is switched off is an operation, too");
        // A message that was to be taken out of an option stays, or is in the error.
        let (r, f) = ends();
        let (result, left) = cancelled(place, WaitReason::Select, move || {
            let mut pending = Some(5);
            let result = select! { recv(r) -> m => m.map(drop), send_from(f, &mut pending) -> _ => Ok(()) };
            (result, pending)
        });
        assert_eq!((result, left), (Err(RecvError::Cancelled), Some(5)));
        // Only limits: the earliest.
        assert!(cancelled(place, WaitReason::Select, || select! { default(LONG) => true }));
        // One that is built.
        let (r, f) = ends();
        let result = cancelled(place, WaitReason::Select, move || {
            Select::new().recv(&r, |_| ()).send(&f, 1, |_| ()).wait_timeout(LONG)
        });
        assert!(result.unwrap_err().is_cancelled());
        assert!(cancelled(place, WaitReason::Select, || Select::<()>::new().wait()).unwrap_err().is_cancelled());

        // Nothing is left in any list, and nothing was sent.
        let (r, _) = ends();
        let waits = place.start(move || r.recv());
        waits.until_waiting(WaitReason::Receive);
        sender.send(3).unwrap();
        assert_eq!(waits.join(), Ok(3));
        assert_eq!(other.try_iter().collect::<Vec<_>>(), [0]);
    });
}

#[test]
fn the_end_of_another_context_is_received_from() {
    everywhere(|place| {
        let (ctx, cancel) = Context::background().with_cancel();
        let child = ctx.with_value(1);
        let told = |ctx: &Context| format!("{ctx:?}");
        let before = told(&ctx);
        let (_sender, receiver) = chan::rendezvous::<u8>();
        // It leaves nothing behind.
        for _ in 0..100 {
            let done = ctx.done();
            assert_ne!(told(&ctx), before);
            assert!(select! { recv(done) -> _ => false, recv(receiver) -> _ => false, default => true });
        }
        assert_eq!(told(&ctx), before);

        let waits: Vec<_> = [ctx.done(), child.done()]
            .into_iter()
            .map(|done| {
                let receiver = receiver.clone();
                let waits = place.start(move || {
                    let ended = select! { recv(receiver) -> _ => None, recv(done) -> why => why.err() };
                    // As often as one asks.
                    (ended, done.wait())
                });
                waits.until_waiting(WaitReason::Select);
                waits
            })
            .collect();
        let kept = ctx.done();
        let theirs = child.done();
        assert!(cancelled(place, WaitReason::Receive, move || theirs.wait()).unwrap_err().is_cancelled());
        cancel.cancel();
        for one in waits {
            let (ended, waited) = one.join();
            assert_eq!(ended, Some(RecvError::Disconnected));
            waited.unwrap();
        }
        kept.wait().unwrap();
        // One that is made afterwards, and one of what never ends.
        assert_eq!(select! { recv(child.done()) -> why => why.err(), default => None }, Some(RecvError::Disconnected));
        let never: Done = Context::background().done();
        assert!(select! { recv(never) -> _ => false, default => true });
    });
}

/// `receive` waits in a runtime that stops when `give` has handed it something, before it could go on.
fn stops_when_given(reason: WaitReason, receive: impl FnOnce() + Send + 'static, give: impl FnOnce()) {
    let ending = runtime(1);
    let lost = ending.go(receive);
    until(|| lost.goroutine().wait_reason() == Some(reason));
    let busy = busy(&ending);
    give();
    ending.shutdown(ms(0)).unwrap_err();
    drop(busy);
}

#[test]
fn what_was_handed_to_one_whose_runtime_stops_goes_to_others() {
    let _alone = alone();
    bounded(|| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(1), chan::bounded(3), chan::unbounded()] {
            for selects in [false, true] {
                let (r, other) = (receiver.clone(), chan::never::<u8>());
                let gone = move || {
                    panic!(
                        "it goes on, with {:?}",
                        if selects {
                            select! { recv(other) -> _ => Ok(0), recv(r) -> m => m }
                        } else {
                            r.recv()
                        }
                    )
                };
                let reason = if selects { WaitReason::Select } else { WaitReason::Receive };
                // Back into the channel, before what is there.
                stops_when_given(reason, gone, || {
                    sender.send(1).unwrap();
                    (sender.try_send(2), sender.try_send(3)).0.ok();
                });
                let there = |receiver: &Receiver<u8>| {
                    // The M passes it on when it leaves.
                    until(|| !receiver.is_empty());
                    receiver.recv()
                };
                let mut expected = vec![1];
                expected.extend([2, 3].into_iter().take(sender.capacity().unwrap_or(2)));
                until(|| sender.len() == expected.len());
                assert!(sender.is_full() || sender.capacity().is_none() || sender.capacity() == Some(3));
                for message in expected {
                    assert_eq!(there(&receiver), Ok(message));
                }
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
                // To one who waits behind it.
                let (r, other) = (receiver.clone(), chan::never::<u8>());
                let gone = move || {
                    panic!(
                        "it goes on, with {:?}",
                        if selects {
                            select! { recv(r) -> m => m, recv(other) -> _ => Ok(0) }
                        } else {
                            r.recv()
                        }
                    )
                };
                let r = receiver.clone();
                let mut waits = None;
                stops_when_given(reason, gone, || {
                    let behind = Place::Threads.start(move || r.recv());
                    behind.until_waiting(WaitReason::Receive);
                    waits = Some(behind);
                    sender.send(4).unwrap();
                });
                assert_eq!(waits.unwrap().join(), Ok(4));
                // The channel is as before.
                if sender.capacity() != Some(0) {
                    sender.send(5).unwrap();
                    assert_eq!(receiver.recv(), Ok(5));
                }
            }
        }
    });
}

#[test]
fn who_sends_behind_a_message_that_was_put_back_waits_for_room() {
    let _alone = alone();
    bounded(|| {
        let (sender, receiver) = chan::rendezvous();
        let r = receiver.clone();
        stops_when_given(WaitReason::Receive, move || assert_eq!(r.recv(), Ok(0)), || sender.send(1).unwrap());
        until(|| sender.len() == 1);
        let sends = Place::Threads.start(move || sender.send(2));
        sends.until_waiting(WaitReason::Send);
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.recv(), Ok(2));
        sends.join().unwrap();
    });
}

#[test]
fn a_tick_that_was_handed_to_one_whose_runtime_stops_goes_to_another() {
    let _alone = alone();
    bounded(|| {
        let timer = Arc::new(Timer::new(LONG));
        let theirs = Arc::clone(&timer);
        stops_when_given(
            WaitReason::Receive,
            move || panic!("it goes on at {:?}", theirs.wait()),
            || {
                timer.reset(ms(1));
                // This one comes after it, from the same heap.
                Timer::new(ms(2)).wait().unwrap();
            },
        );
        until(|| timer.try_wait().is_some());
    });
}

/// Runs `test` with goroutines on 1, 2 and 8 Ps and with threads; the second argument is the place of the `i`th who takes part.
fn mixed(test: fn(&Runtime, fn(usize) -> Place)) {
    let _alone = alone();
    for procs in [1, 2, 8] {
        bounded(move || {
            let rt = runtime(procs);
            test(&rt, |i| if i % 3 == 2 { Place::Threads } else { Place::Goroutines });
            rt.shutdown(LIMIT).unwrap();
        });
    }
}

/// Starts `f` in `rt`, or on a thread.
fn start<T: Send + 'static>(rt: &Runtime, place: Place, f: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    match place {
        Place::Goroutines => Started::Goroutine(rt.go(f)),
        Place::Threads => place.start(f),
    }
}

/// Calls `f` again and again, each time under a context that somebody else ends soon, until it says that it is over.
fn under_ends(ends: &Sender<context::Cancel>, mut f: impl FnMut() -> bool) -> usize {
    let mut times = 0;
    loop {
        let (ctx, cancel) = Context::background().with_cancel();
        // Nobody is there any more at the end.
        let _ = ends.send(cancel);
        times += 1;
        if ctx.run(&mut f) {
            return times;
        }
    }
}

#[test]
fn cancellations_lose_nothing_and_double_nothing() {
    const EACH: usize = 150;
    const SENDERS: usize = 4;
    mixed(|rt, place| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(1), chan::bounded(3), chan::unbounded()] {
            let (ends, to_end) = chan::bounded::<context::Cancel>(2);
            let seen = Arc::new(Mutex::new(vec![0_u8; SENDERS * EACH]));
            let cancels = Arc::new(AtomicUsize::new(0));
            let send: Vec<_> = (0..SENDERS)
                .map(|i| {
                    let (sender, ends, cancels) = (sender.clone(), ends.clone(), Arc::clone(&cancels));
                    start(rt, place(i), move || {
                        for k in 0..EACH {
                            let mut message = Some(i * EACH + k);
                            let times = under_ends(&ends, || {
                                if k % 2 == 0 {
                                    match sender.send(message.take().unwrap()) {
                                        Ok(()) => return true,
                                        Err(SendError::Cancelled(back)) => message = Some(back),
                                        Err(error) => panic!("{error:?}"),
                                    }
                                } else {
                                    select! {
                                        send_from(sender, &mut message) -> sent => { sent.unwrap(); return true }
                                        recv(chan::never::<u8>()) -> _ => {}
                                        cancelled => {}
                                    }
                                }
                                false
                            });
                            cancels.fetch_add(times - 1, Relaxed);
                        }
                    })
                })
                .collect();
            drop(sender);
            let receive: Vec<_> = (0..3)
                .map(|i| {
                    let (receiver, ends) = (receiver.clone(), ends.clone());
                    let (seen, cancels) = (Arc::clone(&seen), Arc::clone(&cancels));
                    start(rt, place(i + 1), move || {
                        let mut turn = 0;
                        let times = under_ends(&ends, || {
                            turn += 1;
                            let note = |message: usize| seen.lock().unwrap()[message] += 1;
                            match turn % 3 {
                                // It may end because of either.
                                0 => receiver.iter().for_each(note),
                                1 => match receiver.recv() {
                                    Ok(message) => note(message),
                                    Err(error) => return error == RecvError::Disconnected,
                                },
                                _ => select! {
                                    recv(receiver) -> message => match message {
                                        Ok(message) => note(message),
                                        Err(error) => return error == RecvError::Disconnected,
                                    },
                                    recv(chan::never::<u8>()) -> _ => {}
                                },
                            }
                            false
                        });
                        cancels.fetch_add(times - 1, Relaxed);
                    })
                })
                .collect();
            drop((ends, receiver));
            let ending = start(rt, Place::Goroutines, move || {
                for cancel in to_end {
                    marmot::yield_now();
                    cancel.cancel();
                }
            });
            send.into_iter().for_each(Started::join);
            receive.into_iter().for_each(Started::join);
            ending.join();
            assert!(seen.lock().unwrap().iter().all(|&times| times == 1), "each comes once");
            assert!(cancels.load(Relaxed) > 0);
        }
    });
}
