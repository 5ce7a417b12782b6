//! Snapshots find every goroutine, and say what it does. They are of the whole process, so each test has it for itself.

mod common;

use std::collections::HashSet;
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{Place, alone, bounded, everywhere, is_in, ms, pair, runtime, until, with_procs};
use marmot::net::TcpStream;
use marmot::{JoinHandle, WaitReason};
use marmot_runtime::profile::labels::with_labels;
use marmot_runtime::profile::{self, Goroutine, Snapshot, Status};

const MANY: usize = 10_000;

/// Those that have the label, which a test gives all that it makes: tests run side by side.
fn labelled(snapshot: &Snapshot, label: &str) -> Vec<Goroutine> {
    let has = |g: &&Goroutine| g.labels.iter().any(|(key, value)| key == "test" && value == label);
    snapshot.goroutines.iter().filter(has).cloned().collect()
}

/// Waits until so many of them wait, and returns them as they are then.
#[track_caller]
fn until_waiting(label: &str, count: usize) -> Vec<Goroutine> {
    let mut found = Vec::new();
    until(|| {
        found = labelled(&profile::goroutines_within(common::LIMIT), label);
        found.iter().filter(|g| matches!(g.status, Status::Waiting(_))).count() == count
    });
    found
}

#[inline(never)]
fn parks() {
    marmot::park();
    black_box(1);
}

#[inline(never)]
fn parks_with_a_limit() {
    marmot::park_timeout(Duration::from_secs(1000));
    black_box(2);
}

#[inline(never)]
fn waits_for(child: JoinHandle<()>) {
    child.join().unwrap();
    black_box(3);
}

/// Ends its goroutines' waits when it is dropped, and waits for them.
#[derive(Default)]
struct Parked(Vec<JoinHandle<()>>, Vec<marmot::Goroutine>);

impl Parked {
    fn end(self) {
        self.0.iter().for_each(|handle| handle.goroutine().unpark());
        self.1.iter().for_each(marmot::Goroutine::unpark);
        self.0.into_iter().for_each(|handle| handle.join().unwrap());
    }
}

#[test]
fn ten_thousand_in_three_places() {
    let _alone = alone();
    with_procs(2, || {
        let mut all = Parked::default();
        let lines = with_labels(&[("test", "many")], || {
            let first = line!() + 2;
            for i in 0..MANY / 4 {
                all.0.push(marmot::Builder::new().name(format!("parked {i}")).spawn(parks).unwrap());
                all.0.push(with_labels(&[("kind", "limit")], || marmot::go(parks_with_a_limit)));
                let child = marmot::go(parks);
                all.1.push(child.goroutine().clone());
                all.0.push(marmot::go(move || waits_for(child)));
            }
            [first, first + 1, first + 2, first + 4]
        });
        let found = until_waiting("many", MANY);
        assert_eq!(found.len(), MANY);
        let ids: HashSet<u64> = found.iter().map(|g| g.id).collect();
        assert_eq!(ids.len(), MANY, "no goroutine is found twice");

        let at = |line: u32| -> Vec<&Goroutine> {
            let here = |g: &&Goroutine| g.spawn_site.file() == file!() && g.spawn_site.line() == line;
            found.iter().filter(here).collect()
        };
        let [named, limited, children, joining] = lines.map(at);
        for group in [&named, &limited, &children, &joining] {
            assert_eq!(group.len(), MANY / 4);
        }
        let waits = |group: &[&Goroutine], reason| group.iter().all(|g| g.status == Status::Waiting(reason));
        assert!(waits(&named, WaitReason::Parked));
        assert!(waits(&limited, WaitReason::Parked));
        assert!(waits(&children, WaitReason::Parked));
        assert!(waits(&joining, WaitReason::Join));
        assert!(named.iter().enumerate().all(|(i, g)| g.name == Some(format!("parked {i}"))));
        assert!(joining.iter().all(|g| g.name.is_none()));
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert!(limited.iter().all(|g| g.labels == [label("kind", "limit"), label("test", "many")]));
        assert!(joining.iter().all(|g| g.labels == [label("test", "many")]));

        let places = [parks as fn() as usize, parks_with_a_limit as fn() as usize, waits_for as fn(_) as usize];
        for (group, place) in [(named, places[0]), (limited, places[1]), (children, places[0]), (joining, places[2])] {
            let stacks: HashSet<&[usize]> = group.iter().map(|g| &g.stack[..]).collect();
            assert_eq!(stacks.len(), 1, "all of them wait in the same place");
            assert!(is_in(&group[0].stack, place), "{:x?}", group[0].stack);
        }

        let snapshot = profile::goroutines_within(common::LIMIT);
        assert_eq!(snapshot.absent, []);
        assert_eq!(labelled(&snapshot, "many").len(), MANY);
        assert!(snapshot.duration < common::LIMIT, "{:?}", snapshot.duration);
        println!("{} took {:?}, a pause {:?}", snapshot.goroutines.len(), snapshot.duration, snapshot.longest_pause);
        all.end();
    });
}

