//! Readers and writers that claim more than they were given, or do nothing but fail: every utility comes to an end with them,
//! without a panic, and no count that it hands on is larger than what there was.

use std::cell::Cell;
use std::io::{self, BufRead, Cursor, ErrorKind, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use marmot_io::bufio::{self, Error, ReadWriter, Scanner};
use marmot_io::{
    ByteReader, ByteWriter, LimitReader, MultiReader, MultiWriter, OffsetWriter, ReaderAt, RuneReader, RuneWriter,
    SectionReader, TeeReader, Unread, WriterAt, copy, copy_buffer, copy_counted, copy_n, read_all, read_at_least,
    read_full, write_full, write_string,
};
use proptest::prelude::*;

/// How a call answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// As many bytes as asked for, or so many.
    True(usize),
    /// So many more bytes than asked for.
    TooMany(usize),
    Nothing,
    Fails(ErrorKind),
}

/// Answers so in turn, and the last for ever.
#[derive(Debug)]
struct Liar {
    answers: Vec<Answer>,
    calls: Cell<usize>,
}

impl Liar {
    fn new(answers: &[Answer]) -> Liar {
        Liar { answers: answers.to_vec(), calls: Cell::new(0) }
    }

    fn always(answer: Answer) -> Liar {
        Liar::new(&[answer])
    }

    fn answer(&self, room: usize) -> io::Result<usize> {
        let call = self.calls.replace(self.calls.get() + 1);
        assert!(call < 5_000_000, "it is asked for ever");
        match self.answers[call.min(self.answers.len() - 1)] {
            Answer::True(count) => Ok(count.min(room)),
            Answer::TooMany(count) => Ok(room.saturating_add(count)),
            Answer::Nothing => Ok(0),
            Answer::Fails(kind) => Err(kind.into()),
        }
    }
}

impl Read for Liar {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.answer(buf.len())
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.answer(bufs.iter().map(|buf| buf.len()).sum())
    }
}

impl Write for Liar {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.answer(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.answer(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.answer(0).map(drop)
    }
}

impl ReaderAt for Liar {
    fn read_at(&self, buf: &mut [u8], _: u64) -> io::Result<usize> {
        self.answer(buf.len())
    }
}

impl WriterAt for Liar {
    fn write_at(&self, buf: &[u8], _: u64) -> io::Result<usize> {
        self.answer(buf.len())
    }
}

impl Seek for Liar {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        self.answer(7).map(|at| at as u64)
    }
}

/// A buffered reader that shows another piece at each look, and takes any count.
#[derive(Debug)]
struct Shifty(Liar);

impl Read for Shifty {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl BufRead for Shifty {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let shown = self.0.answer(8)?;
        Ok(&b"a line\nand another"[..shown.min(18)])
    }

    fn consume(&mut self, _: usize) {}
}

/// What is read from `reader` in every way. A count is no larger than the room for it.
fn read_in_every_way<R: Read>(make: impl Fn() -> R) {
    let mut buf = [0; 32];
    for size in [0, 1, 7, 32] {
        if let Ok(count) = make().read(&mut buf[..size]) {
            assert!(count <= size, "{count} of {size}");
        }
        let (a, b) = buf.split_at_mut(size / 2);
        if let Ok(count) = make().read_vectored(&mut [IoSliceMut::new(a), IoSliceMut::new(&mut b[..size - size / 2])]) {
            assert!(count <= size, "{count} of {size}");
        }
    }
    let _ = make().read_exact(&mut buf);
    match read_full(&mut make(), &mut buf) {
        Ok(count) => assert_eq!(count, buf.len()),
        Err(partial) => assert!(partial.moved < buf.len() as u64),
    }
    match read_at_least(&mut make(), &mut buf, 5) {
        Ok(count) => assert!((5..=buf.len()).contains(&count)),
        Err(partial) => assert!(partial.moved < 5),
    }
}

