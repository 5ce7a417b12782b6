//! Profiles of programs with goroutines: stacks end at the goroutine's entry, and the profiler's signal disturbs nothing.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::{listener, until, with_procs};
use marmot::context::{Context, Error};
use marmot::net::TcpStream;
use marmot::pprof::alloc;
use marmot::pprof::cpu::Profiler;
use marmot::pprof::proto::Profile;
use marmot::pprof::{self, Allocator};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

/// There is one profiler at a time in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a profiler is at work, that is its thread.
fn is_profiled() -> bool {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    // One may have ended since.
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok())
        .any(|name| name.starts_with("marmot-cpu"))
}

/// The functions of each stack, innermost first, with the values.
fn stacks(profile: &Profile) -> Vec<(Vec<String>, Vec<i64>)> {
    let name = |id: u64| {
        let function = profile.function.iter().find(|function| function.id == id).expect("it is in the table");
        profile.text(function.name).to_owned()
    };
    let of = |sample: &marmot::pprof::proto::Sample| {
        let places = sample
            .location_id
            .iter()
            .map(|id| profile.location.iter().find(|location| location.id == *id).expect("it is in the table"));
        places.flat_map(|place| place.line.iter().map(|line| name(line.function_id))).collect()
    };
    profile.sample.iter().map(|sample| (of(sample), sample.value.clone())).collect()
}

/// What the scheduler's loop is made of, and no goroutine is above.
fn is_of_the_machine(function: &str) -> bool {
    ["::resume", "::run_goroutine", "thread_start"].iter().any(|end| function.ends_with(end))
        || function.contains("sched::find")
        || function.contains("sched::m::")
}

#[inline(never)]
fn takes_memory(count: usize) -> Vec<Box<[u8; 4096]>> {
    (0..count).map(|_| black_box(Box::new([1; 4096]))).collect()
}

#[test]
fn what_goroutines_allocate_is_theirs() {
    with_procs(2, || {
        let goroutines: Vec<_> = (0..8)
            .map(|_| {
                marmot::go(|| {
                    alloc::set_rate(4096);
                    let mut freed = 0;
                    for _ in 0..20 {
                        freed += takes_memory(100).len();
                        marmot::yield_now();
                    }
                    freed
                })
            })
            .collect();
        let total: usize = goroutines.into_iter().map(|goroutine| goroutine.join().unwrap()).sum();
        let mut objects = 0;
        for (stack, values) in stacks(&alloc::heap().to_proto()) {
            if stack.iter().any(|name| name.ends_with("::takes_memory")) {
                objects += values[0];
                assert_eq!(values[2], 0, "all is freed");
                assert!(!stack.iter().any(|name| is_of_the_machine(name)), "{stack:?}");
            }
        }
        // The list of each hundred is one object more.
        let truth = (total + total / 100) as f64;
        assert!((objects as f64 - truth).abs() < 0.05 * truth, "{objects} {truth}");
    });
}

#[inline(never)]
fn computes(time: Duration) -> u64 {
    let start = Instant::now();
    let mut sum = 0_u64;
    while start.elapsed() < time {
        for n in 0..1000 {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(n));
        }
    }
    sum
}

#[test]
fn the_profilers_signal_disturbs_no_goroutine() {
    let _alone = alone();
    with_procs(2, || {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        marmot::go(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                marmot::go(move || {
                    let mut bytes = [0; 64];
                    while let Ok(()) = stream.read_exact(&mut bytes) {
                        computes(Duration::from_micros(100));
                        stream.write_all(&bytes).unwrap();
                    }
                });
            }
        });
        let profiler = Profiler::start(1000).unwrap();
        let start = Instant::now();
        let clients: Vec<_> = (0..8)
            .map(|_| {
                marmot::go(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let mut rounds = 0;
                    while start.elapsed() < Duration::from_millis(700) {
                        stream.write_all(&[1; 64]).unwrap();
                        stream.read_exact(&mut [0; 64]).unwrap();
                        // The timers' way to wait, too.
                        marmot::sleep(Duration::from_micros(10));
                        rounds += 1;
                    }
                    rounds
                })
            })
            .collect();
        assert!(clients.into_iter().all(|client| client.join().unwrap() > 0));
        let mut seconds = 0.0;
        for (stack, values) in stacks(&profiler.stop().to_proto()) {
            if stack.iter().any(|name| name.ends_with("::computes")) {
                seconds += values[1] as f64 / 1e9;
                assert!(!stack.iter().any(|name| is_of_the_machine(name)), "{stack:?}");
            }
        }
        assert!(seconds > 0.0, "the server's work is seen");
    });
}

#[test]
fn a_profile_ends_when_its_client_leaves() {
    let _alone = alone();
    let addr = pprof::serve("127.0.0.1:0").unwrap();
    for request in ["GET /debug/pprof/profile?seconds=600 HTTP/1.0", "GET /debug/pprof/profile?seconds=1 HTTP/1.0"] {
        let mut client = std::net::TcpStream::connect(addr).unwrap();
        client.write_all(format!("{request}\r\n\r\n").as_bytes()).unwrap();
        if request.contains("600") {
            until(is_profiled);
            drop(client);
        } else {
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        }
        until(|| !is_profiled());
    }
}

#[test]
fn whoever_serves_profiles_works_for_no_context() {
    let _alone = alone();
    let (ctx, cancel) = Context::background().with_cancel();
    let addr = ctx.run(|| pprof::serve("127.0.0.1:0")).unwrap();
    cancel.cancel();
    let mut client = std::net::TcpStream::connect(addr).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    client.write_all(b"GET /debug/pprof/threadcreate HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_profile_over_a_time_ends_with_the_context() {
    let _alone = alone();
    let (ctx, cancel) = Context::background().with_cancel();
    let profiled = marmot::go(move || ctx.run(|| pprof::cpu(Duration::from_secs(3600)).map(drop)));
    until(is_profiled);
    cancel.cancel();
    assert!(Error::of(&profiled.join().unwrap().unwrap_err()).unwrap().is_cancelled());
    until(|| !is_profiled());

    // Also one of a difference, and at once.
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel();
    let answer = ctx.run(|| pprof::endpoints().respond("GET", "/debug/pprof/threadcreate?seconds=3600"));
    assert_eq!(answer.status, 500);
}

#[test]
fn a_list_of_goroutines_begins_with_what_each_waits_in() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let accepts = marmot::go(move || drop(listener.accept().unwrap()));
    let parks = marmot::go(|| {
        marmot::park();
    });
    let waiting = [("IoRead", &accepts), ("Parked", &parks)];
    for (state, goroutine) in waiting {
        until(|| goroutine.goroutine().wait_reason().is_some_and(|reason| format!("{reason:?}") == state));
    }
    let answer = marmot::pprof::endpoints().respond("GET", "/debug/pprof/goroutine?debug=2");
    let text = String::from_utf8(answer.body).unwrap();
    for ((state, goroutine), call) in waiting.iter().zip(["::accept", "::park"]) {
        let head = format!("goroutine {} [{state}]:", goroutine.goroutine().id());
        let lines = text.lines().skip_while(|line| **line != *head).take(5);
        // Functions, and below each its place.
        let [_, function, _, _, callers_place] = lines.collect::<Vec<_>>()[..] else {
            panic!("{head} is not in {text}")
        };
        assert!(function.ends_with(call) && callers_place.contains("tests/profiles.rs:"), "{head} {text}");
    }
    parks.goroutine().unpark();
    drop(TcpStream::connect(address).unwrap());
    accepts.join().unwrap();
    parks.join().unwrap();
}
