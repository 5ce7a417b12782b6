//! What a context ends above sockets: pipes, linked buffers, buffered connections, readers and writers over them, copies. A call
//! that is ended says how many bytes it had moved, and every byte is there once.

mod common;

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, LazyLock, mpsc};

use common::*;
use marmot::WaitReason;
use marmot::buf::linked::Options;
use marmot::buffered::codec::{LengthDelimited, Lines};
use marmot::buffered::{Conn, Framed, HIGH_WATER, Reader, Source, Writer};
use marmot::context::{self, Cancel, Context, Error};
use marmot::io::{PipeReader, bufio, copy, copy_bidirectional, copy_buffer, copy_counted, copy_n, duplex, pipe};
use marmot::net::TcpStream;
use socket2::SockRef;

/// Runs `test` in goroutines on 1, 2 and 8 Ps, and on plain threads.
#[track_caller]
fn on_ps(test: fn(Place)) {
    for procs in [1, 2, 8] {
        with_procs(procs, move || test(Place::Goroutines));
    }
    bounded(move || test(Place::Threads));
}

/// Who waits under a context.
struct Waiting<T> {
    cancel: Cancel,
    started: Started<T>,
}

/// Starts `f` under a context, and waits until it waits for `reason`.
#[track_caller]
fn waiting<T: Send + 'static>(place: Place, reason: WaitReason, f: impl FnOnce() -> T + Send + 'static) -> Waiting<T> {
    let (ctx, cancel) = Context::background().with_cancel();
    let started = place.start(move || ctx.run(f));
    started.until_waiting(reason);
    Waiting { cancel, started }
}

impl<T> Waiting<T> {
    /// What it returns when the context ends.
    #[track_caller]
    fn cancelled(self) -> T {
        self.cancel.cancel_with_cause("enough");
        self.started.join()
    }
}

/// Runs `f` under a context that has a deadline soon.
fn soon<T>(f: impl FnOnce() -> T) -> T {
    Context::background().with_timeout(ms(10)).0.run(f)
}

/// Runs `f` under a context that has ended.
fn after_the_end<T>(f: impl FnOnce() -> T) -> T {
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel();
    ctx.run(f)
}

/// How many bytes had been moved by a call that was cancelled.
#[track_caller]
fn moved<T>(result: io::Result<T>) -> usize {
    let error = result.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other, "{error:?}");
    let ended = Error::of(&error).unwrap();
    assert!(ended.is_cancelled());
    ended.moved() as usize
}

/// How many bytes had been moved by a call whose time was up.
#[track_caller]
fn moved_in_time<T>(result: io::Result<T>) -> usize {
    let error = result.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error:?}");
    let ended = Error::of(&error).unwrap();
    assert!(ended.is_deadline_exceeded());
    ended.moved() as usize
}

/// Reads all that there is up to the end.
fn drain(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// More than two connections, a pipe of the kernel and a buffer hold, if the connections are narrow.
fn much() -> &'static [u8] {
    static MUCH: LazyLock<Vec<u8>> = LazyLock::new(|| noise(4 << 20, 1));
    &MUCH
}

/// The two ends of a connection that has little room.
fn narrow() -> (TcpStream, TcpStream) {
    let (near, far) = pair();
    for end in [&near, &far] {
        SockRef::from(end).set_send_buffer_size(1 << 15).unwrap();
        SockRef::from(end).set_recv_buffer_size(1 << 15).unwrap();
    }
    (near, far)
}

fn conn() -> (Conn, TcpStream) {
    let (near, far) = pair();
    (Conn::new(near).unwrap(), far)
}

/// Something that can be had back from another goroutine.
type Back<T> = (T, io::Result<()>);

#[test]
fn a_pipe_keeps_what_was_not_taken() {
    on_ps(|place| {
        let (mut reader, mut writer) = pipe();
        let reading = waiting(place, WaitReason::Buffer, move || {
            let mut word = [0; 8];
            let result = reader.read_exact(&mut word);
            (reader, word, result)
        });
        writer.write_all(b"half").unwrap();
        let (mut reader, mut word, result) = reading.cancelled();
        assert_eq!((moved(result), &word[..4]), (4, &b"half"[..]));
        assert_eq!(moved_in_time(soon(|| reader.read(&mut word))), 0);
        assert_eq!(moved_in_time(soon(|| reader.wait_readable())), 0);

        // The bytes that were taken are gone, and no others.
        let writing = waiting(place, WaitReason::Buffer, move || -> Back<_> {
            let result = writer.write_all(b"0123456789");
            (writer, result)
        });
        reader.read_exact(&mut word[..6]).unwrap();
        let (mut writer, result) = writing.cancelled();
        assert_eq!((moved(result), &word[..6]), (6, &b"012345"[..]));
        assert_eq!(moved_in_time(soon(|| writer.write_all(b"nobody reads this"))), 0);
        let rest = place.start(move || drain(reader));
        writer.write_all(b"6789").unwrap();
        drop(writer);
        assert_eq!(rest.join(), b"6789");
    });
}

