//! Buffered connections: read ahead, written late, and no byte lost whatever happens.

mod common;

use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Release},
};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{alone, assert_fails, everywhere, listener, ms, open_sockets, pair, reset, until, with_procs};
use marmot::buf::Chunk;
use marmot::buffered::codec::{Decoded, Decoder, Fixed, LengthDelimited, Lines};
use marmot::buffered::{Conn, Framed, HIGH_WATER, Reader, Sink, Source, Writer};
use marmot::io::bufio;
use marmot::net::TcpStream;

/// A buffered connection, and the other end of it.
fn conn() -> (Conn<TcpStream>, TcpStream) {
    let (near, far) = pair();
    (Conn::new(near).unwrap(), far)
}

/// Reads just what has arrived at `stream`, which is `text` in the end.
#[track_caller]
fn assert_arrives(mut stream: &TcpStream, text: &[u8]) {
    let mut bytes = vec![0; text.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, text);
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

#[test]
fn lines_go_to_and_fro() {
    everywhere(|place| {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = place.start(move || -> io::Result<()> {
            let mut conn = Conn::new(listener.accept()?.0)?;
            let mut line = String::new();
            while conn.read_line(&mut line)? > 0 {
                conn.write_all(line.to_uppercase().as_bytes())?;
                line.clear();
            }
            Ok(())
        });
        let mut client = Conn::new(TcpStream::connect(addr).unwrap()).unwrap();
        for turn in 0..50 {
            client.write_all(format!("line {turn}\n").as_bytes()).unwrap();
            let mut answer = String::new();
            client.read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("LINE {turn}\n"));
        }
        drop(client);
        server.join().unwrap();
    });
}

#[test]
fn much_goes_both_ways_at_once() {
    everywhere(|place| {
        let (near, far) = conn();
        let sent = pattern(3 << 20);
        let (mut reader, mut writer) = near.split();
        let expected = sent.clone();
        let echo = place.start(move || {
            let mut conn = Conn::new(far).unwrap();
            let mut buf = [0; 3000];
            loop {
                match conn.read(&mut buf).unwrap() {
                    0 => break,
                    n => conn.write_all(&buf[..n]).unwrap(),
                }
            }
            conn.flush().unwrap();
            conn.get_ref().shutdown(Shutdown::Write).unwrap();
        });
        let sender = place.start(move || {
            // Small, middle and large writes.
            let mut rest = &sent[..];
            for size in [1, 100, 4096, 20_000].into_iter().cycle() {
                let count = rest.len().min(size);
                writer.write_all(&rest[..count]).unwrap();
                rest = &rest[count..];
                if rest.is_empty() {
                    break;
                }
            }
            writer.flush().unwrap();
            writer
        });
        let mut received = vec![0; expected.len()];
        reader.read_exact(&mut received).unwrap();
        assert!(received == expected, "what came back differs");
        drop((reader, sender.join()));
        echo.join();
    });
}

#[test]
fn what_comes_is_read_ahead_up_to_the_mark() {
    everywhere(|place| {
        let (mut conn, mut far) = conn();
        far.write_all(&[7; 1000]).unwrap();
        until(|| conn.readable() == 1000);
        // Without a deadline nothing would tell that the sender waits.
        far.set_write_deadline(Some(Instant::now() + Duration::from_secs(1))).unwrap();
        let sender = place.start(move || {
            let mut sent = 1000;
            while let Ok(n) = far.write(&[7; 4096]) {
                sent += n;
            }
            far.set_write_deadline(None).unwrap();
            (sent, far)
        });
        let (sent, far) = sender.join();
        // A read may go beyond the mark by what it was given room for.
        assert!(conn.readable() < 2 * HIGH_WATER + 4096, "{} bytes were read ahead", conn.readable());
        far.shutdown(Shutdown::Write).unwrap();
        let mut all = Vec::new();
        conn.read_to_end(&mut all).unwrap();
        assert_eq!(all.len(), sent);
    });
}

