//! The pipe in memory: what its ends see of each other.

mod common;

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::watched::{Doing, Watched, doing};
use common::{kind, within_bound};
use marmot_io::{CloseWrite, PipeReader, PipeWriter, copy, duplex_on, pipe, pipe_on, read_all, read_full};

type Reader = Arc<PipeReader<Watched>>;
type Writer = Arc<PipeWriter<Watched>>;

/// A pipe whose ends several threads have.
fn shared() -> (Reader, Writer) {
    let (reader, writer) = pipe_on();
    (Arc::new(reader), Arc::new(writer))
}

fn read(reader: &Reader, room: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; room];
    let count = (&**reader).read(&mut buf)?;
    buf.truncate(count);
    Ok(buf)
}

fn reading(reader: &Reader, room: usize) -> Doing<io::Result<Vec<u8>>> {
    let reader = Arc::clone(reader);
    doing(move || read(&reader, room))
}

fn writing(writer: &Writer, bytes: &[u8]) -> Doing<io::Result<usize>> {
    let (writer, bytes) = (Arc::clone(writer), bytes.to_vec());
    doing(move || (&*writer).write(&bytes))
}

fn refused() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "refused")
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: io::Result<T>) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidData, "refused".to_owned()));
}

#[test]
fn a_read_takes_what_a_write_gives() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = writing(&writer, b"hello, world");
        assert_eq!(read(&reader, 64).unwrap(), b"hello, world");
        assert_eq!(write.result().unwrap(), 12);
    });
}

#[test]
fn one_write_after_the_other_meets_one_read_after_the_other() {
    within_bound(|| {
        let (reader, writer) = shared();
        for round in 0..5 {
            let bytes = vec![round; 5 + 10 * usize::from(round)];
            let read = reading(&reader, 64);
            assert_eq!((&*writer).write(&bytes).unwrap(), bytes.len());
            assert_eq!(read.result().unwrap(), bytes);
        }
        let read = reading(&reader, 64).waits();
        writer.close();
        assert_eq!(read.result().unwrap(), b"");
    });
}

#[test]
fn a_write_is_read_in_as_many_reads_as_one_likes() {
    within_bound(|| {
        let (reader, writer) = shared();
        let bytes: Vec<u8> = (0..128).collect();
        let write = writing(&writer, &bytes);
        let mut all = Vec::new();
        for (room, expected) in [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (32, 32), (64, 64), (128, 1)] {
            let part = read(&reader, room).unwrap();
            assert_eq!(part.len(), expected);
            all.extend(part);
        }
        assert_eq!(write.result().unwrap(), 128);
        assert_eq!(all, bytes);
    });
}

#[test]
fn a_write_does_not_return_before_all_of_it_was_read() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = writing(&writer, b"12").waits();
        assert_eq!(read(&reader, 1).unwrap(), b"1");
        // It is still there: the end can be closed under it.
        writer.close();
        assert_eq!(write.result().unwrap(), 1);
        assert_eq!(read(&reader, 1).unwrap(), b"");
    });
}

#[test]
fn a_write_of_any_length_is_one_write() {
    within_bound(|| {
        let (mut reader, writer) = pipe();
        let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let expected = bytes.clone();
        let write = std::thread::spawn(move || (&writer).write(&bytes).unwrap());
        let mut all = vec![0; expected.len()];
        reader.read_exact(&mut all).unwrap();
        assert!(all == expected);
        assert_eq!(write.join().unwrap(), expected.len());
        assert_eq!(reader.read(&mut all).unwrap(), 0);
    });
}

/// Closes while the other end waits, and before it comes.
fn each_way(check: impl Fn(bool, Option<io::Error>) + Send + 'static) {
    within_bound(move || {
        for waits in [true, false] {
            check(waits, None);
            check(waits, Some(refused()));
        }
    });
}

#[test]
fn a_reader_sees_how_the_writer_was_closed() {
    each_way(|waits, error| {
        let (reader, writer) = shared();
        let with_error = error.is_some();
        let close = || error.map_or_else(|| writer.close(), |error| writer.close_with_error(error));
        let result = if waits {
            let read = reading(&reader, 64).waits();
            close();
            read.result()
        } else {
            close();
            read(&reader, 64)
        };
        if with_error {
            assert_refused(result)
        } else {
            assert_eq!(result.unwrap(), b"")
        }
        reader.close();
    });
}

