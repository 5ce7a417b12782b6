//! `sync::chan` and `sync::mpsc`: channels that park the goroutine.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{LIMIT, Place, Started, alone, bounded, everywhere, ms, runtime, until, with_procs};
use marmot::sync::chan::{
    self, Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
};
use marmot::sync::mpsc;
use marmot::{Runtime, WaitReason};

/// All kinds of channels.
fn kinds<T>() -> [(Sender<T>, Receiver<T>); 5] {
    [chan::rendezvous(), chan::bounded(1), chan::bounded(3), chan::bounded(100), chan::unbounded()]
}

/// Counts what was dropped.
#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// A message that counts itself once.
struct Counted(Drops, usize);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn ends_go_to_other_threads() {
    fn may<T: Send + Sync + 'static>() {}
    may::<(Sender<u8>, Receiver<u8>)>();
    // What may only be sent may be sent through channels that are shared.
    may::<(Sender<std::cell::Cell<u8>>, Receiver<std::cell::Cell<u8>>)>();
    may::<(mpsc::Sender<u8>, mpsc::SyncSender<u8>, mpsc::Receiver<u8>)>();
}

#[test]
fn messages_come_out_as_they_went_in() {
    everywhere(|place| {
        for (sender, receiver) in kinds() {
            let sends = place.start(move || (0..300).for_each(|i| sender.send(i).unwrap()));
            assert!(receiver.iter().eq(0..300));
            assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
            sends.join();
        }
    });
}

#[test]
fn a_channel_knows_its_room() {
    everywhere(|_| {
        let (sender, receiver) = chan::bounded(2);
        assert_eq!((sender.capacity(), sender.len(), sender.is_empty(), sender.is_full()), (Some(2), 0, true, false));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        sender.try_send(1).unwrap();
        assert_eq!((receiver.len(), receiver.is_empty(), receiver.is_full()), (1, false, false));
        sender.send(2).unwrap();
        assert!(receiver.is_full());
        assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);

        let (sender, receiver) = chan::rendezvous();
        assert!(sender.is_empty() && receiver.is_full() && sender.capacity() == Some(0));
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));

        let (many, takes) = chan::unbounded();
        (0..5000).for_each(|i| many.try_send(i).unwrap());
        assert_eq!((takes.len(), takes.capacity(), takes.is_full()), (5000, None, false));
        assert!(takes.try_iter().eq(0..5000));
        assert!(takes.clone().same_channel(&takes) && many.same_channel(&many.clone()));
        assert!(!sender.same_channel(&many));
        assert_eq!(chan::never::<u8>().recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
    });
}

#[test]
fn a_rendezvous_waits_for_the_other() {
    everywhere(|place| {
        let (sender, receiver) = chan::rendezvous();
        let sends = place.start(move || sender.send(7));
        sends.until_waiting(WaitReason::Send);
        assert!(!sends.is_finished());
        assert_eq!(receiver.recv(), Ok(7));
        sends.join().unwrap();

        let (sender, receiver) = chan::rendezvous();
        let receives = place.start(move || receiver.recv());
        receives.until_waiting(WaitReason::Receive);
        // A thread may be asleep before it waits.
        until(|| sender.try_send(8).is_ok());
        assert_eq!(receives.join(), Ok(8));
    });
}

#[test]
fn a_full_channel_holds_up_who_sends_until_there_is_room() {
    everywhere(|place| {
        let (sender, receiver) = chan::bounded(2);
        let sends = place.start(move || (0..4).map(|i| sender.send(i)).collect::<Result<Vec<_>, _>>());
        sends.until_waiting(WaitReason::Send);
        until(|| receiver.is_full());
        assert!(!sends.is_finished());
        assert!(receiver.iter().eq(0..4));
        sends.join().unwrap();
    });
}

#[test]
fn the_last_sender_leaves_what_it_sent() {
    everywhere(|place| {
        let (sender, receiver) = chan::bounded(4);
        let other = sender.clone();
        sender.send(1).unwrap();
        drop(sender);
        other.send(2).unwrap();
        drop(other);
        assert_eq!(receiver.recv(), Ok(1));
        assert_eq!(receiver.recv_timeout(LIMIT), Ok(2));
        assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(receiver.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));

        // All who wait are told.
        let (sender, receiver) = chan::rendezvous::<u8>();
        let all: Vec<_> = (0..3)
            .map(|_| {
                let receiver = receiver.clone();
                place.start(move || receiver.recv())
            })
            .collect();
        all.iter().for_each(|one| one.until_waiting(WaitReason::Receive));
        drop(sender);
        all.into_iter().for_each(|one| assert_eq!(one.join(), Err(RecvError::Disconnected)));
    });
}

