//! Random sequences of calls: no object is lent twice, none is lost, and all are dropped in the end.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

use marmot_buf::{Pool, Pooled, pool};

use crate::behaviour::ticking;
use crate::counted::{Counted, Living};

static LIVING: Living = Living::new();

fn play(script: &[u8]) {
    let pool: Pool<Counted> = Pool::new(|| LIVING.object()).max_kept(40);
    let mut lent: BTreeMap<u64, Pooled<'_, Counted>> = BTreeMap::new();
    let mut taken = Vec::new();
    for step in script {
        match step % 16 {
            0..=7 => {
                for _ in 0..=step / 64 {
                    let mut object = pool.get();
                    object.begin();
                    assert!(lent.insert(object.number, object).is_none(), "it is lent already");
                }
            }
            8..=12 => drop(lent.pop_first()),
            13 => lent.clear(),
            14 => taken.extend(lent.pop_last().map(|(_, object)| object.into_inner())),
            _ if *step < 32 => pool::collect(),
            _ if *step < 128 => pool::tick(),
            _ => {
                if let Some(object) = taken.pop() {
                    pool.put(object);
                }
            }
        }
        let stats = pool.stats();
        let (held, kept) = ((lent.len() + taken.len()) as isize, stats.kept as isize);
        assert_eq!(LIVING.count(), held + kept, "after {step}: {stats}");
    }
    drop(lent);
    drop(taken);
    drop(pool);
    assert_eq!(LIVING.count(), 0);
}

#[test]
fn every_object_is_in_one_place() {
    let _ticking = ticking();
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&vec(any::<u8>(), 0..200), |script| {
        play(&script);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