/// As [`read_in_every_way`], for what comes to an end.
fn read_to_the_end<R: Read>(make: impl Fn() -> R) {
    let most = 1 << 20;
    let mut reader = LimitReader::new(make(), most);
    let mut out = Vec::new();
    let _ = reader.read_to_end(&mut out);
    assert!(out.len() as u64 <= most);
    assert_eq!(reader.remaining(), most - out.len() as u64);
    let mut out = Vec::new();
    match copy_counted(&mut LimitReader::new(make(), most), &mut out) {
        Ok(count) => assert_eq!(count, out.len() as u64),
        Err(partial) => assert_eq!(partial.moved, out.len() as u64),
    }
    let mut out = Vec::new();
    match copy_n(&mut make(), &mut out, 100) {
        Ok(count) => assert_eq!((count, out.len()), (100, 100)),
        Err(partial) => assert!(partial.moved < 100 && partial.moved == out.len() as u64),
    }
    let _ = copy_buffer(&mut LimitReader::new(make(), most), &mut io::sink(), &mut [0; 100]);
    match read_all(&mut LimitReader::new(make(), most)) {
        Ok(bytes) => assert!(bytes.len() as u64 <= most),
        Err(unfinished) => assert!(unfinished.bytes.len() as u64 <= most),
    }
}

/// What is written to `writer` in every way.
fn write_in_every_way<W: Write>(make: impl Fn() -> W) {
    let bytes = [7; 32];
    for size in [0, 1, 7, 32] {
        if let Ok(count) = make().write(&bytes[..size]) {
            assert!(count <= size, "{count} of {size}");
        }
        let (a, b) = bytes[..size].split_at(size / 2);
        if let Ok(count) = make().write_vectored(&[IoSlice::new(a), IoSlice::new(b)]) {
            assert!(count <= size, "{count} of {size}");
        }
    }
    let _ = make().write_all(&bytes);
    let _ = write!(make(), "{} and {}", 1, 2);
    match write_full(&mut make(), &bytes) {
        Ok(count) => assert_eq!(count, bytes.len()),
        Err(partial) => assert!(partial.moved < bytes.len() as u64),
    }
    let _ = write_string(&mut make(), "text");
    let _ = make().write_byte(1);
    let _ = make().write_rune('é');
    match copy(&mut &[7; 100_000][..], &mut make()) {
        Ok(count) => assert_eq!(count, 100_000),
        Err(error) => assert_ne!(error.kind(), ErrorKind::Interrupted),
    }
    let _ = make().flush();
}

fn every_reader(answers: &[Answer]) {
    let liar = || Liar::new(answers);
    let buffered = || bufio::Reader::with_capacity(16, liar());
    read_in_every_way(|| LimitReader::new(liar(), 20));
    read_in_every_way(|| MultiReader::new([liar(), liar()]));
    read_in_every_way(|| TeeReader::new(liar(), Vec::new()));
    read_in_every_way(|| TeeReader::new(&b"what is heard"[..], liar()));
    read_in_every_way(|| SectionReader::new(liar(), 3, 20));
    read_in_every_way(buffered);
    read_in_every_way(|| ReadWriter::new(buffered(), bufio::Writer::new(Vec::new())));
    read_in_every_way(|| Unread::new(buffered()));
    // What is read directly is not handed on by anything of ours; what goes on for ever is not read to its end.
    if !answers.last().is_some_and(|last| matches!(last, Answer::True(1..))) {
        read_to_the_end(liar);
        read_to_the_end(|| MultiReader::new([liar(), liar()]));
        read_to_the_end(|| TeeReader::new(liar(), io::sink()));
        read_to_the_end(|| SectionReader::new(liar(), 3, 20));
        read_to_the_end(buffered);
        let mut out = Vec::new();
        let _ = MultiReader::new([liar(), liar()]).read_to_end(&mut out);
        let _ = TeeReader::new(liar(), io::sink()).read_to_end(&mut out);
        let _ = SectionReader::new(liar(), 3, 20).read_to_end(&mut out);
        let _ = Unread::new(buffered()).read_to_end(&mut out);
        let _ = LimitReader::new(liar(), 1 << 20).read_to_end(&mut out);
        let _ = buffered().read_to_end(&mut out);
        let _ = buffered().read_until(b'\n', &mut out);
        let _ = buffered().read_bytes(b'\n');
        let _ = buffered().write_to(&mut io::sink());
        let _ = buffered().discard(1_000_000);
        let _ = read_all(&mut liar());
        let _ = bufio::Writer::with_capacity(16, io::sink()).read_from(&mut liar());
        let mut scanner = Scanner::new(liar());
        while let Ok(Some(_)) = scanner.scan() {}
    }
    let _ = buffered().peek(10);
    let _ = buffered().read_byte();
    let _ = buffered().read_rune();
    let _ = buffered().read_line_part();
    let _ = buffered().seek(SeekFrom::Current(-3));
    let _ = buffered().stream_position();
    let _ = liar().read_full_at(&mut [0; 10], 3);
}

