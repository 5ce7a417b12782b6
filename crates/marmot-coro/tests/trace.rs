//! Walking stacks: which frames are found, in which order, and where a walk ends.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{hint, mem, ptr};

use marmot_coro::trace::{self, MAX_FRAMES, Registers};
use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, Progress, ResumePoint, Saved, Stack, StackPool};

/// Functions that call each other, each a frame of its own; the innermost calls `f`.
///
/// Each is found by the address of a place in it that it leaves in `PLACES`: addresses of functions may be those of
/// thunks.
macro_rules! chain {
    ($($name:ident($index:literal) -> $next:expr;)*) => {
        $(
            #[inline(never)]
            fn $name(f: &mut dyn FnMut()) {
                PLACES[$index].store(Registers::here().pc, Ordering::Relaxed);
                #[allow(clippy::redundant_closure_call)]
                $next(f);
                hint::black_box($index);
            }
        )*
    };
}

const DEPTH: usize = 4;

static PLACES: [AtomicUsize; DEPTH] = [const { AtomicUsize::new(0) }; DEPTH];

chain! {
    outermost(3) -> outer;
    outer(2) -> inner;
    inner(1) -> innermost;
    innermost(0) -> |f: &mut dyn FnMut()| f();
}

/// Asserts that the chain's functions are in `stack` from the place of `innermost` on, one after the other, and returns
/// that place.
#[track_caller]
fn assert_chain(stack: &[usize]) -> usize {
    let places = PLACES.each_ref().map(|place| place.load(Ordering::Relaxed));
    // The functions are short: the call in one is soon after the place in it.
    let is_near = |frame: usize, place: usize| frame > place && frame - place < 256;
    let at =
        stack.windows(DEPTH).position(|window| window.iter().zip(places).all(|(&frame, place)| is_near(frame, place)));
    at.unwrap_or_else(|| panic!("{places:x?} are not in {stack:x?}"))
}

/// Waits for what walks need: a walk does not wait for another thread that makes it.
fn ready() {
    static READY: Once = Once::new();
    READY.call_once(trace::prepare);
}

fn stack() -> Stack {
    StackPool::global().take(DEFAULT_STACK_SIZE).unwrap()
}

fn here() -> Vec<usize> {
    let mut frames = [0; MAX_FRAMES];
    let count = trace::here(&mut frames);
    frames[..count].to_vec()
}

#[test]
fn a_plain_thread() {
    ready();
    let mut found = Vec::new();
    outermost(&mut || found = here());
    let at = assert_chain(&found);
    // The two closures: `here` of this file and the argument.
    assert!(at <= 3, "{at}");
    assert!(found.len() > at + DEPTH, "the test's own frames follow: {found:x?}");
}

#[test]
fn the_first_frame_is_the_callers() {
    ready();
    #[inline(never)]
    fn caller() -> (usize, usize) {
        let mut frames = [0; 1];
        let place = Registers::here().pc;
        let count = trace::here(&mut frames);
        assert_eq!(count, 1);
        (place, frames[0])
    }
    let (place, frame) = caller();
    assert!(frame > place && frame - place < 256, "{frame:x} is not just after {place:x}");
}

#[test]
fn a_coroutine_ends_at_its_entry() {
    ready();
    let found = Rc::new(Cell::new(Vec::new()));
    let inside = Rc::clone(&found);
    let mut coroutine = Coroutine::new(stack(), move |_| {
        let mut list = Vec::new();
        outermost(&mut || list = here());
        inside.set(list);
    });
    let mut around = Vec::new();
    // Within the chain, so that its frames would be found twice if the walk went on below.
    outermost(&mut || {
        around = here();
        assert_eq!(coroutine.resume(), Progress::Finished);
    });
    let found = found.take();
    let at = assert_chain(&found);
    let rest = &found[at + DEPTH..];
    assert!(!rest.is_empty() && rest.iter().all(|frame| !around.contains(frame)), "{rest:x?}");
    // The closure, what catches its panics, and the switch's own function.
    assert!(rest.len() < 16, "{rest:x?}");
}

#[test]
fn a_suspended_coroutine() {
    ready();
    let point = Rc::new(Cell::new(ResumePoint::default()));
    let inside = Rc::clone(&point);
    let mut coroutine = Coroutine::new(stack(), move |suspender| {
        for _ in 0..2 {
            outermost(&mut || {
                let mut saved = Saved::new();
                inside.set(ResumePoint::here(&mut saved));
                suspender.suspend();
            });
        }
    });
    let mut frames = [0; MAX_FRAMES];
    // SAFETY: the default value is of nobody.
    assert_eq!(unsafe { point.get().trace(&mut frames) }, 0);
    for _ in 0..2 {
        assert_eq!(coroutine.resume(), Progress::Suspended);
        // SAFETY: it is suspended by this thread's hand.
        let count = unsafe { point.get().trace(&mut frames) };
        let at = assert_chain(&frames[..count]);
        assert!(at <= 2, "the closures alone are above: {:x?}", &frames[..count]);
        assert!(count < at + DEPTH + 16);
    }
    assert_eq!(coroutine.resume(), Progress::Finished);
}

#[test]
fn it_stops_where_the_room_ends() {
    ready();
    let mut stacks = [[0; MAX_FRAMES]; 2];
    let rooms = hint::black_box([MAX_FRAMES, 3]);
    let mut counts = [0; 2];
    outermost(&mut || {
        for ((stack, room), count) in stacks.iter_mut().zip(rooms).zip(&mut counts) {
            *count = trace::here(&mut stack[..room]);
        }
    });
    let [all, short] = stacks;
    assert_chain(&all);
    assert!(counts[0] > 3 && counts[1] == 3, "{counts:?}");
    // Beyond the closure, which may call from two places, they are the same.
    assert_eq!((&short[1..3], short[3]), (&all[1..3], 0));
    assert_eq!(trace::here(&mut []), 0);
}