#[test]
fn the_last_receiver_takes_what_is_left_and_senders_get_theirs_back() {
    everywhere(|place| {
        let drops = Drops::default();
        let (sender, receiver) = chan::bounded(2);
        sender.send(Counted(drops.clone(), 0)).unwrap();
        sender.send(Counted(drops.clone(), 1)).unwrap();
        let all: Vec<_> = (2..5)
            .map(|i| {
                let (sender, message) = (sender.clone(), Counted(drops.clone(), i));
                place.start(move || match sender.send(message) {
                    Err(SendError::Disconnected(message)) => message.1,
                    _ => panic!("it has no receiver"),
                })
            })
            .collect();
        all.iter().for_each(|one| one.until_waiting(WaitReason::Send));
        let other = receiver.clone();
        drop(receiver);
        assert_eq!(drops.get(), 0);
        drop(other);
        assert!(drops.get() >= 2, "those in the channel are gone at once");
        let mut back: Vec<_> = all.into_iter().map(Started::join).collect();
        back.sort_unstable();
        assert_eq!(back, [2, 3, 4]);
        assert_eq!(drops.get(), 5);
        assert!(matches!(sender.try_send(Counted(drops.clone(), 5)), Err(TrySendError::Disconnected(_))));
        let late = sender.send_timeout(Counted(drops.clone(), 6), LIMIT);
        assert!(matches!(late, Err(SendTimeoutError::Disconnected(_))));
    });
}

#[test]
fn a_wait_ends_at_its_time_and_leaves_nothing_behind() {
    everywhere(|_| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(1)] {
            let begun = Instant::now();
            assert_eq!(receiver.recv_timeout(ms(5)), Err(RecvTimeoutError::Timeout));
            assert_eq!(receiver.recv_deadline(begun + ms(10)), Err(RecvTimeoutError::Timeout));
            assert!(begun.elapsed() >= ms(10));
            // Nobody waits there any more who would get it.
            if sender.capacity() == Some(0) {
                assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
            } else {
                sender.send(1).unwrap();
            }
            assert_eq!(sender.send_timeout(2, ms(5)), Err(SendTimeoutError::Timeout(2)));
            assert_eq!(sender.send_deadline(3, begun), Err(SendTimeoutError::Timeout(3)));
            assert_eq!(receiver.recv_timeout(Duration::ZERO).ok(), sender.capacity().filter(|&room| room == 1));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
            // A time that has come keeps nobody from what is there.
            if sender.capacity() == Some(1) {
                assert_eq!(sender.send_deadline(4, begun), Ok(()));
                assert_eq!(receiver.recv_deadline(begun), Ok(4));
            }
        }
    });
}

#[test]
fn what_comes_in_time_is_taken() {
    everywhere(|place| {
        let (sender, receiver) = chan::rendezvous();
        let sends = place.start(move || {
            sender.send_timeout(1, LIMIT).unwrap();
            sender.send_timeout(2, Duration::MAX)
        });
        sends.until_waiting(WaitReason::Send);
        assert_eq!(receiver.recv_timeout(LIMIT), Ok(1));
        assert_eq!(receiver.recv_timeout(Duration::MAX), Ok(2));
        sends.join().unwrap();
    });
}

