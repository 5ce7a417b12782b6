//! Writes by several at the same time: what is given to one of them stays together, whatever ends the others.

mod common;

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Place, assert_fails, bounded, everywhere, ms, pair, runtime, until, with_procs};
use marmot::WaitReason;
use marmot::context::{Context, Error};
use marmot::io::bufio;
use marmot::net::TcpStream;
use socket2::SockRef;

const WRITERS: usize = 8;
const RECORDS: usize = 4;

/// The longest record: several times what the connection has room for.
const LONGEST: usize = 1 << 20;

/// A writer's record: who it is from, how long it is, and that many bytes of the same letter.
fn record(writer: usize, number: usize) -> Vec<u8> {
    let length = if writer % WAYS.len() < LARGE { LONGEST - 7919 * (writer + number) } else { 40_000 - 977 * number };
    let mut record = format!("{writer} {length:7}\n").into_bytes();
    record.resize(record.len() + length, letter(writer));
    record
}

fn letter(writer: usize) -> u8 {
    b'a' + writer as u8
}

const HEAD: usize = 10;

/// How a record is written as one.
type Way = fn(&TcpStream, &[u8]);

/// Those before take records of any size, the others what is gathered before it is sent.
const LARGE: usize = 6;

const WAYS: [Way; 8] = [
    |mut conn, record| conn.write_all(record).unwrap(),
    |mut conn, record| assert_eq!(conn.write(record).unwrap(), record.len()),
    |mut conn, record| {
        let (head, body) = record.split_at(HEAD);
        let (first, second) = body.split_at(body.len() / 3);
        let parts = [head, &[], first, second].map(IoSlice::new);
        assert_eq!(conn.write_vectored(&parts).unwrap(), record.len());
    },
    |mut conn, record| {
        let text = str::from_utf8(record).unwrap();
        let (head, body) = text.split_at(HEAD);
        write!(conn, "{head}{}", body).unwrap();
    },
    |mut conn, record| assert_eq!(marmot::io::write_full(&mut conn, record).unwrap(), record.len()),
    |conn, record| {
        let mut writer = bufio::Writer::with_capacity(2 * LONGEST, conn);
        record.chunks(100_000).for_each(|part| writer.write_all(part).unwrap());
        writer.flush().unwrap();
    },
    |conn, record| {
        let mut writer = marmot::buffered::Writer::new(conn.try_clone().unwrap());
        record.chunks(1500).for_each(|part| writer.write_all(part).unwrap());
        writer.flush().unwrap();
    },
    |conn, record| {
        let mut writer = marmot::buffered::Writer::new(conn.try_clone().unwrap());
        record.chunks(700).for_each(|part| writer.append(part.to_vec()).unwrap());
        writer.flush().unwrap();
    },
];

/// Little room, so that each record has to wait for the reader again and again.
fn narrow_pair() -> (TcpStream, TcpStream) {
    let (near, far) = pair();
    SockRef::from(&near).set_send_buffer_size(16 * 1024).unwrap();
    SockRef::from(&far).set_recv_buffer_size(16 * 1024).unwrap();
    (near, far)
}

/// Reads records and sees that each is whole, and how many of each writer there are.
fn read_records(mut conn: TcpStream) {
    let mut seen = [0; WRITERS];
    let mut buf = vec![0; 10_000];
    loop {
        let mut head = [0; HEAD];
        match marmot::io::read_full(&mut conn, &mut head) {
            Ok(_) => {}
            Err(partial) if partial.is_end() => break,
            Err(partial) => panic!("the records end in the middle: {partial}"),
        }
        let text = str::from_utf8(&head).unwrap_or_else(|_| panic!("no record begins with {head:?}"));
        let numbers: Vec<usize> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
        let &[writer, length] = &numbers[..] else { panic!("no record begins with {text:?}") };
        let whole = vec![letter(writer); buf.len()];
        let mut left = length;
        while left > 0 {
            let most = left.min(buf.len());
            let count = conn.read(&mut buf[..most]).unwrap();
            assert!(count > 0, "a record of {writer} ends {left} bytes early");
            assert!(buf[..count] == whole[..count], "a record of {writer} was torn {left} bytes before its end");
            left -= count;
        }
        seen[writer] += 1;
    }
    assert_eq!(seen, [RECORDS; WRITERS]);
}

fn all_write(place: Place, ways: impl Fn(usize) -> Way) {
    let (near, far) = narrow_pair();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (conn, way) = (near.try_clone().unwrap(), ways(writer));
            place.start(move || (0..RECORDS).for_each(|number| way(&conn, &record(writer, number))))
        })
        .collect();
    drop(near);
    read_records(far);
    writers.into_iter().for_each(|writer| writer.join());
}

fn on_all(test: fn(Place)) {
    for procs in [1, 2, 8] {
        bounded(move || {
            let rt = runtime(procs);
            rt.run(move || test(Place::Goroutines));
            rt.shutdown(Duration::from_secs(60)).unwrap();
        });
    }
    bounded(move || test(Place::Threads));
}

#[test]
fn records_of_many_that_write_all_are_whole() {
    on_all(|place| all_write(place, |_| WAYS[0]));
}

#[test]
fn records_are_whole_whatever_writes_them() {
    on_all(|place| all_write(place, |writer| WAYS[writer % WAYS.len()]));
}

