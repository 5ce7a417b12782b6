//! Reading and writing at offsets, sections, and files.

mod common;

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;

use common::kind;
use marmot_io::{OffsetWriter, ReaderAt, SectionReader, WriterAt, copy, read_all};

const TEXT: &str = "a long sample data, 1234567890";

/// A file that is removed when the test ends.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl Temporary {
    fn new(name: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("marmot-io-{}-{name}", process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        Temporary { path, file }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads with room for so many bytes, until it is full or there is nothing more.
fn read_at(source: &impl ReaderAt, room: usize, offset: u64) -> (String, Option<ErrorKind>) {
    let mut buf = vec![0; room];
    let (count, error) = match source.read_full_at(&mut buf, offset) {
        Ok(count) => (count, None),
        Err(partial) => (partial.moved as usize, Some(partial.kind())),
    };
    (String::from_utf8(buf[..count].to_vec()).unwrap(), error)
}

#[test]
fn a_section_ends_where_it_or_its_source_does() {
    let (len, end) = (TEXT.len() as u64, Some(ErrorKind::UnexpectedEof));
    let half = TEXT.len() / 2;
    for (text, start, size, room, at, expected, error) in [
        ("", 0, 10, 2, 0, "", end),
        (TEXT, 0, len, 0, 0, "", None),
        (TEXT, len, 1, 1, 0, "", end),
        (TEXT, 0, len + 2, TEXT.len(), 0, TEXT, None),
        (TEXT, 0, len, half, 0, &TEXT[..half], None),
        (TEXT, 0, len, half, 2, &TEXT[2..2 + half], None),
        (TEXT, 3, len, half, 2, &TEXT[5..5 + half], None),
        (TEXT, 3, len / 2, half - 2, 2, &TEXT[5..5 + half - 2], None),
        (TEXT, 3, len / 2, half + 2, 2, &TEXT[5..5 + half - 2], end),
        (TEXT, 0, 0, 1, 0, "", end),
        (TEXT, 0, 0, 1, 1, "", end),
        (TEXT, 0, len, 1, u64::MAX, "", end),
        (TEXT, u64::MAX, u64::MAX, 1, 1, "", end),
    ] {
        let section = SectionReader::new(text, start, size);
        assert_eq!(read_at(&section, room, at), (expected.to_owned(), error), "{start}, {size}, {room}, {at}");
        assert_eq!(section.outer(), (&text, start, size));
        assert_eq!((section.size(), section.into_inner()), (size, text));
    }
}

#[test]
fn a_section_seeks_as_a_cursor_does() {
    let (mut cursor, mut section) = (Cursor::new("foo"), SectionReader::new("foo", 0, 3));
    for by in -4..=4 {
        for to in [SeekFrom::Current(by), SeekFrom::End(by)].into_iter().chain(u64::try_from(by).map(SeekFrom::Start)) {
            let (expected, found) = (cursor.seek(to), section.seek(to));
            assert_eq!(expected.as_ref().ok(), found.as_ref().ok(), "{to:?}");
            assert_eq!(expected.map_err(|e| e.kind()), found.map_err(|e| e.kind()));
            assert_eq!(cursor.position(), section.stream_position().unwrap());
        }
    }
}

#[test]
fn nothing_is_read_beyond_the_end_of_a_section() {
    let mut section = SectionReader::new(TEXT, 2, 4);
    for position in [4, 100, u64::MAX] {
        assert_eq!(section.seek(SeekFrom::Start(position)).unwrap(), position);
        assert_eq!(section.read(&mut [0; 10]).unwrap(), 0);
    }
    assert_eq!(kind(section.seek(SeekFrom::Current(1))), ErrorKind::InvalidInput);
    assert_eq!(section.stream_position().unwrap(), u64::MAX);
    section.rewind().unwrap();
    assert_eq!(read_all(&mut section).unwrap(), b"long");
}

#[test]
fn a_section_may_be_as_large_as_a_number() {
    let mut section = SectionReader::new("abcdef", 3, u64::MAX);
    assert_eq!(io::read_to_string(&mut section).unwrap(), "def");
    assert_eq!(section.read(&mut [0; 3]).unwrap(), 0);
    assert_eq!(section.outer(), (&"abcdef", 3, u64::MAX));
    assert_eq!(kind(section.seek(SeekFrom::End(1))), ErrorKind::InvalidInput);
}

#[test]
fn a_section_of_a_section_is_relative_to_it() {
    let outer = SectionReader::new(TEXT, 2, 11);
    let mut inner = SectionReader::new(&outer, 5, 100);
    assert_eq!(io::read_to_string(&mut inner).unwrap(), "sample");
}

#[test]
fn a_section_passes_on_errors_and_stays_where_it_is() {
    struct Broken;
    impl ReaderAt for Broken {
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(ErrorKind::InvalidData.into())
        }
    }
    let mut section = SectionReader::new(Broken, 0, 10);
    assert_eq!(kind(section.read(&mut [0; 4])), ErrorKind::InvalidData);
    assert_eq!(section.stream_position().unwrap(), 0);
    // Without room the source is not asked.
    assert_eq!(section.read(&mut []).unwrap(), 0);
}

/// Reads what all sources of these tests have.
fn check_source(source: impl ReaderAt) {
    assert_eq!(read_at(&source, 4, 2), ("long".to_owned(), None));
    assert_eq!(read_at(&source, 4, TEXT.len() as u64 - 2), ("90".to_owned(), Some(ErrorKind::UnexpectedEof)));
    assert_eq!(read_at(&source, 4, TEXT.len() as u64), (String::new(), Some(ErrorKind::UnexpectedEof)));
    assert_eq!(source.read_at(&mut [0; 4], TEXT.len() as u64 + 1).unwrap(), 0);
    assert_eq!(source.read_at(&mut [], 2).unwrap(), 0);
    assert!(source.read_full_at(&mut [0; 4], TEXT.len() as u64).unwrap_err().is_end());
}

#[test]
fn whatever_holds_bytes_is_read_at_offsets() {
    check_source(TEXT);
    check_source(TEXT.as_bytes());
    check_source(<[u8; 30]>::try_from(TEXT.as_bytes()).unwrap());
    check_source(TEXT.as_bytes().to_vec());
    check_source(Mutex::new(TEXT.as_bytes().to_vec()));
    check_source(RefCell::new(TEXT.as_bytes().to_vec()));
    check_source(Box::<[u8]>::from(TEXT.as_bytes()));
    check_source(Rc::<str>::from(TEXT));
    check_source(Arc::new(TEXT.to_owned().into_bytes()));
    let mut bytes = TEXT.as_bytes().to_vec();
    let borrowed: &mut Vec<u8> = &mut bytes;
    check_source(borrowed);
    check_source(Box::new(TEXT) as Box<dyn ReaderAt>);
    let mut cursor = Cursor::new(TEXT);
    cursor.set_position(7);
    check_source(&cursor);
    assert_eq!(cursor.position(), 7);
}

#[test]
fn a_file_is_read_at_offsets() {
    let temporary = Temporary::new("read");
    (&temporary.file).write_all(TEXT.as_bytes()).unwrap();
    check_source(&temporary.file);
    check_source(Arc::new(temporary.file.try_clone().unwrap()));
    let mut part = SectionReader::new(&temporary.file, 2, 4);
    assert_eq!(io::read_to_string(&mut part).unwrap(), "long");
}

#[test]
fn a_sink_in_memory_grows_and_is_overwritten() {
    let bytes = RefCell::new(Vec::new());
    assert_eq!(bytes.write_at(b"world", 6).unwrap(), 5);
    assert_eq!(*bytes.borrow(), b"\0\0\0\0\0\0world");
    assert_eq!(bytes.write_at(b"hello", 0).unwrap(), 5);
    assert_eq!(bytes.write_at(b"", 100).unwrap(), 0);
    assert_eq!(*bytes.borrow(), b"hello\0world");
}

#[test]
fn a_place_that_no_memory_has_is_an_error() {
    let bytes = Mutex::new(b"hello".to_vec());
    assert_eq!(kind(bytes.write_at(b"x", u64::MAX)), ErrorKind::InvalidInput);
    assert_eq!(kind(bytes.write_at(b"x", u64::MAX / 2 + 1)), ErrorKind::OutOfMemory);
    assert_eq!(*bytes.lock().unwrap(), b"hello");
}

#[test]
fn a_write_at_an_offset_is_complete_or_says_how_far_it_got() {
    struct Narrow(RefCell<Vec<u8>>);
    impl WriterAt for Narrow {
        fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
            match offset {
                4 => Err(ErrorKind::StorageFull.into()),
                _ => self.0.write_at(&buf[..buf.len().min(2)], offset),
            }
        }
    }
    let narrow = Narrow(RefCell::default());
    assert_eq!(narrow.write_full_at(b"0123", 0).unwrap(), 4);
    let partial = narrow.write_full_at(b"abcd", 2).unwrap_err();
    assert_eq!((partial.moved, partial.kind()), (2, ErrorKind::StorageFull));
    assert_eq!(narrow.0.into_inner(), b"01ab");
}

