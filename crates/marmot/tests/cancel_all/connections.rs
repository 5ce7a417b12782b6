//! Calls that wait for connections. Many share one, for there are fewer descriptors than goroutines.

use std::io::{BufRead, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use marmot::buffered::Conn;
use marmot::context;
use marmot::net::{TcpListener, TcpStream};
use socket2::{Domain, SockRef, Socket, Type};

use super::common::{listener, pair_at};
use super::kinds::{Kind, Outcome, ended_io};

/// So many goroutines share a connection.
const SHARE: usize = 8;
/// Buffers in the kernel are small, so that a connection is soon full, and larger than two segments of the loopback interface: below
/// that the kernel tells the other side of new room by a timer only.
const ROOM: usize = 128 * 1024;
const PIECE: usize = 10_007;

/// What the far end sends before the goroutines wait, and what it sends after they have come back.
const BEGINNING: &[u8] = b"the beginning";
const REST: &[u8] = b" and the rest";

/// A connection, and what has gone over it as those say who have read and written.
struct Pair {
    near: TcpStream,
    far: TcpStream,
    read: StdMutex<Vec<u8>>,
    written: AtomicU64,
}

/// The byte at that place of what is written.
fn byte_at(place: u64) -> u8 {
    // A prime, so that pieces differ.
    (place % 251) as u8
}

impl Pair {
    fn new(listener: &TcpListener) -> Pair {
        let (near, far) = pair_at(listener);
        for end in [&near, &far] {
            SockRef::from(end).set_send_buffer_size(ROOM).unwrap();
            SockRef::from(end).set_recv_buffer_size(ROOM).unwrap();
        }
        (&far).write_all(BEGINNING).unwrap();
        Pair { near, far, read: StdMutex::new(Vec::new()), written: AtomicU64::new(0) }
    }

    fn many(count: usize) -> Vec<Arc<Pair>> {
        let listener = listener();
        (0..count.div_ceil(SHARE)).map(|_| Arc::new(Pair::new(&listener))).collect()
    }

    /// Reads until that fails. Several do so in turns, so what each gets is a byte, whose order does not matter.
    fn read(&self) -> Outcome {
        let mut byte = [0];
        loop {
            match (&self.near).read(&mut byte) {
                Ok(0) => return Err("the connection has ended".to_owned()),
                Ok(_) => self.read.lock().unwrap().push(byte[0]),
                Err(error) => return ended_io::<()>(Err(error)),
            }
        }
    }

    /// Writes until that fails. Only one who writes alone knows the place of a byte.
    fn write(&self, is_alone: bool) -> Outcome {
        loop {
            let place = self.written.load(SeqCst);
            let piece: Vec<u8> = (place..).take(PIECE).map(|place| if is_alone { byte_at(place) } else { 0 }).collect();
            match (&self.near).write(&piece) {
                Ok(count) => self.written.fetch_add(count as u64, SeqCst),
                Err(error) => return ended_io::<()>(Err(error)),
            };
        }
    }

    /// Sees that what was sent to the near end has been read once, and nothing else.
    fn check_read(&self) {
        (&self.far).write_all(REST).unwrap();
        self.far.shutdown(Shutdown::Write).unwrap();
        let mut all = std::mem::take(&mut *self.read.lock().unwrap());
        (&self.near).read_to_end(&mut all).unwrap();
        let mut sent = [BEGINNING, REST].concat();
        all.sort_unstable();
        sent.sort_unstable();
        assert_eq!(all, sent);
    }

    /// Sees that what was written to the near end arrives once.
    fn check_written(&self, is_alone: bool) {
        self.near.shutdown(Shutdown::Write).unwrap();
        let mut all = Vec::new();
        (&self.far).read_to_end(&mut all).unwrap();
        assert_eq!(all.len() as u64, self.written.load(SeqCst));
        let is_right = |(place, byte): (usize, &u8)| *byte == if is_alone { byte_at(place as u64) } else { 0 };
        assert!(all.iter().enumerate().all(is_right), "bytes are not where they were written");
    }
}

/// One reads, and the others wait for their turn.
pub fn read(count: usize) -> Kind {
    let pairs = Pair::many(count);
    let call = |n: usize| {
        let pair = Arc::clone(&pairs[n / SHARE]);
        move || pair.read()
    };
    let all = pairs.clone();
    Kind::new("read", count, call, move || all.iter().for_each(|pair| pair.check_read()))
}

/// On every other connection one writes alone.
pub fn write(count: usize) -> Kind {
    let pairs = Pair::many(count);
    let all = pairs.clone();
    let is_alone = |pair: usize| pair % 2 == 1;
    let call = |n: usize| {
        let (number, is_first) = (n / SHARE, n.is_multiple_of(SHARE));
        let pair = Arc::clone(&pairs[number]);
        move || match is_alone(number) {
            // The others of these read on the same connection.
            true if !is_first => pair.read(),
            alone => pair.write(alone),
        }
    };
    Kind::new("write", count, call, move || {
        for (number, pair) in all.iter().enumerate() {
            pair.check_written(is_alone(number));
            if is_alone(number) {
                pair.check_read();
            }
        }
    })
}

pub fn accept(count: usize) -> Kind {
    let listeners: Vec<_> = (0..count.div_ceil(SHARE)).map(|_| Arc::new(listener())).collect();
    let all = listeners.clone();
    let call = |n: usize| {
        let listener = Arc::clone(&listeners[n / SHARE]);
        move || ended_io(listener.accept())
    };
    Kind::new("accept", count, call, move || {
        for listener in all {
            // Nobody takes it away.
            drop(pair_at(&listener));
        }
    })
}

/// Connections to a listener whose queue is full wait for its answer.
pub fn connect(count: usize) -> Kind {
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    full.listen(0).unwrap();
    let addr = full.local_addr().unwrap().as_socket().unwrap();
    // The queue has room for one more than it was asked for.
    let queued = std::net::TcpStream::connect(addr).unwrap();
    let call = |_| move || ended_io(TcpStream::connect(addr));
    // A few: each has a descriptor of its own, and the kernel asks again and again.
    Kind::new("connect", count.min(20), call, move || drop((full, queued)))
}

pub fn peek(count: usize) -> Kind {
    let listener = listener();
    let pairs: Vec<_> = (0..count.div_ceil(SHARE)).map(|_| Arc::new(pair_at(&listener))).collect();
    let all = pairs.clone();
    let call = |n: usize| {
        let pair = Arc::clone(&pairs[n / SHARE]);
        move || if n.is_multiple_of(2) { ended_io(pair.0.peek(&mut [0; 8])) } else { ended_io(pair.0.wait_readable()) }
    };
    Kind::new("peek", count, call, move || {
        for pair in all {
            (&pair.1).write_all(b"word").unwrap();
            let mut word = [0; 4];
            (&pair.0).read_exact(&mut word).unwrap();
            assert_eq!(&word, b"word");
        }
    })
}

/// Goroutines that wait unstarted, and each another one for that one's end.
pub fn when_readable(count: usize) -> Kind {
    let listener = listener();
    let pairs: Vec<_> = (0..count.div_ceil(SHARE)).map(|_| Arc::new(pair_at(&listener))).collect();
    let call = |n: usize| {
        let pair = Arc::clone(&pairs[n / SHARE]);
        move || {
            let conn = pair.0.try_clone().unwrap();
            let unstarted = conn.go_when_readable(|mut conn| ended_io(conn.read(&mut [0; 8])));
            context::shield(|| unstarted.join().unwrap())
        }
    };
    Kind::new("go_when_readable", count, call, || ())
}

/// One side reads ahead and waits for more than there is, the other writes into a connection that is full.
pub fn buffered(count: usize) -> Kind {
    let listener = listener();
    let pairs: Vec<_> = (0..count.div_ceil(2)).map(|_| Pair::new(&listener)).collect();
    let kept = Arc::new(StdMutex::new(Vec::new()));
    let mut ends: Vec<_> = pairs
        .into_iter()
        .map(|pair| {
            let (reader, writer) = Conn::new(pair.near.try_clone().unwrap()).unwrap().split();
            (Some((reader, pair)), Some(writer))
        })
        .collect();
    let theirs = Arc::clone(&kept);
    let call = |n: usize| {
        let (read, write) = &mut ends[n / 2];
        let reading = n.is_multiple_of(2).then(|| read.take().unwrap());
        let mut writing = (n % 2 == 1).then(|| write.take().unwrap());
        let kept = Arc::clone(&theirs);
        move || {
            if let Some((mut reader, pair)) = reading {
                let outcome = ended_io(reader.read_until(b'\n', &mut Vec::new()).map(drop));
                kept.lock().unwrap().push((reader, pair));
                return outcome;
            }
            let writer = writing.as_mut().unwrap();
            loop {
                if let Err(error) = writer.write_all(&[0; PIECE]).and_then(|()| writer.flush()) {
                    return ended_io::<()>(Err(error));
                }
            }
        }
    };
    Kind::new("buffered", count, call, move || {
        for (mut reader, pair) in kept.lock().unwrap().drain(..) {
            // `read_until` had taken the beginning.
            (&pair.far).write_all(REST).unwrap();
            let mut rest = vec![0; REST.len()];
            reader.read_exact(&mut rest).unwrap();
            assert_eq!(rest, REST);
        }
    })
}

pub fn copy(count: usize) -> Kind {
    let listener = listener();
    let pairs: Vec<_> =
        (0..count.div_ceil(SHARE)).map(|_| Arc::new((Pair::new(&listener), pair_at(&listener)))).collect();
    let all = pairs.clone();
    let call = |n: usize| {
        let pair = Arc::clone(&pairs[n / SHARE]);
        move || ended_io(marmot::io::copy(&mut &pair.0.near, &mut &pair.1.0))
    };
    Kind::new("io::copy", count, call, move || {
        for pair in all {
            let (from, (near, far)) = &*pair;
            from.far.shutdown(Shutdown::Write).unwrap();
            marmot::io::copy(&mut &from.near, &mut &*near).unwrap();
            near.shutdown(Shutdown::Write).unwrap();
            let mut all = Vec::new();
            { far }.read_to_end(&mut all).unwrap();
            assert_eq!(all, BEGINNING);
        }
    })
}
