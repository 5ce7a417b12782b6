//! Laws: however reads and writes are cut up, the bytes are the same, and an error comes where it came from.
//!
//! What is read or written through one of the utilities, and through several, is compared with plain bytes.

mod common;

use std::cell::RefCell;
use std::io::{self, BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::thread;

use common::{Chunked, Step, Stepwise, bytes, harmful, harmless};
use marmot_io::{
    ByteReader, ByteScanner, LimitReader, MultiReader, MultiWriter, OffsetWriter, Partial, ReaderAt, RuneReader,
    RuneScanner, SectionReader, TeeReader, Unread, WriterAt, copy, copy_buffer, copy_counted, copy_n, pipe, read_all,
    read_at_least, read_full, write_full,
};
use proptest::prelude::*;

/// Reads to the end by reads of these sizes in turn, asking again after each error.
fn drain(mut reader: impl Read, sizes: &[usize]) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 64]);
    for &size in sizes.iter().cycle() {
        match reader.read(&mut buf[..size]) {
            Ok(0) if size > 0 => return all,
            Ok(count) => all.extend_from_slice(&buf[..count]),
            Err(_) => {}
        }
    }
    unreachable!("there are sizes")
}

/// The sizes of calls, also of nothing.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    (prop::collection::vec(0usize..20, 0..8), 1usize..20).prop_map(|(mut sizes, last)| {
        sizes.push(last);
        sizes
    })
}

/// What goes wrong with a writer, too.
fn stuck() -> impl Strategy<Value = Vec<Step>> {
    (harmful(), prop::option::of(0usize..40)).prop_map(|(mut steps, at)| {
        if let Some(at) = at {
            steps.insert(at.min(steps.len()), Step::Nothing);
        }
        steps
    })
}

/// How an operation in parts has to end: after how many bytes, and with which error, if a source with these steps is asked
/// for `length` bytes, never for more than `most` at a time.
fn expected(steps: &[Step], length: usize, most: usize) -> (usize, Option<ErrorKind>) {
    let mut moved = 0;
    for step in steps {
        if moved == length {
            break;
        }
        match *step {
            Step::Move(count) => moved += count.min(most).min(length - moved),
            Step::Nothing => return (moved, Some(ErrorKind::WriteZero)),
            Step::Fail(ErrorKind::Interrupted) => {}
            Step::Fail(kind) => return (moved, Some(kind)),
        }
    }
    (length, None)
}

fn outcome<T: Into<u64>>(result: Result<T, Partial>) -> (u64, Option<ErrorKind>) {
    match result {
        Ok(count) => (count.into(), None),
        Err(partial) => (partial.moved, Some(partial.kind())),
    }
}