fn every_writer(answers: &[Answer]) {
    let liar = || Liar::new(answers);
    write_in_every_way(|| MultiWriter::new([liar(), liar()]));
    write_in_every_way(|| OffsetWriter::new(liar(), 3));
    write_in_every_way(|| bufio::Writer::with_capacity(16, liar()));
    write_in_every_way(|| ReadWriter::new(bufio::Reader::new(io::empty()), bufio::Writer::with_capacity(16, liar())));
    let _ = bufio::Reader::new(&[7; 100][..]).write_to(&mut liar());
    let _ = bufio::Writer::with_capacity(16, liar()).read_from(&mut &[7; 100][..]);
    let _ = write_full(&mut liar(), &[7; 100]);
    let _ = liar().write_byte(7);
    let _ = copy(&mut &[7; 100][..], &mut liar());
    let _ = liar().write_full_at(&[7; 10], 3);
    let mut tee = TeeReader::new(&[7; 100][..], liar());
    let _ = tee.read(&mut [0; 50]);
    let (rest, _, kept) = tee.into_parts();
    assert!(rest.len() + kept.len() <= 100);
}

/// What can be done with a buffered reader that shows now this and now that. Nobody consumes more than was shown last.
fn every_shifty(answers: &[Answer]) {
    let shifty = || Shifty(Liar::new(answers));
    let consume = |mut reader: Box<dyn BufRead>| {
        for _ in 0..10 {
            let Ok(shown) = reader.fill_buf().map(<[u8]>::len) else { continue };
            reader.consume(shown);
        }
    };
    consume(Box::new(Unread::new(shifty())));
    consume(Box::new(LimitReader::new(shifty(), 20)));
    consume(Box::new(MultiReader::new([shifty(), shifty()])));
    let mut unread = Unread::new(shifty());
    for _ in 0..10 {
        let _ = unread.read_rune();
        let _ = ByteReader::read_byte(&mut unread);
        let _ = unread.read(&mut [0; 3]);
    }
    let _ = shifty().read_byte();
}

fn answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        (0usize..40).prop_map(Answer::True),
        prop_oneof![1usize..3, Just(200), Just(usize::MAX / 2), Just(usize::MAX)].prop_map(Answer::TooMany),
        Just(Answer::Nothing),
        Just(Answer::Fails(ErrorKind::Interrupted)),
        Just(Answer::Fails(ErrorKind::TimedOut)),
    ];
    prop::collection::vec(answer, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_reader_is_believed(answers in answers()) {
        every_reader(&answers);
    }

    #[test]
    fn no_writer_is_believed(answers in answers()) {
        every_writer(&answers);
    }

    #[test]
    fn no_look_is_believed(answers in answers()) {
        every_shifty(&answers);
    }
}

/// The error is of one kind, whatever found it.
fn assert_found_out<T>(result: Result<T, impl Into<io::Error>>) {
    let error = result.map(drop).unwrap_err().into();
    assert!(matches!(Error::of(&error), Some(Error::BadCount { .. })), "{error}");
    assert_eq!(error.kind(), ErrorKind::Other);
}