#[test]
fn who_asks_runs() {
    let _alone = alone();
    everywhere(|place| {
        let asked = place.start(|| {
            let me = marmot::current().id().to_string();
            let snapshot = profile::goroutines();
            assert_eq!(snapshot.absent, []);
            snapshot.goroutines.into_iter().find(|g| g.id.to_string() == me)
        });
        let found = asked.join();
        assert_eq!(found.is_some(), place == Place::Goroutines);
        if let Some(g) = found {
            assert_eq!(g.status, Status::Running);
            assert!(g.stack.len() > 2, "{:x?}", g.stack);
        }
    });
}

#[test]
fn each_wait_says_its_reason() {
    let _alone = alone();
    bounded(|| {
        let rt = runtime(2);
        rt.run(|| {
            let (mut near, far) = pair();
            let (open, is_open) = mpsc::channel();
            let handles = with_labels(&[("test", "reasons")], || {
                // It sleeps on when its runtime is gone.
                drop(marmot::go(|| marmot::sleep(Duration::from_secs(1_000_000))));
                let blocks = move || marmot::blocking(move || is_open.recv().unwrap());
                [marmot::go(move || far.wait_readable().unwrap()), marmot::go(blocks)]
            });
            let reasons: Vec<Status> = until_waiting("reasons", 3).iter().map(|g| g.status).collect();
            let expected = [WaitReason::Sleep, WaitReason::IoRead, WaitReason::Blocking].map(Status::Waiting);
            assert_eq!(reasons, expected);
            open.send(()).unwrap();
            near.write_all(b"x").unwrap();
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
    });
}

#[test]
fn one_that_a_poll_has_readied_does_not_wait_any_more() {
    let _alone = alone();
    with_procs(1, || {
        let ((mut near, mut far), (idle, _peer)) = (pair(), pair());
        let answers = move || {
            while far.read(&mut [0]).unwrap() > 0 {
                far.write_all(b"y").unwrap();
            }
        };
        let reader = with_labels(&[("test", "polled")], || marmot::go(answers));
        idle.set_nonblocking(true).unwrap();
        // Its first wait registers the connection, and goes another way.
        until_waiting("polled", 1);
        near.write_all(b"x").unwrap();
        near.read_exact(&mut [0]).unwrap();
        // Again where the thread that asks was late.
        until(|| {
            until_waiting("polled", 1);
            near.write_all(b"x").unwrap();
            let (asking, asks) = mpsc::channel();
            let asker = thread::spawn(move || {
                asking.send(()).unwrap();
                labelled(&profile::goroutines_within(common::LIMIT), "polled")
            });
            // The only M is in here until it has been asked. Then this goroutine uses its turn up, so that the M polls, and after
            // that does what it was asked for before anybody runs.
            asks.recv().unwrap();
            (0..100).for_each(|_| thread::yield_now());
            (0..100).for_each(|_| drop((&idle).read(&mut [0]).unwrap_err()));
            let found = marmot::blocking(|| asker.join().unwrap());
            near.read_exact(&mut [0]).unwrap();
            found[0].status == Status::Runnable
        });
        drop(near);
        reader.join().unwrap();
    });
}

#[test]
fn those_that_have_not_started_are_found() {
    let _alone = alone();
    with_procs(1, || {
        let (mut near, far) = pair();
        let waits = with_labels(&[("test", "unstarted")], || {
            let reads = |far: TcpStream| {
                let mut byte = [0];
                (&far).read_exact(&mut byte).unwrap();
                byte[0]
            };
            far.go_when_readable(reads)
        });
        let queued: Vec<_> = with_labels(&[("test", "unstarted")], || {
            // More than a ring has room for, so that some are in the global queue; and one that starts here.
            let handles: Vec<_> = (0..400).map(|_| marmot::go(|| ())).collect();
            drop(marmot::go_local(|| ()));
            handles
        });
        // The caller parks in between, and its M starts what it can: they are found in all states, or have ended.
        for _ in 0..3 {
            let found = labelled(&profile::goroutines(), "unstarted");
            assert_eq!((found[0].status, found[0].m), (Status::Unstarted, None), "it waits for the connection");
            assert!(found[0].stack.is_empty());
        }
        queued.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!(labelled(&profile::goroutines(), "unstarted").len(), 1);
        // It is where it was: the event finds it.
        near.write_all(b"y").unwrap();
        assert_eq!(waits.join().unwrap(), b'y');
        assert_eq!(labelled(&profile::goroutines(), "unstarted").len(), 0);
    });
}

#[test]
fn queues_are_looked_through() {
    let _alone = alone();
    // The M is held up until the errand has been sent, so that it finds what was queued meanwhile.
    with_procs(1, || {
        let asked = thread::spawn(|| labelled(&profile::goroutines(), "queued"));
        let handles: Vec<_> = with_labels(&[("test", "queued")], || {
            let handles = (0..400).map(|_| marmot::go(marmot::park)).collect();
            drop(marmot::go_local(marmot::yield_now));
            handles
        });
        // A plain thread's first look may come before they were made, or after they have started; later ones do not.
        let seen = asked.join().unwrap();
        assert!(seen.len() <= 401);
        let found = until_waiting("queued", 400);
        assert_eq!(found.len(), 400);
        Parked(handles, Vec::new()).end();
    });
}

#[test]
fn two_runtimes_are_told_apart() {
    let _alone = alone();
    bounded(|| {
        let (one, two) = (runtime(1), runtime(2));
        let parked = with_labels(&[("test", "two")], || [one.go(parks), two.go(parks)]);
        let found = until_waiting("two", 2);
        assert_ne!(found[0].runtime, found[1].runtime);
        // From a goroutine of one of them, too.
        assert_eq!(two.run(|| labelled(&profile::goroutines(), "two").len()), 2);
        Parked(parked.into(), Vec::new()).end();
        drop((one, two));
    });
}

#[test]
fn a_stuck_m_is_absent() {
    let _alone = alone();
    bounded(|| {
        let rt = runtime(2);
        let free = Arc::new(AtomicBool::new(false));
        let stuck = Arc::clone(&free);
        let handle = with_labels(&[("test", "stuck")], || {
            rt.go(move || {
                while !stuck.load(Relaxed) {
                    thread::yield_now();
                }
                marmot::park();
            })
        });
        let mut absent = Vec::new();
        until(|| {
            let begun = Instant::now();
            let snapshot = profile::goroutines_within(ms(50));
            assert!(begun.elapsed() < ms(50) + common::LATE);
            // Of those of other tests there may be some, too.
            absent = snapshot.absent.into_iter().filter(|absent| absent.goroutines > 0).collect();
            labelled(&profile::goroutines_within(ms(50)), "stuck").is_empty() && !absent.is_empty()
        });
        free.store(true, Relaxed);
        assert_eq!(until_waiting("stuck", 1).len(), 1);
        handle.goroutine().unpark();
        handle.join().unwrap();
        rt.shutdown(common::LIMIT).unwrap();
    });
}

#[test]
fn while_goroutines_come_and_go() {
    let _alone = alone();
    for procs in [1, 2, 8] {
        with_procs(procs, move || {
            let stop = Arc::new(AtomicBool::new(false));
            let label = format!("stress {procs}");
            let parked =
                with_labels(&[("test", &*label)], || Parked((0..200).map(|_| marmot::go(parks)).collect(), Vec::new()));
            until_waiting(&label, 200);
            let spawners: Vec<_> = (0..2 * procs)
                .map(|i| {
                    let stop = Arc::clone(&stop);
                    marmot::go(move || {
                        let mut ended = 0_u64;
                        while !stop.load(Relaxed) {
                            let name = format!("spawned by {i}");
                            let child = marmot::Builder::new().name(name).spawn(marmot::yield_now).unwrap();
                            let route = ["/a", "/b", "/c"][ended as usize % 3];
                            with_labels(&[("route", route)], || marmot::go(|| ())).join().unwrap();
                            child.join().unwrap();
                            ended += 2;
                        }
                        ended
                    })
                })
                .collect();
            for round in 0..50 {
                let snapshot = profile::goroutines();
                assert_eq!(labelled(&snapshot, &label).len(), 200, "in round {round}");
                assert!(snapshot.goroutines.is_sorted_by(|a, b| a.id < b.id));
            }
            stop.store(true, Relaxed);
            assert!(spawners.into_iter().map(|spawner| spawner.join().unwrap()).sum::<u64>() > 0);
            parked.end();
        });
    }
}

#[test]
fn while_a_runtime_is_shut_down() {
    let _alone = alone();
    bounded(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let asker = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                // One at least, however late it begins.
                loop {
                    let is_last = stop.load(Relaxed);
                    let snapshot = profile::goroutines_within(common::LIMIT);
                    // An M that has gone is not waited for.
                    assert!(snapshot.duration < common::LIMIT, "{snapshot:?}");
                    if is_last {
                        return;
                    }
                }
            })
        };
        for round in 0..30 {
            let rt = runtime(2);
            let handles: Vec<_> = (0..20).map(|_| rt.go(marmot::yield_now)).collect();
            if round % 2 == 0 {
                handles.into_iter().for_each(|handle| handle.join().unwrap());
                rt.shutdown(common::LIMIT).unwrap();
            }
            // Otherwise it is dropped with what it has.
        }
        stop.store(true, Relaxed);
        asker.join().unwrap();
    });
}
