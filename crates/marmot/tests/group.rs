//! Groups: the first failure, panics, limits, and what ends by the end of the others.

mod common;

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;

use marmot::context::{self, Context};
use marmot::{WaitReason, sleep_or_cancelled};

use common::{alone, bounded, everywhere, ms, runtime, until, with_procs};

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
                        context::shield(|| until(|| goes_on.load(Relaxed)));
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
    everywhere(|_place| {
        for limit in [1, 3] {
            let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
            marmot::group(|g| {
                g.set_limit(limit);
                for _ in 0..50 {
                    g.go(|| {
                        most.fetch_max(running.fetch_add(1, Relaxed) + 1, Relaxed);
                        // As many run at a time as may, sooner or later.
                        until(|| most.load(Relaxed) >= limit);
                        running.fetch_sub(1, Relaxed);
                        Ok::<_, ()>(())
                    });
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(most.load(Relaxed), limit);
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
            let refused = g.spawn(marmot::Builder::new().stack_size(usize::MAX), || unreachable!("it was not started"));
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
            Ok::<_, io::Error>(())
        })
        .unwrap();
    });
}

/// Waits until the caller's context has ended.
#[track_caller]
fn until_cancelled() -> context::Error {
    let waited = sleep_or_cancelled(common::LIMIT);
    waited.expect_err("the context ends before that")
}

#[test]
fn the_first_error_is_returned_and_ends_the_others() {
    everywhere(|_| {
        // What each returns, in this order, and what the whole does.
        type Case<'a> = (&'a [Option<u32>], Result<(), u32>);
        let cases: [Case<'_>; 5] = [
            (&[], Ok(())),
            (&[None, None], Ok(())),
            (&[Some(1)], Err(1)),
            (&[None, Some(2), Some(3), None], Err(2)),
            (&[Some(4), None, Some(5), Some(6)], Err(4)),
        ];
        for (outcomes, expected) in cases {
            let result = marmot::group(|g| {
                let mut has_failed = false;
                for &outcome in outcomes {
                    // Who comes after the first failure waits for it to be noted.
                    let waits = has_failed;
                    has_failed |= outcome.is_some();
                    g.go(move || {
                        if waits {
                            until_cancelled();
                        }
                        outcome.map_or(Ok(()), Err)
                    });
                }
                Ok(())
            });
            assert_eq!(result, expected, "{outcomes:?}");
        }
    });
}

