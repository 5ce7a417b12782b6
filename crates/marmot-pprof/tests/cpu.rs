//! The CPU profiler against programs of which is known what they do.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::frames;
use marmot_coro::{Coroutine, DEFAULT_STACK_SIZE, Progress, StackPool};
use marmot_pprof::cpu::{self, Profiler};
use marmot_pprof::raw::{Label, Profile};

/// There is one profiler in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The CPU time of the calling thread.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time has room.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) }, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

macro_rules! burners {
    ($($name:ident)*) => {$(
        /// Runs for so much CPU time.
        #[inline(never)]
        fn $name(time: Duration) -> u64 {
            let start = cpu_time();
            let mut sum = stringify!($name).len() as u64;
            while cpu_time() - start < time {
                for n in 0..10_000_u64 {
                    sum = black_box(sum.wrapping_mul(31).wrapping_add(n));
                }
            }
            sum
        }
    )*};
}

burners! { one_part three_parts in_a_coroutine in_a_new_thread beside_waiting with_a_label }

/// The sum of the CPU time of the stacks with a function of that name, in seconds, and the frames of one of them.
fn cpu(profile: &Profile, function: &str) -> (f64, Vec<String>) {
    let profile = profile.to_proto();
    let (mut sum, mut stack) = (0, Vec::new());
    for sample in &profile.sample {
        let frames = frames(&profile, sample);
        if frames.iter().any(|(name, ..)| name.ends_with(function)) {
            sum += sample.value[1];
            stack = frames.into_iter().map(|(name, ..)| name).collect();
        }
    }
    (sum as f64 / 1e9, stack)
}

#[test]
#[ignore = "compares times, which needs an idle machine: cargo test --test cpu -- --ignored"]
fn shares_are_true() {
    let _alone = alone();
    let profiler = Profiler::start(100).unwrap();
    one_part(Duration::from_millis(600));
    three_parts(Duration::from_millis(1800));
    let profile = profiler.stop();
    let (one, stack) = cpu(&profile, "::one_part");
    let (three, _) = cpu(&profile, "::three_parts");
    let share = one / (one + three);
    assert!((share - 0.25).abs() < 0.05, "{one} s and {three} s");
    assert!((one + three - 2.4).abs() < 0.24, "{one} s and {three} s are not 2.4 s give or take 10 %");
    assert!(stack.iter().any(|name| name.ends_with("shares_are_true")), "{stack:?}");
    assert_eq!((profile.period, profile.comments.len()), (10_000_000, 0));
    assert!(profile.duration.is_some_and(|duration| duration >= Duration::from_millis(2400)));
}

#[inline(never)]
fn entry() -> u64 {
    black_box(in_a_coroutine(Duration::from_millis(300)))
}

#[inline(never)]
fn below(coroutine: &mut Coroutine) -> Progress {
    black_box(coroutine.resume())
}

#[test]
fn a_coroutines_stack_ends_at_its_entry() {
    let _alone = alone();
    let stack = StackPool::global().take(DEFAULT_STACK_SIZE).unwrap();
    let mut coroutine = Coroutine::new(stack, |_| {
        black_box(entry());
    });
    let profiler = Profiler::start(100).unwrap();
    assert_eq!(below(&mut coroutine), Progress::Finished);
    let profile = profiler.stop();
    let (seconds, stack) = cpu(&profile, "::in_a_coroutine");
    // How much of it depends on what else the machine does.
    assert!(seconds > 0.0);
    assert!(stack.iter().any(|name| name.ends_with("::entry")), "{stack:?}");
    assert!(!stack.iter().any(|name| name.ends_with("::below")), "{stack:?}");
}

#[test]
fn a_thread_that_comes_later_is_seen() {
    let _alone = alone();
    let profiler = Profiler::start(100).unwrap();
    thread::spawn(|| in_a_new_thread(Duration::from_millis(500))).join().unwrap();
    let (seconds, _) = cpu(&profiler.stop(), "::in_a_new_thread");
    assert!(seconds > 0.0);
}

