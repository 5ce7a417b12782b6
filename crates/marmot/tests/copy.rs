//! `marmot::io::copy` and its kin: the right bytes, in the right number, and the rest left where it was.

mod common;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Take, Write};
use std::net::Shutdown;
use std::sync::Arc;

use common::{Place, Started, bounded, contents, everywhere, file, noise, pair};
use marmot::io::{Partial, copy, copy_buffer, copy_counted, copy_n};
use marmot::net::TcpStream;

/// More than any buffer, pipe or piece has room for, and no multiple of anything.
const MANY: usize = (3 << 20) + 17;

/// Sends `bytes` and then the end.
fn feed(place: Place, conn: TcpStream, bytes: Vec<u8>) -> Started<io::Result<()>> {
    place.start(move || (&conn).write_all(&bytes).and_then(|()| conn.shutdown(Shutdown::Write)))
}

/// Receives everything up to the end.
fn drain(place: Place, mut conn: TcpStream) -> Started<Vec<u8>> {
    place.start(move || {
        let mut bytes = Vec::new();
        conn.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A connection that has `bytes` to read and then the end.
fn connection(place: Place, bytes: &[u8]) -> (TcpStream, Started<io::Result<()>>) {
    let (near, far) = pair();
    (near, feed(place, far, bytes.to_vec()))
}

/// What `give` writes to a connection.
fn received(place: Place, give: impl FnOnce(&TcpStream)) -> Vec<u8> {
    let (near, far) = pair();
    let drained = drain(place, far);
    give(&near);
    near.shutdown(Shutdown::Write).unwrap();
    drained.join()
}

/// Copies from this reader to a connection, a file and memory.
#[track_caller]
fn assert_copies<R: Read>(place: Place, bytes: &[u8], mut reader: impl FnMut() -> R) {
    let length = bytes.len() as u64;
    let sent = received(place, |mut to| assert_eq!(copy(&mut reader(), &mut to).unwrap(), length));
    assert!(sent == bytes, "to a connection");

    let mut to = file(b"");
    assert_eq!(copy(&mut reader(), &mut to).unwrap(), length);
    assert!(contents(&to) == bytes, "to a file");
    assert_eq!(to.stream_position().unwrap(), length);

    let mut to = Vec::new();
    assert_eq!(copy(&mut reader(), &mut to).unwrap(), length);
    assert!(to == bytes, "to memory");
}

#[test]
fn every_byte_comes_from_everywhere_to_everywhere() {
    everywhere(|place| {
        let bytes = noise(MANY, 1);
        let mut feeders = Vec::new();
        assert_copies(place, &bytes, || {
            let (conn, feeder) = connection(place, &bytes);
            feeders.push(feeder);
            conn
        });
        feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
        assert_copies(place, &bytes, || file(&bytes));
        assert_copies(place, &bytes, || &bytes[..]);
    });
}

/// Copies a part from this reader to a connection, a file and memory; what is left is there to be read.
#[track_caller]
fn assert_copies_part<R: Read>(bytes: &[u8], mut reader: impl FnMut() -> R) {
    const PART: u64 = 70_001;
    let (part, rest) = bytes.split_at(PART as usize);
    let assert_left = |mut reader: R| {
        let mut left = Vec::new();
        reader.read_to_end(&mut left).unwrap();
        assert!(left == rest, "{} bytes are left of {}", left.len(), rest.len());
    };

    let sent = received(Place::Threads, |mut to| {
        let mut from = reader();
        assert_eq!(copy_n(&mut from, &mut to, PART).unwrap(), PART);
        assert_left(from);
    });
    assert!(sent == part, "to a connection");

    let (mut from, mut to) = (reader(), file(b""));
    assert_eq!(copy_n(&mut from, &mut to, PART).unwrap(), PART);
    assert!(contents(&to) == part, "to a file");
    assert_left(from);

    let (mut from, mut to) = (reader(), Vec::new());
    assert_eq!(copy_n(&mut from, &mut to, PART).unwrap(), PART);
    assert!(to == part, "to memory");
    assert_left(from);
}

#[test]
fn a_part_leaves_the_rest() {
    bounded(|| {
        let bytes = noise(100_003, 2);
        assert_copies_part(&bytes, || connection(Place::Threads, &bytes).0);
        assert_copies_part(&bytes, || BufReader::with_capacity(1000, connection(Place::Threads, &bytes).0));
        assert_copies_part(&bytes, || file(&bytes));
        assert_copies_part(&bytes, || &bytes[..]);
    });
}

#[test]
fn a_part_that_is_not_there_is_an_error() {
    bounded(|| {
        let (mut conn, feeder) = connection(Place::Threads, b"short");
        let partial = copy_n(&mut conn, &mut file(b""), 6).unwrap_err();
        assert_eq!((partial.moved, partial.kind()), (5, ErrorKind::UnexpectedEof));
        feeder.join().unwrap();
        let partial = copy_n(&mut file(b"short"), &mut file(b""), 6).unwrap_err();
        assert_eq!((partial.moved, partial.kind()), (5, ErrorKind::UnexpectedEof));
        assert_eq!(copy_n(&mut file(b"short"), &mut file(b""), 0).unwrap(), 0);
    });
}

#[test]
fn an_end_in_time_is_told_from_one_too_early() {
    bounded(|| {
        let is_end = |from: &mut dyn FnMut() -> Result<u64, Partial>| from().unwrap_err().is_end();
        for (bytes, expected) in [(&b""[..], true), (b"short", false)] {
            let conn = || connection(Place::Threads, bytes).0;
            assert_eq!(is_end(&mut || copy_n(&mut conn(), &mut file(b""), 6)), expected);
            assert_eq!(is_end(&mut || copy_n(&mut conn(), &mut pair().0, 6)), expected);
            assert_eq!(is_end(&mut || copy_n(&mut file(bytes), &mut file(b""), 6)), expected);
            assert_eq!(is_end(&mut || copy_n(&mut file(bytes), &mut pair().0, 6)), expected);
            assert_eq!(is_end(&mut || copy_n(&mut &bytes[..], &mut Vec::new(), 6)), expected);
        }
    });
}

#[test]
fn an_end_too_early_stays_one_for_whoever_hears_of_it() {
    bounded(|| {
        // A part is copied from the reader's buffer, and then it is found, on the plain way, that there is no more.
        let mut from = BufReader::new(file(b"short"));
        from.fill_buf().unwrap();
        let Partial { moved, error } = copy_n(&mut from, &mut BufWriter::new(file(b"")), 6).unwrap_err();
        assert_eq!(moved, 5);
        assert!(!Partial { moved: 0, error }.is_end());
    });
}

#[test]
fn ends_are_known_behind_references() {
    bounded(|| {
        let bytes = noise(MANY, 3);
        let sent = received(Place::Threads, |to| {
            let (conn, _) = connection(Place::Threads, &bytes);
            assert_eq!(copy(&mut &conn, &mut &*to).unwrap(), MANY as u64);
            let (mut conn, _) = connection(Place::Threads, &bytes);
            assert_eq!(copy(&mut &mut conn, &mut to.try_clone().unwrap()).unwrap(), MANY as u64);
            let mut shared = Arc::new(file(&bytes));
            assert_eq!(copy(&mut shared, &mut &mut to.try_clone().unwrap()).unwrap(), MANY as u64);
        });
        assert!(sent == bytes.repeat(3));
        let mut shared = Arc::new(file(b""));
        copy(&mut &file(&bytes), &mut shared).unwrap();
        copy(&mut &mut file(&bytes), &mut &*shared).unwrap();
        copy(&mut file(&bytes), &mut &mut &*shared).unwrap();
        assert!(contents(&shared) == bytes.repeat(3));
    });
}

#[test]
fn who_is_only_known_as_a_reader_is_read() {
    bounded(|| {
        let bytes = noise(MANY, 4);
        let sent = received(Place::Threads, |to| {
            let mut to = to.try_clone().unwrap();
            let mut from = file(&bytes);
            let (from, to): (&mut dyn Read, &mut dyn Write) = (&mut from, &mut to);
            assert_eq!(copy(from, to).unwrap(), MANY as u64);
        });
        assert!(sent == bytes);
    });
}

#[test]
fn a_limit_counts_what_was_copied() {
    bounded(|| {
        let bytes = noise(MANY, 5);
        let copied = |from: &mut Take<File>, bytes: &[u8]| {
            let sent = received(Place::Threads, |mut to| assert_eq!(copy(from, &mut to).unwrap(), bytes.len() as u64));
            assert!(sent == bytes);
        };
        let mut from = file(&bytes).take(100_000);
        copied(&mut from, &bytes[..100_000]);
        assert_eq!(from.limit(), 0);
        copied(&mut from, b"");
        from.set_limit(u64::MAX);
        copied(&mut from, &bytes[100_000..]);
        assert_eq!(from.limit(), u64::MAX - (MANY as u64 - 100_000));

        let (conn, feeder) = connection(Place::Threads, &bytes);
        let (mut from, mut to) = (conn.take(MANY as u64 + 5), file(b""));
        assert_eq!(copy(&mut from, &mut to).unwrap(), MANY as u64);
        assert_eq!(from.limit(), 5);
        assert!(contents(&to) == bytes);
        feeder.join().unwrap();
    });
}

#[test]
fn what_was_read_ahead_comes_first() {
    /// Copies by `give`, which returns the count, from a connection with `MANY` bytes: the first `length` arrive.
    #[track_caller]
    fn arrive(length: usize, give: fn(TcpStream, &mut TcpStream) -> io::Result<u64>) {
        let bytes = noise(MANY, 6);
        let sent = received(Place::Threads, |to| {
            let (conn, feeder) = connection(Place::Threads, &bytes);
            assert_eq!(give(conn, &mut to.try_clone().unwrap()).unwrap(), length as u64);
            // Who is not read to the end may fail to send it.
            let _ = feeder.join();
        });
        assert!(sent == bytes[..length], "{} bytes", sent.len());
    }

    fn ahead<R: Read>(reader: R) -> BufReader<R> {
        let mut reader = BufReader::with_capacity(1000, reader);
        assert!(!reader.fill_buf().unwrap().is_empty());
        reader
    }

    bounded(|| {
        arrive(MANY, |conn, to| copy(&mut ahead(conn), to));
        arrive(10, |conn, to| copy(&mut ahead(conn).take(10), to));
        arrive(5000, |conn, to| {
            let mut from = ahead(conn).take(5000);
            let count = copy(&mut from, to);
            assert_eq!(from.limit(), 0);
            count
        });
        arrive(5000, |conn, to| copy(&mut ahead(conn.take(5000)), to));
        // As who reads a head and then copies the body has it.
        arrive(70_000, |conn, to| copy(&mut Read::by_ref(&mut ahead(conn)).take(70_000), to));
    });
}

#[test]
fn what_was_written_before_comes_first() {
    bounded(|| {
        let bytes = noise(MANY, 7);
        let sent = received(Place::Threads, |to| {
            let mut to = BufWriter::new(to);
            to.write_all(b"head").unwrap();
            assert_eq!(copy(&mut file(&bytes), &mut to).unwrap(), MANY as u64);
            to.flush().unwrap();
            assert_eq!(copy(&mut file(b"tail"), &mut to).unwrap(), 4);
        });
        assert!(sent == [b"head", &bytes[..], b"tail"].concat());
    });
}

#[test]
fn a_buffer_is_for_those_who_need_one() {
    bounded(|| {
        let bytes = noise(10_000, 8);
        let mut to = Vec::new();
        assert_eq!(copy_buffer(&mut file(&bytes), &mut to, &mut [0; 7]).unwrap(), 10_000);
        assert!(to == bytes);
        let to = file(b"");
        assert_eq!(copy_buffer(&mut file(&bytes), &mut &to, &mut [0; 7]).unwrap(), 10_000);
        assert!(contents(&to) == bytes);
    });
}

#[test]
#[should_panic(expected = "room for a byte")]
fn an_empty_buffer_is_a_mistake() {
    let _ = copy_buffer(&mut file(b"x"), &mut file(b""), &mut []);
}

#[test]
fn offsets_move_as_by_reading_and_writing() {
    bounded(|| {
        let (mut from, mut to) = (file(b"0123456789"), file(b"abcdefghij"));
        from.seek(SeekFrom::Start(4)).unwrap();
        to.seek(SeekFrom::Start(2)).unwrap();
        assert_eq!(copy_n(&mut from, &mut to, 3).unwrap(), 3);
        assert_eq!((from.stream_position().unwrap(), to.stream_position().unwrap()), (7, 5));
        assert_eq!(contents(&to), b"ab456fghij");
        let sent = received(Place::Threads, |mut conn| assert_eq!(copy(&mut from, &mut conn).unwrap(), 3));
        assert_eq!(sent, b"789");
        assert_eq!(from.stream_position().unwrap(), 10);

        // Beyond the end there is nothing, and what is added later is found.
        from.seek(SeekFrom::Start(20)).unwrap();
        assert_eq!(copy(&mut from, &mut to).unwrap(), 0);
        from.seek(SeekFrom::Start(10)).unwrap();
        assert_eq!(copy(&mut from, &mut to).unwrap(), 0);
        from.write_all(b"xyz").unwrap();
        from.seek(SeekFrom::Start(10)).unwrap();
        assert_eq!(copy(&mut from, &mut to).unwrap(), 3);
        assert_eq!(contents(&to), b"ab456xyzij");
    });
}

#[test]
fn a_file_with_itself_is_copied_as_by_reading_and_writing() {
    bounded(|| {
        let both = file(b"0123456789");
        let mut to = both.try_clone().unwrap();
        // The two share their offset: what is read is written behind itself.
        assert_eq!(copy_counted(&mut (&both).take(4), &mut to).unwrap(), 4);
        assert_eq!(contents(&both), b"0123012389");
    });
}

#[test]
fn empty_files_have_nothing() {
    bounded(|| {
        assert_eq!(copy(&mut file(b""), &mut file(b"")).unwrap(), 0);
        let sent = received(Place::Threads, |mut to| assert_eq!(copy(&mut file(b""), &mut to).unwrap(), 0));
        assert!(sent.is_empty());
    });
}

#[test]
fn offsets_and_holes_may_be_large() {
    const FIVE_GIB: u64 = 5 << 30;
    bounded(|| {
        let mut from = file(b"");
        from.set_len(FIVE_GIB).unwrap();
        from.seek(SeekFrom::Start(FIVE_GIB - 3)).unwrap();
        from.write_all(b"end").unwrap();
        from.seek(SeekFrom::Start(FIVE_GIB - (2 << 20))).unwrap();
        let expected = [&vec![0; (2 << 20) - 3][..], b"end"].concat();

        let sent = received(Place::Threads, |mut to| assert_eq!(copy(&mut from, &mut to).unwrap(), 2 << 20));
        assert!(sent == expected);
        from.seek(SeekFrom::Start(FIVE_GIB - (2 << 20))).unwrap();
        let to = file(b"");
        assert_eq!(copy(&mut from, &mut &to).unwrap(), 2 << 20);
        assert!(contents(&to) == expected);
    });
}
