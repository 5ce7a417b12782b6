//! A wait group: who counts down, and who waits.

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use crate::support::{Plain, explore};
use crate::wait_group::WaitGroup;

/// Under the model it does not come to an end.
const LONG: Duration = Duration::from_secs(1);

#[test]
fn who_waits_sees_what_was_done() {
    explore(3, || {
        let (group, done) = (WaitGroup::new(), Arc::new([Plain::new(0), Plain::new(0)]));
        group.add(2);
        let all = [0, 1].map(|i| {
            let (group, done) = (group.clone(), Arc::clone(&done));
            thread::spawn(move || {
                done[i].set(1);
                group.done();
            })
        });
        group.wait_timeout(LONG).unwrap();
        assert_eq!(done[0].get() + done[1].get(), 2);
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
fn who_waits_is_let_go_though_more_is_added() {
    explore(3, || {
        let group = WaitGroup::new();
        group.add(1);
        let waits = {
            let group = group.clone();
            thread::spawn(move || group.wait_timeout(LONG).unwrap())
        };
        let also_waits = {
            let group = group.clone();
            thread::spawn(move || group.wait().is_ok())
        };
        group.done();
        group.add(1);
        group.done();
        waits.join().unwrap();
        // This one may be cancelled.
        let _ended = also_waits.join().unwrap();
        assert_eq!(group.count(), 0);
    });
}
