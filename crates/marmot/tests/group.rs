//! Groups: the first failure, panics, limits, and what ends by the end of the others.

mod common;

use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use marmot::WaitReason;

use common::{Place, alone, bounded, everywhere, ms, runtime, until, with_procs};

#[test]
fn all_have_ended_and_nothing_has_failed() {
    everywhere(|_| {
        let mut squares = [0; 100];
        let result = marmot::group(|g| {
            for (i, square) in squares.iter_mut().enumerate() {
                g.go(move || {
                    marmot::yield_now();
                    *square = i * i;
                    Ok(())
                });
            }
            Ok::<_, io::Error>(7)
        });
        assert_eq!(result.unwrap(), 7);
        assert!(squares.iter().enumerate().all(|(i, square)| *square == i * i));
        assert_eq!(marmot::group(|_| Ok::<_, ()>(1)), Ok(1), "an empty one");
    });
}

#[test]
fn they_start_others_in_it() {
    everywhere(|_| {
        let ended = AtomicUsize::new(0);
        marmot::group(|g| {
            let ended = &ended;
            for _ in 0..10 {
                g.go(move || {
                    for _ in 0..10 {
                        g.go(move || {
                            ended.fetch_add(1, Relaxed);
                            Ok::<_, ()>(())
                        });
                    }
                    Ok(())
                });
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(ended.load(Relaxed), 100);
    });
}

#[test]
fn an_error_may_borrow() {
    let words = ["1".to_owned(), "two".to_owned()];
    let result: Result<(), &str> = marmot::group(|g| {
        for word in &words {
            g.go(move || word.parse::<u32>().map(drop).map_err(|_| word.as_str()));
        }
        Ok(())
    });
    assert_eq!(result, Err("two"));
}

#[test]
fn all_are_waited_for_whatever_fails() {
    everywhere(|place| {
        for fails in [true, false] {
            let (go_on, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let (goes_on, counts) = (Arc::clone(&go_on), Arc::clone(&ended));
            let opener = place.start(move || {
                marmot::group(|g| {
                    g.go(|| {
                        let _shielded = until(|| goes_on.load(Relaxed));
                        counts.fetch_add(1, Relaxed);
                        Ok(())
                    });
                    g.go(|| {
                        counts.fetch_add(1, Relaxed);
                        if fails { Err("no") } else { Ok(()) }
                    });
                    if fails { Ok(()) } else { Err("no") }
                })
            });
            until(|| ended.load(Relaxed) == 1);
            assert!(!opener.is_finished());
            go_on.store(true, Relaxed);
            assert_eq!(opener.join(), Err("no"));
            assert_eq!(ended.load(Relaxed), 2);
        }
    });
}

/// What a group of these says when it panics.
fn panics(f: impl FnOnce() -> Result<(), &'static str>) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
    (*payload.downcast::<&str>().unwrap()).to_owned()
}

#[test]
fn a_panic_goes_on_when_all_have_ended() {
    everywhere(|_| {
        let ended = AtomicUsize::new(0);
        let text = panics(|| {
            marmot::group(|g| {
                g.go(|| panic_any("read this (it is part of the test)"));
                for _ in 0..3 {
                    g.go(|| {
                        (0..10).for_each(|_| marmot::yield_now());
                        ended.fetch_add(1, Relaxed);
                        Err("an error is less than a panic")
                    });
                }
                Ok(())
            })
        });
        assert_eq!((text.as_str(), ended.load(Relaxed)), ("read this (it is part of the test)", 3));

        let text = panics(|| {
            marmot::group(|g| {
                g.go(|| {
                    (0..10).for_each(|_| marmot::yield_now());
                    ended.fetch_add(1, Relaxed);
                    Ok(())
                });
                resume_unwind(Box::new("of the opener"))
            })
        });
        assert_eq!((text.as_str(), ended.load(Relaxed)), ("of the opener", 4));
    });
}

#[test]
fn a_panic_says_who_and_is_said_once() {
    let outcome = common::in_child("a_panic_says_who_and_is_said_once", || {
        let group = || {
            marmot::group(|g| {
                g.spawn(marmot::Builder::new().name("the culprit"), || panic!("by the culprit"))?;
                io::Result::Ok(())
            })
        };
        assert!(catch_unwind(group).is_err());
    });
    outcome.assert_success();
    outcome.assert_says("'the culprit'");
    assert_eq!(
        outcome.stderr.matches("by the culprit").count(),
        2,
        "by the hook and by the goroutine:\n{}",
        outcome.stderr
    );
}

#[test]
fn no_more_run_than_may() {
    everywhere(|place| {
        for limit in [1, 3] {
            let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            marmot::group(|g| {
                g.set_limit(limit);
                for _ in 0..50 {
                    g.go(|| {
                        most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
                        (0..3).for_each(|_| marmot::yield_now());
                        running.fetch_sub(1, Relaxed);
                        Ok::<_, ()>(())
                    });
                }
                Ok(())
            })
            .unwrap();
            let most = most.load(Relaxed);
            assert!((1..=limit).contains(&most), "{most} ran, and {limit} may");
            assert!(most == limit || place == Place::Threads, "a goroutine that starts others leaves no room");
        }
    });
}

#[test]
fn there_is_room_again_when_one_has_ended() {
    everywhere(|place| {
        let (go_on, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (goes_on, begins) = (Arc::clone(&go_on), Arc::clone(&begun));
        let opener = place.start(move || {
            marmot::group(|g| {
                g.set_limit(1);
                g.try_go(|| {
                    until(|| goes_on.load(Relaxed));
                    Ok::<_, ()>(())
                })
                .unwrap_or_else(|_| panic!("there is room"));
                let refused = g.try_go(|| unreachable!("it is refused")).is_err();
                assert_eq!(format!("{g:?}"), "Group { running: 1, limit: Some(1), .. }");
                begins.store(true, Relaxed);
                g.go(|| Ok(()));
                Ok(refused)
            })
        });
        until(|| begun.load(Relaxed));
        opener.until_waiting(WaitReason::Group);
        go_on.store(true, Relaxed);
        assert_eq!(opener.join(), Ok(true));
    });
}

#[test]
fn what_is_refused_can_be_done_by_oneself() {
    everywhere(|_| {
        let done = AtomicUsize::new(0);
        marmot::group(|g| {
            g.set_limit(2);
            for _ in 0..20 {
                let job = || {
                    marmot::yield_now();
                    done.fetch_add(1, Relaxed);
                    Ok::<_, ()>(())
                };
                if let Err(job) = g.try_go(job) {
                    job()?;
                }
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(done.load(Relaxed), 20);
    });
}

#[test]
fn the_limit_may_change() {
    everywhere(|place| {
        let (go_on, started) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (goes_on, starts) = (Arc::clone(&go_on), Arc::clone(&started));
        let opener = place.start(move || {
            marmot::group(|g| {
                g.set_limit(0);
                assert!(g.try_go(|| Ok::<_, ()>(())).is_err());
                let member = || {
                    starts.fetch_add(1, Relaxed);
                    until(|| goes_on.load(Relaxed));
                    Ok(())
                };
                thread::scope(|s| {
                    // Two wait for room, and get it by a higher limit.
                    let waiting = [(); 2].map(|()| s.spawn(|| g.go(member)));
                    g.set_limit(1);
                    until(|| starts.load(Relaxed) == 1);
                    g.set_limit(2);
                    waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
                });
                g.set_limit(1);
                assert!(g.try_go(member).is_err(), "two run, which is too many");
                g.set_limit(usize::MAX);
                g.go(member);
                assert_eq!(format!("{g:?}"), "Group { running: 3, limit: None, .. }");
                Ok(())
            })
        });
        until(|| started.load(Relaxed) == 3);
        go_on.store(true, Relaxed);
        opener.join().unwrap();
    });
}

#[test]
fn they_have_names_and_spawn_sites() {
    let site = Location::caller();
    with_procs(1, move || {
        marmot::group(|g| {
            g.go(|| {
                assert_eq!(marmot::current().spawn_site().file(), site.file());
                Ok(())
            });
            g.spawn(marmot::Builder::new().name("named"), || {
                assert_eq!(marmot::current().name(), Some("named"));
                Ok(())
            })?;
            let refused = g.spawn(marmot::Builder::new().stack_size(1), || unreachable!("it was not started"));
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
            Ok::<_, io::Error>(())
        })
        .unwrap();
    });
}