#[test]
fn what_is_written_is_sent_when_the_goroutine_waits_for_anything() {
    const A_WHILE: Duration = Duration::from_secs(3);
    with_procs(2, || {
        let waits: [fn(marmot::JoinHandle<()>); 4] = [
            |_| marmot::sleep(A_WHILE),
            |_| marmot::park_timeout(A_WHILE),
            |other| other.join().unwrap(),
            |other| marmot::scope(|scope| drop(scope.go(|| other.join().unwrap()))),
        ];
        for wait in waits {
            let (near, far) = pair();
            let other = marmot::go(marmot::park);
            let parked = other.goroutine().clone();
            let begun = Instant::now();
            let handle = marmot::go(move || {
                let mut writer = Writer::new(near);
                writer.write_all(b"before ").unwrap();
                writer.write_all(b"the wait").unwrap();
                wait(other);
            });
            assert_arrives(&far, b"before the wait");
            assert!(!handle.is_finished() || begun.elapsed() > A_WHILE);
            parked.unpark();
            handle.join().unwrap();
        }
    });
}

#[test]
fn what_is_written_is_sent_when_the_goroutine_ends() {
    with_procs(2, || {
        let (near, far) = pair();
        // The writer outlives the goroutine that wrote.
        let writer = marmot::go(move || {
            let mut writer = Writer::new(near);
            writer.write_all(b"the end").unwrap();
            writer
        });
        assert_arrives(&far, b"the end");
        drop(writer.join().unwrap());
    });
}

#[test]
fn small_writes_of_a_turn_are_sent_together() {
    with_procs(1, || {
        let calls = Calls::default();
        let log = Arc::clone(&calls.0);
        let mut writer = Writer::new(calls);
        for _ in 0..16 {
            writer.write_all(&[1; 64]).unwrap();
        }
        marmot::yield_now();
        assert_eq!(*log.lock().unwrap(), [1024]);
        writer.append(vec![2; 10]).unwrap();
        writer.write_all(&[3; 10]).unwrap();
        writer.flush().unwrap();
        assert_eq!(*log.lock().unwrap(), [1024, 20]);
        // A large write is not copied, and comes after what was written before.
        writer.write_all(&[4; 10]).unwrap();
        writer.write_all(&[5; 100_000]).unwrap();
        assert_eq!(*log.lock().unwrap(), [1024, 20, 10, 100_000]);
        // What reaches the mark is sent without a word.
        for _ in 0..HIGH_WATER / 1000 + 2 {
            writer.write_all(&[6; 1000]).unwrap();
        }
        assert!(log.lock().unwrap().len() > 4);
    });
}

/// A sink that writes down how much each call brought, and never has to wait.
#[derive(Default)]
struct Calls(Arc<Mutex<Vec<usize>>>);

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.len());
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let count = bufs.iter().map(|b| b.len()).sum();
        self.0.lock().unwrap().push(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Calls {
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_vectored(bufs)
    }
}

/// A sink that always has to wait.
struct Slow(Arc<Mutex<Vec<u8>>>);

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        marmot::yield_now();
        let count = bytes.len().min(3);
        self.0.lock().unwrap().extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Slow {}

#[test]
fn a_sink_that_has_to_wait_gets_a_goroutine() {
    with_procs(2, || {
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut writer = Writer::new(Slow(Arc::clone(&got)));
        let sent = pattern(1000);
        for piece in sent.chunks(10) {
            writer.write_all(piece).unwrap();
            marmot::yield_now();
        }
        until(|| got.lock().unwrap().len() == 1000);
        assert_eq!(*got.lock().unwrap(), sent);
        assert!(writer.is_empty());
    });
}

#[test]
fn a_peer_that_does_not_read_holds_up_its_writer_and_loses_nothing() {
    everywhere(|place| {
        let (near, mut far) = pair();
        let written = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&written);
        let writer = place.start(move || {
            let mut writer = Writer::new(near);
            for i in 0..100_000_u32 {
                writer.write_all(&[i as u8; 100]).unwrap();
                count.store(100 * i as usize, Release);
            }
            writer.flush().unwrap();
        });
        // It gets stuck: the count stays the same for a while.
        let mut last = (usize::MAX, Instant::now());
        until(|| {
            let now = written.load(Acquire);
            if now != last.0 {
                last = (now, Instant::now());
            }
            last.1.elapsed() > ms(200)
        });
        assert!(!writer.is_finished());
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        writer.join();
        assert_eq!(all.len(), 10_000_000);
        assert!(all.chunks(100).enumerate().all(|(i, piece)| piece == [i as u8; 100]));
    });
}

