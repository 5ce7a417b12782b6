//! The kinds of calls, and those that wait for time, for other goroutines and for messages.

use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, Instant};

use marmot::context::{self, Error};
use marmot::io::pipe;
use marmot::sync::chan::{self, Receiver, RecvError, RecvTimeoutError, Select, SendError, Sender};
use marmot::sync::{mpsc, singleflight};
use marmot::time::{Ticker, Timer};
use marmot::{JoinHandle, WaitReason};
use std::io::{Read, Write};

use super::common::until;
use super::{connections, locks};

pub const LONG: Duration = Duration::from_secs(3600);

/// What a goroutine has to say about how its wait ended: nothing, if it was as it should be.
pub type Outcome = Result<(), String>;

/// Calls that wait for the same, and what is to be done and looked at when all of them have come back.
pub struct Kind {
    pub name: &'static str,
    pub calls: Vec<Box<dyn FnOnce() -> Outcome + Send>>,
    pub after: Box<dyn FnOnce() + Send>,
}

impl Kind {
    /// `count` times the call that `make` makes.
    pub fn new<F>(
        name: &'static str,
        count: usize,
        mut make: impl FnMut(usize) -> F,
        after: impl FnOnce() + Send + 'static,
    ) -> Kind
    where
        F: FnOnce() -> Outcome + Send + 'static,
    {
        let calls = (0..count).map(|n| Box::new(make(n)) as Box<dyn FnOnce() -> Outcome + Send>).collect();
        Kind { name, calls, after: Box::new(after) }
    }
}

pub fn is_end(error: &Error) -> Outcome {
    if error.is_cancelled() { Ok(()) } else { Err(format!("{error:?}")) }
}

/// The call was ended by the context.
pub fn ended<T>(result: Result<T, Error>) -> Outcome {
    match result {
        Ok(_) => Err("it has succeeded".to_owned()),
        Err(error) => is_end(&error),
    }
}

pub fn ended_io<T>(result: std::io::Result<T>) -> Outcome {
    match result {
        Ok(_) => Err("it has succeeded".to_owned()),
        Err(error) => Error::of(&error).map_or_else(|| Err(format!("{error:?}")), is_end),
    }
}

/// The call was ended, and has no way to say by what.
fn returned(_: ()) -> Outcome {
    ended(context::check())
}

pub fn same<T: PartialEq + std::fmt::Debug>(is: T, should_be: T) -> Outcome {
    if is == should_be { Ok(()) } else { Err(format!("{is:?}, and not {should_be:?}")) }
}

/// Somebody who does something and then waits, under no context, until it is let go.
pub struct Holder {
    handle: JoinHandle<()>,
    let_go: Sender<()>,
}

impl Holder {
    /// `hold` does it, and calls what it gets to wait in the middle of it.
    pub fn new(hold: impl FnOnce(&dyn Fn()) + Send + 'static) -> Holder {
        let (let_go, is_over) = chan::rendezvous();
        let handle = context::shield(|| marmot::go(move || hold(&|| assert!(is_over.recv().is_err()))));
        until(|| handle.goroutine().wait_reason() == Some(WaitReason::Receive));
        Holder { handle, let_go }
    }

    pub fn end(self) {
        drop(self.let_go);
        self.handle.join().unwrap();
    }
}

/// All of them, to be made with so many calls.
const KINDS: [fn(usize) -> Kind; 36] = [
    sleeps,
    park,
    join,
    receive,
    receive_within,
    send,
    send_into_full,
    select,
    select_of_many,
    mpsc_receive,
    mpsc_send,
    ticker,
    timer,
    pipe_read,
    pipe_write,
    nested_scopes,
    groups,
    flights,
    locks::mutex,
    locks::read,
    locks::write,
    locks::condition,
    locks::semaphore,
    locks::wait_group,
    locks::barrier,
    locks::once,
    locks::once_lock,
    locks::lazy_lock,
    connections::read,
    connections::write,
    connections::accept,
    connections::connect,
    connections::peek,
    connections::when_readable,
    connections::buffered,
    connections::copy,
];

/// Of each kind so many calls, or fewer where that is dear.
#[allow(dead_code, reason = "who cancels all at once needs a number of all together")]
pub fn each(count: usize) -> Vec<Kind> {
    KINDS.into_iter().map(|kind| kind(count)).collect()
}

/// All kinds, with `count` calls together.
#[allow(dead_code, reason = "who goes through them one by one needs a few of each")]
pub fn all(count: usize) -> Vec<Kind> {
    let mut all = each(count / KINDS.len());
    let so_far: usize = all.iter().map(|kind| kind.calls.len()).sum();
    all.push(sleeps(count - so_far));
    all
}