#[test]
fn whoever_claims_too_much_is_found_out_in_one_way() {
    let liar = || Liar::always(Answer::TooMany(191));
    let mut buf = [0; 10];
    assert_found_out(read_full(&mut liar(), &mut buf));
    assert_found_out(read_at_least(&mut liar(), &mut buf, 3));
    assert_found_out(MultiReader::new([liar()]).read(&mut buf));
    assert_found_out(MultiReader::new([liar()]).read_vectored(&mut [IoSliceMut::new(&mut buf)]));
    assert_found_out(MultiReader::new([liar()]).read_to_end(&mut Vec::new()));
    assert_found_out(TeeReader::new(liar(), io::sink()).read(&mut buf));
    assert_found_out(TeeReader::new(&b"x"[..], liar()).read(&mut buf));
    assert_found_out(LimitReader::new(liar(), 4).read(&mut buf));
    assert_found_out(LimitReader::new(liar(), 4).read_to_end(&mut Vec::new()));
    assert_found_out(SectionReader::new(liar(), 0, 4).read(&mut buf));
    assert_found_out(liar().read_full_at(&mut buf, 0));
    assert_found_out(Unread::new(bufio::Reader::with_capacity(16, liar())).read(&mut buf));
    assert_found_out(Unread::new(Shifty(liar())).read(&mut buf));
    assert_found_out(copy(&mut liar(), &mut io::sink()));
    assert_found_out(copy_buffer(&mut liar(), &mut io::sink(), &mut buf));
    assert_found_out(copy_n(&mut liar(), &mut io::sink(), 4));
    assert_found_out(copy(&mut &b"x"[..], &mut liar()));
    assert_found_out(read_all(&mut liar()));
    assert_found_out(write_full(&mut liar(), b"x"));
    assert_found_out(write_string(&mut liar(), "x"));
    assert_found_out(liar().write_byte(b'x'));
    assert_found_out(liar().write_rune('x'));
    assert_found_out(MultiWriter::new([liar()]).write(b"x"));
    assert_found_out(OffsetWriter::new(liar(), 0).write(b"x"));
    assert_found_out(liar().write_full_at(b"x", 0));
}

#[test]
fn who_is_always_interrupted_is_not_asked_for_ever() {
    let always = || Liar::always(Answer::Fails(ErrorKind::Interrupted));
    let assert_given_up = |error: io::Error| {
        assert!(matches!(Error::of(&error), Some(Error::TooManyInterrupts { .. })), "{error}");
    };
    let mut buf = [0; 10];
    assert_given_up(read_full(&mut always(), &mut buf).unwrap_err().error);
    assert_given_up(write_full(&mut always(), b"x").unwrap_err().error);
    assert_given_up(copy(&mut always(), &mut io::sink()).unwrap_err());
    assert_given_up(copy(&mut &b"x"[..], &mut always()).unwrap_err());
    assert_given_up(read_all(&mut always()).unwrap_err().error);
    assert_given_up(MultiWriter::new([always()]).write(b"x").unwrap_err());
    assert_given_up(bufio::Reader::new(always()).read_byte().unwrap_err());
    assert_given_up(bufio::Reader::new(always()).read_until(b'x', &mut Vec::new()).unwrap_err());
    assert_given_up(bufio::Reader::new(always()).read_exact(&mut buf).unwrap_err());
    let mut writer = bufio::Writer::new(always());
    writer.write_all(b"x").unwrap();
    assert_given_up(writer.flush().unwrap_err());
    assert_given_up(Scanner::new(always()).scan().unwrap_err());
}

#[test]
fn a_few_interruptions_are_nothing() {
    let mut answers = vec![Answer::Fails(ErrorKind::Interrupted); 500];
    answers.extend([Answer::True(1), Answer::Nothing]);
    let answers: Vec<_> = answers.iter().cycle().take(5 * 502).copied().collect();
    assert_eq!(write_full(&mut Liar::new(&answers[..501]), b"x").unwrap(), 1);
    assert_eq!(read_full(&mut Liar::new(&answers), &mut [0]).unwrap(), 1);
}

#[test]
fn a_limit_seeks_within_itself_and_not_beyond() {
    let mut limit = LimitReader::new(Cursor::new(*b"0123456789"), 4);
    let mut buf = [0; 2];
    limit.read_exact(&mut buf).unwrap();
    assert_eq!(limit.stream_position().unwrap(), 2);
    assert_eq!(limit.seek(SeekFrom::End(-1)).unwrap(), 3);
    assert_eq!((limit.remaining(), read_all(&mut limit).unwrap()), (1, b"3".to_vec()));
    assert_eq!(limit.seek(SeekFrom::Current(-4)).unwrap(), 0);
    assert_eq!(read_all(&mut limit).unwrap(), b"0123");
    for outside in [SeekFrom::Start(5), SeekFrom::Current(-5), SeekFrom::End(1)] {
        assert_eq!(limit.seek(outside).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(limit.remaining(), 0);
}