#[test]
fn who_leaves_the_line_of_a_pipe_takes_nothing_along() {
    on_ps(|place| {
        let (reader, mut writer) = pipe();
        let reader = Arc::new(reader);
        let read = |reader: &Arc<PipeReader>| {
            let reader = Arc::clone(reader);
            move || -> io::Result<[u8; 4]> {
                let mut word = [0; 4];
                (&*reader).read_exact(&mut word).map(|()| word)
            }
        };
        let first = waiting(place, WaitReason::Buffer, read(&reader));
        let second = waiting(place, WaitReason::Buffer, read(&reader));
        let third = waiting(place, WaitReason::Buffer, read(&reader));
        assert_eq!(moved(second.cancelled()), 0);
        assert_eq!(moved(first.cancelled()), 0);
        writer.write_all(b"word").unwrap();
        assert_eq!(&third.started.join().unwrap(), b"word");
        // A call that begins after the end takes nothing, though something is there.
        let writing = place.start(move || writer.write_all(b"more"));
        reader.wait_readable().unwrap();
        assert_eq!(moved(after_the_end(read(&reader))), 0);
        assert_eq!(&read(&reader)().unwrap(), b"more");
        writing.join().unwrap();
    });
}

#[test]
fn both_sides_of_a_duplex_hear_of_it() {
    on_ps(|place| {
        let (here, there) = duplex();
        let (here, there) = (Arc::new(here), Arc::new(there));
        let (reads, writes) = (Arc::clone(&here), Arc::clone(&here));
        let reading = waiting(place, WaitReason::Buffer, move || (&*reads).read_exact(&mut [0; 8]));
        let writing = waiting(place, WaitReason::Buffer, move || (&*writes).write_all(b"question"));
        (&*there).read_exact(&mut [0; 3]).unwrap();
        assert_eq!((moved(reading.cancelled()), moved(writing.cancelled())), (0, 3));
        let mut word = [0; 4];
        let answer = Arc::clone(&there);
        let answering = place.start(move || (&*answer).write_all(b"word"));
        (&*here).read_exact(&mut word).unwrap();
        answering.join().unwrap();
        assert_eq!(&word, b"word");
    });
}

#[test]
fn a_linked_buffer_keeps_what_is_in_it() {
    on_ps(|place| {
        let (mut producer, mut consumer) = Options::new().high_water(64).build::<marmot::Goroutines>();
        producer.write_all(b"half").unwrap();
        let reading = waiting(place, WaitReason::Buffer, move || {
            let result = consumer.wait(8);
            (consumer, result)
        });
        let (mut consumer, result) = reading.cancelled();
        assert_eq!(moved(result), 0);
        assert_eq!(moved_in_time(soon(|| consumer.wait(8))), 0);
        // What is there needs no wait.
        after_the_end(|| {
            assert_eq!(consumer.fill_buf().unwrap(), b"half");
            assert_eq!(moved(consumer.find(b'\n', 100, None)), 0);
        });
        producer.write_all(b" and half").unwrap();
        assert_eq!(consumer.wait(8).unwrap(), 13);
        let mut all = vec![0; 13];
        consumer.read_exact(&mut all).unwrap();
        assert_eq!(all, b"half and half");

        producer.write_all(&[1; 64]).unwrap();
        let writing = waiting(place, WaitReason::Buffer, move || {
            let result = producer.write(&[2; 8]);
            (producer, result)
        });
        let (mut producer, result) = writing.cancelled();
        assert_eq!(moved(result), 0);
        assert_eq!(moved_in_time(soon(|| producer.wait_room(None))), 0);
        consumer.read_exact(&mut [0; 64]).unwrap();
        assert_eq!(after_the_end(|| producer.write(&[3; 8])).unwrap(), 8);
        drop(producer);
        assert_eq!(drain(consumer), [3; 8]);
    });
}

