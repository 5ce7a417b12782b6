//! The rule `head`: a source file opens with what it is.

use super::Found;
use super::files::{File, Kind};

pub fn check(file: &File) -> Vec<Found> {
    match &file.kind {
        Kind::Rust(Err((line, reason))) => vec![(*line, format!("this is not Rust: {reason}"))],
        Kind::Rust(Ok(_)) if !file.text.starts_with("//!") => {
            vec![(1, "begin the file with a `//!` line that says what the module is".to_owned())]
        }
        _ => Vec::new(),
    }
}
