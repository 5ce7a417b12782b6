//! Laws: what holds however a source hands its bytes over, and whatever a sink does.

mod reading;
mod scanning;
mod writing;

use std::io::ErrorKind;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::{Give, Source};

/// Bytes in which lines, words, characters of all widths and what is no text are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-c]{1,5}".prop_map(String::into_bytes),
        2 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        2 => Just(b" ".to_vec()),
        1 => "[éß日𝄞\u{2003}\u{a0}]{1,3}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..4),
        1 => vec(any::<u8>(), 30..60),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// How a source hands bytes over: how many at a read, or an error instead. What is left comes at the end.
fn plan() -> impl Strategy<Value = Vec<Result<usize, ErrorKind>>> {
    let step = prop_oneof![
        6 => (1_usize..40).prop_map(Ok),
        2 => Just(Ok(1)),
        1 => Just(Err(ErrorKind::Interrupted)),
        1 => prop_oneof![Just(ErrorKind::TimedOut), Just(ErrorKind::ConnectionReset)].prop_map(Err),
    ];
    vec(step, 0..60)
}

/// The source that hands `data` over as planned, and the errors in it that are not interruptions, with the number of bytes
/// that come before each.
fn source(data: &[u8], plan: &[Result<usize, ErrorKind>]) -> (Source, Vec<(usize, ErrorKind)>) {
    let mut script = Vec::new();
    let mut errors = Vec::new();
    let mut at = 0;
    for step in plan {
        match *step {
            Ok(count) => {
                let count = count.min(data.len() - at);
                script.push(Give::Bytes(data[at..at + count].to_vec()));
                at += count;
            }
            Err(kind) => {
                script.push(Give::Error(kind));
                if kind != ErrorKind::Interrupted {
                    errors.push((at, kind));
                }
            }
        }
    }
    script.push(Give::Bytes(data[at..].to_vec()));
    (Source::new(script), errors)
}