#[test]
fn a_connection_tells_how_far_it_came() {
    on_ps(|place| {
        let (near, mut far) = narrow();
        let mut reader = near.try_clone().unwrap();
        far.write_all(b"half").unwrap();
        near.wait_readable().unwrap();
        let reading = waiting(place, WaitReason::IoRead, move || {
            let mut word = [0; 8];
            let result = reader.read_exact(&mut word);
            (word, result)
        });
        let (word, result) = reading.cancelled();
        let mut got = word[..moved(result)].to_vec();
        assert!(place == Place::Threads || got == b"half", "{got:?}");
        let mut rest = [0; 8];
        let count = moved_in_time(soon(|| (&near).read_exact(&mut rest)));
        got.extend(&rest[..count]);
        far.write_all(b" rest").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        got.extend(drain(&near));
        assert_eq!(got, b"half rest");

        let mut writer = near.try_clone().unwrap();
        let writing = waiting(place, WaitReason::IoWrite, move || writer.write_all(much()));
        let mut count = moved(writing.cancelled());
        assert!(count > 0 || place == Place::Threads);
        count += moved_in_time(soon(|| (&near).write_all(&much()[count..])));
        near.shutdown(Shutdown::Write).unwrap();
        assert!(drain(far) == much()[..count]);
        // The other errors are as before.
        let error = (&near).read_exact(&mut [0; 1]).unwrap_err();
        assert!(error.kind() == ErrorKind::UnexpectedEof && Error::of(&error).is_none());
    });
}

/// Blocks `f` on a connection of which a part has come, and sees that nothing of it is lost.
#[track_caller]
fn assert_goes_on(place: Place, f: fn(&mut Conn) -> io::Result<()>) {
    let (mut near, mut far) = conn();
    far.write_all(b"half ").unwrap();
    near.wait(5).unwrap();
    let reading = waiting(place, WaitReason::BufferedIo, move || -> Back<_> {
        let result = f(&mut near);
        (near, result)
    });
    let (mut near, result) = reading.cancelled();
    assert_eq!(moved(result), 0);
    assert_eq!(moved_in_time(soon(|| f(&mut near))), 0);
    assert_eq!(moved(after_the_end(|| f(&mut near))), 0);
    // What is there needs no wait.
    assert_eq!(after_the_end(|| near.fill_buf().map(<[u8]>::to_vec)).unwrap(), b"half ");
    far.write_all(b"and half\n").unwrap();
    f(&mut near).unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    assert_eq!(drain(near), b"half and half\n");
}

#[test]
fn waits_of_a_buffered_connection_leave_everything_there() {
    on_ps(|place| {
        assert_goes_on(place, |conn| conn.wait(14).map(drop));
        assert_goes_on(place, |conn| conn.find(b'\n', 1000).map(drop));
    });
}

#[test]
fn reads_of_a_buffered_connection_take_every_byte_once() {
    on_ps(|place| {
        let (mut near, mut far) = conn();
        far.write_all(b"half ").unwrap();
        near.wait(5).unwrap();
        let reading = waiting(place, WaitReason::BufferedIo, move || {
            let mut all = [0; 13];
            let result = near.read_exact(&mut all);
            (near, all, result)
        });
        let (mut near, all, result) = reading.cancelled();
        let mut got = all[..moved(result)].to_vec();
        assert_eq!(got, b"half ");
        assert_eq!(moved_in_time(soon(|| near.read(&mut [0; 8]))), 0);
        assert_eq!(moved(after_the_end(|| near.fill_buf().map(drop))), 0);

        // A line, as `std` has it: what has come of it is in the text.
        far.write_all(b"and").unwrap();
        near.wait(3).unwrap();
        let reading = waiting(place, WaitReason::BufferedIo, move || {
            let mut line = Vec::new();
            let result = near.read_until(b'\n', &mut line);
            (near, line, result)
        });
        let (near, line, result) = reading.cancelled();
        assert!(result.is_err());
        got.extend(line);
        far.write_all(b" half\nlast").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        got.extend(drain(near));
        assert_eq!(got, b"half and half\nlast");
    });
}

/// Writes in pieces of these lengths until the connection has no room, and is cancelled then. Returns how many bytes of
/// [`much`] have been accepted.
fn fill_up(place: Place, mut near: Conn, lengths: &'static [usize]) -> (Conn, usize) {
    let writing = waiting(place, WaitReason::IoWrite, move || {
        let mut count = 0;
        for length in lengths.iter().cycle() {
            match near.write_all(&much()[count..count + length]) {
                Ok(()) => count += length,
                Err(error) => return (near, count + moved::<()>(Err(error))),
            }
        }
        unreachable!("somebody cancels it")
    });
    writing.cancelled()
}

/// Small pieces are gathered, and large ones are not.
const LENGTHS: [&[usize]; 2] = [&[1000], &[1000, 100_000]];

#[test]
fn what_a_buffered_connection_has_accepted_is_sent() {
    on_ps(|place| {
        for lengths in LENGTHS {
            let (near, far) = narrow();
            let (mut near, count) = fill_up(place, Conn::new(near).unwrap(), lengths);
            if lengths.len() == 1 && place == Place::Goroutines {
                // There is something to be sent.
                assert_eq!(moved(after_the_end(|| near.flush())), 0);
                assert_eq!(moved_in_time(soon(|| near.flush())), 0);
            }
            let reading = place.start(move || drain(far));
            near.flush().unwrap();
            drop(near);
            assert!(reading.join() == much()[..count]);
        }
    });
}

