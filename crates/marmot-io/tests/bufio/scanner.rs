//! `Scanner`, case by case.

mod growth;
mod splits;

use std::io::{self, ErrorKind, Read};

use marmot_io::bufio::{Error, Scanner, Split, Step, Words, split_fn};

use crate::common::{Give, Liar, Source};

/// The tokens, and the error after them.
fn run<R: Read, S: Split>(mut scanner: Scanner<R, S>) -> (Vec<String>, Option<io::Error>) {
    let mut tokens = Vec::new();
    loop {
        match scanner.scan() {
            Ok(Some(token)) => tokens.push(String::from_utf8(token.to_vec()).unwrap()),
            Ok(None) => return (tokens, None),
            Err(error) => {
                // An error is told once, and ends it.
                for _ in 0..2 {
                    assert_eq!(scanner.scan().unwrap(), None);
                    assert_eq!((scanner.token(), scanner.is_leased()), (&b""[..], false));
                }
                return (tokens, Some(error));
            }
        }
    }
}

#[test]
fn an_error_comes_after_the_tokens_before_it() {
    let (tokens, error) = run(Scanner::new(Source::failing(b"one\ntwo\nthr", ErrorKind::TimedOut)));
    assert_eq!(tokens, ["one", "two", "thr"]);
    assert_eq!(error.unwrap().kind(), ErrorKind::TimedOut);
    let (tokens, error) = run(Scanner::new(Source::failing(b"", ErrorKind::UnexpectedEof)));
    assert_eq!((tokens.len(), error.unwrap().kind()), (0, ErrorKind::UnexpectedEof));
}

#[test]
fn an_interruption_is_no_error() {
    let interrupted = || Give::Error(ErrorKind::Interrupted);
    let script =
        [interrupted(), Give::Bytes(b"on".to_vec()), interrupted(), Give::Bytes(b"e\n".to_vec()), interrupted()];
    let (tokens, error) = run(Scanner::new(Source::new(script)));
    assert_eq!((tokens, error.is_none()), (vec!["one".to_owned()], true));
}

#[test]
fn zero_bytes_are_the_end_for_good() {
    let script = [Give::Bytes(b"one".to_vec()), Give::End, Give::Bytes(b"two".to_vec())];
    let mut scanner = Scanner::new(Source::new(script));
    assert_eq!(scanner.scan().unwrap(), Some(&b"one"[..]));
    for _ in 0..3 {
        assert_eq!(scanner.scan().unwrap(), None);
    }
    assert_eq!(scanner.get_ref().reads, 2);
}

#[test]
fn a_source_that_claims_too_much_is_found_out() {
    let (tokens, error) = run(Scanner::new(Liar));
    assert_eq!(tokens.len(), 0);
    assert!(matches!(Error::of(&error.unwrap()), Some(Error::BadCount { .. })));
}

#[test]
fn the_split_functions_error_ends_it() {
    let mut left = 7;
    let split = split_fn(move |data: &[u8], at_end| {
        assert!(!at_end);
        if left == 0 {
            return Err(ErrorKind::InvalidData.into());
        }
        left -= 1;
        Ok(Step::Token { advance: 1, token: &data[..1] })
    });
    let (tokens, error) = run(Scanner::new(Source::stride(b"abcdefghijklmnop", 1)).split(split));
    assert_eq!((tokens.concat(), error.unwrap().kind()), ("abcdefg".to_owned(), ErrorKind::InvalidData));
}

#[test]
fn the_split_functions_error_counts_at_the_end_unless_the_source_had_one() {
    let numbers = || {
        let mut words = Words::new();
        split_fn(move |data: &[u8], at_end| match words.split(data, at_end)? {
            Step::Token { token, .. } if token.len() > 1 => {
                assert!(at_end);
                Err(io::Error::other("a number of two digits"))
            }
            step => Ok(step),
        })
    };
    let (tokens, error) = run(Scanner::new(&b"1 2 33"[..]).split(numbers()));
    assert_eq!((tokens.concat(), error.unwrap().to_string()), ("12".to_owned(), "a number of two digits".to_owned()));
    let (_, error) = run(Scanner::new(Source::failing(b"1 2 33", ErrorKind::TimedOut)).split(numbers()));
    assert_eq!(error.unwrap().kind(), ErrorKind::TimedOut);
}