thread_local! {
    /// What the handler below has found. It has no room for it on a small alternate stack.
    static INTERRUPTED: RefCell<([usize; MAX_FRAMES], usize)> = const { RefCell::new(([0; MAX_FRAMES], 0)) };
}

/// Walks what it has interrupted.
///
/// # Safety
///
/// The kernel calls it, with what `SA_SIGINFO` promises.
unsafe extern "C" fn on_signal(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: it is the third argument of this handler.
    let registers = unsafe { Registers::of_signal(context) }.expect("this system's layout is known");
    INTERRUPTED.with_borrow_mut(|(frames, count)| *count = trace::of_context(&registers, frames));
}

/// Raises a signal for this thread, and returns the stack that its handler has found.
fn interrupted() -> Vec<usize> {
    trace::prepare();
    // SAFETY: zero is a valid action.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler has the signature that the flag asks for, and does what a handler may.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &action, ptr::null_mut()) }, 0);
    // SAFETY: `raise` has no precondition.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
    INTERRUPTED.with_borrow(|(frames, count)| frames[..*count].to_vec())
}

#[test]
fn a_signal_on_a_plain_thread() {
    ready();
    let mut found = Vec::new();
    outermost(&mut || found = interrupted());
    assert_chain(&found);
}

#[test]
fn a_signal_in_a_coroutine() {
    ready();
    let found = Rc::new(Cell::new(Vec::new()));
    let inside = Rc::clone(&found);
    let mut coroutine = Coroutine::new(stack(), move |_| {
        let mut list = Vec::new();
        outermost(&mut || list = interrupted());
        inside.set(list);
    });
    assert_eq!(coroutine.resume(), Progress::Finished);
    let found = found.take();
    let at = assert_chain(&found);
    assert!(found.len() < at + DEPTH + 16, "it ends at the entry: {found:x?}");
}

#[test]
fn wrong_registers_do_no_harm() {
    ready();
    trace::prepare();
    let mut frames = [0; MAX_FRAMES];
    let here = Registers::here();
    let held = stack();
    let wrong = [
        0,
        1,
        8,
        0x1000,
        usize::MAX,
        usize::MAX - 7,
        usize::MAX / 2,
        here.sp + 1,
        here.sp,
        held.limit(),
        held.limit() - 8,
        held.base() - 8,
        held.base(),
        here.pc,
    ];
    for sp in wrong {
        for fp in wrong {
            for pc in [0, 1, usize::MAX, here.pc, here.pc + 1, here.sp] {
                let registers = Registers { pc, sp, fp, lr: 0 };
                let count = trace::of_context(&registers, &mut frames);
                assert!(count <= frames.len());
            }
        }
    }
    // A stack of words that look like frames, each of which leads to itself.
    let mut words = [0_usize; 64];
    let start = words.as_ptr().addr();
    for (index, word) in words.iter_mut().enumerate() {
        *word = if index % 2 == 0 { start + 8 * index } else { here.pc };
    }
    let registers = Registers { pc: 1, sp: hint::black_box(&words).as_ptr().addr(), fp: start, lr: 0 };
    assert!(trace::of_context(&registers, &mut frames) <= frames.len());
}

/// A walk reads memory that another thread maps and unmaps meanwhile.
#[test]
fn what_is_unmapped_meanwhile_does_no_harm() {
    const LEN: usize = 16 * 4096;
    ready();
    trace::prepare();
    let map = |address: usize| {
        let fixed = if address == 0 { 0 } else { libc::MAP_FIXED_NOREPLACE };
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | fixed;
        // SAFETY: a new mapping, where nothing is.
        unsafe {
            libc::mmap(ptr::without_provenance_mut(address), LEN, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        }
    };
    let start = map(0).addr();
    assert_ne!(start, libc::MAP_FAILED.addr());
    // It makes frame pointers of what it finds there, each of which leads to the next page.
    let fill = || {
        for at in (start..start + LEN - 4096).step_by(4096) {
            let frame: *mut [usize; 2] = ptr::with_exposed_provenance_mut(at);
            // SAFETY: within the mapping, which this thread alone makes and takes away.
            unsafe { frame.write([at + 4096, 1]) };
        }
    };
    let mut frames = [0; MAX_FRAMES];
    let mut walk = || trace::of_context(&Registers { pc: 1, sp: start, fp: start, lr: 0 }, &mut frames);
    fill();
    assert!(walk() > 1, "it reads what is there");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // SAFETY: nobody relies on what is there.
                unsafe { libc::munmap(ptr::with_exposed_provenance_mut(start), LEN) };
                // Another thread of this process may have taken the place.
                if map(start).addr() != start {
                    return;
                }
                fill();
            }
        });
        (0..20_000).for_each(|_| assert!(walk() <= MAX_FRAMES));
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn threads_walk_at_the_same_time() {
    ready();
    let in_vain = AtomicUsize::new(0);
    trace::prepare();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let mut found = Vec::new();
                    outermost(&mut || found = here());
                    // All desks may be taken; who finds none has an empty stack, not a wrong one.
                    if found.is_empty() {
                        in_vain.fetch_add(1, Ordering::Relaxed);
                    } else {
                        assert_chain(&found);
                    }
                }
            });
        }
    });
    assert!(in_vain.into_inner() < 8 * 2000 / 10, "most find a desk");
}