/// Waits for the first byte of a write, which is under way from then on: that a thread sleeps does not say where.
fn until_written(far: &TcpStream) {
    assert_eq!(far.peek(&mut [0]).unwrap(), 1);
}

/// One that writes more than there is room for, and one that waits for its turn.
fn one_writes_and_one_waits(
    place: Place,
    near: &TcpStream,
    far: &TcpStream,
) -> [common::Started<std::io::Result<()>>; 2] {
    let conns = [near.try_clone().unwrap(), near.try_clone().unwrap()];
    let [mut first, mut second] = conns;
    let first = place.start(move || first.write_all(&vec![b'1'; 8 * LONGEST]));
    until_written(far);
    first.until_waiting(WaitReason::IoWrite);
    let second = place.start(move || second.write(b"2").map(drop));
    second.until_waiting(WaitReason::IoTurn);
    [first, second]
}

#[test]
fn a_write_waits_until_the_one_before_is_whole() {
    everywhere(|place| {
        let (near, mut far) = narrow_pair();
        let writers = one_writes_and_one_waits(place, &near, &far);
        drop(near);
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        for writer in writers {
            writer.join().unwrap();
        }
        assert_eq!(all.len(), 8 * LONGEST + 1);
        assert_eq!(all.iter().position(|&byte| byte == b'2'), Some(8 * LONGEST));
    });
}

#[test]
fn a_close_ends_who_writes_and_who_waits() {
    everywhere(|place| {
        let (near, far) = narrow_pair();
        let writers = one_writes_and_one_waits(place, &near, &far);
        near.close().unwrap();
        for writer in writers {
            assert_fails(ErrorKind::NotConnected, writer.join());
        }
    });
}

#[test]
fn a_deadline_ends_who_writes_and_who_waits() {
    everywhere(|place| {
        let (near, far) = narrow_pair();
        let writers = one_writes_and_one_waits(place, &near, &far);
        near.set_write_deadline(Some(Instant::now() + ms(1))).unwrap();
        for writer in writers {
            assert_fails(ErrorKind::TimedOut, writer.join());
        }
        near.set_write_deadline(None).unwrap();
    });
}

#[test]
fn the_end_of_a_context_ends_one_write_and_the_next_has_its_turn() {
    everywhere(|place| {
        let (near, mut far) = narrow_pair();
        let (ctx, cancel) = Context::background().with_cancel();
        let mut conn = near.try_clone().unwrap();
        let first = place.start(move || ctx.run(|| conn.write_all(&vec![b'1'; 8 * LONGEST])));
        until_written(&far);
        first.until_waiting(WaitReason::IoWrite);
        let mut conn = near.try_clone().unwrap();
        let second = place.start(move || conn.write_all(b"2"));
        second.until_waiting(WaitReason::IoTurn);
        cancel.cancel();
        let error = first.join().unwrap_err();
        let moved = Error::of(&error).unwrap().moved();
        drop(near);
        let mut all = Vec::new();
        far.read_to_end(&mut all).unwrap();
        second.join().unwrap();
        // The error says how many bytes went, and what follows comes right after them.
        assert!(moved > 0);
        assert_eq!(all.len() as u64, moved + 1);
        assert_eq!(all.iter().position(|&byte| byte == b'2'), Some(moved as usize));
    });
}

#[test]
fn a_write_that_fails_after_some_bytes_says_how_many() {
    everywhere(|_| {
        let (mut near, mut far) = narrow_pair();
        near.set_write_timeout(Some(ms(5))).unwrap();
        let mut sent = 0;
        loop {
            match near.write(&[b'x'; 300_000]) {
                Ok(count) => sent += count,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TimedOut);
                    break;
                }
            }
        }
        drop(near);
        let mut all = Vec::new();
        assert_eq!(far.read_to_end(&mut all).unwrap(), sent);
    });
}

#[test]
fn who_may_not_wait_does_not_wait_for_a_whole_write() {
    everywhere(|place| {
        let (near, far) = narrow_pair();
        let [first, second] = one_writes_and_one_waits(place, &near, &far);
        near.set_nonblocking(true).unwrap();
        assert_fails(ErrorKind::WouldBlock, (&near).write(b"3"));
        assert_fails(ErrorKind::WouldBlock, (&near).write_all(b"3"));
        near.set_nonblocking(false).unwrap();
        near.close().unwrap();
        drop(far);
        let _ = (first.join(), second.join());
    });
}

#[test]
fn a_stopped_runtime_gives_up_its_turn_in_the_middle_of_a_write() {
    let (near, mut far) = narrow_pair();
    let near = Arc::new(near);
    let stopped = runtime(1);
    // It reads slowly enough that the other writes again and again, and has turns of its M in between.
    let writes = Arc::clone(&near);
    let writer = stopped.go(move || (&*writes).write_all(&vec![b'1'; 64 * LONGEST]));
    let mut buf = vec![0; 8192];
    far.read_exact(&mut buf).unwrap();
    until(|| writer.goroutine().wait_reason() == Some(WaitReason::IoWrite));
    bounded(move || stopped.shutdown(ms(100)).unwrap_or(()));
    with_procs(2, move || {
        let reads = marmot::go(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).map(|_| all.last().copied())
        });
        (&*near).write_all(b"2").unwrap();
        near.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(reads.join().unwrap().unwrap(), Some(b'2'));
    });
}
