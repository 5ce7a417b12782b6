//! Random sequences of calls against a plain queue of bytes; see `calls`.

use std::env;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};

use crate::calls::play;

/// How many sequences, unless `MARMOT_SEQUENCES` says.
const SEQUENCES: u32 = 4000;

#[test]
fn it_is_a_queue_of_bytes() {
    let sequences = env::var("MARMOT_SEQUENCES").map_or(SEQUENCES, |text| text.parse().expect("it is a number"));
    let mut runner = TestRunner::new(Config { cases: sequences, failure_persistence: None, ..Config::default() });
    let result = runner.run(&vec(any::<u8>(), 0..250), |script| {
        play(&script);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