#[test]
fn a_drop_after_the_end_neither_waits_nor_loses_anything() {
    on_ps(|place| {
        for lengths in LENGTHS {
            let (near, far) = narrow();
            let (near, mut count) = fill_up(place, Conn::new(near).unwrap(), lengths);
            // Nobody reads.
            after_the_end(|| {
                let mut near = near;
                // There is room in the buffer, or there is not.
                if near.write_all(&much()[count..count + 7]).is_ok() {
                    count += 7;
                }
            });
            assert!(drain(far) == much()[..count]);
        }
        // Into a connection with room, at the end of a turn and of a goroutine.
        let (mut near, far) = conn();
        place.start(move || after_the_end(|| near.write_all(b"small").unwrap())).join();
        assert_eq!(drain(far), b"small");
    });
}

#[test]
fn who_waits_for_the_goroutine_that_sends_hears_of_it() {
    // The peer does not read, so the goroutine that the M has started keeps the turn.
    with_procs(2, || {
        let (near, far) = narrow();
        let mut writer = Writer::new(near);
        let (ctx, cancel) = Context::background().with_cancel();
        let writing = marmot::go(move || {
            let count = ctx.run(|| {
                for (count, part) in much().chunks(1000).enumerate() {
                    if let Err(error) = writer.write_all(part) {
                        return count * 1000 + moved::<()>(Err(error));
                    }
                    // Its turn ends, so it is the M that finds no room.
                    marmot::yield_now();
                }
                unreachable!("the connection has no room for so much")
            });
            after_the_end(|| drop(writer));
            count
        });
        until(|| writing.goroutine().wait_reason() == Some(WaitReason::IoTurn));
        cancel.cancel();
        let count = writing.join().unwrap();
        assert!(drain(far) == much()[..count]);
    });
}

#[test]
fn the_reading_goroutine_works_for_no_context() {
    on_ps(|_| {
        let (ctx, cancel) = Context::background().with_cancel();
        let (near, mut far) = pair();
        let mut near = ctx.run(|| Conn::new(near)).unwrap();
        assert!(format!("{ctx:?}").contains("told: 0"));
        cancel.cancel();
        far.write_all(b"one").unwrap();
        assert_eq!(near.wait(3).unwrap(), 3);

        // It is started again by who waits after a deadline.
        near.get_ref().set_read_deadline(Some(std::time::Instant::now())).unwrap();
        assert_fails(ErrorKind::TimedOut, near.wait(6));
        near.get_ref().set_read_deadline(None).unwrap();
        assert_eq!(moved_in_time(soon(|| near.wait(6))), 0);
        far.write_all(b"two").unwrap();
        assert_eq!(near.wait(6).unwrap(), 6);

        // Much, so that it waits for room under way.
        let sent = noise(4 * HIGH_WATER, 3);
        let bytes = sent.clone();
        let writing = marmot::go(move || far.write_all(&sent).map(|()| far));
        assert_eq!(near.skip(6), 6);
        near.wait(HIGH_WATER).unwrap();
        assert_eq!(moved_in_time(soon(|| near.wait(bytes.len() + 1))), 0);
        let mut got = vec![0; bytes.len()];
        near.read_exact(&mut got).unwrap();
        drop(writing.join().unwrap().unwrap());
        assert!(got == bytes);
    });
}

#[test]
fn a_source_sees_no_context() {
    struct Sees(bool);

    impl Read for Sees {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let sees = context::check().is_err() || context::current().value::<u32>().is_some();
            if std::mem::replace(&mut self.0, true) {
                return Ok(0);
            }
            buf[0] = u8::from(sees);
            Ok(1)
        }
    }

    impl Source for Sees {}

    on_ps(|_| {
        let ctx = Context::background().with_value(7_u32);
        let reader = ctx.run(|| after_the_end(|| Reader::new(Sees(false)))).unwrap();
        assert_eq!(drain(reader), [0]);
    });
}

#[test]
fn frames_stay_whole() {
    on_ps(|place| {
        let (near, mut far) = narrow();
        let mut frames = Framed::new(Conn::new(near).unwrap(), Lines::new());
        far.write_all(b"half a ").unwrap();
        frames.get_mut().wait(7).unwrap();
        let reading = waiting(place, WaitReason::BufferedIo, move || {
            let result = frames.read();
            (frames, result)
        });
        let (mut frames, result) = reading.cancelled();
        assert_eq!(moved(result), 0);
        assert_eq!(moved_in_time(soon(|| frames.read())), 0);
        far.write_all(b"line\r\nlast\n").unwrap();
        assert_eq!(frames.read().unwrap().unwrap(), "half a line");
        assert_eq!(frames.read().unwrap().unwrap(), "last");

        // A frame is accepted as a whole or not at all.
        let mut frames = Framed::new(frames.into_inner(), LengthDelimited::new());
        let writing = waiting(place, WaitReason::IoWrite, move || {
            let mut accepted = 0;
            loop {
                match frames.write(much()[accepted..accepted + 5000].to_vec()) {
                    Ok(()) => accepted += 1,
                    Err(error) => return (frames, accepted, moved::<()>(Err(error))),
                }
            }
        });
        let (frames, accepted, _) = writing.cancelled();
        let reading = place.start(move || {
            let mut frames = Framed::new(Conn::new(far).unwrap(), LengthDelimited::new());
            let mut count = 0;
            while let Some(frame) = frames.read().unwrap() {
                assert!(*frame == much()[count..count + 5000]);
                count += 1;
            }
            count
        });
        drop(frames);
        assert_eq!(reading.join(), accepted);
    });
}

