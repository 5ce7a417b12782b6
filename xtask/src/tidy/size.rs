//! The rule `size`: a source file can be read in one sitting. Tests, benchmarks and examples may be longer.

use super::Found;
use super::files::{File, Kind};

/// What a source file may have at most; 100 to 300 are the aim.
pub const MAX_LINES: usize = 800;

pub fn check(file: &File) -> Vec<Found> {
    let lines = file.text.lines().count();
    if lines <= MAX_LINES || file.is_aside() || !matches!(file.kind, Kind::Rust(_)) {
        return Vec::new();
    }
    vec![(MAX_LINES + 1, format!("{lines} lines are more than {MAX_LINES}: split the file by its parts"))]
}