#[test]
fn an_offset_writer_seeks_from_its_base() {
    let mut writer = OffsetWriter::new(RefCell::new(Vec::new()), 10);
    assert_eq!(kind(writer.seek(SeekFrom::Current(-1))), ErrorKind::InvalidInput);
    assert_eq!(kind(writer.seek(SeekFrom::End(0))), ErrorKind::Unsupported);
    assert_eq!(writer.stream_position().unwrap(), 0);
    for (to, expected) in [
        (SeekFrom::Start(1), 1),
        (SeekFrom::Start(3), 3),
        (SeekFrom::Current(1), 4),
        (SeekFrom::Current(5), 9),
        (SeekFrom::Current(-8), 1),
    ] {
        assert_eq!(writer.seek(to).unwrap(), expected);
    }
    writer.write_all(b"x").unwrap();
    assert_eq!(writer.stream_position().unwrap(), 2);
    let bytes = writer.into_inner().into_inner();
    assert_eq!((bytes.len(), bytes[11]), (12, b'x'));
}

#[test]
fn an_offset_writer_goes_nowhere_beyond_all_offsets() {
    let mut writer = OffsetWriter::new(RefCell::new(Vec::new()), u64::MAX - 1);
    assert_eq!(kind(writer.write_at(b"x", 2)), ErrorKind::InvalidInput);
    writer.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(kind(writer.write(b"x")), ErrorKind::InvalidInput);
    assert_eq!(kind(writer.seek(SeekFrom::Current(1))), ErrorKind::InvalidInput);
    assert_eq!(writer.stream_position().unwrap(), u64::MAX);
    assert_eq!(writer.get_ref().borrow().len(), 0);
}