/// Whoever wanted it has gone without a word, as a goroutine does whose runtime ends.
#[test]
fn it_ends_by_itself() {
    let _alone = alone();
    let kept = Arc::new(());
    let profiler = Profiler::start_for(100, Duration::from_millis(50), Arc::clone(&kept)).unwrap();
    std::mem::forget(profiler);
    let limit = Instant::now() + Duration::from_secs(120);
    let next = loop {
        match Profiler::start(100) {
            Ok(next) => break next,
            Err(e) => assert_eq!(e.kind(), io::ErrorKind::ResourceBusy),
        }
        assert!(Instant::now() < limit, "it does not end");
        thread::yield_now();
    };
    next.stop();
    while Arc::strong_count(&kept) > 1 {
        assert!(Instant::now() < limit, "what was kept for it is kept on");
        thread::yield_now();
    }
}

#[test]
fn there_is_one_at_a_time() {
    let _alone = alone();
    let first = Profiler::start(100).unwrap();
    let second = Profiler::start(100).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
    assert!(second.to_string().contains("one at a time"), "{second}");
    drop(first);
    Profiler::start(1).unwrap().stop();
    for wrong in [0, 1001] {
        assert_eq!(Profiler::start(wrong).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    assert!(cpu::profile(Duration::ZERO).is_ok());
}

static LABELLED: AtomicBool = AtomicBool::new(false);

fn labels(number: u64) -> Vec<(String, String)> {
    vec![("request".to_owned(), number.to_string())]
}

#[test]
fn samples_have_labels() {
    let _alone = alone();
    // SAFETY: the function loads a flag.
    unsafe { cpu::set_label_source(|| if LABELLED.load(Ordering::Relaxed) { 7 } else { 0 }, labels) };
    let profiler = Profiler::start(200).unwrap();
    LABELLED.store(true, Ordering::Relaxed);
    with_a_label(Duration::from_millis(200));
    LABELLED.store(false, Ordering::Relaxed);
    with_a_label(Duration::from_millis(200));
    let profile = profiler.stop();
    let label = vec![("request".to_owned(), Label::Text("7".to_owned()))];
    let (with, without): (Vec<_>, Vec<_>) = profile.samples.iter().partition(|sample| sample.labels == label);
    let seconds = |samples: Vec<&marmot_pprof::raw::Sample>| samples.iter().map(|sample| sample.values[1]).sum::<i64>();
    let (with, without) = (seconds(with), seconds(without));
    assert!(with > 0 && without > 0, "{with} {without}");
    assert!(profile.samples.iter().all(|sample| sample.labels.is_empty() || sample.labels == label));
}

static FOREIGN: AtomicU64 = AtomicU64::new(0);

extern "C" fn count_foreign(_signal: libc::c_int) {
    FOREIGN.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn the_handler_that_was_there_is_put_back() {
    let _alone = alone();
    let handler = count_foreign as *const () as libc::sighandler_t;
    // SAFETY: the handler adds to a counter.
    let before = unsafe { libc::signal(libc::SIGPROF, handler) };
    let profiler = Profiler::start(100).unwrap();
    // SAFETY: `raise` has no precondition.
    unsafe { libc::raise(libc::SIGPROF) };
    assert_eq!(FOREIGN.load(Ordering::Relaxed), 0, "a signal that no timer has sent is nobody's meanwhile");
    profiler.stop();
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGPROF) };
    assert!(FOREIGN.load(Ordering::Relaxed) > 0);
    // SAFETY: it is what was there before; by default a signal that is late would end the process.
    unsafe { libc::signal(libc::SIGPROF, if before == libc::SIG_DFL { libc::SIG_IGN } else { before }) };
}

#[test]
fn calls_that_wait_are_not_disturbed() {
    let _alone = alone();
    let (mut left, mut right) = UnixStream::pair().unwrap();
    let profiler = Profiler::start(1000).unwrap();
    let echo = thread::spawn(move || {
        let mut bytes = [0; 64];
        loop {
            match right.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => right.write_all(&bytes[..count]).unwrap(),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let start = Instant::now();
    let mut bytes = [0; 64];
    while start.elapsed() < Duration::from_millis(500) {
        left.write_all(&[1; 64]).unwrap();
        // One that is interrupted and not restarted would be an error here: `read` does not repeat itself.
        let mut count = 0;
        while count < 64 {
            count += left.read(&mut bytes[count..]).unwrap();
        }
        beside_waiting(Duration::from_micros(200));
    }
    drop(left);
    echo.join().unwrap();
    let (seconds, _) = cpu(&profiler.stop(), "::beside_waiting");
    assert!(seconds > 0.0);
}
