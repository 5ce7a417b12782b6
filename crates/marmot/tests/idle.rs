//! What waits costs nothing: no processor time, no wake-ups, and without a stack next to no memory.
//!
//! Each test has a process of its own, and looks at what Linux says of it.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use common::{in_child, in_child_with, listener, ms, runtime, status_number, until};
use marmot::net::TcpStream;
use marmot::pool::INTERVAL;
use marmot::{Pool, Runtime};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of descriptors as far as it goes, and says how many of `wanted` there is room for.
fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let maximum = limit.maximum.map_or(usize::MAX, |maximum| usize::try_from(maximum).unwrap_or(usize::MAX));
    wanted.min(maximum - 100)
}

/// What the Ms of this process have used so far.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Hundredths of a second of processor time.
    ticks: u64,
    /// How often they went to sleep.
    sleeps: u64,
}

fn used_by_ms() -> Used {
    let mut used = Used { ticks: 0, sleeps: 0 };
    let mut ms = 0;
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap().path();
        let stat = fs::read_to_string(thread.join("stat")).unwrap();
        // The name is in brackets and may hold anything; the fields are counted from behind it (proc_pid_stat(5)).
        let (name, fields) = stat.rsplit_once(") ").unwrap();
        if name.contains("(marmot-m") {
            let fields: Vec<&str> = fields.split(' ').collect();
            used.ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            let status = fs::read_to_string(thread.join("status")).unwrap();
            used.sleeps += status_number(&status, "voluntary_ctxt_switches");
            ms += 1;
        }
    }
    assert_ne!(ms, 0, "the Ms' threads have other names");
    used
}

/// The first time of this length in which the Ms used as little as that, in ticks and sleeps. What is under way when it begins may take
/// a while on a busy machine; what uses more all the time never ends.
#[track_caller]
fn first_quiet(length: Duration, is_quiet: fn(u64, u64) -> bool) -> (u64, u64) {
    const TIMES: usize = 10;
    let mut all = Vec::new();
    for _ in 0..TIMES {
        let before = used_by_ms();
        marmot::sleep(length);
        let after = used_by_ms();
        let used = (after.ticks - before.ticks, after.sleeps - before.sleeps);
        if is_quiet(used.0, used.1) {
            return used;
        }
        all.push(used);
    }
    panic!("ticks and wake-ups in each of {TIMES} times of {length:?}: {all:?}");
}

/// Connects `count` times; what each connection's peer does is up to `serve`. Returns the near ends.
fn connections(rt: &Runtime, count: usize, serve: fn(usize, TcpStream, Arc<AtomicUsize>)) -> Vec<TcpStream> {
    let served = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&served);
    let near = rt.run(move || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = marmot::go(move || {
            for (i, conn) in listener.incoming().take(count).enumerate() {
                serve(i, conn.unwrap(), Arc::clone(&theirs));
            }
        });
        let near = (0..count).map(|_| TcpStream::connect(addr).unwrap()).collect();
        server.join().unwrap();
        near
    });
    until(|| served.load(Relaxed) == count);
    near
}

#[test]
fn idle_connections_use_no_processor_time() {
    const WATCH: Duration = Duration::from_secs(3);
    let outcome = in_child("idle_connections_use_no_processor_time", || {
        let count = room_for(4000) / 2;
        let rt = runtime(2);
        // Half of them wait with a stack, half without; some with a timeout that is far away.
        let near = connections(&rt, count, |i, mut conn, served| {
            let timeout = (i % 4 < 2).then_some(Duration::from_secs(600));
            conn.set_read_timeout(timeout).unwrap();
            served.fetch_add(1, Relaxed);
            if i % 2 == 0 {
                marmot::go(move || conn.read(&mut [0; 64]).unwrap());
            } else {
                conn.go_when_readable(|mut conn| conn.read(&mut [0; 64]).unwrap());
            }
        });
        // The last of them may just be on its way to its wait, and be kept from it by others for a while.
        let (ticks, sleeps) = first_quiet(WATCH, |ticks, sleeps| ticks <= 2 && sleeps <= 10);
        eprintln!("{count} idle connections: {ticks} ticks, {sleeps} wake-ups in {WATCH:?}");
        // They are all alive.
        for mut near in near {
            near.write_all(b"!").unwrap();
            assert_eq!(near.read(&mut [0]).unwrap(), 0);
        }
        until(|| rt.goroutines() == 0);
    });
    outcome.assert_success();
}

#[test]
fn empty_pools_wake_nobody() {
    let outcome = in_child("empty_pools_wake_nobody", || {
        static POOL: Pool<Vec<u8>> = Pool::new(Vec::new);
        let rt = runtime(2);
        rt.run(|| {
            let objects: Vec<_> = (0..100).map(|_| POOL.get()).collect();
            drop(objects);
        });
        until(|| POOL.stats().kept == 0);
        // One tick more looks whether something has come meanwhile, and then there is none.
        first_quiet(INTERVAL + ms(500), |ticks, sleeps| ticks <= 1 && sleeps == 0);
        drop(rt);
    });
    outcome.assert_success();
}

/// The memory of this process that is in use, in bytes: its own, without what is mapped from files.
fn resident() -> u64 {
    status_number(&fs::read_to_string("/proc/self/status").unwrap(), "RssAnon") << 10
}

#[test]
fn connections_that_wait_without_a_stack_hold_next_to_no_memory() {
    const NAME: &str = "connections_that_wait_without_a_stack_hold_next_to_no_memory";
    const ADDRESS: &str = "MARMOT_TEST_ADDRESS";
    const CONNECTIONS: usize = 5000;
    // The other ends are in the parent, so that only one end counts.
    let listener = listener();
    let addr = listener.local_addr().unwrap();
    let far_ends = listener.try_clone().unwrap();
    let accepting = marmot::go(move || {
        room_for(CONNECTIONS);
        far_ends.incoming().map_while(Result::ok).collect::<Vec<_>>()
    });
    let outcome = in_child_with(
        NAME,
        |command| command.env(ADDRESS, addr.to_string()),
        || {
            let addr: SocketAddr = std::env::var(ADDRESS).unwrap().parse().unwrap();
            let count = room_for(CONNECTIONS);
            let rt = runtime(2);
            let wait = move |count: usize| {
                let started = Arc::new(AtomicUsize::new(0));
                for _ in 0..count {
                    let started = Arc::clone(&started);
                    let conn = TcpStream::connect(addr).unwrap();
                    conn.go_when_readable(move |_| started.fetch_add(1, Relaxed));
                }
                started
            };
            // What is needed once is there after a few.
            let mut started = vec![rt.run(move || wait(count / 20))];
            let before = resident();
            let more = count - count / 20;
            started.push(rt.run(move || wait(more)));
            let each = resident().saturating_sub(before) / more as u64;
            assert_eq!(started.iter().map(|s| s.load(Relaxed)).sum::<usize>(), 0);
            // Those that made them may still be on their way out.
            until(|| rt.goroutines() == count as u64);
            assert!(each < 1536, "each of {more} waiting connections holds {each} bytes");
            eprintln!("each holds {each} bytes");
        },
    );
    listener.close().unwrap();
    drop(accepting.join().unwrap());
    outcome.assert_success();
}