#[test]
fn several_write_one_file_at_the_same_time() {
    let content = b"0123456789ABCDEF";
    for (base, at) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let temporary = Temporary::new(&format!("at-{base}-{at}"));
        thread::scope(|scope| {
            for (step, byte) in content.iter().enumerate() {
                let writer = OffsetWriter::new(&temporary.file, base);
                scope.spawn(move || assert_eq!(writer.write_at(&[*byte], at + step as u64).unwrap(), 1));
            }
        });
        let mut found = [0; 17];
        let partial = temporary.file.read_full_at(&mut found, base + at).unwrap_err();
        assert_eq!((partial.moved, &found[..16]), (16, &content[..]));
    }
}

#[test]
fn an_offset_writer_takes_one_write_after_the_other() {
    let (one, two) = (Temporary::new("one"), Temporary::new("two"));
    let mut writer = OffsetWriter::new(&one.file, 0);
    for byte in b"0123456789ABCDEF" {
        assert_eq!(writer.write(&[*byte]).unwrap(), 1);
    }
    writer.flush().unwrap();
    let mut copied = OffsetWriter::new(&two.file, 4);
    copy(&mut SectionReader::new(&one.file, 2, 100), &mut copied).unwrap();
    assert_eq!(read_all(&mut SectionReader::new(&two.file, 0, u64::MAX)).unwrap(), b"\0\0\0\x0023456789ABCDEF");
}