#[test]
fn who_waits_is_served_in_order() {
    with_procs(2, || {
        let (sender, receiver) = chan::rendezvous();
        let receive: Vec<_> = (0..4)
            .map(|_| {
                let receiver = receiver.clone();
                let receives = Place::Goroutines.start(move || receiver.recv());
                receives.until_waiting(WaitReason::Receive);
                receives
            })
            .collect();
        (0..4).for_each(|i| sender.send(i).unwrap());
        assert!(receive.into_iter().map(|one| one.join().unwrap()).eq(0..4));

        let send: Vec<_> = (0..4)
            .map(|i| {
                let sender = sender.clone();
                let sends = Place::Goroutines.start(move || sender.send(i));
                sends.until_waiting(WaitReason::Send);
                sends
            })
            .collect();
        assert!((0..4).map(|_| receiver.recv().unwrap()).eq(0..4));
        send.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
fn messages_go_with_the_channel() {
    everywhere(|_| {
        for (sender, receiver) in kinds() {
            let drops = Drops::default();
            let sent = (0..50).take_while(|&i| sender.try_send(Counted(drops.clone(), i)).is_ok()).count();
            assert_eq!(sent, sender.capacity().unwrap_or(50).min(50));
            // One that found no room was dropped with its error.
            let lost = usize::from(sent < 50);
            assert_eq!(drops.get(), lost);
            drop(receiver.try_recv());
            assert_eq!(drops.get(), lost + sent.min(1));
            drop((sender, receiver));
            assert_eq!(drops.get(), lost + sent);
        }
    });
}

#[test]
fn a_message_may_panic_when_it_is_dropped() {
    struct Panics(Drops);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.0.fetch_add(1, SeqCst);
            if !thread::panicking() {
                resume_unwind(Box::new("it is part of the test"));
            }
        }
    }

    everywhere(|_| {
        for (sender, receiver) in [chan::bounded(10), chan::unbounded()] {
            let drops = Drops::default();
            (0..10).for_each(|_| assert!(sender.send(Panics(drops.clone())).is_ok()));
            assert!(catch_unwind(AssertUnwindSafe(|| drop(receiver))).is_err());
            assert_eq!(drops.get(), 10);
            // The channel is as good as before.
            let Err(SendError::Disconnected(message)) = sender.send(Panics(drops.clone())) else { unreachable!() };
            std::mem::forget(message);
        }
    });
}

#[test]
fn a_message_may_use_the_channel_when_it_is_dropped() {
    struct Sends(Option<Sender<Sends>>, Drops);
    impl Drop for Sends {
        fn drop(&mut self) {
            self.1.0.fetch_add(1, SeqCst);
            if let Some(sender) = self.0.take() {
                // It has no receiver any more: the message comes back, and goes.
                assert!(sender.send(Sends(None, self.1.clone())).is_err());
                assert_eq!(sender.len(), 0);
            }
        }
    }

    everywhere(|_| {
        let drops = Drops::default();
        let (sender, receiver) = chan::bounded(3);
        for _ in 0..3 {
            assert!(sender.send(Sends(Some(sender.clone()), drops.clone())).is_ok());
        }
        drop(sender);
        drop(receiver);
        assert_eq!(drops.get(), 6);
    });
}

#[test]
fn messages_of_all_sizes_and_alignments() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(128))]
    struct Aligned(u8);

    fn goes_through<T: Copy + PartialEq + std::fmt::Debug + Send + 'static>(place: Place, message: T) {
        for (sender, receiver) in kinds() {
            let sends = place.start(move || (0..200).for_each(|_| sender.send(message).unwrap()));
            let received = receiver.iter().inspect(|received| {
                assert_eq!(*received, message);
                assert!(std::ptr::from_ref(received).is_aligned());
            });
            assert_eq!(received.count(), 200);
            sends.join();
        }
    }

    everywhere(|place| {
        goes_through(place, ());
        goes_through(place, Aligned(3));
        goes_through(place, [7_u64; 700]);
    });
    let (sender, receiver) = chan::bounded(usize::MAX);
    (0..1000).for_each(|_| sender.send(()).unwrap());
    assert_eq!(receiver.len(), 1000);
}

#[test]
fn who_waits_in_a_runtime_that_has_stopped_is_passed_over() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let wait_in = |runtime: &Runtime, sends: bool, ends: &(Sender<u8>, Receiver<u8>)| {
            let (sender, receiver) = ends.clone();
            let waits = runtime.go(move || if sends { sender.send(1).is_ok() } else { receiver.recv() == Ok(2) });
            let reason = if sends { WaitReason::Send } else { WaitReason::Receive };
            until(|| waits.goroutine().wait_reason() == Some(reason));
            waits
        };
        let (sent, received) = (chan::rendezvous(), chan::rendezvous());
        let _lost = [(true, &sent), (false, &received), (true, &sent), (false, &received)]
            .map(|(sends, ends)| wait_in(&ending, sends, ends));
        let waiting = [(true, &sent), (false, &received)].map(|(sends, ends)| wait_in(&staying, sends, ends));
        ending.shutdown(ms(0)).unwrap_err();
        received.0.send(2).unwrap();
        assert_eq!(sent.1.recv(), Ok(1));
        waiting.into_iter().for_each(|one| assert!(one.join().unwrap()));
        assert_eq!(sent.1.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(received.0.try_send(3), Err(TrySendError::Full(3)));
    });
}

