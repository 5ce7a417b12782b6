//! Snapshots find every goroutine, and say what it does.

mod common;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::thread;
use std::time::{Duration, Instant};

use common::{Place, bounded, everywhere, ms, pair, runtime, until, with_procs};
use marmot::{JoinHandle, WaitReason};
use marmot_runtime::profile::labels::with_labels;
use marmot_runtime::profile::{self, Goroutine, Snapshot, Status};

const MANY: usize = 10_000;

/// Those that have the label, which a test gives all that it makes: tests run side by side.
fn labelled(snapshot: &Snapshot, label: &str) -> Vec<Goroutine> {
    let has = |g: &&Goroutine| g.labels.iter().any(|(key, value)| key == "test" && value == label);
    snapshot.goroutines.iter().filter(has).cloned().collect()
}

/// Waits until so many of them wait, and returns them as they are then.
#[track_caller]
fn until_waiting(label: &str, count: usize) -> Vec<Goroutine> {
    let mut found = Vec::new();
    until(|| {
        found = labelled(&profile::goroutines(), label);
        found.iter().filter(|g| matches!(g.status, Status::Waiting(_))).count() == count
    });
    found
}

fn unpark_and_join(handles: Vec<JoinHandle<()>>) {
    handles.iter().for_each(|handle| handle.goroutine().unpark());
    handles.into_iter().for_each(|handle| handle.join().unwrap());
}

#[inline(never)]
fn parks_in_one_place() {
    marmot::park();
}

#[inline(never)]
fn parks_in_another() {
    marmot::park_timeout(Duration::from_secs(1000));
}

#[inline(never)]
fn waits_for_a_child(child: JoinHandle<()>) {
    child.join().unwrap();
}

#[test]
fn ten_thousand_in_three_places() {
    with_procs(2, || {
        let (site, handles): (Vec<u32>, Vec<Vec<JoinHandle<()>>>) = with_labels(&[("test", "many")], || {
            let mut parked = Vec::new();
            let mut timed = Vec::new();
            let mut joining = Vec::new();
            let first = line!() + 2;
            for i in 0..MANY / 4 {
                parked.push(marmot::Builder::new().name(format!("parked {i}")).spawn(parks_in_one_place).unwrap());
                timed.push(with_labels(&[("kind", "timed")], || marmot::go(parks_in_another)));
                let child = marmot::go(parks_in_one_place);
                let them = child.goroutine().clone();
                joining.push(marmot::go(move || waits_for_a_child(child)));
                // The child is let go by a fourth, which is not there yet.
                timed.push(marmot::go(move || {
                    marmot::park();
                    them.unpark();
                }));
            }
            (vec![first, first + 1, first + 2, first + 4], vec![parked, timed, joining])
        });
        let all = MANY / 4 * 5;
        let found = until_waiting("many", all);
        assert_eq!(found.len(), all);
        let ids: HashSet<u64> = found.iter().map(|g| g.id).collect();
        assert_eq!(ids.len(), all, "no goroutine is found twice");
        let mut by_line = HashMap::<u32, Vec<&Goroutine>>::new();
        for g in &found {
            assert!(g.spawn_site.file().ends_with("profile_goroutines.rs"));
            by_line.entry(g.spawn_site.line()).or_default().push(g);
        }
        let at = |line: u32| by_line.get(&line).map_or(&[][..], |gs| &gs[..]);
        let named = at(site[0]);
        assert_eq!(named.len(), MANY / 4);
        assert!(named.iter().all(|g| g.name.as_deref().is_some_and(|name| name.starts_with("parked "))));
        assert!(named.iter().all(|g| g.status == Status::Waiting(WaitReason::Parked)));
        let timed = at(site[1]);
        assert_eq!(timed.len(), MANY / 4);
        assert!(timed.iter().all(|g| g.labels.contains(&("kind".to_owned(), "timed".to_owned()))));
        assert!(timed.iter().all(|g| g.status == Status::Waiting(WaitReason::Parked) && g.name.is_none()));
        assert_eq!(at(site[2]).len(), MANY / 4);
        let joining = at(site[3]);
        assert_eq!(joining.len(), MANY / 4);
        assert!(joining.iter().all(|g| g.status == Status::Waiting(WaitReason::Join) && g.labels.len() == 1));

        let snapshot = profile::goroutines();
        assert_eq!(snapshot.absent, []);
        assert_eq!(labelled(&snapshot, "many").len(), all);
        assert!(snapshot.duration < Duration::from_secs(1), "{:?}", snapshot.duration);
        for handles in handles.into_iter().rev() {
            // Those that wait for a child come first, and are let go by others.
            handles.iter().for_each(|handle| handle.goroutine().unpark());
            drop(handles);
        }
    });
}

#[test]
fn who_asks_runs() {
    everywhere(|place| {
        let asked = place.start(|| {
            let me = marmot::current().id().to_string();
            let snapshot = profile::goroutines();
            assert_eq!(snapshot.absent, []);
            snapshot.goroutines.into_iter().find(|g| g.id.to_string() == me).map(|g| g.status)
        });
        let expected = (place == Place::Goroutines).then_some(Status::Running);
        assert_eq!(asked.join(), expected);
    });
}

#[test]
fn each_wait_says_its_reason() {
    with_procs(2, || {
        let (mut near, far) = pair();
        with_labels(&[("test", "reasons")], || {
            let gone = Arc::new(AtomicBool::new(false));
            let until_gone = Arc::clone(&gone);
            let handles = [
                marmot::go(move || far.wait_readable().unwrap()),
                marmot::go(|| marmot::sleep(ms(1_000_000_000))),
                marmot::go(move || {
                    marmot::blocking(|| {
                        while !until_gone.load(Relaxed) {
                            thread::yield_now();
                        }
                    });
                }),
            ];
            let reasons: Vec<Status> = until_waiting("reasons", 3).iter().map(|g| g.status).collect();
            let expected = [WaitReason::IoRead, WaitReason::Sleep, WaitReason::Blocking].map(Status::Waiting);
            assert_eq!(reasons, expected);
            gone.store(true, Relaxed);
            near.write_all(b"x").unwrap();
            let [reads, sleeps, blocks] = handles;
            reads.join().unwrap();
            blocks.join().unwrap();
            drop(sleeps);
        });
    });
}