#[test]
fn a_writer_sees_how_the_reader_was_closed() {
    each_way(|waits, error| {
        let (reader, writer) = shared();
        let with_error = error.is_some();
        let close = || error.map_or_else(|| reader.close(), |error| reader.close_with_error(error));
        let result = if waits {
            let write = writing(&writer, b"hello, world").waits();
            close();
            write.result()
        } else {
            close();
            (&*writer).write(b"hello, world")
        };
        if with_error {
            assert_refused(result)
        } else {
            assert_eq!(kind(result), ErrorKind::BrokenPipe)
        }
        writer.close();
    });
}

#[test]
fn a_read_ends_when_its_own_end_is_closed() {
    within_bound(|| {
        let (reader, _writer) = shared();
        let waiting = reading(&reader, 64).waits();
        reader.close();
        assert_eq!(kind(waiting.result()), ErrorKind::BrokenPipe);
        assert_eq!(kind(read(&reader, 64)), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_write_ends_when_its_own_end_is_closed() {
    within_bound(|| {
        let (reader, writer) = shared();
        let waiting = writing(&writer, b"lost").waits();
        let in_line = writing(&writer, b"never").waits();
        writer.close();
        assert_eq!(kind(waiting.result()), ErrorKind::BrokenPipe);
        assert_eq!(kind(in_line.result()), ErrorKind::BrokenPipe);
        assert_eq!(kind((&*writer).write(b"late")), ErrorKind::BrokenPipe);
        assert_eq!(read(&reader, 64).unwrap(), b"");
    });
}

#[test]
fn an_end_that_was_closed_by_its_owner_knows_no_other_reason() {
    let (reader, writer) = shared();
    writer.close_with_error(refused());
    reader.close_with_error(io::Error::from(ErrorKind::StorageFull));
    assert_eq!(kind(read(&reader, 1)), ErrorKind::BrokenPipe);
    assert_eq!(kind((&*writer).write(b"x")), ErrorKind::BrokenPipe);
}

#[test]
fn writing_goes_on_until_the_writer_closes_and_no_longer() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = doing(move || {
            (&*writer).write_all(b"hello").unwrap();
            writer.close();
            kind((&*writer).write_all(b"world"))
        });
        let mut buf = [0; 100];
        let partial = read_full(&mut &*reader, &mut buf).unwrap_err();
        assert_eq!((partial.kind(), &buf[..partial.moved as usize]), (ErrorKind::UnexpectedEof, &b"hello"[..]));
        assert_eq!(write.result(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn the_first_error_of_the_reader_counts_as_often_as_it_is_asked_for() {
    let (reader, mut writer) = pipe();
    reader.close_with_error(refused());
    reader.close_with_error(ErrorKind::StorageFull.into());
    for bytes in [&b"some"[..], b"", b"some"] {
        assert_refused(writer.write(bytes));
    }
    // Nor does a plain close take it back.
    drop(reader);
    assert_refused(writer.write_all(b"some"));
}

#[test]
fn the_first_error_of_the_writer_counts_as_often_as_it_is_asked_for() {
    let (mut reader, writer) = pipe();
    writer.close_with_error(refused());
    writer.close_with_error(ErrorKind::StorageFull.into());
    for room in [4, 0, 4] {
        assert_refused(reader.read(&mut [0; 4][..room]));
    }
    drop(writer);
    assert_refused(reader.read(&mut [0; 4]));
    assert_refused(reader.wait_readable());
}

#[test]
fn an_end_that_was_closed_in_peace_stays_so() {
    let (mut reader, writer) = pipe();
    writer.close();
    writer.close_with_error(refused());
    assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
}

#[test]
fn an_error_keeps_its_number_or_its_source() {
    #[derive(Debug)]
    struct Own;
    impl std::fmt::Display for Own {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("own")
        }
    }
    impl Error for Own {}

    let closed_with = |error| {
        let (mut reader, writer) = pipe();
        writer.close_with_error(error);
        reader.read(&mut [0]).unwrap_err()
    };
    assert_eq!(closed_with(io::Error::from_raw_os_error(9)).raw_os_error(), Some(9));
    assert_eq!(closed_with(ErrorKind::TimedOut.into()).kind(), ErrorKind::TimedOut);
    let own = closed_with(io::Error::new(ErrorKind::InvalidData, Own));
    assert_eq!((own.kind(), own.to_string()), (ErrorKind::InvalidData, "own".to_owned()));
    assert!(own.source().expect("it has one").is::<Own>());
}

#[test]
fn an_end_that_is_dropped_is_closed() {
    within_bound(|| {
        let (mut reader, writer) = pipe_on::<Watched>();
        let waiting = doing(move || reader.read(&mut [0; 4])).waits();
        drop(writer);
        assert_eq!(waiting.result().unwrap(), 0);

        let (reader, mut writer) = pipe_on::<Watched>();
        let waiting = doing(move || writer.write(b"lost")).waits();
        drop(reader);
        assert_eq!(kind(waiting.result()), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_write_of_nothing_waits_for_nobody_and_ends_nothing() {
    within_bound(|| {
        let (reader, writer) = shared();
        assert_eq!((&*writer).write(b"").unwrap(), 0);
        (&*writer).write_all(b"").unwrap();
        let reading = reading(&reader, 4).waits();
        assert_eq!((&*writer).write(b"").unwrap(), 0);
        assert_eq!((&*writer).write(b"more").unwrap(), 4);
        assert_eq!(reading.result().unwrap(), b"more");
    });
}

#[test]
fn a_read_into_no_room_waits_for_nobody_and_takes_nothing() {
    within_bound(|| {
        let (reader, writer) = shared();
        assert_eq!(read(&reader, 0).unwrap(), b"");
        let write = writing(&writer, b"more").waits();
        assert_eq!(read(&reader, 0).unwrap(), b"");
        assert_eq!(read(&reader, 4).unwrap(), b"more");
        assert_eq!(write.result().unwrap(), 4);
        writer.close();
        assert_eq!(read(&reader, 0).unwrap(), b"");
    });
}

#[test]
fn a_write_that_is_cut_short_counts_what_was_read_and_fails_the_next_time() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = writing(&writer, b"hello").waits();
        assert_eq!(read(&reader, 3).unwrap(), b"hel");
        reader.close();
        assert_eq!(write.result().unwrap(), 3);
        assert_eq!(kind((&*writer).write(b"lo")), ErrorKind::BrokenPipe);

        let (reader, writer) = shared();
        let write_all = doing(move || (&*writer).write_all(b"hello")).waits();
        assert_eq!(read(&reader, 3).unwrap(), b"hel");
        reader.close_with_error(refused());
        assert_refused(write_all.result());
    });
}

#[test]
fn a_write_that_was_read_whole_has_succeeded_whatever_comes_after() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = writing(&writer, b"hello").waits();
        assert_eq!(read(&reader, 5).unwrap(), b"hello");
        reader.close_with_error(refused());
        writer.close();
        assert_eq!(write.result().unwrap(), 5);
    });
}

#[test]
fn the_bytes_of_a_write_stay_together() {
    within_bound(|| {
        let (reader, writer) = shared();
        let writes = [(); 8].map(|()| writing(&writer, b"0123456789abcdef").waits());
        let mut all = Vec::new();
        while all.len() < 8 * 16 {
            let part = read(&reader, 3).unwrap();
            assert!(part.len() == 3 || (all.len() + part.len()).is_multiple_of(16));
            all.extend(part);
        }
        assert_eq!(all, b"0123456789abcdef".repeat(8));
        for write in writes {
            assert_eq!(write.result().unwrap(), 16);
        }
    });
}

#[test]
fn both_ends_are_served_in_the_order_of_arrival() {
    within_bound(|| {
        let (reader, writer) = shared();
        let writes = [b'a', b'b', b'c'].map(|byte| writing(&writer, &[byte]).waits());
        assert_eq!([1, 1, 1].map(|room| read(&reader, room).unwrap()).concat(), b"abc");
        for write in writes {
            assert_eq!(write.result().unwrap(), 1);
        }
        let reads = [(); 3].map(|()| reading(&reader, 1).waits());
        (&*writer).write_all(b"def").unwrap();
        assert_eq!(reads.map(|read| read.result().unwrap()).concat(), b"def");
    });
}

#[test]
fn all_who_wait_see_the_end() {
    within_bound(|| {
        let (reader, writer) = shared();
        let reads = [(); 4].map(|()| reading(&reader, 8).waits());
        writer.close();
        for read in reads {
            assert_eq!(read.result().unwrap(), b"");
        }
    });
}

const LATER: Duration = Duration::from_secs(3600);

#[test]
fn a_deadline_that_has_passed_fails_every_call_until_it_is_taken_away() {
    within_bound(|| {
        let (reader, writer) = shared();
        reader.set_read_deadline(Some(Instant::now()));
        let write = writing(&writer, b"there").waits();
        for room in [8, 0, 8] {
            assert_eq!(kind(read(&reader, room)), ErrorKind::TimedOut);
        }
        reader.set_read_deadline(Some(Instant::now() + LATER));
        assert_eq!(read(&reader, 8).unwrap(), b"there");
        assert_eq!(write.result().unwrap(), 5);

        writer.set_write_deadline(Some(Instant::now()));
        assert_eq!(kind((&*writer).write(b"late")), ErrorKind::TimedOut);
        assert_eq!(kind((&*writer).write(b"")), ErrorKind::TimedOut);
        writer.set_write_deadline(None);
        let read = reading(&reader, 8).waits();
        assert_eq!((&*writer).write(b"again").unwrap(), 5);
        assert_eq!(read.result().unwrap(), b"again");
    });
}

#[test]
fn a_deadline_ends_a_wait_that_began_before_or_after_it_was_set() {
    within_bound(|| {
        let soon = || Some(Instant::now() + Duration::from_millis(2));
        let (reader, writer) = shared();
        let waiting = [(); 2].map(|()| reading(&reader, 8).waits());
        reader.set_read_deadline(soon());
        assert_eq!(kind(read(&reader, 8)), ErrorKind::TimedOut);
        for read in waiting {
            assert_eq!(kind(read.result()), ErrorKind::TimedOut);
        }

        let waiting = [(); 2].map(|()| writing(&writer, b"lost").waits());
        writer.set_write_deadline(soon());
        assert_eq!(kind((&*writer).write(b"lost")), ErrorKind::TimedOut);
        for write in waiting {
            assert_eq!(kind(write.result()), ErrorKind::TimedOut);
        }
    });
}

#[test]
fn a_write_that_is_late_counts_what_was_read_and_takes_back_the_rest() {
    within_bound(|| {
        let (reader, writer) = shared();
        let write = writing(&writer, b"hello").waits();
        assert_eq!(read(&reader, 2).unwrap(), b"he");
        writer.set_write_deadline(Some(Instant::now()));
        assert_eq!(write.result().unwrap(), 2);
        assert_eq!(kind((&*writer).write(b"llo")), ErrorKind::TimedOut);
        writer.set_write_deadline(None);
        let write = writing(&writer, b"world");
        assert_eq!(read(&reader, 8).unwrap(), b"world");
        assert_eq!(write.result().unwrap(), 5);
    });
}

#[test]
fn a_reader_that_is_cancelled_leaves_the_bytes_to_the_next() {
    within_bound(|| {
        let (reader, writer) = shared();
        let (first, second) = (reading(&reader, 8).waits(), reading(&reader, 8).waits());
        // It is unparked for the bytes, and gives up.
        first.cancel_next();
        assert_eq!((&*writer).write(b"bytes").unwrap(), 5);
        assert_eq!(first.result().unwrap_err().to_string(), "cancelled");
        assert_eq!(second.result().unwrap(), b"bytes");
    });
}

#[test]
fn a_writer_that_is_cancelled_leaves_the_place_to_the_next() {
    within_bound(|| {
        let (reader, writer) = shared();
        let (first, second) = (writing(&writer, b"first").waits(), writing(&writer, b"second").waits());
        first.cancel();
        assert_eq!(first.result().unwrap_err().to_string(), "cancelled");
        assert_eq!(read(&reader, 3).unwrap(), b"sec");
        second.cancel();
        assert_eq!(second.result().unwrap(), 3);
    });
}

#[test]
fn one_in_the_middle_of_a_line_leaves_without_a_trace() {
    within_bound(|| {
        let (reader, writer) = shared();
        let [a, b, c] = [b"aa", b"bb", b"cc"].map(|bytes| writing(&writer, bytes).waits());
        assert_eq!(read(&reader, 1).unwrap(), b"a");
        b.cancel();
        assert_eq!(b.result().unwrap_err().to_string(), "cancelled");
        assert_eq!([read(&reader, 4).unwrap(), read(&reader, 4).unwrap()], [b"a", &b"cc"[..]]);
        assert_eq!((a.result().unwrap(), c.result().unwrap()), (2, 2));
    });
}

#[test]
fn one_waits_for_bytes_without_taking_them() {
    within_bound(|| {
        let (reader, writer) = shared();
        let waiting = [(); 2].map(|()| {
            let reader = Arc::clone(&reader);
            doing(move || reader.wait_readable()).waits()
        });
        let write = writing(&writer, b"bytes");
        for waiting in waiting {
            waiting.result().unwrap();
        }
        reader.wait_readable().unwrap();
        assert_eq!(read(&reader, 8).unwrap(), b"bytes");
        assert_eq!(write.result().unwrap(), 5);
        reader.set_read_deadline(Some(Instant::now()));
        assert_eq!(kind(reader.wait_readable()), ErrorKind::TimedOut);
        writer.close();
        reader.wait_readable().unwrap();
    });
}

#[test]
fn a_pipe_is_copied_into_another() {
    within_bound(|| {
        let ((mut from, mut first), (mut last, mut to)) = (pipe(), pipe());
        std::thread::spawn(move || copy(&mut from, &mut to).unwrap());
        std::thread::spawn(move || first.write_all(&[7; 200_000]).unwrap());
        assert!(read_all(&mut last).unwrap() == [7; 200_000]);
    });
}

#[test]
fn a_connection_has_two_directions_that_end_apart() {
    within_bound(|| {
        let (mut client, mut server) = duplex_on::<Watched>();
        let serving = doing(move || {
            let question = read_all(&mut server).unwrap();
            server.write_all(&question.to_ascii_uppercase()).unwrap();
            question.len()
        });
        client.write_all(b"question").unwrap();
        client.close_write().unwrap();
        assert_eq!(kind(client.write(b"more")), ErrorKind::BrokenPipe);
        assert_eq!(read_all(&mut client).unwrap(), b"QUESTION");
        assert_eq!(serving.result(), 8);
        client.flush().unwrap();
    });
}

#[test]
fn a_connection_that_is_closed_is_closed_for_both() {
    let (mut client, mut server) = duplex_on::<Watched>();
    client.close_both().unwrap();
    assert_eq!(kind(client.read(&mut [0])), ErrorKind::BrokenPipe);
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert_eq!(kind(server.write(b"x")), ErrorKind::BrokenPipe);
}

#[test]
fn a_connection_has_deadlines_and_halves() {
    let (mut client, server) = duplex_on::<Watched>();
    client.set_deadline(Some(Instant::now()));
    assert_eq!(kind(client.read(&mut [0])), ErrorKind::TimedOut);
    assert_eq!(kind(client.write(b"x")), ErrorKind::TimedOut);
    server.writer().close_with_error(refused());
    assert_refused(client.reader().read(&mut [0]));
    let (reader, writer) = client.into_split();
    drop((reader, writer));
    let (mut reader, _) = server.into_split();
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

/// An error that owns something.
#[derive(Debug)]
struct Owning<T>(#[allow(dead_code, reason = "it is only there to be dropped")] T);

impl<T> std::fmt::Display for Owning<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the last words")
    }
}

impl<T: std::fmt::Debug> Error for Owning<T> {}

#[test]
fn an_error_that_comes_too_late_may_own_the_other_end() {
    within_bound(|| {
        let (reader, writer) = pipe();
        reader.close();
        reader.close_with_error(io::Error::other(Owning(writer)));
        let (reader, writer) = pipe();
        writer.close();
        writer.close_with_error(io::Error::other(Owning(reader)));
    });
}

thread_local! {
    /// What the next wait of this thread fails with.
    static FAILURE: std::cell::Cell<Option<io::Error>> = const { std::cell::Cell::new(None) };
}

/// Waits by failing, or else by looking again; its handles own whatever they are given.
struct Failing;

impl marmot_io::Park for Failing {
    type Handle = Arc<std::sync::Mutex<Option<PipeReader<Failing>>>>;

    fn current() -> Self::Handle {
        HANDLE.take()
    }

    fn park(_: Option<Instant>) -> io::Result<()> {
        FAILURE.take().map_or(Ok(()), Err)
    }

    fn unpark(_: &Self::Handle) {}
}

thread_local! {
    /// The handle of this thread's next wait.
    static HANDLE: std::cell::Cell<<Failing as marmot_io::Park>::Handle> = std::cell::Cell::default();
}

#[test]
fn a_handle_may_own_an_end() {
    within_bound(|| {
        let (reader, writer) = pipe_on::<Failing>();
        HANDLE.set(Arc::new(std::sync::Mutex::new(Some(reader))));
        FAILURE.set(Some(ErrorKind::Other.into()));
        // The handle is the last owner of the other end, and goes when the wait is over.
        assert_eq!(kind((&writer).write(b"x")), ErrorKind::Other);
        assert_eq!(kind((&writer).write(b"x")), ErrorKind::BrokenPipe);
    });
}