#[test]
fn a_plain_thread_sends_before_it_waits_for_the_answer() {
    let (mut near, far) = conn();
    let mut far = Conn::new(far).unwrap();
    let answer = std::thread::spawn(move || {
        let mut word = [0; 4];
        far.read_exact(&mut word).unwrap();
        far.write_all(&word).unwrap();
        // Its own side is flushed by the drop.
    });
    near.write_all(b"ping").unwrap();
    let mut word = [0; 4];
    near.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"ping");
    answer.join().unwrap();
}

#[test]
fn a_reset_comes_after_the_bytes_before_it() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        far.write_all(b"last words").unwrap();
        until(|| conn.readable() == 10);
        reset(far);
        let mut text = [0; 10];
        conn.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"last words");
        for _ in 0..3 {
            assert_fails(ErrorKind::ConnectionReset, conn.read(&mut text));
        }
    });
}

#[test]
fn the_end_comes_after_the_bytes_before_it_and_stays() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        far.write_all(b"end").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        conn.read_to_string(&mut text).unwrap();
        assert_eq!(text, "end");
        assert_eq!(conn.read(&mut [0; 8]).unwrap(), 0);
        // The other half goes on.
        conn.write_all(b"still here").unwrap();
        conn.flush().unwrap();
        assert_arrives(&far, b"still here");
    });
}

#[test]
fn reading_goes_on_after_a_deadline() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        far.write_all(b"abc").unwrap();
        conn.wait(3).unwrap();
        for _ in 0..3 {
            conn.get_ref().set_read_deadline(Some(Instant::now() + ms(20))).unwrap();
            assert_fails(ErrorKind::TimedOut, conn.wait(6));
            // It holds until it is set again, and what is there stays there.
            assert_fails(ErrorKind::TimedOut, conn.wait(6));
            assert_eq!(conn.peek(3).unwrap(), b"abc");
        }
        conn.get_ref().set_read_deadline(None).unwrap();
        far.write_all(b"def").unwrap();
        assert_eq!(conn.wait(6).unwrap(), 6);
        let mut text = [0; 6];
        conn.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"abcdef");
    });
}

#[test]
fn a_deadline_comes_after_the_bytes_before_it() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        far.write_all(b"in time").unwrap();
        until(|| conn.readable() == 7);
        conn.get_ref().set_read_deadline(Some(Instant::now())).unwrap();
        let mut text = [0; 7];
        conn.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"in time");
        assert_fails(ErrorKind::TimedOut, conn.read(&mut text));
    });
}

#[test]
fn a_timeout_that_is_over_before_the_wait_begins_ends_it() {
    everywhere(|_| {
        let (near, far) = pair();
        near.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
        let mut conn = Conn::new(near).unwrap();
        assert_fails(ErrorKind::TimedOut, conn.wait(1));
        conn.get_ref().set_read_timeout(None).unwrap();
        (&far).write_all(b"late").unwrap();
        assert_eq!(conn.fill_buf().unwrap(), b"late");
    });
}

#[test]
fn a_connection_that_is_closed_elsewhere_ends_the_wait() {
    everywhere(|place| {
        let (mut near, _far) = conn();
        let handle = near.get_ref().try_clone().unwrap();
        let reader = place.start(move || near.read(&mut [0; 8]));
        handle.close().unwrap();
        assert_fails(ErrorKind::NotConnected, reader.join());
    });
}

#[test]
fn dropping_it_sends_and_closes() {
    let _alone = alone();
    everywhere(|_| {
        let before = open_sockets();
        let (mut near, mut far) = conn();
        near.write_all(b"bye").unwrap();
        drop(near);
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bye");
        drop(far);
        until(|| open_sockets() == before);
    });
}

#[test]
fn a_half_that_is_dropped_leaves_the_other() {
    everywhere(|_| {
        let (near, far) = conn();
        let (reader, mut writer) = near.split();
        drop(reader);
        writer.write_all(b"one way").unwrap();
        writer.flush().unwrap();
        assert_arrives(&far, b"one way");
    });
}

