//! Random calls of both sides against a plain queue of bytes: one script of bytes is one sequence of calls.
//!
//! The property test and the fuzz target share this file. Everything runs on one thread. A call that would wait finds that
//! it is cancelled, which is one more outcome that the queue foretells: such a call loses nothing.

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::Instant;

use marmot_buf::linked::Options;
use marmot_buf::{Chunk, Consumer, Park, Producer};

/// How a wait ends here.
const CANCELLED: ErrorKind = ErrorKind::ConnectionAborted;

/// Waits for nothing.
struct Cancelled;

impl Park for Cancelled {
    type Handle = ();

    fn current() {}

    fn park(until: Option<Instant>) -> io::Result<()> {
        // The caller has looked at the clock itself.
        assert_eq!(until, None, "a deadline that has passed is not waited for");
        Err(CANCELLED.into())
    }

    fn unpark((): &()) {}
}

/// Plays a script, and panics if the buffer does anything that the queue does not.
pub fn play(script: &[u8]) {
    let mut script = Script(script);
    let node_size = 512 << (script.next() % 3);
    let high_water = [1, 100, 512, 1500, 4096, 1 << 16][usize::from(script.next() % 6)];
    let (producer, consumer) = Options::new().node_size(node_size).high_water(high_water).build();
    let mut game = Game {
        producer: Some(producer),
        consumer: Some(consumer),
        queue: VecDeque::new(),
        result: Ok(()),
        told: false,
        paused: false,
        chunks: Vec::new(),
        random: 1,
        high_water,
        node_size,
    };
    while let Some(call) = script.call() {
        game.call(call, &mut script);
        game.compare();
    }
    // What is left goes in an order that the script has a say in.
    if script.next().is_multiple_of(2) {
        game.consumer = None;
        game.producer = None;
    } else {
        game.producer = None;
        game.consumer = None;
    }
    for (chunk, expected) in &game.chunks {
        assert_eq!(chunk, expected, "a chunk has changed");
    }
}

/// The bytes that decide what is done; zeros when they have run out.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn call(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn next(&mut self) -> u8 {
        self.call().unwrap_or(0)
    }

    /// A number of bytes: small ones, such as are near the ends of nodes, and now and then large ones.
    fn size(&mut self) -> usize {
        let (kind, value) = (self.next(), usize::from(self.next()));
        match kind % 8 {
            0 => value % 4,
            1..=3 => value,
            4 => 512 - 4 + value % 8,
            5 => 512 * (value % 5 + 1) - 2 + value % 4,
            6 => value * 8,
            _ => value * 64,
        }
    }
}

struct Game {
    producer: Option<Producer<Cancelled>>,
    consumer: Option<Consumer<Cancelled>>,
    /// What is in the buffer.
    queue: VecDeque<u8>,
    /// How the producer ended, if it has.
    result: Result<(), ErrorKind>,
    /// Whether an error has been given out as it is.
    told: bool,
    /// Whether it has ended for now only.
    paused: bool,
    chunks: Vec<(Chunk, Vec<u8>)>,
    random: u32,
    high_water: usize,
    node_size: usize,
}

impl Game {
    fn call(&mut self, call: u8, script: &mut Script<'_>) {
        match call % 32 {
            0..=2 => self.write(script.size()),
            3..=5 => self.room(script.size(), script.size()),
            6 | 7 => self.read_from(script.size(), script.next()),
            8 | 9 => self.append(script.size()),
            10 => self.append_chunk(script.next()),
            11 => self.producer.as_mut().into_iter().for_each(Producer::let_go),
            12 => self.pause_or_resume(script.next()),
            13 => self.close(script.next(), script.next()),
            14..=16 => self.read(script.size()),
            17 | 18 => self.fill_and_consume(script.size()),
            19 | 20 => self.peek(script.size()),
            21 => self.skip(script.size()),
            22..=24 => self.take_chunk(script.size()),
            25 | 26 => self.write_to(script.size(), script.next()),
            27 | 28 => self.find(script.next(), script.size(), script.next()),
            29 => self.wait(script.size(), script.next()),
            30 => self.use_chunk(script.next(), script.size()),
            _ => self.leave(script.next(), script.next()),
        }
    }

