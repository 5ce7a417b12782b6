//! Switching: what a coroutine does, and what becomes of its stack.

mod common;

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::hint;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use common::{is_child, pool, recurse, run_child};
use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, GuardPolicy, MIN_STACK_SIZE, Progress, Stack, StackPool};

fn stack() -> Stack {
    StackPool::global().take(DEFAULT_STACK_SIZE).unwrap()
}

#[test]
fn it_stops_and_goes_on() {
    let steps = Rc::new(RefCell::new(Vec::new()));
    let inside = Rc::clone(&steps);
    let mut coroutine = Coroutine::new(stack(), move |suspender| {
        for step in 0..3 {
            inside.borrow_mut().push(step);
            suspender.suspend();
        }
    });
    assert!(!coroutine.is_started());
    for step in 0..3 {
        assert_eq!(coroutine.resume(), Progress::Suspended);
        assert_eq!(steps.borrow().last(), Some(&step));
        assert!(coroutine.is_started() && !coroutine.is_finished());
    }
    assert_eq!(coroutine.resume(), Progress::Finished);
    assert!(coroutine.is_finished());
    assert_eq!(Rc::strong_count(&steps), 1, "the closure was dropped on the way out");
}

#[test]
fn it_suspends_from_any_depth() {
    fn dive(depth: usize, suspender: &marmot_coro::Suspender) -> usize {
        if depth == 0 {
            suspender.suspend();
            return 0;
        }
        1 + hint::black_box(dive(depth - 1, suspender))
    }
    let result = Rc::new(Cell::new(0));
    let inside = Rc::clone(&result);
    let mut coroutine = Coroutine::new(stack(), move |suspender| inside.set(dive(100, suspender)));
    assert_eq!(coroutine.resume(), Progress::Suspended);
    assert_eq!(coroutine.resume(), Progress::Finished);
    assert_eq!(result.get(), 100);
}

#[test]
fn many_take_turns() {
    const COUNT: usize = 1000;
    const TURNS: usize = 10;
    let sum = Rc::new(Cell::new(0));
    let mut coroutines: Vec<Coroutine> = (0..COUNT)
        .map(|index| {
            let sum = Rc::clone(&sum);
            Coroutine::new(StackPool::global().take(MIN_STACK_SIZE).unwrap(), move |suspender| {
                for _ in 0..TURNS {
                    sum.set(sum.get() + index);
                    suspender.suspend();
                }
            })
        })
        .collect();
    for _ in 0..TURNS {
        for coroutine in &mut coroutines {
            assert_eq!(coroutine.resume(), Progress::Suspended);
        }
    }
    for coroutine in &mut coroutines {
        assert_eq!(coroutine.resume(), Progress::Finished);
    }
    assert_eq!(sum.get(), TURNS * COUNT * (COUNT - 1) / 2);
}

#[test]
fn one_runs_inside_another() {
    let inner_stack = stack();
    let mut outer = Coroutine::new(stack(), move |outer| {
        let mut inner = Coroutine::new(inner_stack, |inner| inner.suspend());
        assert_eq!(inner.resume(), Progress::Suspended);
        outer.suspend();
        assert_eq!(inner.resume(), Progress::Finished);
    });
    assert_eq!(outer.resume(), Progress::Suspended);
    assert_eq!(outer.resume(), Progress::Finished);
}

#[test]
fn floats_survive_a_switch() {
    let result = Rc::new(Cell::new(0.0));
    let inside = Rc::clone(&result);
    let mut coroutine = Coroutine::new(stack(), move |suspender| {
        let mut sum = hint::black_box(0.5);
        for step in 0..4 {
            sum += f64::from(step);
            suspender.suspend();
        }
        inside.set(sum);
    });
    let mut outside = hint::black_box(1.25);
    while coroutine.resume() == Progress::Suspended {
        outside *= 2.0;
    }
    assert_eq!((result.get(), outside), (6.5, 20.0));
}

#[test]
fn nearly_all_of_the_stack_can_be_used() {
    let stack = stack();
    let limit = stack.limit();
    let depth = Rc::new(Cell::new(0));
    let inside = Rc::clone(&depth);
    let mut coroutine = Coroutine::new(stack, move |_| inside.set(recurse(limit + 8 * 1024, 0)));
    assert_eq!(coroutine.resume(), Progress::Finished);
    assert!(depth.get() > 64, "only {} frames of 1 KiB fitted in 256 KiB", depth.get());
}