fn sleeps(count: usize) -> Kind {
    let call = |n: usize| {
        move || match n % 3 {
            0 => ended(marmot::sleep_or_cancelled(LONG)),
            1 => {
                marmot::sleep(LONG);
                returned(())
            }
            _ => {
                marmot::sleep_until(Instant::now() + LONG);
                returned(())
            }
        }
    };
    Kind::new("sleep", count, call, || ())
}

fn park(count: usize) -> Kind {
    let call = |n: usize| {
        move || {
            let _: () = if n.is_multiple_of(2) { marmot::park() } else { marmot::park_timeout(LONG) };
            returned(())
        }
    };
    Kind::new("park", count, call, || ())
}

fn join(count: usize) -> Kind {
    let holders: Vec<_> = (0..count).map(|_| chan::rendezvous::<()>()).collect();
    let (mut let_go, mut handles) = (Vec::new(), Vec::new());
    for (sender, receiver) in holders {
        let_go.push(sender);
        handles.push(Some(context::shield(|| marmot::go(move || receiver.recv().is_err()))));
    }
    let call = |n: usize| {
        let handle = handles[n].take().unwrap();
        move || match handle.join() {
            Ok(_) => Err("the other has ended".to_owned()),
            Err(payload) => payload.downcast_ref().map_or_else(|| Err("another payload".to_owned()), is_end),
        }
    };
    Kind::new("join", count, call, move || drop(let_go))
}

fn receive(count: usize) -> Kind {
    let (sender, receiver) = chan::bounded::<u32>(1);
    let theirs = receiver.clone();
    let call = |_| {
        let receiver = theirs.clone();
        move || same(receiver.recv(), Err(RecvError::Cancelled))
    };
    Kind::new("recv", count, call, move || {
        // Nobody is there any more who would take it.
        sender.try_send(7).unwrap();
        assert_eq!(receiver.try_recv(), Ok(7));
    })
}

fn receive_within(count: usize) -> Kind {
    let (sender, receiver) = chan::rendezvous::<u32>();
    let call = |_| {
        let receiver = receiver.clone();
        move || same(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Cancelled))
    };
    Kind::new("recv_timeout", count, call, move || assert!(sender.try_send(7).is_err()))
}

/// Each message comes back to who has sent it.
fn sends(name: &'static str, count: usize, (sender, receiver): (Sender<usize>, Receiver<usize>)) -> Kind {
    let there: Vec<usize> = (0..receiver.capacity().unwrap()).collect();
    there.iter().for_each(|n| sender.send(*n).unwrap());
    let call = |n: usize| {
        let sender = sender.clone();
        move || same(sender.send(1000 + n), Err(SendError::Cancelled(1000 + n)))
    };
    Kind::new(name, count, call, move || assert_eq!(receiver.try_iter().collect::<Vec<_>>(), there))
}

fn send(count: usize) -> Kind {
    sends("send", count, chan::rendezvous())
}

fn send_into_full(count: usize) -> Kind {
    sends("send into a full channel", count, chan::bounded(8))
}

fn select(count: usize) -> Kind {
    let (sender, receiver) = chan::rendezvous::<usize>();
    let (other, others) = chan::rendezvous::<usize>();
    let (theirs, their_sender) = (others.clone(), sender.clone());
    let call = |n: usize| {
        let (receiver, sender) = (theirs.clone(), their_sender.clone());
        move || {
            let mut message = Some(n);
            let outcome = marmot::select! {
                recv(receiver) -> message => Err(format!("{message:?}")),
                send_from(sender, &mut message) -> sent => Err(format!("{sent:?}")),
                cancelled(error) => is_end(&error),
                default(LONG) => Err("the time is over".to_owned()),
            };
            outcome.and(same(message, Some(n)))
        }
    };
    Kind::new("select!", count, call, move || {
        assert!(receiver.try_recv().is_err() && other.try_send(1).is_err());
        drop((sender, others));
    })
}

fn select_of_many(count: usize) -> Kind {
    let channels: Arc<Vec<_>> = Arc::new((0..5).map(|_| chan::rendezvous::<u32>()).collect());
    let call = |_| {
        let channels = Arc::clone(&channels);
        move || {
            let mut select = Select::new();
            for (_, receiver) in channels.iter() {
                select = select.recv(receiver, |message| same(message, Err(RecvError::Cancelled)));
            }
            // The first arm gets the error.
            select.wait().unwrap_or_else(|error| is_end(&error))
        }
    };
    let channels = Arc::clone(&channels);
    Kind::new("Select", count, call, move || {
        channels.iter().for_each(|(sender, _)| assert!(sender.try_send(1).is_err()))
    })
}