#[test]
fn the_other_calls_of_the_reading_side() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        far.write_all(b"name=marmot;rest").unwrap();
        assert_eq!(conn.find(b'=', 100).unwrap(), Some(5));
        assert_eq!(conn.take_chunk(5).unwrap(), "name=");
        assert_eq!(conn.find(b';', 3).unwrap(), None);
        assert_eq!(conn.find(b';', 100).unwrap(), Some(7));
        assert_eq!(conn.skip(7), 7);
        conn.wait(4).unwrap();
        assert_eq!(conn.peek(4).unwrap(), b"rest");
        assert_eq!(conn.peek(5), None);
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(conn.wait(100).unwrap(), 4);
        assert_eq!(conn.find(b';', 100).unwrap(), None);
    });
}

/// A source of a few bytes at a time, which is late as long as that is set.
struct Dribble(Vec<io::Result<&'static [u8]>>, Arc<AtomicBool>);

impl Read for Dribble {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.first() {
            None => Ok(0),
            Some(Ok(b"late")) if self.1.load(Acquire) => Err(ErrorKind::TimedOut.into()),
            Some(_) => self.0.remove(0)?.read(buf),
        }
    }
}

impl Source for Dribble {}

#[test]
fn any_source_can_be_read_ahead() {
    everywhere(|_| {
        let interrupted = Err(ErrorKind::Interrupted.into());
        let late = Arc::new(AtomicBool::new(true));
        let source = Dribble(vec![Ok(&b"in"[..]), Ok(b"late"), interrupted, Ok(b"er")], Arc::clone(&late));
        let mut reader = Reader::new(source).unwrap();
        for _ in 0..3 {
            assert_fails(ErrorKind::TimedOut, reader.wait(3));
            assert_eq!(reader.peek(2).unwrap(), b"in");
        }
        late.store(false, Release);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "inlateer");

        let broken = vec![Ok(&b"ab"[..]), Err(ErrorKind::InvalidData.into())];
        let mut reader = Reader::new(Dribble(broken, late)).unwrap();
        assert_eq!(reader.wait(3).unwrap(), 2);
        let mut text = Vec::new();
        assert_fails(ErrorKind::InvalidData, reader.read_to_end(&mut text));
        assert_eq!(text, b"ab");
    });
}

#[test]
fn a_deadline_that_passes_between_two_reads_is_none() {
    everywhere(|_| {
        let (mut conn, mut far) = conn();
        let passed = Instant::now() + ms(10);
        conn.get_ref().set_read_deadline(Some(passed)).unwrap();
        // Until the reading goroutine has found it, or would have by now.
        until(|| Instant::now() > passed + ms(30));
        conn.get_ref().set_read_deadline(Some(Instant::now() + Duration::from_secs(60))).unwrap();
        far.write_all(b"in time").unwrap();
        let mut text = [0; 7];
        conn.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"in time");
    });
}

/// A source that panics after its first bytes.
struct Panics(bool);

impl Read for Panics {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        assert!(!std::mem::replace(&mut self.0, true), "read this (it is part of the test)");
        (&b"abc"[..]).read(buf)
    }
}

impl Source for Panics {}

#[test]
fn a_stream_that_breaks_off_does_not_seem_to_have_ended() {
    everywhere(|_| {
        let mut reader = Reader::new(Panics(false)).unwrap();
        let mut text = Vec::new();
        assert_fails(ErrorKind::ConnectionAborted, reader.read_to_end(&mut text));
        assert_eq!(text, b"abc");
        assert_fails(ErrorKind::ConnectionAborted, reader.read(&mut [0]));
    });
}

/// A sink that panics, or fails, as it is told.
struct Bad(Arc<AtomicUsize>, ErrorKind);

impl Write for Bad {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(1, Release);
        assert_ne!(self.1, ErrorKind::Other, "read this (it is part of the test)");
        let _ = bytes;
        Err(self.1.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Bad {
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&bufs[0])
    }
}

