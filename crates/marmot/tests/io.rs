//! The runtime's own part of `marmot::io`: pipes that park, both directions at once, buffers that the kernel sees through.

mod common;

use std::io::{self, BufRead, ErrorKind, Read, Seek, Write};
use std::net::Shutdown;
use std::time::Instant;

use common::{assert_fails, contents, everywhere, file, ms, noise, pair, reset, until, with_procs};
use marmot::WaitReason;
use marmot::io::{LimitReader, bufio, copy, copy_bidirectional, copy_n, duplex, pipe};

#[test]
fn a_pipe_parks_its_writer_until_all_is_read() {
    everywhere(|place| {
        let (mut reader, mut writer) = pipe();
        let sent = noise(200_000, 7);
        let expected = sent.clone();
        let writing = place.start(move || writer.write_all(&sent));
        writing.until_waiting(WaitReason::Buffer);
        let mut first = [0; 1000];
        reader.read_exact(&mut first).unwrap();
        assert_eq!(first, expected[..1000]);
        assert!(!writing.is_finished());
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest == expected[1000..]);
        writing.join().unwrap();
    });
}

#[test]
fn a_pipe_on_one_p_holds_nobody_up() {
    // Both ends and a third goroutine share one M: whoever blocked it would block all.
    with_procs(1, || {
        let (mut reader, mut writer) = pipe();
        let reading = marmot::go(move || io::read_to_string(&mut reader));
        let ticking = marmot::go(|| (0..100).for_each(|_| marmot::yield_now()));
        for _ in 0..100 {
            writer.write_all(b"tick ").unwrap();
        }
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), "tick ".repeat(100));
        ticking.join().unwrap();
    });
}

#[test]
fn a_pipe_has_deadlines_and_closes_with_an_error() {
    everywhere(|_| {
        let (mut reader, writer) = pipe();
        reader.set_read_deadline(Some(Instant::now() + ms(20)));
        assert_fails(ErrorKind::TimedOut, reader.read(&mut [0]));
        reader.set_read_deadline(None);
        writer.close_with_error(io::Error::other("the source is broken"));
        assert_eq!(reader.read(&mut [0]).unwrap_err().to_string(), "the source is broken");
    });
}

#[test]
fn an_unpark_of_the_program_is_not_used_up_by_a_pipe() {
    with_procs(1, || {
        let (mut reader, mut writer) = pipe();
        let parks = marmot::go(move || {
            reader.read_exact(&mut [0]).unwrap();
            // The unpark came while this goroutine waited for the pipe.
            marmot::park();
        });
        until(|| parks.goroutine().wait_reason() == Some(WaitReason::Buffer));
        parks.goroutine().unpark();
        marmot::yield_now();
        writer.write_all(b"x").unwrap();
        parks.join().unwrap();
    });
}

#[test]
fn both_directions_end_one_after_the_other() {
    everywhere(|place| {
        let ((mut client, near), (far, mut server)) = (pair(), pair());
        let proxy = place.start(move || copy_bidirectional(&near, &far).unwrap());
        let sent = noise(1 << 20, 7);
        client.write_all(b"go").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(marmot::io::read_all(&mut server).unwrap(), b"go");
        // The one direction has ended, and the other goes on.
        let answer = sent.clone();
        let answering = place.start(move || {
            server.write_all(&answer).unwrap();
        });
        assert!(marmot::io::read_all(&mut client).unwrap() == sent);
        answering.join();
        let both = proxy.join();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (2, 1 << 20));
        assert!(both.a_to_b.result.is_ok() && both.b_to_a.result.is_ok());
    });
}

