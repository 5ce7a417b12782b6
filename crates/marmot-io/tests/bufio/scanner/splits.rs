//! Lines, words, characters, bytes.

use marmot_io::bufio::{Bytes, Lines, Runes, Scanner, Split, Step, Words};

use super::run;
use crate::common::Source;

const TEXTS: [&[u8]; 10] = [
    b"",
    b"a",
    "¼".as_bytes(),
    "☹".as_bytes(),
    b"\x81",
    "\u{fffd}".as_bytes(),
    b"abcdefgh",
    b"abc def\n\t\tgh    ",
    b"abc\xc2\xbc\xe2\x98\xb9\x81\xef\xbf\xbd\xe6\x97\xa5\x82abc",
    b"\xe2\x98",
];

#[test]
fn bytes_come_one_by_one() {
    for text in TEXTS {
        let tokens: Vec<Vec<u8>> =
            Scanner::new(Source::stride(text, 3)).split(Bytes).tokens().map(Result::unwrap).collect();
        assert!(tokens.iter().all(|token| token.len() == 1));
        assert_eq!(tokens.concat(), text);
    }
}

#[test]
fn characters_come_one_by_one() {
    for text in TEXTS {
        for stride in 1..5 {
            let (tokens, error) = run(Scanner::new(Source::stride(text, stride)).split(Runes));
            let chunks = text.utf8_chunks();
            let expected: String =
                chunks.map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len())).collect();
            assert_eq!(
                (tokens.concat(), tokens.len(), error.is_none()),
                (expected.clone(), expected.chars().count(), true)
            );
        }
    }
}

#[test]
fn words_are_what_stands_between_white_space() {
    let texts = [
        "",
        " ",
        "\n",
        "a",
        " a ",
        "abc def",
        " abc def ",
        " abc\tdef\nghi\rjkl\u{c}mno\u{b}pqr\u{85}stu\u{a0}\n",
        "\u{1680}a\u{2000}b\u{200a}c\u{2028}d\u{2029}e\u{202f}f\u{205f}g\u{3000}h",
        // These are none.
        "a\u{200b}b \u{180e} \u{feff}",
    ];
    for text in texts {
        for stride in 1..6 {
            let (tokens, error) = run(Scanner::new(Source::stride(text.as_bytes(), stride)).split(Words::new()));
            assert_eq!((tokens, error.is_none()), (text.split_whitespace().map(str::to_owned).collect(), true));
        }
    }
}

#[test]
fn bytes_that_are_no_text_belong_to_words() {
    for stride in 1..6 {
        let scanner = Scanner::new(Source::stride(b" \x81\xe2 \xe2\x80\x83\xff\n\xe2\x80", stride)).split(Words::new());
        let tokens: Vec<Vec<u8>> = scanner.tokens().map(Result::unwrap).collect();
        assert_eq!(tokens, [&b"\x81\xe2"[..], b"\xff", b"\xe2\x80"]);
    }
}

#[test]
fn the_last_line_needs_no_end() {
    let cases: [(&str, &[&str]); 8] = [
        ("", &[]),
        ("\n", &[""]),
        ("abc\nxyz", &["abc", "xyz"]),
        ("abc\r\nxyz\r", &["abc", "xyz"]),
        ("abc\nxyz\n\n", &["abc", "xyz", ""]),
        ("abc\nxyz\n\r", &["abc", "xyz", ""]),
        ("a\rb\r\r\n", &["a\rb\r"]),
        ("\r\n\r\n", &["", ""]),
    ];
    for (text, lines) in cases {
        for stride in 1..8 {
            let (tokens, error) = run(Scanner::new(Source::stride(text.as_bytes(), stride)));
            assert_eq!(tokens, lines);
            assert!(error.is_none());
        }
    }
}

#[test]
fn a_thousand_empty_lines_are_a_thousand_tokens() {
    let (tokens, error) = run(Scanner::new("\n".repeat(1000).as_bytes()));
    assert_eq!((tokens, error.is_none()), (vec![String::new(); 1000], true));
}

#[test]
fn what_has_been_searched_is_not_searched_again() {
    // Ends that were not there when the bytes were looked at first are not seen.
    let mut lines = Lines::new();
    assert_eq!(lines.split(b"aaaa", false).unwrap(), Step::More);
    assert_eq!(lines.split(b"\naaab", false).unwrap(), Step::More);
    assert_eq!(lines.split(b"\naaa\nb\n", false).unwrap(), Step::Token { advance: 5 + 2, token: b"\naaa\nb" });
    assert_eq!(lines.split(b"a\n", false).unwrap(), Step::Token { advance: 2, token: b"a" });
    let mut words = Words::new();
    assert_eq!(words.split(b"  aa", false).unwrap(), Step::Skip(2));
    assert_eq!(words.split(b" ab ", false).unwrap(), Step::Token { advance: 4, token: b" ab" });
    assert_eq!(words.split(b" b ", false).unwrap(), Step::Token { advance: 3, token: b"b" });
}