#[test]
fn buffered_readers_lose_nothing() {
    on_ps(|place| {
        // `std`'s.
        let (near, mut far) = pair();
        let mut reader = BufReader::new(near);
        far.write_all(b"one\ntw").unwrap();
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        let reading = waiting(place, WaitReason::IoRead, move || {
            let result = reader.read_until(b'\n', &mut line);
            (reader, line, result)
        });
        let (mut reader, mut line, result) = reading.cancelled();
        assert!(result.is_err());
        assert_eq!(moved_in_time(soon(|| reader.read_until(b'\n', &mut line))), 0);
        far.write_all(b"o\n").unwrap();
        reader.read_until(b'\n', &mut line).unwrap();
        assert_eq!(line, b"one\ntwo\n");

        // Ours, with the count and with what had been read.
        let mut reader = bufio::Reader::new(reader.into_inner());
        let mut word = [0; 9];
        far.write_all(b"3 four").unwrap();
        reader.peek(6).unwrap();
        let reading = waiting(place, WaitReason::IoRead, move || {
            let result = reader.read_exact(&mut word);
            (reader, word, result)
        });
        let (mut reader, word, result) = reading.cancelled();
        let mut got = word[..moved(result)].to_vec();
        let short = soon(|| reader.read_bytes(b'\n')).unwrap_err();
        assert!(Error::of(&short.error).unwrap().is_deadline_exceeded());
        let count = short.read.len();
        got.extend(&short.read);
        assert_eq!(Error::of(&short.into()).unwrap().moved() as usize, count);
        far.write_all(b" five\n").unwrap();
        got.extend(reader.read_bytes(b'\n').unwrap());
        assert_eq!(got, b"3 four five\n");
    });
}

#[test]
fn buffered_writers_tell_what_they_have_accepted() {
    on_ps(|place| {
        let (reader, writer) = pipe();
        let mut writer = bufio::Writer::with_capacity(16, writer);
        writer.write_all(b"gathered ").unwrap();
        let writing = waiting(place, WaitReason::Buffer, move || -> Back<_> {
            let result = writer.write_all(b"and too long for the buffer");
            (writer, result)
        });
        let mut reader = reader;
        let mut got = vec![0; 12];
        reader.read_exact(&mut got).unwrap();
        let (mut writer, result) = writing.cancelled();
        let accepted = moved(result);
        let reading = place.start(move || drain(reader));
        writer.write_all(&b"and too long for the buffer"[accepted..]).unwrap();
        writer.flush().unwrap();
        drop(writer);
        got.extend(reading.join());
        assert_eq!(got, b"gathered and too long for the buffer");
    });
}

