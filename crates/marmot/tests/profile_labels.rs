//! Labels go where the work goes, and come back.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use common::{bounded, everywhere, runtime, with_procs};
use marmot_runtime::profile::labels::{self, current_label_id, labels, resolve, with_labels, without_labels};

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn they_are_inherited() {
    everywhere(|place| {
        let seen = with_labels(&[("route", "/x")], || {
            let child = marmot::go(|| {
                let mine = labels();
                let grandchild = with_labels(&[("step", "2")], || marmot::go(labels));
                let local = marmot::go_local(labels);
                (mine, grandchild.join().unwrap(), local.join().unwrap(), marmot::blocking(labels))
            });
            // A scope, and a builder.
            let scoped = marmot::scope(|s| s.go(labels).join().unwrap());
            let built = marmot::Builder::new().name("built").spawn(labels).unwrap().join().unwrap();
            (child.join().unwrap(), scoped, built)
        });
        let x = owned(&[("route", "/x")]);
        let x2 = owned(&[("route", "/x"), ("step", "2")]);
        assert_eq!(seen, ((x.clone(), x2, x.clone(), x.clone()), x.clone(), x), "{place:?}");
        assert!(labels().is_empty());
    });
}

#[test]
fn others_do_not_get_them() {
    with_procs(1, || {
        let before = marmot::go(|| {
            marmot::park();
            labels()
        });
        let during = with_labels(&[("mine", "1")], || {
            marmot::yield_now();
            before.goroutine().unpark();
            // It runs on this M while these are set.
            let theirs = before.join().unwrap();
            (theirs, labels())
        });
        assert_eq!(during, (vec![], owned(&[("mine", "1")])));
        assert!(marmot::go(labels).join().unwrap().is_empty());
        assert!(marmot::blocking(labels).is_empty());
    });
}

#[test]
fn a_panic_gives_them_back() {
    everywhere(|place| {
        let found = place.start(|| {
            with_labels(&[("outer", "1")], || {
                let thrown = catch_unwind(AssertUnwindSafe(|| {
                    with_labels(&[("inner", "2")], || {
                        marmot::yield_now();
                        panic!("on purpose");
                    })
                }));
                assert!(thrown.is_err());
                (labels(), without_labels(|| marmot::go(labels).join().unwrap()))
            })
        });
        assert_eq!(found.join(), (owned(&[("outer", "1")]), vec![]));
    });
}

#[test]
fn a_spare_thread_has_them_for_the_call_only() {
    bounded(|| {
        let rt = runtime(1);
        rt.run(|| {
            let during = with_labels(&[("call", "1")], || {
                marmot::blocking(|| {
                    // What it spawns has them, too.
                    (labels(), marmot::go(labels).join().unwrap())
                })
            });
            assert_eq!(during, (owned(&[("call", "1")]), owned(&[("call", "1")])));
            let thrown = with_labels(&[("call", "2")], || {
                catch_unwind(AssertUnwindSafe(|| marmot::blocking(|| -> () { panic!("on purpose") })))
            });
            assert!(thrown.is_err());
            assert!(marmot::blocking(labels).is_empty());
        });
    });
}

#[test]
fn numbers_are_looked_up_from_anywhere() {
    with_procs(2, || {
        let kept = labels::keep();
        let numbers: Vec<u64> = (0..500)
            .map(|i| with_labels(&[("request", &*i.to_string())], || marmot::go(current_label_id).join().unwrap()))
            .collect();
        let found: Vec<_> = thread::spawn(move || numbers.into_iter().map(resolve).collect::<Vec<_>>()).join().unwrap();
        for (i, labels) in found.into_iter().enumerate() {
            assert_eq!(labels, [("request".to_owned(), i.to_string())]);
        }
        drop(kept);
        assert_eq!(current_label_id(), 0);
    });
}

#[test]
fn a_handle_that_is_kept_does_no_harm() {
    let (tell, told) = mpsc::channel();
    let handle = bounded(move || {
        let rt = runtime(1);
        let handle = with_labels(&[("kept", "1")], || rt.go(move || tell.send(current_label_id()).unwrap()));
        let number = told.recv().unwrap();
        assert_eq!(resolve(number), owned(&[("kept", "1")]));
        rt.shutdown(common::LIMIT).unwrap();
        handle
    });
    assert!(handle.join().is_ok());
}
