//! A context's deadline counts from the moment that it has passed, whether or not a timer could fire.

mod common;

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use common::*;
use marmot::context::{self, Context, Error};
use marmot::sync::{Mutex, Semaphore, WaitGroup, chan};

/// Computes, without a call that lets others run, until the deadline has passed.
fn compute_past(ctx: &Context) {
    let deadline = ctx.deadline().unwrap();
    while Instant::now() <= deadline {
        std::hint::spin_loop();
    }
}

/// Runs `f` when the deadline of its context has passed and no timer has fired.
fn late<T>(f: impl FnOnce() -> T) -> T {
    let (ctx, _cancel) = Context::current().with_timeout(ms(2));
    ctx.run(|| {
        compute_past(&ctx);
        f()
    })
}

#[test]
fn a_computation_that_checks_sees_its_deadline() {
    everywhere(|_| {
        let (ctx, _cancel) = Context::current().with_timeout(ms(10));
        ctx.run(|| {
            let begun = Instant::now();
            while context::check().is_ok() {
                assert!(begun.elapsed() < LIMIT, "it does not end");
            }
            assert!(context::check().unwrap_err().is_deadline_exceeded());
        });
        let (ctx, _cancel) = Context::current().with_timeout(ms(10));
        let begun = Instant::now();
        while ctx.err().is_none() {
            assert!(begun.elapsed() < LIMIT, "it does not end");
        }
        assert!(ctx.err().unwrap().is_deadline_exceeded());
    });
}

#[test]
fn whatever_begins_after_the_deadline_fails() {
    everywhere(|_| {
        let (mut near, mut far) = pair();
        far.write_all(b"abcabc").unwrap();
        near.wait_readable().unwrap();
        let by_deadline = |error: std::io::Error| Error::of(&error).unwrap().is_deadline_exceeded();
        assert!(by_deadline(late(|| near.read(&mut [0; 3])).unwrap_err()));
        assert!(by_deadline(late(|| near.write(b"x")).unwrap_err()));
        assert!(by_deadline(late(|| near.wait_readable()).unwrap_err()));
        assert!(by_deadline(late(|| listener().accept().map(drop)).unwrap_err()));
        assert!(late(|| Mutex::new(()).lock_or_cancelled().map(drop)).unwrap_err().is_deadline_exceeded());
        assert!(late(|| Semaphore::new(1).acquire().map(drop)).unwrap_err().is_deadline_exceeded());
        assert!(late(|| marmot::sleep_or_cancelled(Duration::ZERO)).unwrap_err().is_deadline_exceeded());
        let group = WaitGroup::new();
        group.add(1);
        assert!(late(|| group.wait()).unwrap_err().is_deadline_exceeded());
        let (_sender, receiver) = chan::bounded::<u8>(1);
        assert_eq!(late(|| receiver.recv()), Err(chan::RecvError::Cancelled));
        let parked = marmot::go(marmot::park);
        let goroutine = parked.goroutine().clone();
        let payload = late(|| parked.join()).unwrap_err();
        goroutine.unpark();
        assert!(payload.downcast_ref::<Error>().unwrap().is_deadline_exceeded());
        // Nothing is lost by it.
        let mut word = [0; 6];
        near.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"abcabc");
    });
}

/// Who asks first ends all that has the deadline, so that everybody says the same.
#[test]
fn the_first_to_ask_ends_those_above_and_below() {
    everywhere(|_| {
        let (outer, _cancel) = Context::background().with_timeout(ms(2));
        let (middle, _cancel) = outer.with_cancel();
        let (inner, _cancel) = middle.with_timeout(LIMIT);
        let (tell, told) = mpsc::channel();
        outer.after_func(move || tell.send(()).unwrap());
        compute_past(&outer);
        assert!(inner.err().unwrap().is_deadline_exceeded());
        assert!(format!("{middle:?}").contains("DeadlineExceeded") || middle.err().is_some());
        assert!(marmot::blocking(move || told.recv_timeout(LIMIT)).is_ok());
        // A context that is made from it now ends at once.
        let (late, _cancel) = inner.with_cancel();
        assert!(late.err().unwrap().is_deadline_exceeded());
    });
}
