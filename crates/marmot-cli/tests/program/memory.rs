//! `marmot bench parked` where the system tells how much memory is in use.

use crate::bench::rows;

#[test]
fn a_parked_goroutine_takes_little() {
    let rows = rows(&["memory", "--count", "1000", "--peer-names"]);
    let (_, bytes, unit) = rows.iter().find(|row| row.0 == "park100k_rss").expect("the memory is told");
    assert!((1000.0..200_000.0).contains(bytes) && unit == "bytes", "{rows:?}");
}