#[test]
fn two_who_always_find_each_other_ready_do_not_starve_the_others() {
    with_procs(1, || {
        for (sender, receiver) in kinds() {
            let over = Arc::new(AtomicBool::new(false));
            let stops = Arc::clone(&over);
            let sends = marmot::go(move || while !stops.load(Relaxed) && sender.send(()).is_ok() {});
            let receives = marmot::go(move || receiver.iter().count());
            (0..20).for_each(|_| marmot::yield_now());
            over.store(true, Relaxed);
            sends.join().unwrap();
            assert!(receives.join().unwrap() > 0);
        }
        // One who only asks does not, either.
        let (sender, receiver) = chan::bounded(1);
        let asks = marmot::go(move || while receiver.try_recv() != Ok(1) {});
        marmot::yield_now();
        sender.send(1).unwrap();
        asks.join().unwrap();
    });
}

#[test]
fn a_panic_drops_the_ends() {
    everywhere(|_| {
        let (sender, receiver) = chan::bounded(1);
        let panics = marmot::go(move || {
            sender.send(1).unwrap();
            resume_unwind(Box::new("it is part of the test"));
        });
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [1]);
        assert!(panics.join().is_err());
    });
}

/// One program, over `std`'s channels and over ours.
macro_rules! ported {
    ($name:ident, $($path:ident)::+) => {
        #[test]
        fn $name() {
            use $($path)::+::{self as mpsc, Receiver, Sender, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
            bounded(|| {
                let (sender, receiver): (Sender<i32>, Receiver<i32>) = channel();
                let threads: Vec<_> = (0..4)
                    .map(|i| {
                        let sender = sender.clone();
                        thread::spawn(move || (0..100).for_each(|k| sender.send(100 * i + k).unwrap()))
                    })
                    .collect();
                assert_eq!(receiver.iter().take(400).sum::<i32>(), 79_800);
                threads.into_iter().for_each(|thread| thread.join().unwrap());
                assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
                assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
                sender.send(5).unwrap();
                drop(sender);
                for message in &receiver {
                    assert_eq!(message, 5);
                }
                assert!(matches!(receiver.try_recv(), Err(TryRecvError::Disconnected)));

                let (sender, receiver): (SyncSender<&str>, _) = sync_channel(1);
                sender.send("a").unwrap();
                assert!(matches!(sender.try_send("b"), Err(TrySendError::Full("b"))));
                let waits = sender.clone();
                let thread = thread::spawn(move || waits.send("c").unwrap());
                assert_eq!(receiver.try_iter().next(), Some("a"));
                assert_eq!(receiver.recv().unwrap(), "c");
                thread.join().unwrap();
                drop(receiver);
                assert!(sender.send("d").is_err());
                assert!(matches!(sender.try_send("e"), Err(TrySendError::Disconnected("e"))));

                let (sender, receiver) = mpsc::sync_channel(0);
                let thread = thread::spawn(move || sender.send(1).unwrap());
                assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [1]);
                thread.join().unwrap();
            });
        }
    };
}

ported!(a_program_of_std, std::sync::mpsc);
ported!(a_program_of_std_is_ported_by_its_use_lines, marmot::sync::mpsc);

#[test]
fn errors_say_what_happened_and_give_the_message_back() {
    assert_eq!(SendError::Cancelled(String::from("m")).into_inner(), "m");
    assert_eq!(TrySendError::Full(String::from("m")).into_inner(), "m");
    assert_eq!(SendTimeoutError::from(SendError::Cancelled(4)), SendTimeoutError::Cancelled(4));
    assert_eq!(RecvTimeoutError::from(RecvError::Cancelled), RecvTimeoutError::Cancelled);
    assert_eq!(format!("{:?}", SendError::Disconnected(4)), "SendError::Disconnected(..)");
    assert_eq!(TrySendError::Full(4).to_string(), "sending on a full channel");
    assert_eq!(RecvError::Cancelled.to_string(), "the context has ended before a message came");
    assert_eq!(format!("{:?}", chan::rendezvous::<u8>()), "(Sender { .. }, Receiver { .. })");
}