fn mpsc_receive(count: usize) -> Kind {
    let mut receivers: Vec<_> = (0..count).map(|_| Some(mpsc::channel::<u32>())).collect();
    let call = |n: usize| {
        let (sender, receiver) = receivers[n].take().unwrap();
        move || {
            let outcome = same(receiver.recv(), Err(mpsc::RecvError::Cancelled));
            sender.send(1).unwrap();
            outcome.and(same(receiver.try_recv(), Ok(1)))
        }
    };
    Kind::new("mpsc recv", count, call, || ())
}

fn mpsc_send(count: usize) -> Kind {
    let (sender, receiver) = mpsc::sync_channel(1);
    sender.send(0).unwrap();
    let call = |n: usize| {
        let sender = sender.clone();
        move || same(sender.send(n + 1), Err(mpsc::SendError::Cancelled(n + 1)))
    };
    Kind::new("mpsc send", count, call, move || assert!(receiver.try_iter().eq([0])))
}

fn ticker(count: usize) -> Kind {
    let shared = Arc::new(Ticker::new(LONG));
    let call = |n: usize| {
        let shared = Arc::clone(&shared);
        move || if n.is_multiple_of(2) { ended(shared.wait()) } else { ended(Ticker::new(LONG).wait()) }
    };
    Kind::new("ticker", count, call, || ())
}

fn timer(count: usize) -> Kind {
    let shared = Arc::new(Timer::new(LONG));
    let theirs = Arc::clone(&shared);
    let call = |n: usize| {
        let shared = Arc::clone(&theirs);
        move || if n.is_multiple_of(2) { ended(shared.wait()) } else { ended(Timer::new(LONG).wait()) }
    };
    Kind::new("timer", count, call, move || assert!(shared.stop(), "it has not fired"))
}

fn pipe_read(count: usize) -> Kind {
    let kept = Arc::new(StdMutex::new(Vec::new()));
    let theirs = Arc::clone(&kept);
    let call = |_| {
        let ((mut reader, writer), kept) = (pipe(), Arc::clone(&theirs));
        move || {
            let outcome = ended_io(reader.read(&mut [0; 8]));
            kept.lock().unwrap().push((reader, writer));
            outcome
        }
    };
    Kind::new("pipe read", count, call, move || {
        for (mut reader, mut writer) in kept.lock().unwrap().drain(..) {
            let mut word = [0; 4];
            marmot::scope(|s| {
                s.go(move || writer.write_all(b"word").unwrap());
                reader.read_exact(&mut word).unwrap();
            });
            assert_eq!(&word, b"word");
        }
    })
}

fn pipe_write(count: usize) -> Kind {
    let call = |_| {
        let (reader, mut writer) = pipe();
        move || {
            let outcome = ended_io(writer.write(b"word"));
            drop(writer);
            let mut text = String::new();
            // What it has taken before it was cancelled would have been told.
            let read = context::shield(|| { reader }.read_to_string(&mut text));
            outcome.and(same(read.map_err(|e| e.kind()), Ok(0)))
        }
    };
    Kind::new("pipe write", count, call, || ())
}

fn nested_scopes(count: usize) -> Kind {
    let call = |_| {
        || {
            marmot::scope(|s| {
                let inner =
                    s.go(|| marmot::scope(|s| s.go(|| ended(marmot::sleep_or_cancelled(LONG))).join().unwrap()));
                s.go(|| marmot::sleep(LONG));
                inner.join().unwrap()
            })
        }
    };
    Kind::new("nested scopes", count, call, || ())
}

fn groups(count: usize) -> Kind {
    let call = |_| {
        || {
            let result = marmot::group(|g| {
                g.set_limit(1);
                g.go(|| marmot::sleep_or_cancelled(LONG));
                g.go_or_cancelled(|| Ok(()))
            });
            ended(result)
        }
    };
    Kind::new("groups", count, call, || ())
}

fn flights(count: usize) -> Kind {
    let flights = Arc::new(singleflight::Group::<u32, u32>::new());
    let leading = Arc::clone(&flights);
    let leader = Holder::new(move |wait| {
        let led = leading.run(&1, || {
            wait();
            2
        });
        assert_eq!(led.unwrap().0, 2);
    });
    let call = |_| {
        let flights = Arc::clone(&flights);
        move || match flights.run(&1, || 3) {
            Err(singleflight::Error::Cancelled(error)) => is_end(&error),
            other => Err(format!("{other:?}")),
        }
    };
    Kind::new("singleflight", count, call, move || leader.end())
}