proptest! {
    #[test]
    fn copying_is_all_or_the_right_error_with_the_right_count(
        bytes in bytes(), reads in harmful(), writes in stuck(), size in 1usize..30,
    ) {
        let (mut reader, mut writer) = (Stepwise::new(&bytes, reads), Stepwise::sink(writes));
        let (moved, error) = outcome(copy_buffer(&mut reader, &mut writer, &mut vec![0; size]));
        prop_assert_eq!(&writer.bytes[..], &bytes[..moved as usize]);
        match error {
            None => prop_assert_eq!(moved as usize, bytes.len()),
            // What was read and not written is what is between the two.
            Some(_) => prop_assert!(reader.read >= moved as usize && reader.read - (moved as usize) <= size),
        }
    }

    #[test]
    fn a_reader_that_fails_fails_a_copy_at_that_byte(bytes in bytes(), reads in harmful(), writes in harmless()) {
        let (mut reader, mut writer) = (Stepwise::new(&bytes, reads.clone()), Stepwise::sink(writes));
        let result = outcome(copy_counted(&mut reader, &mut writer));
        // To find the end, one more byte is asked for than there is; and that call may fail as well.
        let mut before = 0;
        let failing = reads.iter().find_map(|step| match *step {
            Step::Move(count) => { before += count; None }
            Step::Fail(ErrorKind::Interrupted) => None,
            Step::Fail(kind) if before < bytes.len() => Some((before as u64, Some(kind))),
            _ => None,
        });
        match failing {
            Some(failing) => prop_assert_eq!(result, failing),
            None => prop_assert_eq!(result.0, bytes.len() as u64),
        }
    }

    #[test]
    fn writing_all_ends_where_the_writer_does(bytes in bytes(), writes in stuck()) {
        let mut writer = Stepwise::sink(writes.clone());
        let result = outcome(write_full(&mut writer, &bytes).map(|count| count as u64));
        let (moved, error) = expected(&writes, bytes.len(), usize::MAX);
        prop_assert_eq!(result, (moved as u64, error));
        prop_assert_eq!(&writer.bytes[..], &bytes[..moved]);
    }

    #[test]
    fn reading_so_much_ends_where_the_reader_does(bytes in bytes(), reads in harmful(), length in 0usize..250) {
        let (mut reader, mut buf) = (Stepwise::new(&bytes, reads.clone()), vec![0; length]);
        let result = read_full(&mut reader, &mut buf);
        let is_end = result.as_ref().is_err_and(Partial::is_end);
        let (moved, error) = outcome(result.map(|count| count as u64));
        prop_assert_eq!(&buf[..moved as usize], &bytes[..moved as usize]);
        prop_assert_eq!(reader.read, moved as usize);
        // If there is too little, either an error comes first or the end.
        let (reached, failed) = expected(&reads, length.min(bytes.len()), usize::MAX);
        if reached < length.min(bytes.len()) || failed.is_some() {
            prop_assert_eq!((moved as usize, error), (reached, failed));
        } else if length <= bytes.len() {
            prop_assert_eq!((moved as usize, error), (length, None));
        } else {
            prop_assert_eq!(moved as usize, bytes.len());
            prop_assert!(error.is_some());
        }
        prop_assert!(!is_end || (bytes.is_empty() && length > 0));
    }

    #[test]
    fn reading_at_least_so_much_takes_no_less_and_no_more_than_fits(
        bytes in bytes(), reads in harmless(), length in 0usize..250, least in 0usize..250,
    ) {
        let (mut reader, mut buf) = (Stepwise::new(&bytes, reads), vec![0; length]);
        match read_at_least(&mut reader, &mut buf, least) {
            Ok(count) => prop_assert!(least <= count && count <= length && reader.read == count),
            Err(partial) if least > length => prop_assert_eq!((partial.kind(), reader.calls), (ErrorKind::InvalidInput, 0)),
            Err(partial) => {
                prop_assert!(bytes.len() < least);
                prop_assert_eq!((partial.moved as usize, partial.is_end()), (bytes.len(), bytes.is_empty()));
            }
        }
        prop_assert_eq!(&buf[..reader.read], &bytes[..reader.read]);
    }

    #[test]
    fn reading_all_again_after_each_error_is_reading_all(bytes in bytes(), reads in harmful()) {
        let (mut reader, mut all) = (Stepwise::new(&bytes, reads), Vec::new());
        loop {
            match read_all(&mut reader) {
                Ok(rest) => break all.extend(rest),
                Err(unfinished) => all.extend(unfinished.bytes),
            }
        }
        prop_assert_eq!(all, bytes);
    }

    #[test]
    fn a_tee_reads_and_writes_the_same_whatever_fails(
        bytes in bytes(), reads in harmful(), writes in stuck(), sizes in sizes(),
    ) {
        let mut tee = TeeReader::new(Stepwise::new(&bytes, reads), Stepwise::sink(writes));
        let (mut all, mut buf) = (Vec::new(), [0; 64]);
        for &size in sizes.iter().cycle() {
            match tee.read(&mut buf[..size]) {
                Ok(0) if size > 0 => break,
                Ok(count) => all.extend_from_slice(&buf[..count]),
                Err(_) => {}
            }
            prop_assert_eq!(&tee.writer().bytes, &all);
        }
        prop_assert_eq!(&all, &bytes);
        prop_assert!(tee.into_parts().2.is_empty());
    }

    #[test]
    fn several_readers_are_their_bytes_in_a_row(parts in prop::collection::vec((bytes(), harmful()), 0..5), sizes in sizes()) {
        let all: Vec<u8> = parts.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let multi = || MultiReader::new(parts.iter().map(|(bytes, steps)| Stepwise::new(bytes, steps.clone())));
        prop_assert_eq!(&drain(multi(), &sizes), &all);
        let mut buffered = MultiReader::new(parts.iter().map(|(bytes, steps)| Chunked::new(bytes, steps.clone())));
        let mut found = Vec::new();
        for take in sizes.iter().cycle() {
            let Ok(buffer) = buffered.fill_buf() else { continue };
            if buffer.is_empty() {
                break;
            }
            let take = buffer.len().min(*take);
            found.extend_from_slice(&buffer[..take]);
            buffered.consume(take);
        }
        prop_assert_eq!(&found, &all);
    }

    #[test]
    fn several_writers_get_the_same(bytes in bytes(), writers in prop::collection::vec(harmless(), 0..4), sizes in sizes()) {
        let mut multi = MultiWriter::new(writers.into_iter().map(Stepwise::sink));
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            let part = &rest[..rest.len().min(*size)];
            prop_assert_eq!(multi.write(part).unwrap(), part.len());
            rest = &rest[part.len()..];
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(multi.into_inner().iter().all(|writer| writer.bytes == bytes));
    }

    #[test]
    fn a_limit_is_a_prefix(bytes in bytes(), steps in harmful(), limit in 0usize..250, sizes in sizes()) {
        let prefix = &bytes[..limit.min(bytes.len())];
        let mut reader = LimitReader::new(Stepwise::new(&bytes, steps.clone()), limit as u64);
        prop_assert_eq!(&drain(&mut reader, &sizes), prefix);
        prop_assert_eq!(reader.remaining() as usize, limit - prefix.len());
        prop_assert_eq!(reader.get_ref().rest(), &bytes[prefix.len()..]);
        let mut out = Vec::new();
        let mut source = Stepwise::new(&bytes, steps.into_iter().filter(|step| !matches!(step, Step::Fail(_))));
        prop_assert_eq!(copy_n(&mut source, &mut out, limit as u64).is_ok(), limit <= bytes.len());
        prop_assert_eq!((&out[..], source.rest()), (prefix, &bytes[prefix.len()..]));
    }

    #[test]
    fn a_section_is_a_slice(
        bytes in bytes(), start in 0usize..250, size in 0usize..250, sizes in sizes(), from in 0usize..250,
    ) {
        let slice = bytes.get(start..).unwrap_or_default();
        let slice = &slice[..slice.len().min(size)];
        let mut section = SectionReader::new(&bytes, start as u64, size as u64);
        prop_assert_eq!(&drain(&mut section, &sizes), slice);
        section.seek(SeekFrom::Start(from as u64)).unwrap();
        prop_assert_eq!(read_all(&mut section).unwrap(), slice.get(from..).unwrap_or_default());
        let mut buf = vec![0; size];
        let count = section.read_full_at(&mut buf, from as u64).unwrap_or_else(|partial| partial.moved as usize);
        prop_assert_eq!(&buf[..count], slice.get(from..).unwrap_or_default());
    }

    #[test]
    fn writing_at_an_offset_is_writing_a_slice(bytes in bytes(), base in 0usize..50, at in 0usize..50, sizes in sizes()) {
        let mut writer = OffsetWriter::new(RefCell::new(Vec::new()), base as u64);
        writer.seek(SeekFrom::Start(at as u64)).unwrap();
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            let count = writer.write(&rest[..rest.len().min(*size)]).unwrap();
            rest = &rest[count..];
            if rest.is_empty() {
                break;
            }
        }
        let other = RefCell::new(Vec::new());
        OffsetWriter::new(&other, base as u64).write_full_at(&bytes, at as u64).unwrap();
        let written = writer.into_inner().into_inner();
        prop_assert_eq!(&written, &other.into_inner());
        if !bytes.is_empty() {
            prop_assert!(written[..base + at].iter().all(|byte| *byte == 0));
            prop_assert_eq!(&written[base + at..], &bytes[..]);
        }
    }

    #[test]
    fn characters_do_not_depend_on_how_they_come(text in text(), steps in harmful(), backs in prop::collection::vec(0..4, 1..9)) {
        let mut whole = Cursor::new(&text);
        let mut pieces = Unread::new(Chunked::new(&text, steps));
        for back in backs.iter().cycle() {
            let expected = whole.read_rune().unwrap();
            let found = again(|| pieces.read_rune());
            prop_assert_eq!(found, expected);
            let Some((rune, width)) = expected else { break };
            prop_assert!(width == rune.len_utf8() || (rune, width) == (char::REPLACEMENT_CHARACTER, 1));
            match back {
                1 => {
                    pieces.unread_rune().unwrap();
                    prop_assert_eq!(again(|| pieces.read_rune()), expected);
                }
                2 => {
                    pieces.unread_byte().unwrap();
                    prop_assert_eq!(again(|| pieces.read_byte()), Some(text[whole.position() as usize - 1]));
                }
                _ => {}
            }
        }
        prop_assert_eq!(String::from_utf8_lossy(&text).chars().filter(|c| *c != char::REPLACEMENT_CHARACTER).count(), {
            whole.set_position(0);
            std::iter::from_fn(|| whole.read_rune().unwrap()).filter(|(rune, _)| *rune != char::REPLACEMENT_CHARACTER).count()
        });
    }

    #[test]
    fn utilities_through_each_other_are_still_the_same_bytes(
        parts in prop::collection::vec((bytes(), harmless()), 0..4), writes in harmless(), limit in 0usize..500, size in 1usize..30,
    ) {
        let all: Vec<u8> = parts.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let prefix = &all[..all.len().min(limit)];
        let multi = MultiReader::new(parts.iter().map(|(bytes, steps)| Stepwise::new(bytes, steps.clone())));
        let mut heard = Stepwise::sink(writes.clone());
        let tee = TeeReader::new(multi, &mut heard);
        let mut reader = Unread::new(io::BufReader::with_capacity(size, LimitReader::new(tee, limit as u64)));
        if reader.read_byte().unwrap().is_some() {
            reader.unread_byte().unwrap();
        }
        let (plain, at) = (RefCell::new(Stepwise::sink(writes)), RefCell::new(Vec::new()));
        let writers: [Box<dyn Write + '_>; 2] = [Box::new(Borrowed(&plain)), Box::new(OffsetWriter::new(&at, 7))];
        prop_assert_eq!(copy(&mut reader, &mut MultiWriter::new(writers)).unwrap() as usize, prefix.len());
        prop_assert_eq!(&heard.bytes[..], prefix);
        prop_assert_eq!(&plain.into_inner().bytes[..], prefix);
        prop_assert_eq!(read_all(&mut SectionReader::new(&at, 7, u64::MAX)).unwrap(), prefix);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_pipe_is_its_writes_in_a_row(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20), sizes in sizes(), last in any::<bool>(),
    ) {
        let (reader, writer) = pipe();
        let expected = writes.concat();
        let writing = thread::spawn(move || {
            for bytes in writes {
                assert_eq!((&writer).write(&bytes).unwrap(), bytes.len());
            }
            if last {
                writer.close_with_error(ErrorKind::InvalidData.into());
            }
        });
        let found = drain(UntilError(reader), &sizes);
        writing.join().unwrap();
        prop_assert_eq!(found, expected);
    }
}

/// Bytes that are mostly text.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..3),
        1 => (any::<char>(), 0usize..4).prop_map(|(c, cut)| {
            let bytes = c.to_string().into_bytes();
            bytes[..bytes.len().min(cut)].to_vec()
        }),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// Calls until there is no error.
fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> T {
    loop {
        if let Ok(result) = call() {
            return result;
        }
    }
}

struct Borrowed<'a>(&'a RefCell<Stepwise>);

impl Write for Borrowed<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader whose error is its end.
struct UntilError<R>(R);

impl<R: Read> Read for UntilError<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).or(Ok(0))
    }
}