    /// What can be compared after each call.
    fn compare(&mut self) {
        if let Some(consumer) = &mut self.consumer {
            assert_eq!(consumer.len(), self.queue.len());
            assert_eq!(consumer.is_empty(), self.queue.is_empty());
            let has_ended = self.producer.is_none() || self.paused;
            assert_eq!(consumer.has_failed(), has_ended && self.result.is_err());
            if !has_ended || !self.queue.is_empty() {
                assert!(consumer.ended().is_none());
            }
        }
        if let Some(producer) = &self.producer {
            assert_eq!(producer.is_abandoned(), self.consumer.is_none());
            let (len, unused) = (producer.len(), self.queue.len());
            assert!((unused..unused + self.node_size).contains(&len), "{len} bytes for {unused}");
            assert_eq!(producer.is_empty(), unused == 0, "the last byte is always told");
        }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut next = || {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // One value is rare, for `find`.
            if self.random >> 23 == 0 { 255 } else { (self.random >> 24) as u8 & 127 }
        };
        (0..count).map(|_| next()).collect()
    }

    /// Takes bytes out of the queue, which has so many.
    fn dequeue(&mut self, count: usize) -> Vec<u8> {
        self.queue.drain(..count).collect()
    }

    fn expect_end(&mut self, result: io::Result<usize>) {
        match self.result {
            Ok(()) => assert_eq!(result.expect("it ended in good order"), 0),
            Err(kind) => {
                let error = result.expect_err("it ended with an error");
                assert_eq!(error.kind(), kind);
                assert_eq!(error.get_ref().is_some(), !self.told, "the error itself is given out once");
                self.told = true;
            }
        }
    }

    /// Whether nothing comes after what is in the queue.
    fn has_ended(&self) -> bool {
        self.producer.is_none() || self.paused
    }

    // The producer's calls. One that has paused adds nothing.

    fn pause_or_resume(&mut self, whether: u8) {
        if self.paused {
            let Some(consumer) = &mut self.consumer else { return };
            let error = consumer.resume();
            if self.producer.is_none() {
                assert!(error.is_none(), "there is nobody to go on");
                return;
            }
            let error = error.expect("it has paused");
            assert_eq!((error.kind(), error.get_ref().is_some()), (ErrorKind::TimedOut, !self.told));
            (self.paused, self.result, self.told) = (false, Ok(()), false);
        } else if let Some(producer) = &mut self.producer
            && whether.is_multiple_of(2)
        {
            producer.pause(io::Error::new(ErrorKind::TimedOut, "by the script"));
            (self.paused, self.result) = (true, Err(ErrorKind::TimedOut));
        }
    }

    fn write(&mut self, count: usize) {
        let bytes = self.bytes(count);
        let Some(producer) = self.producer.as_mut().filter(|_| !self.paused) else { return };
        let is_full = producer.len() >= self.high_water;
        match producer.write(&bytes) {
            Ok(0) => assert_eq!(count, 0),
            Ok(written) => {
                assert!(!is_full && self.consumer.is_some());
                assert_eq!(written, count.min(4 * self.node_size));
                self.queue.extend(&bytes[..written]);
            }
            Err(error) => {
                assert!(count > 0);
                self.expect_failure(&error, is_full);
            }
        }
    }

    fn expect_failure(&self, error: &io::Error, is_full: bool) {
        let kind = if self.consumer.is_none() { ErrorKind::BrokenPipe } else { CANCELLED };
        assert_eq!(error.kind(), kind);
        assert!(is_full || kind == ErrorKind::BrokenPipe);
    }

