//! What the sums of a bucket come to.

use super::*;

#[test]
fn no_rounding_makes_what_is_in_use_negative() {
    // Beside the first of them, each of the others is too small to change the sum; together they are not.
    let weights = [1e16, 1.0, 1.0];
    let bucket = Bucket::new(0, &[], ptr::null());
    weights.iter().for_each(|weight| bucket.allocate(1, *weight));
    weights.iter().rev().for_each(|weight| bucket.free(1, *weight, Duration::ZERO));
    let [allocated, _, live, live_bytes, _] = bucket.values();
    assert_eq!((allocated, live, live_bytes), (10_000_000_000_000_000, 0, 0));
}