#[test]
fn a_sink_that_panics_ends_nobody_else_and_is_not_called_again() {
    with_procs(1, || {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer::new(Bad(Arc::clone(&calls), ErrorKind::Other));
        writer.write_all(b"lost").unwrap();
        marmot::yield_now();
        // This goroutine runs on, and so do others.
        marmot::go(|| ()).join().unwrap();
        assert_eq!(calls.load(Acquire), 1);
        assert_fails(ErrorKind::Other, writer.write(b"more"));
        assert_fails(ErrorKind::Other, writer.flush());
        drop(writer);
        assert_eq!(calls.load(Acquire), 1);
    });
}

/// A sink that takes more than there is.
struct Greedy(Arc<AtomicUsize>);

impl Write for Greedy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(1, Release);
        Ok(bytes.len() + 1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Greedy {}

#[test]
fn a_sink_that_takes_too_much_is_not_called_again() {
    everywhere(|_| {
        for size in [10, 100_000] {
            let calls = Arc::new(AtomicUsize::new(0));
            let mut writer = Writer::new(Greedy(Arc::clone(&calls)));
            let mut writes = || writer.write(&pattern(size)).and_then(|_| writer.flush());
            let error = writes().unwrap_err();
            assert!(matches!(bufio::Error::of(&error), Some(bufio::Error::BadCount { .. })), "{error}");
            assert_fails(ErrorKind::Other, writer.flush());
            drop(writer);
            assert_eq!(calls.load(Acquire), 1);
        }
    });
}

#[test]
fn what_the_m_could_not_send_is_told_by_the_next_call() {
    with_procs(1, || {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer::new(Bad(Arc::clone(&calls), ErrorKind::StorageFull));
        writer.write_all(b"kept").unwrap();
        marmot::yield_now();
        assert_fails(ErrorKind::StorageFull, writer.write(b"more"));
        // That is told once; what was kept is tried again.
        writer.write_all(b"more").unwrap();
        assert_fails(ErrorKind::StorageFull, writer.flush());
        assert!(!writer.is_empty());
        assert_eq!(calls.load(Acquire), 2);
    });
    // A connection tells it before it waits for an answer that will not come.
    with_procs(1, || {
        let (mut conn, _far) = conn();
        conn.get_ref().set_write_deadline(Some(Instant::now())).unwrap();
        conn.write_all(b"question").unwrap();
        marmot::yield_now();
        assert_fails(ErrorKind::TimedOut, conn.read(&mut [0]));
    });
}

/// Owns bytes, and panics when it is dropped.
struct Bomb;

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        b"bomb "
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("read this (it is part of the test)");
    }
}

/// Keeps what it is given; the M may send it some, or not.
struct Kept(Arc<Mutex<Vec<u8>>>, bool);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Kept {
    fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.1 { self.write(&bufs[0]) } else { Err(ErrorKind::WouldBlock.into()) }
    }
}

#[test]
fn an_owner_that_panics_where_nobody_sees_it_is_told_by_the_next_call() {
    // By the M, and by the goroutine that it starts.
    for by_the_m in [true, false] {
        with_procs(1, move || {
            let kept = Arc::new(Mutex::new(Vec::new()));
            let mut writer = Writer::new(Kept(Arc::clone(&kept), by_the_m));
            writer.append(Chunk::from_owner(Bomb)).unwrap();
            // Longer than what one call is given.
            for _ in 0..20 {
                writer.append(Chunk::from(&b"rest"[..])).unwrap();
            }
            until(|| !kept.lock().unwrap().is_empty());
            marmot::yield_now();
            assert_fails(ErrorKind::Other, writer.write(b"more"));
            // That is told once; the rest is still there.
            writer.flush().unwrap();
            let kept = kept.lock().unwrap();
            assert_eq!(*kept, [&b"bomb "[..], &b"rest".repeat(20)].concat());
        });
    }
}

#[test]
fn what_is_handed_on_is_sent_when_its_new_goroutine_waits() {
    with_procs(2, || {
        let (near, mut far) = pair();
        let mut writer = Writer::new(near);
        writer.write_all(b"one ").unwrap();
        // Another M takes it, for this one's goroutine does not end its turn until what the other has written is there.
        let second = marmot::go(move || {
            writer.write_all(b"two").unwrap();
            marmot::sleep(ms(1));
            drop(writer);
        });
        let reader = std::thread::spawn(move || {
            let mut text = [0; 7];
            far.read_exact(&mut text).unwrap();
            text
        });
        let begun = Instant::now();
        while !reader.is_finished() {
            assert!(begun.elapsed() < common::LIMIT, "nothing has come");
            std::hint::spin_loop();
        }
        assert_eq!(&reader.join().unwrap(), b"one two");
        second.join().unwrap();
    });
}

