//! A `Scanner` beside what cuts the whole text at once.

use std::io::{self, Read};

use marmot_io::bufio::{Bytes, Lines, Runes, Scanner, Split, Words};
use proptest::prelude::*;

use super::{bytes, plan, source};

/// The characters of `data` with their bytes; a byte that belongs to none stands for itself.
fn characters(data: &[u8]) -> Vec<(Option<char>, Vec<u8>)> {
    let mut all = Vec::new();
    for chunk in data.utf8_chunks() {
        all.extend(chunk.valid().chars().map(|c| (Some(c), c.to_string().into_bytes())));
        all.extend(chunk.invalid().iter().map(|&byte| (None, vec![byte])));
    }
    all
}

fn lines(data: &[u8]) -> Vec<Vec<u8>> {
    data.split_inclusive(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
        .collect()
}

fn words(data: &[u8]) -> Vec<Vec<u8>> {
    let mut words = vec![Vec::new()];
    for (c, bytes) in characters(data) {
        match words.last_mut() {
            Some(word) if !c.is_some_and(char::is_whitespace) => word.extend(bytes),
            _ => words.push(Vec::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn runes(data: &[u8]) -> Vec<Vec<u8>> {
    let character = |(c, bytes): (Option<char>, Vec<u8>)| if c.is_some() { bytes } else { "\u{fffd}".into() };
    characters(data).into_iter().map(character).collect()
}

/// The tokens, and the error that ended them.
fn run<R: Read, S: Split>(scanner: Scanner<R, S>) -> (Vec<Vec<u8>>, Option<io::ErrorKind>) {
    let mut error = None;
    let mut scanned = scanner.tokens();
    let tokens = scanned.by_ref().map_while(|token| token.map_err(|e| error = Some(e.kind())).ok()).collect();
    assert!(scanned.next().is_none());
    (tokens, error)
}

proptest! {
    #[test]
    fn any_chunks_give_the_same_tokens(data in bytes(), plan in plan(), first in 0_usize..100) {
        // The first error of the source ends it, and what came before is all there is.
        let (_, errors) = source(&data, &plan);
        let (end, kind) = errors.first().map_or((data.len(), None), |&(at, kind)| (at, Some(kind)));
        let data = &data[..];
        let seen = &data[..end];
        let scanner = || Scanner::new(source(data, &plan).0).initial_capacity(first);
        prop_assert_eq!(run(scanner().split(Lines::new())), (lines(seen), kind));
        prop_assert_eq!(run(scanner().split(Words::new())), (words(seen), kind));
        prop_assert_eq!(run(scanner().split(Runes)), (runes(seen), kind));
        let bytes = seen.iter().map(|&byte| vec![byte]).collect();
        prop_assert_eq!(run(scanner().split(Bytes)), (bytes, kind));
    }
}