#[test]
fn a_large_closure_is_moved_in() {
    let data = [7_u8; 100_000];
    let total = Rc::new(Cell::new(0));
    let inside = Rc::clone(&total);
    let mut coroutine = Coroutine::new(stack(), move |_| {
        inside.set(hint::black_box(&data).iter().map(|&byte| usize::from(byte)).sum());
    });
    assert_eq!(coroutine.resume(), Progress::Finished);
    assert_eq!(total.get(), 700_000);
}

#[test]
fn an_aligned_closure_stays_aligned() {
    #[repr(align(4096))]
    struct Aligned(u8);
    let value = Aligned(9);
    let seen = Rc::new(Cell::new((usize::MAX, 0)));
    let inside = Rc::clone(&seen);
    let mut coroutine = Coroutine::new(stack(), move |_| {
        let value = hint::black_box(&value);
        inside.set(((&raw const *value).addr() % 4096, value.0));
    });
    assert_eq!(coroutine.resume(), Progress::Finished);
    assert_eq!(seen.get(), (0, 9));
}

#[test]
fn a_panic_is_caught_inside() {
    let mut coroutine = Coroutine::new(stack(), |suspender| {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| {
            suspender.suspend();
            panic::resume_unwind(Box::new(5_i32));
        }));
        assert_eq!(caught.unwrap_err().downcast_ref::<i32>(), Some(&5));
        suspender.suspend();
    });
    assert_eq!(coroutine.resume(), Progress::Suspended);
    assert_eq!(coroutine.resume(), Progress::Suspended);
    assert_eq!(coroutine.resume(), Progress::Finished);
}

#[test]
fn a_panic_that_escapes_aborts() {
    const NAME: &str = "a_panic_that_escapes_aborts";
    if is_child(NAME) {
        let _ = panic::catch_unwind(|| {
            let mut coroutine = Coroutine::new(stack(), |_| panic!("out of here"));
            let _ = coroutine.resume();
        });
        unreachable!("the panic came out of the coroutine");
    }
    let outcome = run_child(NAME);
    assert_eq!(outcome.signal, Some(libc::SIGABRT), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("marmot: fatal: a panic escaped"), "{}", outcome.stderr);
}

#[test]
fn a_backtrace_goes_through() {
    #[inline(never)]
    fn resume_it(coroutine: &mut Coroutine) -> Progress {
        hint::black_box(coroutine.resume())
    }
    let text = Rc::new(RefCell::new(String::new()));
    let inside = Rc::clone(&text);
    let mut coroutine = Coroutine::new(StackPool::global().take(1 << 20).unwrap(), move |_| {
        *inside.borrow_mut() = Backtrace::force_capture().to_string();
    });
    assert_eq!(resume_it(&mut coroutine), Progress::Finished);
    let text = text.borrow();
    assert!(text.contains("resume_it"), "the trace ends inside the coroutine:\n{text}");
}

#[test]
fn the_stack_comes_back() {
    let pool = pool(GuardPolicy::Auto);

    let mut finished = Coroutine::new(pool.take(MIN_STACK_SIZE).unwrap(), |_| {});
    assert_eq!(finished.resume(), Progress::Finished);
    let stack = finished.into_stack();
    assert_eq!(pool.stats().in_use, 1);
    drop(stack);
    assert_eq!(pool.stats().in_use, 0);

    let mut finished = Coroutine::new(pool.take(MIN_STACK_SIZE).unwrap(), |_| {});
    assert_eq!(finished.resume(), Progress::Finished);
    drop(finished);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn one_that_never_started_is_dropped_whole() {
    let pool = pool(GuardPolicy::Auto);
    let value = Rc::new(());
    let inside = Rc::clone(&value);
    drop(Coroutine::new(pool.take(MIN_STACK_SIZE).unwrap(), move |_| drop(inside)));
    assert_eq!(Rc::strong_count(&value), 1);
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn an_unfinished_one_is_leaked_whole() {
    let pool = pool(GuardPolicy::Auto);
    let value = Rc::new(());
    let inside = Rc::clone(&value);
    let mut coroutine = Coroutine::new(pool.take(MIN_STACK_SIZE).unwrap(), move |suspender| {
        let _inside = inside;
        suspender.suspend();
    });
    assert_eq!(coroutine.resume(), Progress::Suspended);
    drop(coroutine);
    assert_eq!(Rc::strong_count(&value), 2, "nothing was unwound");
    assert_eq!(pool.stats().in_use, 1);
}

#[test]
#[should_panic(expected = "unfinished")]
fn the_stack_of_an_unfinished_one_cannot_be_taken() {
    let coroutine = Coroutine::new(stack(), |_| {});
    drop(coroutine.into_stack());
}