#[test]
fn frames_go_to_and_fro() {
    everywhere(|place| {
        let (near, far) = conn();
        let echo = place.start(move || -> io::Result<usize> {
            let mut frames = Framed::new(Conn::new(far)?, LengthDelimited::new());
            let mut count = 0;
            while let Some(frame) = frames.read()? {
                frames.write(frame)?;
                count += 1;
            }
            Ok(count)
        });
        let mut frames = Framed::new(near, LengthDelimited::new());
        let sizes = [0, 1, 60, 4092, 4093, 10_000, 200_000, 3];
        for size in sizes {
            frames.write(pattern(size)).unwrap();
        }
        for size in sizes {
            assert!(frames.read().unwrap().unwrap() == pattern(size));
        }
        drop(frames);
        assert_eq!(echo.join().unwrap(), sizes.len());
    });
}

#[test]
fn frames_that_are_too_long_or_cut_off_are_errors() {
    everywhere(|_| {
        let (near, mut far) = conn();
        let mut frames = Framed::new(near, LengthDelimited::new().max_length(100));
        let error = frames.write([0; 101]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        far.write_all(&[0, 0, 1, 0]).unwrap();
        let error = frames.read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "a frame of 256 bytes is over the limit of 100; max_length sets another");

        let (near, mut far) = conn();
        let mut frames = Framed::new(near, Fixed::new(10));
        far.write_all(b"0123456789abc").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let collected: Vec<_> = frames.frames().collect();
        assert_eq!(collected.len(), 2);
        assert_eq!(collected[0].as_ref().unwrap(), b"0123456789");
        assert_eq!(collected[1].as_ref().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_reset_in_the_middle_of_a_frame_is_a_reset() {
    everywhere(|_| {
        let (near, mut far) = conn();
        let mut frames = Framed::new(near, Fixed::new(10));
        far.write_all(b"0123456789abc").unwrap();
        until(|| frames.get_ref().readable() == 13);
        reset(far);
        assert_eq!(frames.read().unwrap().unwrap(), b"0123456789");
        assert_fails(ErrorKind::ConnectionReset, frames.read());
        assert_fails(ErrorKind::ConnectionReset, frames.read());
    });
}

/// Frames of five bytes, which come just when the codec has looked.
struct Late(TcpStream);

impl Decoder for Late {
    type Frame = marmot::buf::Chunk;

    fn decode<P: marmot::buf::Park>(
        &mut self,
        input: &mut marmot::buf::Consumer<P>,
    ) -> io::Result<Decoded<Self::Frame>> {
        let decoded = Fixed::new(5).decode(input)?;
        if let Decoded::Need(_) = decoded {
            self.0.write_all(b"hello")?;
            until(|| input.len() >= 5);
        }
        Ok(decoded)
    }
}

#[test]
fn a_frame_that_comes_while_the_codec_looks_is_found() {
    everywhere(|_| {
        let (near, far) = conn();
        let mut frames = Framed::new(near, Late(far));
        for _ in 0..3 {
            assert_eq!(frames.read().unwrap().unwrap(), b"hello");
        }
    });
}

#[test]
fn a_frame_goes_on_after_a_deadline() {
    everywhere(|_| {
        let (near, mut far) = conn();
        let mut frames = Framed::new(near, Lines::new());
        far.write_all(b"half a ").unwrap();
        frames.get_ref().get_ref().set_read_deadline(Some(Instant::now() + ms(20))).unwrap();
        assert_fails(ErrorKind::TimedOut, frames.read());
        frames.get_ref().get_ref().set_read_deadline(None).unwrap();
        far.write_all(b"line\r\nlast").unwrap();
        assert_eq!(frames.read().unwrap().unwrap(), "half a line");
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(frames.read().unwrap().unwrap(), "last");
        assert!(frames.read().unwrap().is_none());
    });
}
