//! `select!` and `sync::chan::Select`: waiting for the first of several operations with channels.

mod common;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{LIMIT, Place, Started, alone, bounded, everywhere, ms, runtime, until, with_procs};
use marmot::sync::chan::{self, Receiver, RecvError, Select, SendError, Sender, TryRecvError, TrySendError};
use marmot::sync::mpsc;
use marmot::{Runtime, WaitReason, select};

#[test]
fn the_arm_that_can_go_on_is_chosen() {
    everywhere(|_| {
        let (sender, receiver) = chan::bounded(1);
        let (full, other) = chan::bounded(1);
        full.send("full").unwrap();
        let idle = chan::never::<u8>();
        for i in 0..20 {
            let sent = select! {
                recv(idle) -> _ => unreachable!(),
                send(full, "more") -> _ => unreachable!(),
                send(sender, i) -> sent => { sent.is_ok() }
            };
            assert!(sent);
            let got = select! {
                send(full, "more") -> _ => unreachable!(),
                recv(idle) -> _ => unreachable!(),
                recv(receiver) -> message => message.unwrap(),
            };
            assert_eq!(got, i);
        }
        assert_eq!(other.try_iter().collect::<Vec<_>>(), ["full"]);
    });
}

#[test]
fn a_default_does_not_wait_and_a_limit_waits_so_long() {
    everywhere(|_| {
        let (sender, receiver) = chan::rendezvous::<u8>();
        assert!(select! { recv(receiver) -> _ => false, default => true });
        assert!(select! { send(sender, 1) -> _ => false, default => true });
        let begun = Instant::now();
        assert!(select! { recv(receiver) -> _ => false, send(sender, 1) -> _ => false, default(ms(5)) => true });
        assert!(select! { default(begun + ms(10)) => true, recv(receiver) -> _ => false });
        assert!(begun.elapsed() >= ms(10));
        // Without any operation it is a sleep, and a point that has passed is none.
        assert!(select! { default(ms(1)) => true });
        assert!(select! { recv(receiver) -> _ => false, default(begun) => true, cancelled => false });
        // The earliest of several counts.
        assert_eq!(select! { default(LIMIT) => 1, recv(receiver) -> _ => 2, default(ms(1)) => 3 }, 3);
        // Nobody is left behind who would take it.
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

#[test]
fn a_channel_without_its_other_side_can_go_on() {
    everywhere(|place| {
        let (sender, receiver) = chan::rendezvous::<u8>();
        let (lonely, gone) = chan::bounded::<u8>(1);
        drop(gone);
        assert_eq!(
            select! { recv(receiver) -> _ => unreachable!(), send(lonely, 3) -> sent => sent },
            Err(SendError::Disconnected(3))
        );
        // And who waits is told.
        let idle = chan::never::<u8>();
        let waits = place.start(move || select! { recv(idle) -> m => m, recv(receiver) -> m => m });
        waits.until_waiting(WaitReason::Select);
        drop(sender);
        assert_eq!(waits.join(), Err(RecvError::Disconnected));

        let (sender, receiver) = chan::rendezvous();
        let idle = chan::never::<u8>();
        let waits = place.start(move || {
            select! { recv(idle) -> _ => unreachable!(), send(sender, String::from("m")) -> sent => sent }
        });
        waits.until_waiting(WaitReason::Select);
        drop(receiver);
        assert_eq!(waits.join(), Err(SendError::Disconnected(String::from("m"))));
    });
}

#[test]
fn expressions_are_evaluated_once_and_in_order() {
    everywhere(|_| {
        let order = RefCell::new(Vec::new());
        let (sender, receiver) = chan::bounded(1);
        let ends = (&sender, &receiver);
        let note = |what: &'static str| order.borrow_mut().push(what);
        select! {
            recv({ note("from"); ends.1 }) -> _ => unreachable!(),
            default({ note("limit"); LIMIT }) => unreachable!(),
            send({ note("to"); ends.0 }, { note("message"); 1 }) -> sent => sent.unwrap(),
        }
        assert_eq!(*order.borrow(), ["from", "limit", "to", "message"]);
    });
}

#[test]
fn ready_arms_are_chosen_equally_often() {
    const TIMES: usize = 3000;
    with_procs(1, || {
        let ends: [_; 3] = std::array::from_fn(|_| chan::bounded(1));
        let idle = chan::never::<()>();
        let mut counts = [0; 3];
        for (sender, _) in &ends {
            sender.send(()).unwrap();
        }
        // One that never comes stands between them: its neighbour is not chosen for it.
        for _ in 0..TIMES {
            let chosen = select! {
                recv(ends[0].1) -> _ => 0,
                recv(idle) -> _ => unreachable!(),
                recv(ends[1].1) -> _ => 1,
                recv(ends[2].1) -> _ => 2,
            };
            counts[chosen] += 1;
            ends[chosen].0.send(()).unwrap();
        }
        // That one of them is chosen less than 850 times of 3000 has a probability below 10^-8.
        assert!(counts.iter().all(|&count| count > 850), "{counts:?}");
    });
}

#[test]
fn who_waits_at_several_gets_from_one_and_leaves_the_others() {
    everywhere(|place| {
        for chosen in 0..3 {
            let ends: [(Sender<u8>, Receiver<u8>); 3] = std::array::from_fn(|_| chan::rendezvous());
            let theirs = ends.clone();
            let waits = place.start(move || {
                select! {
                    recv(theirs[0].1) -> message => (0, message),
                    recv(theirs[1].1) -> message => (1, message),
                    recv(theirs[2].1) -> message => (2, message),
                }
            });
            waits.until_waiting(WaitReason::Select);
            ends[chosen].0.send(9).unwrap();
            assert_eq!(waits.join(), (chosen, Ok(9)));
            for (sender, _) in &ends {
                assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
            }
        }
    });
}

#[test]
fn a_send_hands_its_message_over_and_the_others_drop_theirs() {
    everywhere(|place| {
        let message = Arc::new(());
        let (sender, receiver) = chan::rendezvous();
        let (other, others) = chan::rendezvous();
        let theirs = [Arc::clone(&message), Arc::clone(&message)];
        let waits = place.start(move || {
            let [first, second] = theirs;
            select! {
                send(other, first) -> _ => 0,
                send(sender, second) -> sent => { sent.unwrap(); 1 }
            }
        });
        waits.until_waiting(WaitReason::Select);
        let got = receiver.recv().unwrap();
        assert_eq!(waits.join(), 1);
        assert_eq!(Arc::strong_count(&message), 2);
        assert!(others.try_recv().is_err());
        drop(got);
        assert_eq!(Arc::strong_count(&message), 1);
    });
}

#[test]
fn a_message_stays_in_its_option_until_it_is_sent() {
    everywhere(|_| {
        let (sender, receiver) = chan::bounded(1);
        let mut pending = Some(String::from("a"));
        select! { send_from(sender, &mut pending) -> sent => sent.unwrap(), default => unreachable!() }
        assert_eq!(pending, None);
        // Without a message the arm never comes, though there may be room.
        select! { send_from(sender, &mut pending) -> _ => unreachable!(), default => {} }
        pending = Some(String::from("b"));
        select! { send_from(sender, &mut pending) -> _ => unreachable!(), default(ms(1)) => {} }
        assert_eq!(pending.as_deref(), Some("b"));
        assert_eq!(receiver.recv().unwrap(), "a");
        drop(receiver);
        let back = select! { send_from(sender, &mut pending) -> sent => sent };
        assert_eq!(back, Err(SendError::Disconnected(String::from("b"))));
        assert_eq!(pending, None);
    });
}

#[test]
fn none_switches_an_arm_off() {
    everywhere(|_| {
        let (sender, receiver) = chan::unbounded();
        let (mut first, mut second) = (Some(receiver), Some(chan::unbounded().1));
        (0..3).for_each(|i| sender.send(i).unwrap());
        drop(sender);
        let mut got = Vec::new();
        // Go's way to merge channels: each is switched off when it has ended.
        while first.is_some() || second.is_some() {
            select! {
                recv(first) -> message => match message {
                    Ok(message) => got.push(message),
                    Err(_) => first = None,
                },
                recv(second) -> message => match message {
                    Ok(message) => got.push(message),
                    Err(_) => second = None,
                },
            }
        }
        assert_eq!(got, [0, 1, 2]);
        let nobody: Option<Sender<u8>> = None;
        assert!(select! { send(nobody, 1) -> _ => false, recv(first) -> _ => false, default(ms(1)) => true });
    });
}

#[test]
fn arms_are_part_of_the_function_around_them() {
    fn first(receivers: &[Receiver<i32>; 2], end: &Receiver<()>) -> Result<i32, RecvError> {
        let mut sum = 0;
        'all: loop {
            select! {
                recv(receivers[0]) -> message => {
                    let message = message?;
                    if message < 0 {
                        continue 'all;
                    }
                    sum += message
                }
                recv(&receivers[1]) -> message => match message {
                    Ok(message) => return Ok(message),
                    Err(_) => break,
                },
                recv(end) -> Ok(()) | Err(_) => unreachable!(),
            }
        }
        Ok(sum)
    }

    everywhere(|_| {
        let (first_sender, first_receiver) = chan::unbounded();
        let (second_sender, second_receiver) = chan::unbounded();
        let receivers = [first_receiver, second_receiver];
        let end = chan::never();
        second_sender.send(-5).unwrap();
        assert_eq!(first(&receivers, &end), Ok(-5));
        first_sender.send(3).unwrap();
        first_sender.send(-4).unwrap();
        let adds = marmot::go(move || first(&receivers, &end));
        until(|| first_sender.is_empty());
        drop(second_sender);
        assert_eq!(adds.join().unwrap(), Ok(3));

        // The channels are no longer borrowed there, and what was chosen is a value.
        let (sender, receiver) = chan::bounded(1);
        sender.send(String::from("m")).unwrap();
        let moved = select! {
            recv(receiver) -> message => { drop(receiver); message }
            send(sender, String::new()) -> _ => unreachable!(),
        };
        assert_eq!(moved.as_deref(), Ok("m"));
        // The names in the macro are not those of the program.
        let (chosen, others, outcome) = (1, 2, 3);
        assert_eq!(select! { recv(chan::never::<u8>()) -> _ => 0, default => chosen + others + outcome }, 6);
    });
}

#[test]
fn the_same_channel_may_be_in_several_arms() {
    everywhere(|place| {
        let (sender, receiver) = chan::rendezvous();
        // It does not meet itself.
        assert!(select! {
            send(sender, 1) -> _ => false,
            recv(receiver) -> _ => false,
            recv(receiver) -> _ => false,
            default(ms(1)) => true,
        });
        let ends = (sender.clone(), receiver.clone());
        let waits = place.start(move || {
            (0..20)
                .map(|_| {
                    select! {
                        send(ends.0, 1) -> sent => sent.map_or(100, |()| 1),
                        recv(ends.1) -> message => message.unwrap(),
                        recv(ends.1) -> message => message.unwrap(),
                    }
                })
                .sum::<i32>()
        });
        (0..10).for_each(|_| assert_eq!(receiver.recv(), Ok(1)));
        (0..10).for_each(|_| sender.send(2).unwrap());
        assert_eq!(waits.join(), 30);
    });
}

#[test]
fn arms_at_one_channel_are_chosen_equally_often_by_a_select_that_has_waited() {
    const TIMES: usize = 3000;
    for procs in [1, 2, 8] {
        with_procs(procs, || {
            let (sender, receiver) = chan::rendezvous();
            let other = receiver.clone();
            let idle = chan::never::<()>();
            let receives = marmot::go_local(move || {
                let mut counts = [0; 3];
                for _ in 0..TIMES {
                    let chosen = select! {
                        recv(receiver) -> _ => 0,
                        recv(idle) -> _ => unreachable!(),
                        recv(other) -> _ => 1,
                        recv(receiver) -> _ => 2,
                    };
                    counts[chosen] += 1;
                }
                counts
            });
            // Both have settled here: when this one yields, the other goes on until it waits.
            let until_selecting = |other: &marmot::Goroutine| {
                while other.wait_reason() != Some(WaitReason::Select) {
                    marmot::yield_now();
                }
            };
            for _ in 0..TIMES {
                until_selecting(receives.goroutine());
                sender.send(()).unwrap();
            }
            let counts = receives.join().unwrap();
            // As above.
            assert!(counts.iter().all(|&count| count > 850), "{counts:?}");

            let (sender, receiver) = chan::rendezvous();
            let other = sender.clone();
            let sends = marmot::go_local(move || {
                let mut counts = [0; 2];
                for _ in 0..TIMES {
                    counts[select! {
                        send(sender, 0) -> _ => 0,
                        send(other, 1) -> _ => 1,
                    }] += 1;
                }
                counts
            });
            let mut received = [0; 2];
            for _ in 0..TIMES {
                until_selecting(sends.goroutine());
                received[receiver.recv().unwrap()] += 1;
            }
            let counts = sends.join().unwrap();
            assert_eq!(counts, received);
            assert!(counts.iter().all(|&count| count > 1300), "{counts:?}");
        });
    }
}

#[test]
fn all_kinds_of_ends_are_arms() {
    everywhere(|_| {
        let (sender, receiver) = mpsc::channel();
        let (sync, taken) = mpsc::sync_channel(1);
        let shared = Arc::new(receiver);
        select! { send(&sender, 1) -> sent => sent.unwrap() }
        select! { send(Box::new(sync), 2) -> sent => sent.unwrap() }
        assert_eq!(select! { recv(shared) -> message => message }, Ok(1));
        assert_eq!(select! { recv(&&taken) -> message => message }, Ok(2));
    });
}

#[test]
fn there_are_as_many_arms_as_one_adds() {
    everywhere(|place| {
        let ends: Vec<_> = (0..100).map(|_| chan::rendezvous()).collect();
        let receivers: Vec<Receiver<usize>> = ends.iter().map(|ends| ends.1.clone()).collect();
        let waits = place.start(move || {
            let mut got = Vec::new();
            for _ in 0..100 {
                let mut all = Select::new();
                for (i, receiver) in receivers.iter().enumerate() {
                    all = all.recv(receiver, move |message| (i, message.unwrap()));
                }
                got.push(all.wait().unwrap());
            }
            got
        });
        for (i, (sender, _)) in ends.iter().enumerate().rev() {
            sender.send(i).unwrap();
        }
        assert!(waits.join().into_iter().eq((0..100).rev().map(|i| (i, i))));
    });
}

#[test]
fn a_select_that_is_built_does_all_that_the_macro_does() {
    everywhere(|place| {
        let (sender, receiver) = chan::rendezvous();
        assert_eq!(Select::new().recv(&receiver, |message| message).try_wait(), None::<Result<i32, _>>);
        let timed = Select::new().recv(&receiver, |_| ()).send(&sender, 1, |_| ()).wait_timeout(ms(1));
        assert_eq!(timed.unwrap(), None);
        assert_eq!(Select::<()>::default().wait_deadline(Instant::now() + ms(1)).unwrap(), None);

        let mut message = Some(5);
        let idle = chan::never::<i32>();
        let unsent = Select::new().send_from(&sender, &mut message, |_| 1).recv(&idle, |_| 2).try_wait();
        assert_eq!((unsent, message), (None, Some(5)));
        let theirs = receiver.clone();
        let receives = place.start(move || Select::new().recv(&theirs, |message| message).wait().unwrap());
        receives.until_waiting(WaitReason::Select);
        let sent = Select::new().send_from(&sender, &mut message, |sent| sent).wait();
        assert_eq!((sent.unwrap(), message), (Ok(()), None));
        assert_eq!(receives.join(), Ok(5));

        // In the end, the channels are the program's again.
        drop(sender);
        let end = Select::new().recv(&receiver, |message| message).wait().unwrap();
        assert_eq!(end, Err(RecvError::Disconnected));
    });
}

#[test]
fn a_message_that_is_not_sent_may_panic_when_it_is_dropped() {
    struct Panics(Arc<AtomicUsize>);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            if !thread::panicking() {
                resume_unwind(Box::new("it is part of the test"));
            }
        }
    }

    everywhere(|_| {
        let drops = Arc::new(AtomicUsize::new(0));
        let message = Arc::new(());
        let (sender, receiver) = chan::bounded(10);
        let (full, _full) = chan::rendezvous();
        (0..2).for_each(|_| sender.send(Arc::clone(&message)).unwrap());
        let macros = || {
            drop(select! { recv(receiver) -> m => m, send(full, Panics(Arc::clone(&drops))) -> _ => unreachable!() })
        };
        assert!(catch_unwind(AssertUnwindSafe(macros)).is_err());
        let built = Select::new()
            .send(&full, Panics(Arc::clone(&drops)), |_| None)
            .recv(&receiver, |message| Some(message.unwrap()));
        assert!(catch_unwind(AssertUnwindSafe(|| built.wait())).is_err());
        assert_eq!((drops.load(SeqCst), Arc::strong_count(&message)), (2, 1));
        // Nor is one dropped twice that was sent.
        let built =
            Select::new()
                .send(&full, Panics(Arc::clone(&drops)), |_| ())
                .send(&sender, Arc::clone(&message), |sent| sent.unwrap());
        assert!(catch_unwind(AssertUnwindSafe(|| built.wait())).is_err());
        assert_eq!((drops.load(SeqCst), Arc::strong_count(&message)), (3, 2));
    });
}