/// Fields between commas; the last one ends with the data, and may be empty.
fn commas() -> impl Split {
    split_fn(|data: &[u8], at_end| {
        Ok(match data.iter().position(|&byte| byte == b',') {
            Some(at) => Step::Token { advance: at + 1, token: &data[..at] },
            None if at_end => Step::Last(data),
            None => Step::More,
        })
    })
}

#[test]
fn the_last_token_may_be_empty() {
    for (text, expected) in
        [("1,2,3,", &["1", "2", "3", ""][..]), ("1,2,3", &["1", "2", "3"]), ("", &[""]), (",", &["", ""])]
    {
        for stride in 1..4 {
            let (tokens, error) = run(Scanner::new(Source::stride(text.as_bytes(), stride)).split(commas()));
            assert_eq!(
                (&tokens[..], error.is_none()),
                (&expected.iter().map(|&s| s.to_owned()).collect::<Vec<_>>()[..], true)
            );
        }
    }
}

#[test]
fn nothing_is_looked_at_after_the_last_token_or_a_stop() {
    let last = split_fn(|data: &[u8], _| Ok(Step::Last(&data[..1])));
    let (tokens, error) = run(Scanner::new(&b"abc"[..]).split(last));
    assert_eq!((tokens, error.is_none()), (vec!["a".to_owned()], true));
    let mut words = Words::new();
    let until_stop = split_fn(move |data: &[u8], at_end| match words.split(data, at_end)? {
        Step::Token { token: b"STOP", .. } => Ok(Step::Stop),
        step => Ok(step),
    });
    let mut scanner = Scanner::new(&b"1 2 STOP 4"[..]).split(until_stop);
    assert_eq!(scanner.scan().unwrap(), Some(&b"1"[..]));
    assert_eq!(scanner.scan().unwrap(), Some(&b"2"[..]));
    assert_eq!(scanner.scan().unwrap(), None);
    assert!(!scanner.is_leased());
    assert_eq!(scanner.scan().unwrap(), None);
}

#[test]
fn a_last_token_or_a_stop_does_not_hide_the_sources_error() {
    let script = || Source::failing(b"abc", ErrorKind::TimedOut);
    let last = split_fn(|data: &[u8], at_end| Ok(if at_end { Step::Last(data) } else { Step::More }));
    let (tokens, error) = run(Scanner::new(script()).split(last));
    assert_eq!((tokens, error.unwrap().kind()), (vec!["abc".to_owned()], ErrorKind::TimedOut));
    let stop = split_fn(|_: &[u8], at_end| Ok(if at_end { Step::Stop } else { Step::More }));
    let (tokens, error) = run(Scanner::new(script()).split(stop));
    assert_eq!((tokens.len(), error.unwrap().kind()), (0, ErrorKind::TimedOut));
}

