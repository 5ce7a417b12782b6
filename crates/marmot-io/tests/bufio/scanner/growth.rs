//! How the buffer grows, up to which limit, and when it is held.

use std::io::{self, ErrorKind, Read};

use marmot_io::WaitReadable;
use marmot_io::bufio::{Error, MAX_TOKEN_SIZE, Scanner, Words};

use super::run;
use crate::common::Source;

/// A line of `length` bytes without its end, and the end, sometimes with a `\r`.
fn line(number: usize, length: usize) -> (String, &'static str) {
    let text = ('a'..='z').cycle().skip(number % 26).take(length).collect();
    (text, if number.is_multiple_of(5) { "\r\n" } else { "\n" })
}

#[test]
fn lines_of_any_length_below_the_limit_come_whole() {
    let lengths = || (0..255).chain((0..255).rev());
    let mut text = String::new();
    let mut expected = Vec::new();
    for (number, length) in lengths().enumerate() {
        let (line, end) = line(number, length);
        text.push_str(&line);
        text.push_str(end);
        expected.push(line);
    }
    for stride in [1, 3, 100, 1000] {
        let source = Source::stride(text.as_bytes(), stride);
        let (tokens, error) = run(Scanner::new(source).initial_capacity(0).max_token_size(257));
        assert_eq!((&tokens, error.is_none()), (&expected, true));
    }
}

#[test]
fn a_line_over_the_limit_is_an_error_that_says_what_to_do() {
    let text = ["short\n", &"x".repeat(255), "\n", &"x".repeat(256), "\nnever seen\n"].concat();
    for stride in [1, 3, 1000] {
        let source = Source::stride(text.as_bytes(), stride);
        let (tokens, error) = run(Scanner::new(source).max_token_size(256));
        assert_eq!(tokens, ["short", &"x".repeat(255)]);
        let error = error.unwrap();
        assert_eq!(Error::of(&error), Some(&Error::TokenTooLong { limit: 256 }));
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let text = error.to_string();
        assert!(text.contains("256") && text.contains("max_token_size"), "{text}");
    }
}

#[test]
fn the_limit_holds_unless_it_is_set() {
    let text = "x".repeat(2 * MAX_TOKEN_SIZE) + "\n";
    let (tokens, error) = run(Scanner::new(text.as_bytes()));
    assert_eq!(tokens.len(), 0);
    assert_eq!(Error::of(&error.unwrap()), Some(&Error::TokenTooLong { limit: MAX_TOKEN_SIZE }));
    let (tokens, error) = run(Scanner::new(text.as_bytes()).initial_capacity(100).max_token_size(3 * MAX_TOKEN_SIZE));
    assert_eq!((tokens.len(), tokens[0].len(), error.is_none()), (1, 2 * MAX_TOKEN_SIZE, true));
    let (tokens, _) = run(Scanner::new(&text.as_bytes()[MAX_TOKEN_SIZE + 1..]));
    assert_eq!(tokens[0].len(), MAX_TOKEN_SIZE - 1);
}

#[test]
fn what_is_skipped_does_not_count() {
    let text = " ".repeat(1000) + "ipsum";
    let (tokens, error) = run(Scanner::new(text.as_bytes()).split(Words::new()).max_token_size(64));
    assert_eq!((tokens, error.is_none()), (vec!["ipsum".to_owned()], true));
}

#[test]
fn a_limit_without_end_is_one() {
    let text = "x".repeat(100_000) + "\n";
    let (tokens, _) = run(Scanner::new(text.as_bytes()).max_token_size(usize::MAX));
    assert_eq!(tokens[0].len(), 100_000);
}

#[test]
fn the_buffer_is_held_only_while_there_are_bytes_or_a_token_in_it() {
    let long = "x".repeat(10_000) + "\n";
    let mut scanner = Scanner::new(Source::parts([long.as_bytes(), b"one\n", b"two\nthree\n"]));
    assert!(!scanner.is_leased());
    assert!(scanner.scan().unwrap().is_some());
    assert_eq!((scanner.is_leased(), scanner.buffered()), (true, 0));
    assert!(format!("{scanner:?}").contains("leased: true"));
    assert_eq!(scanner.scan().unwrap(), Some(&b"one"[..]));
    assert_eq!(scanner.scan().unwrap(), Some(&b"two"[..]));
    assert_eq!(scanner.buffered(), 6);
    assert_eq!(scanner.scan().unwrap(), Some(&b"three"[..]));
    assert_eq!(scanner.scan().unwrap(), None);
    assert!(!scanner.is_leased());
}

#[test]
fn after_a_long_line_it_is_small_again() {
    struct Ready(Source);

    impl Read for Ready {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }

    impl WaitReadable for Ready {
        fn wait_readable(&self) -> io::Result<()> {
            Ok(())
        }
    }

    let long = "x".repeat(10_000) + "\n";
    let many = "a\n".repeat(10_000);
    let source = Source::parts([long.as_bytes(), many.as_bytes()]);
    let mut scanner = Scanner::new(Ready(source)).initial_capacity(512).waiting();
    assert_eq!(scanner.scan().unwrap().map(<[u8]>::len), Some(10_000));
    assert_eq!(scanner.scan().unwrap(), Some(&b"a"[..]));
    assert_eq!(scanner.buffered(), 510);
}

#[test]
fn the_source_comes_back_with_what_was_not_cut() {
    let mut scanner = Scanner::new(&b"one\ntwo\n"[..]);
    assert_eq!(scanner.get_ref(), b"one\ntwo\n");
    scanner.scan().unwrap();
    assert_eq!(scanner.into_parts(), (&b""[..], b"two\n".to_vec()));
    assert_eq!(Scanner::new(io::empty()).into_parts().1, b"");
}
