//! Reading so much, all, and writing all.

mod common;

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};

use common::{Step, Stepwise};
use marmot_io::bufio::{self, ReadWriter};
use marmot_io::{
    Counted, Counts, LimitReader, MultiReader, Partial, TeeReader, Unread, copy_n, pipe, read_all, read_at_least,
    read_full, write_full, write_string,
};

#[test]
fn reading_at_least_goes_on_until_there_is_enough() {
    let mut buf = [0; 2];
    let mut reader = Stepwise::new(b"0123", []);
    assert_eq!(read_at_least(&mut reader, &mut buf, 2).unwrap(), 2);
    assert_eq!(&buf, b"01");
    // What fits is taken, if it is there.
    assert_eq!(read_at_least(&mut reader, &mut buf, 1).unwrap(), 2);
    assert_eq!(&buf, b"23");
    let end = read_at_least(&mut reader, &mut buf, 2).unwrap_err();
    assert_eq!((end.moved, end.kind(), end.is_end()), (0, ErrorKind::UnexpectedEof, true));
}

#[test]
fn a_reader_that_ends_in_the_middle_is_no_end() {
    let mut buf = [0; 2];
    let torn = read_at_least(&mut &b"4"[..], &mut buf, 2).unwrap_err();
    assert_eq!((torn.moved, torn.kind(), torn.is_end(), buf[0]), (1, ErrorKind::UnexpectedEof, false, b'4'));
}

#[test]
fn what_does_not_fit_is_not_asked_for() {
    let mut reader = Stepwise::new(b"0123", []);
    let partial = read_at_least(&mut reader, &mut [0; 2], 4).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), partial.is_end()), (0, ErrorKind::InvalidInput, false));
    assert_eq!((reader.calls, reader.rest()), (0, &b"0123"[..]));
}

#[test]
fn an_error_comes_with_the_count_before_it() {
    let mut buf = [0; 4];
    let mut reader = Stepwise::new(b"0123", [Step::Move(1), Step::Move(1), Step::Fail(ErrorKind::TimedOut)]);
    let partial = read_full(&mut reader, &mut buf).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), partial.is_end()), (2, ErrorKind::TimedOut, false));
    assert_eq!(buf[..2], *b"01");
    // The rest is still there.
    assert_eq!(read_full(&mut reader, &mut buf[2..]).unwrap(), 2);
    assert_eq!(&buf, b"0123");
}

#[test]
fn an_error_after_the_last_byte_that_is_needed_is_not_met() {
    let mut reader = Stepwise::new(b"01", [Step::Move(2), Step::Fail(ErrorKind::InvalidData)]);
    assert_eq!(read_at_least(&mut reader, &mut [0; 4], 2).unwrap(), 2);
}

#[test]
fn nothing_is_asked_of_a_reader_for_nothing() {
    let mut reader = Stepwise::new(b"", [Step::Fail(ErrorKind::InvalidData)]);
    assert_eq!(read_full(&mut reader, &mut []).unwrap(), 0);
    assert_eq!(read_at_least(&mut reader, &mut [0; 4], 0).unwrap(), 0);
    assert_eq!(reader.calls, 0);
}

#[test]
fn an_interrupted_read_is_made_again() {
    let mut buf = [0; 4];
    let steps = [Step::Fail(ErrorKind::Interrupted), Step::Move(3), Step::Fail(ErrorKind::Interrupted)];
    assert_eq!(read_full(&mut Stepwise::new(b"0123", steps), &mut buf).unwrap(), 4);
    assert_eq!(&buf, b"0123");
}

#[test]
fn a_readers_own_error_is_not_taken_for_the_end() {
    // A decoder says in this way that its input is torn.
    let mut reader = Stepwise::new(b"", [Step::Fail(ErrorKind::UnexpectedEof)]);
    let partial = read_full(&mut reader, &mut [0; 4]).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), partial.is_end()), (0, ErrorKind::UnexpectedEof, false));
}

