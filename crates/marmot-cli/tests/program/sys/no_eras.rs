//! `marmot eras` where it cannot measure.

use crate::common;

#[test]
fn the_program_says_that_it_needs_linux() {
    let output = common::output(&["eras"], common::BOUND);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("needs Linux"));
}