/// Runs `test` with goroutines on 1, 2 and 8 Ps and with threads; the second argument is the place of the `i`th who takes part.
fn mixed(test: fn(&Runtime, fn(usize) -> Place)) {
    let _alone = alone();
    for procs in [1, 2, 8] {
        bounded(move || {
            let rt = runtime(procs);
            test(&rt, |i| if i % 4 == 3 { Place::Threads } else { Place::Goroutines });
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

#[test]
fn many_send_to_many_and_each_message_comes_once() {
    const SENDERS: usize = 8;
    const EACH: usize = 400;
    mixed(|rt, place| {
        for (sender, receiver) in kinds() {
            let seen = Arc::new(Mutex::new(vec![0_u8; SENDERS * EACH]));
            let send: Vec<_> = (0..SENDERS)
                .map(|i| {
                    let sender = sender.clone();
                    start(rt, place(i), move || (0..EACH).for_each(|k| sender.send(i * EACH + k).unwrap()))
                })
                .collect();
            drop(sender);
            let receive: Vec<_> = (0..4)
                .map(|i| {
                    let (receiver, seen) = (receiver.clone(), Arc::clone(&seen));
                    start(rt, place(i), move || {
                        let all: Vec<_> = receiver.iter().collect();
                        // Those of each sender come in order.
                        for i in 0..SENDERS {
                            assert!(all.iter().filter(|&&message| message / EACH == i).is_sorted());
                        }
                        let mut seen = seen.lock().unwrap();
                        all.into_iter().for_each(|message| seen[message] += 1);
                    })
                })
                .collect();
            send.into_iter().chain(receive).for_each(Started::join);
            assert!(seen.lock().unwrap().iter().all(|&times| times == 1));
        }
    });
}

#[test]
fn limits_lose_nothing_and_double_nothing() {
    const EACH: usize = 300;
    mixed(|rt, place| {
        for (sender, receiver) in [chan::rendezvous(), chan::bounded(2)] {
            let drops = Drops::default();
            let send: Vec<_> = (0..4)
                .map(|i| {
                    let (sender, drops) = (sender.clone(), drops.clone());
                    start(rt, place(i), move || {
                        let tries = (0..EACH).map(|k| {
                            let message = Counted(drops.clone(), 1);
                            let wait = Duration::from_micros((k % 7) as u64 * 10);
                            let outcome = if k % 7 == 0 {
                                sender.try_send(message).map_err(TrySendError::into_inner)
                            } else {
                                sender.send_timeout(message, wait).map_err(SendTimeoutError::into_inner)
                            };
                            outcome.map_or_else(|back| back.1 - 1, |()| 1)
                        });
                        tries.sum::<usize>()
                    })
                })
                .collect();
            drop(sender);
            let receive: Vec<_> = (0..4)
                .map(|i| {
                    let receiver = receiver.clone();
                    start(rt, place(i + 1), move || {
                        let mut received = 0;
                        for k in 0_u64.. {
                            match receiver.recv_timeout(Duration::from_micros(k % 5 * 10)) {
                                Ok(message) => received += message.1,
                                Err(RecvTimeoutError::Timeout) => {}
                                Err(error) => {
                                    assert_eq!(error, RecvTimeoutError::Disconnected);
                                    break;
                                }
                            }
                        }
                        received
                    })
                })
                .collect();
            let sent: usize = send.into_iter().map(Started::join).sum();
            let received: usize = receive.into_iter().map(Started::join).sum();
            assert_eq!(sent, received);
            assert_eq!(drops.get(), 4 * EACH);
        }
    });
}

#[test]
fn ends_come_and_go_while_others_wait() {
    mixed(|rt, place| {
        for round in 0..60 {
            let drops = Drops::default();
            let (sender, receiver) = chan::bounded(round % 3);
            let all: Vec<_> = (0..4)
                .flat_map(|i| {
                    let (sender, receiver, drops) = (sender.clone(), receiver.clone(), drops.clone());
                    let sends = move || (0..3).filter(|_| sender.send(Counted(drops.clone(), 0)).is_ok()).count();
                    let receives = move || receiver.iter().take(i).count();
                    [start(rt, place(i), sends), start(rt, place(i + round), receives)]
                })
                .collect();
            drop((sender, receiver));
            // Some senders were left alone, and some receivers; whoever is the last one finds out.
            let done: usize = all.into_iter().map(Started::join).sum();
            assert!((12..=18).contains(&done), "six are received, and at least those were sent");
            assert_eq!(drops.get(), 12);
        }
    });
}