#[test]
fn a_direction_that_fails_ends_the_other_with_the_right_count() {
    everywhere(|place| {
        let ((mut client, near), (far, mut server)) = (pair(), pair());
        let proxy = place.start(move || copy_bidirectional(&near, &far).unwrap());
        client.write_all(b"before the reset").unwrap();
        let mut text = [0; 16];
        server.read_exact(&mut text).unwrap();
        reset(client);
        // The other peer hears that what it has got was cut.
        assert_fails(ErrorKind::ConnectionReset, server.read(&mut text));
        let both = proxy.join();
        assert_eq!(both.a_to_b.bytes, 16);
        assert_eq!(both.a_to_b.result.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(both.b_to_a.bytes, 0);
    });
}

#[test]
fn both_directions_of_what_the_kernel_does_not_know() {
    everywhere(|place| {
        let ((client, near), (far, server)) = (duplex(), duplex());
        let proxy = place.start(move || copy_bidirectional(&near, &far).unwrap());
        let echo = place.start(move || {
            let (mut from, mut to) = (&server, &server);
            let copied = copy(&mut from, &mut to);
            drop(server);
            copied
        });
        let sent = noise(100_000, 7);
        let (writing, bytes) = (client.writer(), sent.clone());
        let mut received = vec![0; sent.len()];
        marmot::scope(|scope| {
            scope.go(move || (&*writing).write_all(&bytes).unwrap());
            (&client).read_exact(&mut received).unwrap();
        });
        assert!(received == sent);
        drop(client);
        assert_eq!(echo.join().unwrap(), 100_000);
        let both = proxy.join();
        assert_eq!((both.a_to_b.bytes, both.b_to_a.bytes), (100_000, 100_000));
    });
}

#[test]
fn limits_and_buffers_are_seen_through() {
    everywhere(|_| {
        let bytes = noise(300_000, 7);
        // A buffer that has read ahead, and a limit that ends in the middle.
        let mut reader = LimitReader::new(bufio::Reader::new(file(&bytes)), 200_000);
        let mut head = [0; 10];
        reader.read_exact(&mut head).unwrap();
        let mut to = file(b"");
        assert_eq!(copy(&mut reader, &mut to).unwrap(), 199_990);
        assert!(contents(&to) == bytes[10..200_000]);
        assert_eq!(reader.remaining(), 0);
        // The rest is where it was left.
        let mut to = file(b"");
        assert_eq!(copy(reader.get_mut(), &mut to).unwrap(), 100_000);
        assert!(contents(&to) == bytes[200_000..]);

        // A limit inside of a buffer, and one that is beyond the end.
        let mut reader = bufio::Reader::new(LimitReader::new(file(&bytes), 1000).into_inner());
        reader.fill_buf().unwrap();
        let mut to = file(b"");
        assert_eq!(copy(&mut LimitReader::new(&mut reader, u64::MAX), &mut to).unwrap(), 300_000);
        assert!(contents(&to) == bytes);
    });
}

#[test]
fn what_a_buffered_writer_holds_goes_first() {
    everywhere(|_| {
        let bytes = noise(100_000, 7);
        let mut writer = bufio::Writer::new(file(b""));
        writer.write_all(b"head ").unwrap();
        assert_eq!(copy(&mut file(&bytes), &mut writer).unwrap(), 100_000);
        // It is empty after a flush, and is seen through.
        writer.flush().unwrap();
        assert_eq!(copy_n(&mut file(&bytes), &mut writer, 10).unwrap(), 10);
        let to = writer.into_inner().unwrap();
        assert!(contents(&to) == [b"head ", &bytes[..], &bytes[..10]].concat());
    });
}

#[test]
fn a_buffered_reader_waits_without_its_buffer() {
    everywhere(|place| {
        let (near, mut far) = pair();
        let waiting = place.start(move || {
            let mut reader = bufio::Reader::new(near).waiting();
            assert!(!reader.is_leased());
            reader.get_ref().wait_readable().unwrap();
            assert!(!reader.is_leased());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            line
        });
        waiting.until_waiting(WaitReason::IoRead);
        far.write_all(b"a line\n").unwrap();
        assert_eq!(waiting.join(), "a line\n");
    });
}

#[test]
fn a_direction_that_fails_aborts_both_connections_for_every_handle() {
    everywhere(|place| {
        let ((client, near), (far, mut server)) = (pair(), pair());
        let (mut near_handle, mut far_handle) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let proxy = place.start(move || copy_bidirectional(&near, &far).unwrap());
        reset(client);
        let both = proxy.join();
        assert_fails(ErrorKind::ConnectionReset, both.a_to_b.result);
        assert_fails(ErrorKind::NotConnected, both.b_to_a.result);
        assert_fails(ErrorKind::NotConnected, near_handle.read(&mut [0]));
        assert_fails(ErrorKind::NotConnected, far_handle.write(b"x"));
        // The peer hears of it when the last handle goes.
        server.set_read_deadline(Some(Instant::now() + ms(20))).unwrap();
        assert_fails(ErrorKind::TimedOut, server.read(&mut [0]));
        drop(far_handle);
        server.set_read_deadline(None).unwrap();
        assert_fails(ErrorKind::ConnectionReset, server.read(&mut [0]));
    });
}

#[test]
fn nothing_can_be_put_back_after_the_kernel_has_copied() {
    everywhere(|_| {
        let bytes: Vec<u8> = (0..100).collect();
        let mut reader = bufio::Reader::with_capacity(16, file(&bytes));
        reader.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(copy_n(&mut reader, &mut file(b""), 50).unwrap(), 50);
        assert!(reader.unread_byte().is_err());
        assert_eq!(reader.read_byte().unwrap(), Some(60));
        // What was read before an attempt that found nothing stays.
        let mut reader = bufio::Reader::new(file(&bytes));
        reader.read_exact(&mut [0; 100]).unwrap();
        assert_eq!(copy(&mut reader, &mut file(b"")).unwrap(), 0);
        reader.unread_byte().unwrap();
        assert_eq!(reader.read_byte().unwrap(), Some(99));
    });
}

#[test]
fn what_the_kernel_takes_from_a_limited_file_moves_its_position() {
    everywhere(|place| {
        let (mut near, far) = pair();
        let receives = place.start(move || copy(&mut &far, &mut io::sink()).unwrap());
        let mut limited = LimitReader::new(file(&[7; 300_000]), 1_000_000);
        assert_eq!(copy_n(&mut limited, &mut near, 200_000).unwrap(), 200_000);
        assert_eq!((limited.stream_position().unwrap(), limited.remaining()), (200_000, 800_000));
        let mut to = file(b"");
        assert_eq!(copy(&mut limited, &mut to).unwrap(), 100_000);
        assert_eq!((limited.stream_position().unwrap(), limited.remaining()), (300_000, 700_000));
        // So what is before it can be read again.
        assert_eq!(limited.seek(io::SeekFrom::Start(250_000)).unwrap(), 250_000);
        assert_eq!(copy(&mut limited, &mut to).unwrap(), 50_000);
        drop(near);
        assert_eq!(receives.join(), 200_000);
    });
}
