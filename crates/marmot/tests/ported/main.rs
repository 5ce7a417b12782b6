//! A program that uses threads, ported by its `use` lines: the same file once with `std`'s names and once with ours.
#![allow(clippy::duplicate_mod, reason = "it is the same file, twice")]

mod with_marmot;
mod with_std;

use std::sync::mpsc;
use std::time::Duration;

/// How long one of them may take.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs all of both in places of their own.
fn both(ours: fn(), theirs: fn()) {
    for program in [ours, theirs] {
        let (done, ended) = mpsc::channel();
        let run = std::thread::spawn(move || {
            program();
            done.send(())
        });
        let in_time = ended.recv_timeout(LIMIT);
        assert_ne!(in_time, Err(mpsc::RecvTimeoutError::Timeout), "still running after {LIMIT:?}");
        run.join().unwrap().unwrap();
    }
    let rt = marmot::Runtime::builder().procs(1).build().unwrap();
    rt.run(ours);
    rt.shutdown(LIMIT).unwrap();
}

macro_rules! same_under_both_names {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                both(with_marmot::program::$name, with_std::program::$name);
            }
        )*
    };
}

same_under_both_names! {
    joins_hand_results_and_panics_over
    builders_name_and_scope
    scopes_borrow
    parking_ends_by_unparking_and_by_time
    a_destructor_knows_whether_it_unwinds
    thread_locals_are_there
    a_mutex_is_poisoned_by_its_holder
    channels_carry_messages
    many_read_or_one_writes
    conditions_are_waited_for
    what_is_made_once_is_made_once
    all_meet_at_a_barrier
}