    fn room(&mut self, count: usize, committed: usize) {
        let bytes = self.bytes(committed);
        let Some(producer) = self.producer.as_mut().filter(|_| !self.paused) else { return };
        let mut room = producer.room(count);
        let len = room.len();
        assert!(len >= count.min(15 * self.node_size));
        let committed = committed.min(len);
        let mut rest = &bytes[..committed];
        let slices = room.slices();
        assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), len);
        for slice in slices {
            let here = rest.read(slice).expect("it is memory");
            // What is not committed may be anything.
            slice[here..].fill(254);
        }
        let result = room.commit(committed);
        self.expect_added(result, &bytes[..committed]);
    }

    fn expect_added(&mut self, result: io::Result<()>, bytes: &[u8]) {
        if self.consumer.is_some() || bytes.is_empty() {
            result.expect("somebody reads");
            self.queue.extend(bytes);
        } else {
            assert_eq!(result.expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
        }
    }

    fn read_from(&mut self, count: usize, kind: u8) {
        let bytes = self.bytes(count);
        let Some(producer) = self.producer.as_mut().filter(|_| !self.paused) else { return };
        if kind.is_multiple_of(8) {
            let error = producer.read_from(&mut Broken).expect_err("the reader is broken");
            assert_eq!(error.kind(), ErrorKind::NotConnected);
            return;
        }
        let mut rest = &bytes[..];
        let result = producer.read_from(&mut rest);
        let read = count - rest.len();
        if let Ok(told) = &result {
            assert_eq!(*told, read);
        }
        self.expect_added(result.map(drop), &bytes[..read]);
    }

    fn append(&mut self, count: usize) {
        let bytes = self.bytes(count);
        let Some(producer) = self.producer.as_mut().filter(|_| !self.paused) else { return };
        let result = producer.append(bytes.clone());
        self.expect_added(result, &bytes);
    }

    /// What has come out goes in again.
    fn append_chunk(&mut self, which: u8) {
        let Some(producer) = self.producer.as_mut().filter(|_| !self.paused) else { return };
        if self.chunks.is_empty() {
            return;
        }
        let (chunk, bytes) = self.chunks[usize::from(which) % self.chunks.len()].clone();
        let result = producer.append(chunk);
        self.expect_added(result, &bytes);
    }

    fn close(&mut self, whether: u8, how: u8) {
        // Not in most scripts, or they would be short.
        if !whether.is_multiple_of(4) {
            return;
        }
        let Some(producer) = self.producer.take() else { return };
        match how % 3 {
            // One that has paused stays as it is.
            _ if self.paused => drop(producer),
            0 => drop(producer),
            1 => producer.close(Ok(())),
            _ => {
                self.result = Err(ErrorKind::ConnectionReset);
                producer.close(Err(io::Error::new(ErrorKind::ConnectionReset, "by the script")));
            }
        }
    }

    // The consumer's calls.

    fn read(&mut self, count: usize) {
        let mut buf = vec![0; count];
        let Some(consumer) = &mut self.consumer else { return };
        let result = consumer.read(&mut buf);
        if count == 0 {
            assert_eq!(result.expect("nothing was asked for"), 0);
        } else if !self.queue.is_empty() {
            let read = result.expect("bytes are there");
            // The rest may not be known yet, but it is if it was asked for.
            assert!(0 < read && read <= count.min(self.queue.len()));
            assert_eq!(buf[..read], self.dequeue(read));
        } else if self.has_ended() {
            self.expect_end(result);
        } else {
            assert_eq!(result.expect_err("nothing is there").kind(), CANCELLED);
        }
    }

    fn fill_and_consume(&mut self, count: usize) {
        let Some(consumer) = &mut self.consumer else { return };
        let result = consumer.fill_buf().map(<[u8]>::to_vec);
        if !self.queue.is_empty() {
            let bytes = result.expect("bytes are there");
            assert!(!bytes.is_empty());
            let count = count.min(bytes.len());
            consumer.consume(count);
            assert!(self.queue.iter().take(bytes.len()).eq(&bytes));
            self.queue.drain(..count);
        } else if self.has_ended() {
            self.expect_end(result.map(|bytes| bytes.len()));
        } else {
            assert_eq!(result.expect_err("nothing is there").kind(), CANCELLED);
        }
    }

    fn peek(&mut self, count: usize) {
        let Some(consumer) = &mut self.consumer else { return };
        match consumer.peek(count) {
            Some(bytes) => assert!(bytes.len() == count && self.queue.iter().take(count).eq(bytes)),
            None => assert!(self.queue.len() < count),
        }
    }

    fn skip(&mut self, count: usize) {
        let Some(consumer) = &mut self.consumer else { return };
        let skipped = consumer.skip(count);
        assert_eq!(skipped, count.min(self.queue.len()));
        self.queue.drain(..skipped);
    }

    fn take_chunk(&mut self, count: usize) {
        let Some(consumer) = &mut self.consumer else { return };
        match consumer.take_chunk(count) {
            Some(chunk) => {
                let expected = self.dequeue(count);
                assert_eq!(chunk, expected);
                self.chunks.push((chunk, expected));
            }
            None => assert!(self.queue.len() < count),
        }
    }

    fn write_to(&mut self, limit: usize, kind: u8) {
        let Some(consumer) = &mut self.consumer else { return };
        if kind.is_multiple_of(8) && !self.queue.is_empty() {
            let error = consumer.write_to(&mut Broken).expect_err("the writer is broken");
            assert_eq!(error.kind(), ErrorKind::NotConnected);
            return;
        }
        let mut writer = Short { limit, bytes: Vec::new() };
        let taken = consumer.write_to(&mut writer).expect("the writer is sound");
        assert_eq!(taken, writer.bytes.len());
        assert!(taken > 0 || limit == 0 || self.queue.is_empty());
        assert_eq!(writer.bytes, self.dequeue(taken));
    }

    fn find(&mut self, delimiter: u8, limit: usize, kind: u8) {
        let Some(consumer) = &mut self.consumer else { return };
        let delimiter = [255, 255, 0, 1, 200][usize::from(delimiter) % 5];
        let until = kind.is_multiple_of(2).then(Instant::now);
        let result = consumer.find(delimiter, limit, until);
        let seen = self.queue.len().min(limit);
        let found = self.queue.iter().take(seen).position(|byte| *byte == delimiter);
        if found.is_some() || seen == limit || self.has_ended() {
            assert_eq!(result.expect("there is nothing to wait for"), found.map(|at| at + 1));
        } else {
            let kind = if until.is_some() { ErrorKind::TimedOut } else { CANCELLED };
            assert_eq!(result.expect_err("it has not come yet").kind(), kind);
        }
    }

    fn wait(&mut self, count: usize, kind: u8) {
        let Some(consumer) = &mut self.consumer else { return };
        let until = kind.is_multiple_of(2).then(Instant::now);
        let result = consumer.wait_until(count, until);
        let len = self.queue.len();
        if len >= count {
            assert!((count..=len).contains(&result.expect("so many are there")));
        } else if self.has_ended() {
            assert_eq!(result.expect("no more will come"), len);
        } else {
            let kind = if until.is_some() { ErrorKind::TimedOut } else { CANCELLED };
            assert_eq!(result.expect_err("so many are not there").kind(), kind);
        }
    }

    fn leave(&mut self, whether: u8, how: u8) {
        if !whether.is_multiple_of(4) {
            return;
        }
        if how.is_multiple_of(4) {
            self.consumer = None;
            self.queue.clear();
        } else if self.queue.is_empty()
            && self.has_ended()
            && let Some(consumer) = &mut self.consumer
        {
            let result = consumer.ended().expect("it has ended");
            self.expect_end(result.map(|()| 0));
        }
    }

    // The chunks' calls.

    fn use_chunk(&mut self, which: u8, size: usize) {
        if self.chunks.is_empty() {
            return;
        }
        let index = usize::from(which) % self.chunks.len();
        if which.is_multiple_of(2) {
            let (chunk, expected) = self.chunks.swap_remove(index);
            assert_eq!(chunk, expected, "a chunk has changed");
        } else {
            let (chunk, expected) = &self.chunks[index];
            let range = size % (chunk.len() + 1)..;
            let part = (chunk.slice(range.clone()), expected[range].to_vec());
            self.chunks.push(part);
        }
    }
}

/// Fails to read and to write.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::NotConnected.into())
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        // What it leaves there is not to be seen.
        bufs.iter_mut().for_each(|buf| buf.fill(253));
        Err(ErrorKind::NotConnected.into())
    }
}

impl Write for Broken {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::NotConnected.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes so many bytes and no more.
struct Short {
    limit: usize,
    bytes: Vec<u8>,
}

impl Write for Short {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.limit);
        self.bytes.extend(&bytes[..count]);
        self.limit -= count;
        Ok(count)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        bufs.iter().map(|buf| self.write(buf)).sum()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