#[test]
fn a_scanner_ends_and_gives_every_token_before() {
    on_ps(|place| {
        let (near, mut far) = pair();
        far.write_all(b"one\ntwo\nthr").unwrap();
        let reading = waiting(place, WaitReason::IoRead, move || {
            let mut scanner = bufio::Scanner::new(near);
            let mut tokens = Vec::new();
            let result = loop {
                match scanner.scan() {
                    Ok(Some(token)) => tokens.extend(token.iter().chain(b"|").copied()),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            (tokens, result)
        });
        let (tokens, result) = reading.cancelled();
        assert_eq!(moved(result), 0);
        // What has come of the last one is told before the error, as in Go.
        assert!(place == Place::Threads || tokens == b"one|two|thr|", "{tokens:?}");
    });
}

/// A copy from a connection to another that is cancelled while it waits to read; and what had gone through.
fn copied_without_an_end(place: Place, bytes: &[u8]) {
    let ((from, mut source), (to, mut sink)) = (pair(), pair());
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    let (mut reader, mut writer) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let copying = waiting(place, WaitReason::IoRead, move || copy(&mut reader, &mut writer));
    let sent = half.to_vec();
    let sending = place.start(move || {
        source.write_all(&sent).unwrap();
        source
    });
    let mut got = vec![0; half.len()];
    sink.read_exact(&mut got).unwrap();
    let mut source = sending.join();
    assert_eq!(moved(copying.cancelled()), half.len());
    assert_eq!(moved_in_time(soon(|| copy(&mut &from, &mut &to))), 0);
    // Nothing is taken after the end, be it there or not.
    source.write_all(&rest[..1]).unwrap();
    from.wait_readable().unwrap();
    assert_eq!(moved(after_the_end(|| copy(&mut &from, &mut &to))), 0);
    assert_eq!(moved(after_the_end(|| copy(&mut BufReader::new(&from), &mut &to))), 0);
    assert_eq!(moved(after_the_end(|| copy(&mut &from, &mut io::sink()))), 0);

    let rest = rest.to_vec();
    let sending = place.start(move || {
        source.write_all(&rest[1..]).unwrap();
        source.shutdown(Shutdown::Write).unwrap();
    });
    let copying = place.start(move || {
        let count = copy(&mut &from, &mut &to);
        to.shutdown(Shutdown::Write).unwrap();
        count
    });
    got.extend(drain(sink));
    sending.join();
    copying.join().unwrap();
    assert!(got == bytes);
}

#[test]
fn a_copy_that_waits_to_read_loses_nothing() {
    on_ps(|place| {
        copied_without_an_end(place, b"little");
        // Through a pipe.
        copied_without_an_end(place, &much()[..400_000]);
    });
}

#[test]
fn a_copy_that_waits_to_write_says_what_has_arrived() {
    on_ps(|place| {
        let ((from, mut source), (to, sink)) = (narrow(), narrow());
        let sending = place.start(move || drop(source.write_all(much())));
        let mut writer = to.try_clone().unwrap();
        let mut reader = from.try_clone().unwrap();
        let copying = waiting(place, WaitReason::IoWrite, move || copy(&mut reader, &mut writer));
        let count = moved(copying.cancelled());
        to.shutdown(Shutdown::Write).unwrap();
        reset(from);
        assert!(drain(sink) == much()[..count]);
        sending.join();
    });
}

#[test]
fn a_file_that_is_sent_goes_on_where_it_stopped() {
    on_ps(|place| {
        let from = file(much());
        let (to, sink) = narrow();
        let (mut reader, mut writer) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let copying = waiting(place, WaitReason::IoWrite, move || copy(&mut reader, &mut writer));
        let mut count = moved(copying.cancelled()) as u64;
        count += moved_in_time(soon(|| copy(&mut &from, &mut &to))) as u64;
        assert_eq!(moved(after_the_end(|| copy(&mut &from, &mut &to))), 0);
        assert_eq!(moved(after_the_end(|| copy(&mut &from, &mut &file(b"")))), 0);
        let reading = place.start(move || drain(sink));
        count += copy(&mut &from, &mut &to).unwrap();
        to.shutdown(Shutdown::Write).unwrap();
        assert_eq!(count, much().len() as u64);
        assert!(reading.join() == much());
    });
}

#[test]
fn copies_through_a_buffer_count_likewise() {
    on_ps(|place| {
        let ((from, mut source), (mut sink, mut to)) = (pair(), pipe());
        source.write_all(b"0123456789").unwrap();
        from.wait_readable().unwrap();
        let copying = waiting(place, WaitReason::Buffer, move || copy(&mut BufReader::new(from), &mut to));
        let mut part = [0; 4];
        sink.read_exact(&mut part).unwrap();
        assert_eq!((moved(copying.cancelled()), &part), (4, b"0123"));

        let (reader, mut writer) = pipe();
        let copying = waiting(place, WaitReason::Buffer, move || {
            let mut out = Vec::new();
            let mut reader = reader;
            let result = copy(&mut reader, &mut out);
            (reader, out, result)
        });
        writer.write_all(b"before").unwrap();
        let (mut reader, mut out, result) = copying.cancelled();
        assert_eq!((moved(result), &out[..]), (6, &b"before"[..]));
        assert_eq!(moved_in_time(soon(|| copy(&mut reader, &mut out))), 0);
        let writing = place.start(move || writer.write_all(b" and after"));
        copy(&mut reader, &mut out).unwrap();
        writing.join().unwrap();
        assert_eq!(out, b"before and after");
    });
}

/// Gives some bytes, and ends the context meanwhile.
struct Ends(Cancel);

impl Read for Ends {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        assert!(context::check().is_ok(), "nothing is read after the end");
        self.0.cancel_with_cause("enough");
        buf[..5].copy_from_slice(b"hello");
        Ok(5)
    }
}

#[test]
fn what_any_reader_gave_at_the_end_goes_to_a_connection() {
    on_ps(|_| {
        let copies: [fn(&mut Ends, &TcpStream) -> io::Result<u64>; 4] = [
            |from, mut to| copy(from, &mut to),
            |from, to| copy(from, &mut to.try_clone()?),
            |from, mut to| Ok(copy_buffer(from, &mut to, &mut [0; 16])?),
            |from, mut to| Ok(copy_n(from, &mut to, 10)?),
        ];
        for copies in copies {
            let (near, far) = pair();
            let (ctx, cancel) = Context::background().with_cancel();
            let result = ctx.run(|| copies(&mut Ends(cancel), &near));
            assert_eq!(moved(result), 5);
            drop(near);
            assert_eq!(drain(far), b"hello");
        }
    });
}

#[test]
fn what_a_file_gave_at_the_end_goes_to_a_connection() {
    on_ps(|place| {
        let ((near, mut far), (out, mut into)) = (pair(), std::io::pipe().unwrap());
        let mut from = std::fs::File::from(std::os::fd::OwnedFd::from(out));
        let (ctx, cancel) = Context::background().with_cancel();
        let copying = place.start(move || {
            let result = ctx.run(|| copy(&mut from, &mut &near));
            (from, result)
        });
        into.write_all(b"before").unwrap();
        far.read_exact(&mut [0; 6]).unwrap();
        // It reads already, on a spare thread, or does not any more.
        copying.until_waiting(WaitReason::Blocking);
        cancel.cancel_with_cause("enough");
        into.write_all(b" and after").unwrap();
        drop(into);
        let (from, result) = copying.join();
        let mut rest = drain(far);
        assert_eq!(moved(result), 6 + rest.len());
        rest.extend(drain(from));
        assert_eq!(rest, b" and after");
    });
}

#[test]
fn a_line_that_is_there_is_found_whatever_has_gathered() {
    on_ps(|place| {
        let (near, mut far) = pair();
        far.write_all(b"line\n").unwrap();
        let searching = place.start(move || {
            let mut conn = Conn::new(near).unwrap();
            assert_eq!(conn.wait(5).unwrap(), 5);
            conn.write_all(b"answer").unwrap();
            after_the_end(|| {
                assert_eq!(conn.find(b'\n', 100).unwrap(), Some(5));
                assert_eq!(moved(conn.find(b'x', 100)), 0);
            });
        });
        searching.join();
        assert_eq!(drain(far), b"answer");
    });
}

#[test]
fn linked_buffers_say_how_far_they_came() {
    on_ps(|place| {
        let (mut producer, mut consumer) = Options::new().high_water(64).build::<marmot::Goroutines>();
        let writing = waiting(place, WaitReason::Buffer, move || {
            let result = producer.write_all(much());
            (producer, result)
        });
        let (producer, result) = writing.cancelled();
        let there = moved(result);
        assert_eq!((there, consumer.wait(1).unwrap()), (there, there));
        producer.close(Ok(()));
        let mut all = vec![0; there];
        consumer.read_exact(&mut all).unwrap();
        assert!(there > 0 && all == much()[..there]);
        assert_eq!(consumer.read_exact(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);

        let (mut producer, mut consumer) = Options::new().build::<marmot::Goroutines>();
        producer.write_all(b"half").unwrap();
        let reading = waiting(place, WaitReason::Buffer, move || {
            let mut word = [0; 8];
            let result = consumer.read_exact(&mut word);
            (word, result)
        });
        let (word, result) = reading.cancelled();
        assert_eq!((moved(result), &word[..4]), (4, &b"half"[..]));
    });
}

#[test]
fn an_end_between_a_read_and_its_write_loses_nothing() {
    // So much the connections always have room for: who finds none loses bytes, as with every copy.
    const TOTAL: usize = 150_000;
    for procs in [1, 2, 8] {
        with_procs(procs, || {
            for _ in 0..10 {
                let ((from, mut source), (to, sink)) = (pair(), pair());
                SockRef::from(&to).set_send_buffer_size(1 << 20).unwrap();
                let (tell, told) = mpsc::channel();
                let sending = marmot::go(move || {
                    let parts = much()[..TOTAL].chunks(TOTAL / 15);
                    for (part, number) in parts.zip(0..) {
                        source.write_all(part).unwrap();
                        match number {
                            7 => until(|| told.try_recv().is_ok()),
                            _ if number % 2 == 0 => marmot::yield_now(),
                            _ => {}
                        }
                    }
                    source.shutdown(Shutdown::Write).unwrap();
                });
                let (mut count, mut ends) = (0, 0);
                loop {
                    let (ctx, cancel) = Context::background().with_cancel();
                    let cancelling = marmot::go(move || {
                        for _ in 0..ends % 4 {
                            marmot::yield_now();
                        }
                        cancel.cancel();
                    });
                    let result = ctx.run(|| copy_counted(&mut &from, &mut &to));
                    cancelling.join().unwrap();
                    match result {
                        Ok(rest) => break count += rest,
                        Err(partial) => {
                            count += partial.moved;
                            ends += 1;
                            let here = partial.moved;
                            assert_eq!(moved::<()>(Err(partial.into())) as u64, here);
                            let _ = tell.send(());
                        }
                    }
                }
                to.shutdown(Shutdown::Write).unwrap();
                sending.join().unwrap();
                let got = drain(sink);
                assert_eq!((got.len(), count), (TOTAL, TOTAL as u64), "after {ends} ends");
                assert!(ends > 0 && got == much()[..TOTAL]);
            }
        });
    }
}

/// Runs `f` under a context that is cancelled after a few turns of others.
fn cut_short<T>(turns: usize, f: impl FnOnce() -> T) -> T {
    let (ctx, cancel) = Context::background().with_cancel();
    let cancelling = marmot::go(move || {
        for _ in 0..turns {
            marmot::yield_now();
        }
        cancel.cancel();
    });
    let result = ctx.run(f);
    cancelling.join().unwrap();
    result
}

/// Writes all of `bytes` by calls that are cut short, and says how many were.
fn write_in_parts(mut writer: impl Write, bytes: &[u8]) -> usize {
    let (mut count, mut ends) = (0, 0);
    while count < bytes.len() {
        let part = &bytes[count..bytes.len().min(count + 5000)];
        match cut_short(ends % 5, || writer.write_all(part)) {
            Ok(()) => count += part.len(),
            Err(error) => {
                count += moved::<()>(Err(error));
                ends += 1;
                marmot::yield_now();
            }
        }
    }
    writer.flush().unwrap();
    ends
}

/// Reads `count` bytes by calls that are cut short; says how many were, too.
fn read_in_parts(mut reader: impl Read, count: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut ends, mut part) = (Vec::new(), 0, [0; 3000]);
    while bytes.len() < count {
        let asked = part.len().min(count - bytes.len());
        let here = match cut_short(ends % 7, || reader.read_exact(&mut part[..asked])) {
            Ok(()) => asked,
            Err(error) => {
                ends += 1;
                marmot::yield_now();
                moved::<()>(Err(error))
            }
        };
        bytes.extend(&part[..here]);
    }
    (bytes, ends)
}

#[test]
fn whatever_is_cut_short_every_byte_comes_once() {
    #[track_caller]
    fn assert_passes(writer: impl Write + Send + 'static, reader: impl Read) {
        let bytes = &much()[..100_000];
        let writing = marmot::go(move || write_in_parts(writer, bytes));
        let (got, ends) = read_in_parts(reader, bytes.len());
        let written = writing.join().unwrap();
        assert!(got == bytes);
        assert!(ends + written > 0, "nothing was cut short");
    }

    for procs in [1, 2, 8] {
        with_procs(procs, || {
            let (reader, writer) = pipe();
            assert_passes(writer, reader);
            let (near, far) = narrow();
            assert_passes(near, far);
            let (near, far) = narrow();
            assert_passes(Conn::new(near).unwrap(), Conn::new(far).unwrap());
            let (producer, consumer) = Options::new().high_water(4000).build::<marmot::Goroutines>();
            assert_passes(producer, consumer);
            let (near, far) = duplex();
            assert_passes(bufio::Writer::with_capacity(700, near), bufio::Reader::with_capacity(900, far));
        });
    }
}

#[test]
fn both_directions_of_a_proxy_end() {
    on_ps(|place| {
        let ((front, mut client), (back, mut server)) = (pair(), pair());
        let proxy = waiting(place, WaitReason::IoRead, move || copy_bidirectional(&front, &back).unwrap());
        client.write_all(b"question").unwrap();
        server.read_exact(&mut [0; 8]).unwrap();
        server.write_all(b"answer").unwrap();
        client.read_exact(&mut [0; 6]).unwrap();
        let both = proxy.cancelled();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (8, 6));
        // The first to end closes both connections.
        let ends = [both.a_to_b.result, both.b_to_a.result];
        assert!(ends.iter().all(Result::is_err));
        assert!(ends.iter().flat_map(|end| end.as_ref().err()).any(|error| Error::of(error).is_some()));
    });
}

#[test]
fn clean_up_is_done_behind_a_shield() {
    on_ps(|place| {
        let (mut near, mut far) = conn();
        let serving = waiting(place, WaitReason::BufferedIo, move || {
            let result = near.read(&mut [0; 8]);
            context::shield(|| {
                near.write_all(b"bye").unwrap();
                near.flush().unwrap();
                let mut word = [0; 3];
                near.read_exact(&mut word).unwrap();
                assert_eq!(&word, b"bye");
            });
            result
        });
        serving.cancel.cancel();
        let mut word = [0; 3];
        far.read_exact(&mut word).unwrap();
        far.write_all(&word).unwrap();
        assert_eq!(moved(serving.started.join()), 0);
    });
}
