//! Channels: what is sent is received once, by somebody who sees it, or comes back.

use loom::sync::Arc;
use loom::thread;

use crate::chan::{self, Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender};
use crate::sched;
use crate::support::{Bell, Plain, explore};
use crate::timer::limit::{CANCELLED, TIMED};

/// A message whose number was written by who sends it, with nothing but the channel to order that.
pub struct Message(Arc<Plain>);

impl Message {
    pub fn new(number: usize) -> Message {
        let plain = Plain::new(0);
        plain.set(number);
        Message(Arc::new(plain))
    }

    pub fn number(&self) -> usize {
        self.0.get()
    }
}

/// Two send to two, of which this one is the one.
fn each_comes_once(preemptions: usize, make: fn() -> (Sender<Message>, Receiver<Message>)) {
    explore(preemptions, move || {
        let (sender, receiver) = make();
        let send = [1, 2].map(|number| {
            let sender = sender.clone();
            thread::spawn(move || assert!(sender.send(Message::new(number)).is_ok()))
        });
        drop(sender);
        let other = {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.recv().map(|message| message.number()))
        };
        let own: usize = receiver.iter().map(|message| message.number()).sum();
        send.into_iter().for_each(|thread| thread.join().unwrap());
        match other.join().unwrap() {
            Ok(number) => assert_eq!(own + number, 3),
            Err(error) => assert_eq!((own, error), (3, RecvError::Disconnected)),
        }
    });
}

#[test]
fn each_is_handed_over_once() {
    each_comes_once(2, chan::rendezvous);
}

#[test]
fn each_comes_once_through_a_ring() {
    each_comes_once(2, || chan::bounded(1));
}

#[test]
fn each_comes_once_through_blocks() {
    each_comes_once(2, chan::unbounded);
}

#[test]
fn a_limit_or_a_cancellation_loses_nothing() {
    for room in [0, 1] {
        explore(3, move || {
            let (sender, receiver) = chan::bounded(room);
            let sends = {
                let sender = sender.clone();
                thread::spawn(move || match sender.send_timeout(Message::new(1), TIMED) {
                    Ok(()) => 1,
                    Err(SendTimeoutError::Timeout(message)) => message.number() - 1,
                    Err(_) => panic!("it has a receiver, and no context"),
                })
            };
            let other = {
                let receiver = receiver.clone();
                thread::spawn(move || match receiver.recv_timeout(CANCELLED) {
                    Ok(message) => message.number(),
                    Err(error) => {
                        assert_eq!(error, RecvTimeoutError::Cancelled);
                        0
                    }
                })
            };
            let own = receiver.recv_timeout(TIMED).map_or(0, |message| message.number());
            let (sent, received) = (sends.join().unwrap(), own + other.join().unwrap());
            assert_eq!(sent, received + receiver.try_iter().count());
            assert!(sender.is_empty());
        });
    }
}

#[test]
fn who_waits_is_told_that_the_other_side_is_gone() {
    explore(3, || {
        let (sender, receiver) = chan::rendezvous::<Message>();
        let ends = {
            let sender = sender.clone();
            thread::spawn(move || drop(sender))
        };
        let waits = {
            let receiver = receiver.clone();
            thread::spawn(move || assert!(matches!(receiver.recv(), Err(RecvError::Disconnected))))
        };
        drop((sender, receiver));
        ends.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn a_message_is_received_or_comes_back_when_the_receivers_go() {
    for room in [0, 1] {
        explore(3, move || {
            let (sender, receiver) = chan::bounded(room);
            let sends = thread::spawn(move || {
                let messages = [1, 2].map(Message::new);
                messages.into_iter().filter_map(|message| sender.send(message).err()).map(SendError::into_inner).count()
            });
            let other = {
                let receiver = receiver.clone();
                thread::spawn(move || receiver.recv().is_ok())
            };
            drop(receiver);
            let back = sends.join().unwrap();
            assert!(other.join().unwrap());
            // One was received; the other came back, or was left in the channel by the last receiver.
            assert!(back <= 1 && (room == 1 || back == 1));
        });
    }
}

#[test]
fn what_is_handed_to_one_who_does_not_go_on_is_received_by_another() {
    for room in [0, 1] {
        explore(3, move || {
            let (sender, receiver) = chan::bounded(room);
            let end = Arc::new(Bell::new());
            let lost = {
                let (receiver, end) = (receiver.clone(), Arc::clone(&end));
                thread::spawn(move || sched::lost(end, || receiver.recv().map(|message: Message| message.number())))
            };
            let sends = thread::spawn(move || [1, 2].map(|number| sender.send(Message::new(number)).is_ok()));
            let mut own = receiver.iter().map(|message| message.number()).sum::<usize>();
            assert_eq!(sends.join().unwrap(), [true; 2]);
            end.ring();
            own += lost.join().unwrap().map_or(0, |received| received.unwrap_or(0));
            own += receiver.try_iter().map(|message| message.number()).sum::<usize>();
            assert_eq!(own, 3);
        });
    }
}

#[test]
fn one_who_does_not_go_on_leaves_the_list_while_the_other_side_goes() {
    explore(3, || {
        let (sender, receiver) = chan::rendezvous::<Message>();
        let end = Arc::new(Bell::new());
        let lost = {
            let (receiver, end) = (receiver.clone(), Arc::clone(&end));
            thread::spawn(move || sched::lost(end, || receiver.recv().is_err()))
        };
        let waits = thread::spawn(move || assert!(receiver.recv().is_err()));
        drop(sender);
        waits.join().unwrap();
        end.ring();
        assert_ne!(lost.join().unwrap(), Some(false));
    });
}