#[test]
fn an_end_that_is_handed_on_in_the_middle_is_no_end() {
    /// Reads blocks of two bytes, and says so when there is none.
    struct Blocks(&'static [u8]);
    impl Read for Blocks {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            Ok(read_full(&mut self.0, &mut buf[..2])?)
        }
    }
    let partial = read_full(&mut Blocks(b"0123"), &mut [0; 8]).unwrap_err();
    assert_eq!((partial.moved, partial.kind(), partial.is_end()), (4, ErrorKind::UnexpectedEof, false));
    assert!(read_full(&mut Blocks(b""), &mut [0; 8]).unwrap_err().is_end());
}

#[test]
fn both_kinds_of_end_are_an_unexpected_end_as_a_plain_error() {
    let plain = |bytes: &[u8]| io::Error::from(read_full(&mut { bytes }, &mut [0; 4]).unwrap_err());
    assert_eq!(plain(b"").kind(), ErrorKind::UnexpectedEof);
    assert_eq!(plain(b"0").kind(), ErrorKind::UnexpectedEof);
    assert_eq!(plain(b"").to_string(), "the reader has ended");
}

#[test]
fn a_short_slice_is_read_to_its_end() {
    let (mut slice, mut buf) = (&b"123456"[..], [0; 10]);
    assert_eq!(read_full(&mut slice, &mut buf).unwrap_err().moved, 6);
    assert!(slice.is_empty());
    assert_eq!(buf[..6], *b"123456");
}

#[test]
fn everything_is_read() {
    assert_eq!(read_all(&mut io::empty()).unwrap(), b"");
    let long = vec![b'x'; 100_000];
    let steps = [Step::Move(1), Step::Fail(ErrorKind::Interrupted), Step::Move(7)];
    assert!(read_all(&mut Stepwise::new(&long, steps)).unwrap() == long);
}

#[test]
fn what_was_read_before_an_error_is_not_lost() {
    let mut reader = Stepwise::new(b"0123456", [Step::Move(3), Step::Move(2), Step::Fail(ErrorKind::TimedOut)]);
    let unfinished = read_all(&mut reader).unwrap_err();
    assert_eq!((&unfinished.bytes[..], unfinished.kind()), (&b"01234"[..], ErrorKind::TimedOut));
    assert!(unfinished.to_string().ends_with("(after 5 bytes)"), "{unfinished}");
    assert_eq!(io::Error::from(unfinished).kind(), ErrorKind::TimedOut);
    assert_eq!(read_all(&mut reader).unwrap(), b"56");
}

#[test]
fn all_is_written_by_as_many_calls_as_it_takes() {
    let mut writer = Stepwise::sink([Step::Move(1), Step::Fail(ErrorKind::Interrupted), Step::Move(2)]);
    assert_eq!(write_full(&mut writer, b"0123456").unwrap(), 7);
    assert_eq!((&writer.bytes[..], writer.calls), (&b"0123456"[..], 4));
}

#[test]
fn a_failed_write_says_how_much_was_taken() {
    let write = |step| {
        let mut writer = Stepwise::sink([Step::Move(2), step]);
        let Partial { moved, error } = write_full(&mut writer, b"0123").unwrap_err();
        assert_eq!(writer.bytes, b"01");
        (moved, error.kind())
    };
    assert_eq!(write(Step::Nothing), (2, ErrorKind::WriteZero));
    assert_eq!(write(Step::Fail(ErrorKind::BrokenPipe)), (2, ErrorKind::BrokenPipe));
}

#[test]
fn nothing_is_written_without_asking_the_writer() {
    let mut writer = Stepwise::sink([Step::Fail(ErrorKind::BrokenPipe)]);
    assert_eq!(write_full(&mut writer, b"").unwrap(), 0);
    assert_eq!(write_string(&mut writer, "").unwrap(), 0);
    assert_eq!(writer.calls, 0);
}

#[test]
fn a_string_is_its_bytes() {
    let mut writer = Stepwise::sink([Step::Move(2)]);
    assert_eq!(write_string(&mut writer, "größe").unwrap(), 7);
    assert_eq!(writer.bytes, "größe".as_bytes());
}

