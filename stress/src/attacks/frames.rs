//! Buffered connections: frames that go to and fro, in order and whole, whatever happens to their connection.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use marmot::buffered::codec::LengthDelimited;
use marmot::buffered::{Conn, Framed};
use marmot::go;
use marmot::net::{TcpListener, TcpStream};
use socket2::SockRef;

use crate::chance::Chance;
use crate::counts::What;
use crate::ground::Ground;

/// The sizes of frames: some fill a node, some many, most are small.
const SIZES: [u64; 4] = [100, 100, 5_000, 100_000];

pub fn run(ground: &Arc<Ground>) {
    let door = TcpListener::bind("127.0.0.10:0").expect("a port is free");
    let addr = door.local_addr().expect("a listener has an address");
    super::bouts(ground, "frames", |chance| {
        let near = TcpStream::connect(addr).expect("the listener is open");
        let (far, _) = door.accept().expect("somebody has connected");
        let echo = go(move || serve(far));
        let count = exchange(near, chance);
        let served = echo.join().expect("the server does not panic");
        assert!(served >= count, "{count} frames came back of {served}");
        ground.count(What::Frames, count);
    });
}

/// Sends every frame back, until its connection ends in whatever way; says how many frames there were.
fn serve(stream: TcpStream) -> u64 {
    let mut frames = Framed::new(Conn::new(stream).expect("it can be shared"), LengthDelimited::new());
    let mut count = 0;
    while let Ok(Some(frame)) = frames.read() {
        // It counts as served when it may have been sent.
        count += 1;
        if frames.write(frame).is_err() {
            break;
        }
    }
    count
}

/// Has batches of frames sent back, with deadlines that fire, and ends in one of several ways.
fn exchange(stream: TcpStream, chance: &mut Chance) -> u64 {
    let handle = stream.try_clone().expect("a clone costs no descriptor");
    let mut frames = Framed::new(Conn::new(stream).expect("it can be shared"), LengthDelimited::new());
    let mut count = 0;
    for _ in 0..chance.up_to(20) {
        let batch: Vec<Vec<u8>> = (0..chance.up_to(20)).map(|_| frame(chance)).collect();
        for frame in &batch {
            frames.write(frame).expect("the server reads on");
        }
        if chance.one_in(4) {
            handle.set_read_deadline(Some(Instant::now() + chance.micros(300))).expect("a deadline can be set");
        }
        for frame in &batch {
            let answer = loop {
                match frames.read() {
                    Ok(answer) => break answer.expect("the server sends every frame back"),
                    Err(e) if e.kind() == ErrorKind::TimedOut => {
                        handle.set_read_deadline(None).expect("a deadline can be set");
                    }
                    Err(e) => panic!("a frame did not come back: {e}"),
                }
            };
            assert!(
                *answer == **frame,
                "a frame of {} bytes has come back as another of {}",
                frame.len(),
                answer.len()
            );
            count += 1;
        }
        handle.set_read_deadline(None).expect("a deadline can be set");
    }
    end(frames, &handle, chance).expect("the connection can be ended");
    count
}

fn frame(chance: &mut Chance) -> Vec<u8> {
    let first = chance.next();
    let most = chance.pick(&SIZES);
    (0..chance.below(most)).map(|i| (first.wrapping_add(i * 7)) as u8).collect()
}

/// Ends the connection: in good order, by a reset, by a close, or in the middle of a frame.
fn end(mut frames: Framed<LengthDelimited>, handle: &TcpStream, chance: &mut Chance) -> io::Result<()> {
    match chance.below(5) {
        0 => {
            handle.shutdown(Shutdown::Write)?;
            // Nothing is under way, so what comes is the end.
            assert!(frames.read()?.is_none(), "a frame has come that nobody sent");
        }
        1 => SockRef::from(handle).set_linger(Some(Duration::ZERO))?,
        2 => handle.close()?,
        3 => {
            frames.write(frame(chance))?;
            drop(frames.into_inner());
        }
        _ => {
            // The frame's length has been sent, and not its bytes.
            frames.flush()?;
            let (reader, mut writer) = frames.into_inner().split();
            io::Write::write_all(&mut writer, &[0, 0, 1, 0, 7])?;
            drop((writer, reader));
        }
    }
    Ok(())
}
