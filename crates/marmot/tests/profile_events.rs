//! Where goroutines wait for others, and for how long; and what it costs to know nothing of it.

mod common;

use std::hint::black_box;
use std::io::BufRead;
use std::time::Duration;

use common::{LATE, alone, is_in, ms, pair, until, with_procs};
use marmot::buffered::Conn;
use marmot::{JoinHandle, WaitReason};
use marmot_runtime::profile::labels::with_labels;
use marmot_runtime::profile::{self, Blocked, Status};

/// Records every wait, until it is dropped.
struct Recording;

impl Recording {
    fn begin() -> Recording {
        assert_eq!(profile::set_block_rate(1), 0);
        Recording
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        profile::set_block_rate(0);
        profile::set_block_io(false);
    }
}

/// What was recorded of waits in `f`.
fn in_function(f: usize) -> Vec<Blocked> {
    profile::blocked().into_iter().filter(|wait| is_in(&wait.stack, f)).collect()
}

#[inline(never)]
fn waits_for_a_sleeper(child: JoinHandle<()>) {
    child.join().unwrap();
    black_box(1);
}

#[test]
fn a_join_is_recorded_with_its_length() {
    let _alone = alone();
    let recording = Recording::begin();
    for round in 1..=3 {
        with_procs(1, || waits_for_a_sleeper(marmot::go(|| marmot::sleep(ms(50)))));
        let found = in_function(waits_for_a_sleeper as fn(JoinHandle<()>) as usize);
        let [wait] = &found[..] else { panic!("one place is expected: {found:?}") };
        assert_eq!((wait.reason, wait.count), (Some(WaitReason::Join), round));
        let waited = Duration::from_nanos(wait.nanos);
        // The sleep may have begun before the join did; not much, on one P.
        assert!(waited > ms(40) * round as u32 && waited < (ms(50) + LATE) * round as u32, "{waited:?}");
    }
    drop(recording);
    with_procs(1, || waits_for_a_sleeper(marmot::go(|| marmot::sleep(ms(1)))));
    let found = in_function(waits_for_a_sleeper as fn(JoinHandle<()>) as usize);
    assert_eq!(found[0].count, 3, "nothing is recorded any more");
    assert_eq!(profile::lost(), 0);
}

#[inline(never)]
fn sleeps() {
    marmot::sleep(ms(2));
    black_box(2);
}

#[inline(never)]
fn waits_for_bytes(far: marmot::net::TcpStream) {
    far.wait_readable().unwrap();
    black_box(3);
}

#[inline(never)]
fn waits_for_the_system() {
    marmot::blocking(|| ());
    black_box(4);
}

#[inline(never)]
fn waits_for_a_line(mut conn: Conn) {
    assert_eq!(conn.read_line(&mut String::new()).unwrap(), 0);
    black_box(7);
}

fn waits_outside() {
    with_procs(1, || {
        sleeps();
        waits_for_the_system();
        let (near, far) = pair();
        let reads = marmot::go(move || waits_for_bytes(far));
        until(|| reads.goroutine().wait_reason() == Some(WaitReason::IoRead));
        drop(near);
        reads.join().unwrap();
        let (near, far) = pair();
        let reads = marmot::go(move || waits_for_a_line(Conn::new(far).unwrap()));
        until(|| reads.goroutine().wait_reason() == Some(WaitReason::BufferedIo));
        drop(near);
        reads.join().unwrap();
    });
}

#[test]
fn waits_for_the_world_outside_are_recorded_on_demand() {
    let _alone = alone();
    let _recording = Recording::begin();
    let functions = || {
        let bytes = waits_for_bytes as fn(marmot::net::TcpStream) as usize;
        let line = waits_for_a_line as fn(Conn) as usize;
        let counts = [sleeps as fn() as usize, waits_for_the_system as fn() as usize, bytes, line];
        counts.map(|f| in_function(f).iter().map(|wait| (wait.reason.unwrap(), wait.count)).collect::<Vec<_>>())
    };
    waits_outside();
    assert_eq!(functions(), [vec![], vec![], vec![], vec![]]);
    assert!(!profile::set_block_io(true));
    waits_outside();
    let [slept, blocking, bytes, line] = functions();
    assert_eq!((slept, blocking), (vec![], vec![(WaitReason::Blocking, 1)]));
    assert_eq!((bytes, line), (vec![(WaitReason::IoRead, 1)], vec![(WaitReason::BufferedIo, 1)]));
}

#[inline(never)]
fn waits_on_a_thread(child: JoinHandle<()>) {
    child.join().unwrap();
    black_box(5);
}

#[inline(never)]
fn waits_shortly(child: JoinHandle<()>) {
    child.join().unwrap();
    black_box(6);
}

#[test]
fn a_plain_thread_is_recorded_too() {
    let _alone = alone();
    let _recording = Recording::begin();
    waits_on_a_thread(marmot::go(|| marmot::sleep(ms(20))));
    let found = in_function(waits_on_a_thread as fn(JoinHandle<()>) as usize);
    assert_eq!(found.iter().map(|wait| (wait.reason, wait.count)).collect::<Vec<_>>(), [(Some(WaitReason::Join), 1)]);
}

#[test]
fn sampled_waits_sum_up_to_what_they_were() {
    const WAITS: u32 = 400;
    let _alone = alone();
    // Each wait is recorded with a probability of about a half.
    profile::set_block_rate(2_000_000);
    with_procs(1, || (0..WAITS).for_each(|_| waits_shortly(marmot::go(|| marmot::sleep(ms(1))))));
    profile::set_block_rate(0);
    let found = in_function(waits_shortly as fn(JoinHandle<()>) as usize);
    let (count, nanos) = found.iter().fold((0, 0), |sum, wait| (sum.0 + wait.count, sum.1 + wait.nanos));
    // The deviation is a twentieth; the machine may be busy, so that waits are longer.
    assert!(count > u64::from(WAITS) / 2 && count < u64::from(WAITS) * 2, "{count}");
    assert!(nanos > 1_000_000 * u64::from(WAITS) / 2, "{nanos}");
}

#[test]
fn a_snapshot_says_for_how_long() {
    let _alone = alone();
    with_procs(1, || {
        let look = |label: &str| {
            let is = |labels: &[(String, String)]| labels.iter().any(|(key, value)| key == "since" && value == label);
            let found = profile::goroutines().goroutines.into_iter().find(|g| is(&g.labels));
            found.filter(|g| g.status == Status::Waiting(WaitReason::Parked)).map(|g| g.waiting_for)
        };
        let untimed = with_labels(&[("since", "unknown")], || marmot::go(marmot::park));
        until(|| look("unknown").is_some());
        assert_eq!(look("unknown"), Some(None));
        let recording = Recording::begin();
        let timed = with_labels(&[("since", "known")], || marmot::go(marmot::park));
        until(|| look("known").flatten().is_some_and(|waits| waits > ms(5)));
        drop(recording);
        for handle in [untimed, timed] {
            handle.goroutine().unpark();
            handle.join().unwrap();
        }
    });
}