#[test]
fn who_selects_in_a_runtime_that_has_stopped_is_passed_over() {
    let _alone = alone();
    bounded(|| {
        let (ending, staying) = (runtime(1), runtime(1));
        let (sender, receiver) = chan::rendezvous();
        let (answer, asked) = chan::rendezvous();
        let wait_in = |runtime: &Runtime| {
            let ends = (receiver.clone(), answer.clone());
            let waits = runtime.go(move || select! { recv(ends.0) -> m => m, send(ends.1, 3) -> _ => Ok(3) });
            until(|| waits.goroutine().wait_reason() == Some(WaitReason::Select));
            waits
        };
        let _lost = wait_in(&ending);
        let first = wait_in(&staying);
        ending.shutdown(ms(0)).unwrap_err();
        sender.send(2).unwrap();
        assert_eq!(first.join().unwrap(), Ok(2));
        assert_eq!(asked.try_recv(), Err(TryRecvError::Empty));
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

type Ends = (Sender<usize>, Receiver<usize>);

#[test]
fn selects_that_wait_for_each_other_meet() {
    const ROUNDS: usize = 500;
    mixed(|rt, place| {
        for i in 0..3 {
            let (a, b) = (chan::rendezvous(), chan::rendezvous());
            let meet = |ends: (Ends, Ends)| {
                move || {
                    let (mut sent, mut received) = (0, 0);
                    for k in 0..ROUNDS {
                        select! {
                            send(ends.0.0, k) -> done => { done.unwrap(); sent += k + 1 }
                            recv(ends.1.1) -> message => received += message.unwrap() + 1,
                        }
                    }
                    (sent, received)
                }
            };
            let one = start(rt, place(i), meet((a.clone(), b.clone())));
            let other = start(rt, place(i + 2), meet((b, a)));
            let (one, other) = (one.join(), other.join());
            assert_eq!((one.0, one.1), (other.1, other.0));
            assert_eq!(one.0 + one.1, ROUNDS * (ROUNDS + 1) / 2);
        }
    });
}

#[test]
fn selects_of_many_over_many_lose_nothing_and_double_nothing() {
    const SENDERS: usize = 4;
    const EACH: usize = 400;
    mixed(|rt, place| {
        let ends = [chan::rendezvous(), chan::bounded(2), chan::unbounded()];
        let seen = Arc::new(Mutex::new(vec![0_u8; SENDERS * EACH]));
        let send: Vec<_> = (0..SENDERS)
            .map(|i| {
                let [a, b, c] = ends.each_ref().map(|ends| ends.0.clone());
                start(rt, place(i), move || {
                    for k in 0..EACH {
                        let mut message = Some(i * EACH + k);
                        while message.is_some() {
                            // An unbounded channel always has room; it has its turn now and then.
                            let limit = Duration::from_micros(k as u64 % 3 * 20);
                            select! {
                                send_from(a, &mut message) -> sent => sent.unwrap(),
                                default(limit) => {}
                            }
                            let next = if k % 5 == 0 { &c } else { &b };
                            select! {
                                send_from(next, &mut message) -> sent => sent.unwrap(),
                                default(limit) => {}
                            }
                        }
                    }
                })
            })
            .collect();
        let receive: Vec<_> = (0..SENDERS)
            .map(|i| {
                let ([a, b, c], seen) = (ends.each_ref().map(|ends| Some(ends.1.clone())), Arc::clone(&seen));
                start(rt, place(i + 1), move || {
                    let (mut all, mut open) = (Vec::new(), [a, b, c]);
                    while open.iter().any(Option::is_some) {
                        let (i, message) = select! {
                            recv(open[0]) -> message => (0, message),
                            recv(open[1]) -> message => (1, message),
                            recv(open[2]) -> message => (2, message),
                            default(Duration::from_micros(50)) => continue,
                        };
                        match message {
                            Ok(message) => all.push(message),
                            Err(_) => open[i] = None,
                        }
                    }
                    let mut seen = seen.lock().unwrap();
                    all.into_iter().for_each(|message| seen[message] += 1);
                })
            })
            .collect();
        drop(ends);
        send.into_iter().chain(receive).for_each(Started::join);
        assert!(seen.lock().unwrap().iter().all(|&times| times == 1));
    });
}

#[test]
fn none_is_starved_by_arms_that_can_always_come() {
    with_procs(1, || {
        let (busy, always) = chan::unbounded();
        (0..10_000).for_each(|i| busy.send(i).unwrap());
        let (sender, receiver) = chan::rendezvous();
        let rings = marmot::go(move || (0..10).for_each(|_| sender.send(()).unwrap()));
        let mut rung = 0;
        for taken in 0.. {
            assert!(taken < 10_000, "the other was chosen {rung} times only");
            select! {
                recv(always) -> _ => {},
                recv(receiver) -> message => match message {
                    Ok(()) => rung += 1,
                    Err(_) => break,
                },
            }
        }
        assert_eq!(rung, 10);
        rings.join().unwrap();
    });
}

#[test]
fn primes_through_a_chain_of_selects() {
    everywhere(|place| {
        let quit = Arc::new(AtomicUsize::new(0));
        let (end, over) = chan::rendezvous::<()>();
        let (source, mut receiver) = chan::rendezvous();
        let mut all = Vec::new();
        let (stop, ended) = (over.clone(), Arc::clone(&quit));
        all.push(place.start(move || {
            for i in 2.. {
                select! {
                    send(source, i) -> sent => if sent.is_err() { break },
                    recv(stop) -> _ => break,
                }
            }
            ended.fetch_add(1, Relaxed);
        }));
        let mut primes = Vec::new();
        for _ in 0..10 {
            let prime: u32 = receiver.recv().unwrap();
            primes.push(prime);
            let (sender, next) = chan::rendezvous();
            let (incoming, stop, ended) = (std::mem::replace(&mut receiver, next), over.clone(), Arc::clone(&quit));
            all.push(place.start(move || {
                loop {
                    let number = select! { recv(incoming) -> m => m, recv(stop) -> _ => break };
                    let Ok(number) = number else { break };
                    if number % prime != 0 {
                        select! { send(sender, number) -> _ => {}, recv(stop) -> _ => break }
                    }
                }
                ended.fetch_add(1, Relaxed);
            }));
        }
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        drop(end);
        all.into_iter().for_each(Started::join);
        assert_eq!(quit.load(Relaxed), 11);
    });
}