#[test]
fn a_failure_ends_what_the_opener_and_the_others_wait_for() {
    everywhere(|_| {
        let listener = common::listener();
        let (mut near, _far) = common::pair();
        let result: io::Result<()> = marmot::group(|g| {
            g.go(|| near.read(&mut [0; 1]).map(drop));
            g.go(|| Err(until_cancelled().into()));
            g.go(|| Err(io::ErrorKind::Unsupported.into()));
            listener.accept()?;
            unreachable!("nobody connects");
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::Unsupported);
    });
}

#[test]
fn a_failure_of_the_opener_ends_the_others() {
    everywhere(|_| {
        let ended = AtomicUsize::new(0);
        let result: Result<(), _> = marmot::group(|g| {
            for _ in 0..3 {
                g.go(|| {
                    until_cancelled();
                    ended.fetch_add(1, Relaxed);
                    Err("too late")
                });
            }
            Err("first")
        });
        assert_eq!((result, ended.load(Relaxed)), (Err("first"), 3));
    });
}

#[test]
fn a_panic_ends_the_others() {
    everywhere(|_| {
        let ended = AtomicUsize::new(0);
        for panics_itself in [false, true] {
            let text = panics(|| {
                marmot::group(|g| {
                    g.go(|| {
                        until_cancelled();
                        ended.fetch_add(1, Relaxed);
                        Err("less than a panic")
                    });
                    if panics_itself {
                        resume_unwind(Box::new("part of the test"));
                    }
                    g.go(|| resume_unwind(Box::new("part of the test")));
                    until_cancelled();
                    Ok(())
                })
            });
            assert_eq!(text, "part of the test");
        }
        assert_eq!(ended.load(Relaxed), 2);
    });
}

#[test]
fn the_destructor_of_an_error_may_panic() {
    struct Hot(bool);
    impl Drop for Hot {
        fn drop(&mut self) {
            if self.0 {
                resume_unwind(Box::new("in the destructor"));
            }
        }
    }

    everywhere(|_| {
        let ended = AtomicUsize::new(0);
        for fails_itself in [false, true] {
            let opened = || {
                marmot::group(|g| {
                    g.go(|| Err(Hot(false)));
                    g.go(|| {
                        until_cancelled();
                        ended.fetch_add(1, Relaxed);
                        Err(Hot(!fails_itself))
                    });
                    until_cancelled();
                    if fails_itself { Err(Hot(true)) } else { Ok(()) }
                })
            };
            assert!(catch_unwind(AssertUnwindSafe(opened)).is_err());
            // All have ended all the same.
            assert_eq!(ended.swap(0, Relaxed), 1);
        }
    });
}

#[test]
fn its_context_says_who_has_failed() {
    with_procs(2, || {
        let (tell, told) = mpsc::channel();
        let failed: io::Result<()> = marmot::group(|g| {
            g.go(|| {
                tell.send(until_cancelled()).unwrap();
                Ok(())
            });
            g.spawn(marmot::Builder::new().name("the first"), || Err(io::ErrorKind::Other.into()))?;
            let error = until_cancelled();
            assert_eq!(g.context().cause().unwrap().to_string(), error.cause().unwrap().to_string());
            Ok(())
        });
        failed.unwrap_err();
        let cause = told.recv().unwrap().cause().unwrap().to_string();
        assert!(cause.contains("'the first'") && cause.ends_with("has failed first"), "{cause}");
        assert!(cause.contains(file!()), "{cause}");
    });
}

#[test]
fn its_context_is_a_child_that_ends_with_the_group() {
    everywhere(|_| {
        struct Value(u32);
        let (outer, cancel) = Context::current().with_value(Value(7)).with_cancel();
        outer.run(|| {
            let context = marmot::group(|g| {
                g.go(|| {
                    assert_eq!(context::current().value::<Value>().unwrap().0, 7);
                    Ok::<_, ()>(())
                });
                Ok(g.context())
            });
            assert!(context.unwrap().err().unwrap().is_cancelled(), "nothing of it is left");
            context::check().unwrap();

            let result = marmot::group(|g| {
                g.go(|| Err(until_cancelled()));
                cancel.cancel_with_cause("from outside");
                Ok(())
            });
            assert_eq!(result.unwrap_err().cause().unwrap().to_string(), "from outside");
            // Under a context that has ended, all is as it is, and none waits.
            let started = marmot::group(|g| {
                g.go(|| Ok::<_, ()>(()));
                Ok(())
            });
            assert_eq!(started, Ok(()));
        });
    });
}

#[test]
fn who_is_done_may_cancel_the_others() {
    everywhere(|_| {
        let result = marmot::group(|g| {
            g.go(|| {
                assert_eq!(until_cancelled().cause().unwrap().to_string(), "we have it");
                Ok::<_, ()>(())
            });
            g.go(move || {
                g.cancel_with_cause("we have it");
                Ok(())
            });
            Ok(1)
        });
        assert_eq!(result, Ok(1), "to cancel is no failure");
    });
}

#[test]
fn after_a_failure_nothing_is_started_for_who_wants_to_know() {
    everywhere(|_| {
        let saw_the_end = AtomicBool::new(false);
        let result: io::Result<()> = marmot::group(|g| {
            g.set_limit(1);
            g.go(|| Err(io::ErrorKind::Unsupported.into()));
            // The first one has the room as long as it runs; when it has failed, there is no other.
            let error = loop {
                if let Err(error) = g.go_or_cancelled(|| Ok(())) {
                    break error;
                }
            };
            assert!(error.is_cancelled());
            // While this starts it all the same.
            g.go(|| {
                saw_the_end.store(context::check().is_err(), Relaxed);
                Ok(())
            });
            Ok(())
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::Unsupported);
        assert!(saw_the_end.into_inner());
    });
}

#[test]
fn a_wait_for_room_ends_with_the_context() {
    everywhere(|place| {
        let (outer, cancel) = Context::background().with_cancel();
        let go_on = Arc::new(AtomicBool::new(false));
        let (goes_on, begun) = (Arc::clone(&go_on), Arc::new(AtomicBool::new(false)));
        let begins = Arc::clone(&begun);
        let opener = place.start(move || {
            outer.run(|| {
                marmot::group(|g| {
                    g.set_limit(1);
                    g.go(|| {
                        context::shield(|| until(|| goes_on.load(Relaxed)));
                        Ok::<_, ()>(())
                    });
                    begins.store(true, Relaxed);
                    let refused = g.go_or_cancelled(|| unreachable!("it is dropped")).unwrap_err();
                    goes_on.store(true, Relaxed);
                    Ok(refused)
                })
            })
        });
        until(|| begun.load(Relaxed));
        opener.until_waiting(WaitReason::Group);
        cancel.cancel_with_cause("from outside");
        assert_eq!(opener.join().unwrap().cause().unwrap().to_string(), "from outside");
    });
}

/// Goroutines on `procs` Ps, and threads, that open groups with limits in which some fail: all come back, each is counted, and the
/// error is one of theirs.
fn stress(procs: usize) {
    const MEMBERS: usize = 20;
    bounded(move || {
        let rt = runtime(procs);
        let open = |seed: usize| {
            move || {
                for round in 0..20 {
                    let (ran, dropped) = (AtomicUsize::new(0), AtomicUsize::new(0));
                    let fails = (seed + round) % (MEMBERS + 5);
                    let result = marmot::group(|g| {
                        g.set_limit(1 + seed % 4);
                        for i in 0..MEMBERS {
                            let counts = Counts(&dropped);
                            let ran = &ran;
                            g.go_or_cancelled(move || {
                                let _counts = counts;
                                ran.fetch_add(1, Relaxed);
                                match i % 3 {
                                    0 => marmot::yield_now(),
                                    1 => marmot::sleep(ms(1)),
                                    _ => {}
                                }
                                if i == fails { Err(i) } else { Ok(()) }
                            })
                            .map_err(|_| usize::MAX)?;
                        }
                        Ok(())
                    });
                    match result {
                        Ok(()) => assert!(fails >= MEMBERS && ran.into_inner() == MEMBERS),
                        Err(i) => assert!(i == fails && ran.into_inner() > fails),
                    }
                    let dropped = dropped.into_inner();
                    assert!(dropped == MEMBERS || fails < MEMBERS && dropped > fails, "{dropped}");
                }
            }
        };
        let goroutines: Vec<_> = (0..8).map(|seed| rt.go(open(seed))).collect();
        let threads: Vec<_> = (8..10).map(|seed| thread::spawn(open(seed))).collect();
        goroutines.into_iter().for_each(|goroutine| goroutine.join().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        rt.shutdown(common::LIMIT).unwrap();
    });
}

struct Counts<'a>(&'a AtomicUsize);

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn many_groups_with_limits_and_failures() {
    let _alone = alone();
    for procs in [1, 2, 8] {
        stress(procs);
    }
}

/// Panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        resume_unwind(Box::new("in the destructor"));
    }
}

#[test]
fn all_have_ended_also_if_cancelling_them_panics() {
    let _alone = alone();
    bounded(|| {
        // What is to run after the end of `context` is dropped then, for its runtime has stopped; and a value with it.
        let hang_on = |context: Context| {
            let stopped = runtime(1);
            let hangs = stopped.go(move || {
                context.with_value(PanicsWhenDropped).after_func(|| unreachable!("its runtime has stopped"));
            });
            hangs.join().unwrap();
            stopped.shutdown(common::LIMIT).unwrap();
        };
        let ended = AtomicUsize::new(0);
        let slow = || {
            context::shield(|| marmot::sleep(ms(30)));
            ended.fetch_add(1, Relaxed);
        };
        let scope = || {
            marmot::scope(|s| {
                s.go(slow);
                hang_on(s.context());
                resume_unwind(Box::new("it is part of the test"));
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(scope)).is_err());
        assert_eq!(ended.load(Relaxed), 1);
        let group = || {
            marmot::group(|g| -> Result<(), ()> {
                g.go(|| {
                    slow();
                    Ok(())
                });
                hang_on(g.context());
                resume_unwind(Box::new("it is part of the test"));
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(group)).is_err());
        assert_eq!(ended.load(Relaxed), 2);
    });
}
