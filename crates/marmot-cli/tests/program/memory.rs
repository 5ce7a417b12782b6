//! `marmot bench parked` where the system tells how much memory is in use.

use crate::bench::rows;

#[test]
fn a_parked_goroutine_takes_little() {
    let rows = rows(&["memory", "--count", "1000", "--peer-names"]);
    let (_, bytes, unit) = rows.iter().find(|row| row.0 == "park100k_rss").expect("the memory is told");
    assert!((1000.0..200_000.0).contains(bytes) && unit == "bytes", "{rows:?}");
}

#[test]
fn the_mappings_of_parked_goroutines_are_counted() {
    let rows = rows(&["parked", "--count", "1000"]);
    let (_, maps, _) = rows.iter().find(|row| row.0 == "parked_maps").expect("the mappings are told");
    assert!((10.0..10_000.0).contains(maps), "{rows:?}");
}

#[test]
fn a_goroutine_that_has_not_started_takes_less_than_a_page() {
    let rows = rows(&["unstarted", "--count", "10000"]);
    let [(name, bytes, unit)] = &rows[..] else { panic!("{rows:?}") };
    assert!((10.0..4096.0).contains(bytes) && name == "unstarted" && unit == "bytes", "{rows:?}");
}