#[test]
fn an_advance_over_more_than_there_is_is_an_error() {
    let steps: [fn(&[u8]) -> Step<'_>; 2] =
        [|data| Step::Token { advance: data.len() + 1, token: data }, |data| Step::Skip(data.len() + 1)];
    for step in steps {
        let (tokens, error) = run(Scanner::new(&b"abc"[..]).split(split_fn(move |data: &[u8], _| Ok(step(data)))));
        assert_eq!(tokens.len(), 0);
        assert_eq!(Error::of(&error.unwrap()), Some(&Error::AdvanceTooFar { advance: 4, shown: 3 }));
    }
}

#[test]
fn tokens_without_end_at_one_place_are_an_error() {
    // At the end of the data, and before it.
    let at_end = split_fn(|data: &[u8], _| {
        Ok(match data {
            [] => Step::Token { advance: 0, token: data },
            data => Step::Token { advance: 1, token: &data[..1] },
        })
    });
    let (tokens, error) = run(Scanner::new(&b"abc"[..]).split(at_end));
    assert_eq!(Error::of(&error.unwrap()), Some(&Error::NoProgress));
    assert_eq!(tokens.len(), 103);
    let early = split_fn(|_: &[u8], _| Ok(Step::Token { advance: 0, token: b"x" }));
    let (tokens, error) = run(Scanner::new(&b"abc"[..]).split(early));
    assert_eq!(Error::of(&error.unwrap()), Some(&Error::NoProgress));
    assert_eq!(tokens.len(), 100);
}

#[test]
fn a_few_tokens_at_each_place_are_none() {
    // What goes on is an advance, or more bytes from the source.
    let mut count = 0;
    let advancing = split_fn(move |data: &[u8], _| {
        count += 1;
        Ok(match data {
            [] => Step::More,
            _ => Step::Token { advance: usize::from(count % 50 == 0), token: b"" },
        })
    });
    let (tokens, error) = run(Scanner::new(&[b'x'; 30][..]).split(advancing));
    assert_eq!((tokens.len(), error.is_none()), (1500, true));
    let mut count = 0;
    let reading = split_fn(move |_: &[u8], _| {
        count += 1;
        Ok(if count % 50 == 0 { Step::More } else { Step::Token { advance: 0, token: b"" } })
    });
    let (tokens, error) = run(Scanner::new(Source::stride(&[b'x'; 30], 1)).split(reading));
    assert_eq!((tokens.len(), error.is_none()), (31 * 49, true));
}

#[test]
fn what_a_split_function_leaves_at_the_end_is_dropped() {
    let mut left = 10_000;
    let split = split_fn(move |data: &[u8], _| {
        if left == 0 {
            return Ok(Step::More);
        }
        left -= 1;
        Ok(Step::Token { advance: 1, token: &data[..0] })
    });
    let text = "\n".repeat(10_005);
    let (tokens, error) = run(Scanner::new(text.as_bytes()).split(split));
    assert_eq!((tokens.len(), error.is_none()), (10_000, true));
}

#[test]
fn a_token_may_come_from_anywhere() {
    const WORDS: &[u8] = b"evenodd";
    let split = split_fn(|data: &[u8], _| {
        Ok(match data.first() {
            None => Step::More,
            Some(byte) => Step::Token { advance: 1, token: if byte % 2 == 0 { &WORDS[..4] } else { &WORDS[4..] } },
        })
    });
    let (tokens, _) = run(Scanner::new(&[0, 1, 2][..]).split(split));
    assert_eq!(tokens, ["even", "odd", "even"]);
}

#[test]
fn the_split_function_sees_nothing_only_at_the_end() {
    let split = split_fn(|data: &[u8], at_end| {
        assert!(!data.is_empty() || at_end);
        Ok(if at_end { Step::Last(b"end") } else { Step::Skip(data.len()) })
    });
    let (tokens, _) = run(Scanner::new(Source::stride(b"abcdef", 1)).split(split));
    assert_eq!(tokens, ["end"]);
}

#[test]
fn another_split_function_goes_on_where_the_last_one_was() {
    let mut scanner = Scanner::new(Source::stride(b"a b\nc d\ne f\n", 5));
    assert_eq!(scanner.scan().unwrap(), Some(&b"a b"[..]));
    let mut scanner = scanner.split(Words::new());
    assert_eq!(scanner.token(), b"a b");
    assert_eq!(scanner.scan().unwrap(), Some(&b"c"[..]));
    let lines: Vec<Vec<u8>> = scanner.split(commas()).tokens().map(Result::unwrap).collect();
    assert_eq!(lines, [b"d\ne f\n"]);
}

#[test]
fn texts_have_to_be_text_and_tokens_need_not() {
    let data = b"caf\xe9\nok\n";
    let mut texts = Scanner::new(&data[..]).texts();
    assert_eq!(texts.next().unwrap().unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(texts.next().unwrap().unwrap(), "ok");
    assert!(texts.next().is_none() && texts.next().is_none());
    let tokens: Vec<Vec<u8>> = Scanner::new(&data[..]).tokens().map(Result::unwrap).collect();
    assert_eq!(tokens, [&b"caf\xe9"[..], b"ok"]);
    let mut failing = Scanner::new(Source::failing(b"one\n", ErrorKind::TimedOut)).texts();
    assert_eq!(failing.next().unwrap().unwrap(), "one");
    assert_eq!(failing.next().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(failing.next().is_none());
}

#[test]
fn the_current_token_is_there_until_the_next_scan() {
    let mut scanner = Scanner::new(&b"one\ntwo"[..]);
    assert_eq!((scanner.token(), scanner.text().unwrap()), (&b""[..], ""));
    scanner.scan().unwrap();
    assert_eq!((scanner.token(), scanner.text().unwrap()), (&b"one"[..], "one"));
    scanner.scan().unwrap();
    assert_eq!(scanner.token(), b"two");
    scanner.scan().unwrap();
    assert_eq!(scanner.token(), b"");
}