#[test]
fn unsized_readers_do() {
    let reader: &mut dyn Read = &mut &b"0123"[..];
    assert_eq!(read_full(reader, &mut [0; 3]).unwrap(), 3);
    assert_eq!(read_all(reader).unwrap(), b"3");
}

/// An error that counts, at `moved` to begin with.
#[derive(Debug, PartialEq)]
struct Stopped {
    moved: u64,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped after {}", self.moved)
    }
}

impl Error for Stopped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&fmt::Error)
    }
}

impl Counts for Stopped {
    fn set_moved(&mut self, bytes: u64) {
        self.moved = bytes;
    }
}

/// Reads and writes three bytes, and is stopped then.
struct Stops(usize);

impl Stops {
    fn step(&mut self, asked: usize) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(Counted::error(ErrorKind::TimedOut, Stopped { moved: 100 }));
        }
        let count = asked.min(self.0);
        self.0 -= count;
        Ok(count)
    }
}

impl Read for Stops {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.step(buf.len())
    }
}

impl Write for Stops {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.step(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_that_counts_is_told_by_whoever_moved_the_bytes() {
    let moved = |error: io::Error| {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        Counted::of::<Stopped>(&error).unwrap().moved
    };
    assert_eq!(moved(read_full(&mut Stops(3), &mut [0; 4]).unwrap_err().into()), 3);
    assert_eq!(moved(write_full(&mut Stops(3), b"0123").unwrap_err().into()), 3);
    assert_eq!(moved(read_all(&mut Stops(3)).unwrap_err().into()), 3);
    assert_eq!(moved(marmot_io::copy(&mut Stops(3), &mut io::sink()).unwrap_err()), 3);
    assert_eq!(moved(marmot_io::copy(&mut &b"0123"[..], &mut Stops(3)).unwrap_err()), 3);
    assert_eq!(moved(copy_n(&mut Stops(3), &mut io::sink(), 4).unwrap_err().into()), 3);
    assert_eq!(moved(bufio::Reader::new(Stops(3)).read_exact(&mut [0; 4]).unwrap_err()), 3);
    assert_eq!(moved(bufio::Reader::new(Stops(3)).read_bytes(b'x').unwrap_err().into()), 3);
    assert_eq!(moved(bufio::Writer::with_capacity(16, Stops(3)).write_all(&[0; 20]).unwrap_err()), 3);
    let wrapped: [Box<dyn Read>; 4] = [
        Box::new(LimitReader::new(Stops(3), 10)),
        Box::new(MultiReader::new(
            [&b"0"[..], b"12"].map(|r| Box::new(r) as Box<dyn Read>).into_iter().chain([Box::new(Stops(0)) as _]),
        )),
        Box::new(TeeReader::new(Stops(3), io::sink())),
        Box::new(Unread::new(io::BufReader::with_capacity(1, Stops(3)))),
    ];
    for mut reader in wrapped {
        assert_eq!(moved(reader.read_exact(&mut [0; 4]).unwrap_err()), 3);
    }
    // The outermost is the last to tell.
    let mut both = ReadWriter::new(bufio::Reader::new(Stops(3)), bufio::Writer::new(Stops(0)));
    assert_eq!(moved(read_full(&mut both, &mut [0; 4]).unwrap_err().into()), 3);
}

#[test]
fn an_error_that_counts_looks_like_the_one_in_it() {
    let error = Counted::error(ErrorKind::Other, Stopped { moved: 5 });
    assert_eq!(error.to_string(), "stopped after 5");
    assert!(format!("{error:?}").contains("Stopped { moved: 5 }"), "{error:?}");
    assert!(Error::source(&error).is_some_and(|source| source.is::<fmt::Error>()));
    assert!(Counted::of::<Stopped>(&io::Error::other(Stopped { moved: 5 })).is_none());
}

#[test]
fn an_end_is_too_early_for_read_exact() {
    let (mut reader, writer) = pipe();
    drop(writer);
    let error = reader.read_exact(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    // Who hands it on has not ended in time.
    assert!(!Partial { moved: 0, error }.is_end());
    assert!(Partial::ended(0).is_end());
}
