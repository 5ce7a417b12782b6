//! Selects: two that wait for each other meet, and each takes from one channel only.

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use crate::chan::{self, Receiver, RecvError, Select, Sender};
use crate::channel::Message;
use crate::sched;
use crate::support::{Bell, explore};
use crate::timer::limit::{CANCELLED, TIMED};

type Ends = (Sender<Message>, Receiver<Message>);

/// Sends to one or receives from the other: 10, or the number that it got.
fn meet(sender: &Sender<Message>, receiver: &Receiver<Message>, number: usize) -> usize {
    let select = Select::new()
        .send(sender, Message::new(number), |sent| {
            assert!(sent.is_ok());
            10
        })
        .recv(receiver, |message| message.map_or(20, |message| message.number()));
    select.wait().unwrap()
}

#[test]
fn two_that_wait_for_each_other_meet() {
    explore(3, || {
        let (a, b): (Ends, Ends) = (chan::rendezvous(), chan::rendezvous());
        let other = {
            let (a, b) = (a.clone(), b.clone());
            thread::spawn(move || meet(&b.0, &a.1, 2))
        };
        let met = (meet(&a.0, &b.1, 1), other.join().unwrap());
        assert!(met == (10, 1) || met == (2, 10), "{met:?}");
    });
}

#[test]
fn three_that_wait_for_each_other_meet_in_pairs() {
    explore(2, || {
        let (a, b): (Ends, Ends) = (chan::rendezvous(), chan::rendezvous());
        let others = [2, 3].map(|number| {
            let (a, b) = (a.clone(), b.clone());
            thread::spawn(move || meet(&b.0, &a.1, number))
        });
        // Twice, so that each of the others meets this one.
        let own = [meet(&a.0, &b.1, 1), meet(&a.0, &b.1, 1)];
        let mut theirs = others.map(|other| other.join().unwrap());
        theirs.sort_unstable();
        let sent = own.iter().filter(|&&met| met == 10).count();
        let received = theirs.iter().filter(|&&met| met == 1).count();
        assert_eq!(sent, received);
        assert!(theirs.iter().all(|&met| met == 1 || met == 10));
    });
}

#[test]
fn one_gets_from_one_of_its_channels_and_the_other_keeps_its_message() {
    explore(2, || one_gets_from_one(TIMED));
    explore(2, || one_gets_from_one(CANCELLED));
}

fn one_gets_from_one(limit: Duration) {
    let (a, b): (Ends, Ends) = (chan::rendezvous(), chan::rendezvous());
    let send = [(a.0.clone(), 1), (b.0.clone(), 2)].map(|(sender, number)| {
        thread::spawn(move || if sender.send_timeout(Message::new(number), TIMED).is_ok() { number } else { 0 })
    });
    let select = Select::new()
        .recv(&a.1, |message| message.map_or(10, |message| message.number()))
        .recv(&b.1, |message| message.map_or(10, |message| message.number()));
    let received = match select.wait_timeout(limit) {
        Ok(received) => received.unwrap_or(0),
        Err(_) => {
            assert_eq!(limit, CANCELLED);
            0
        }
    };
    let sent: usize = send.into_iter().map(|sends| sends.join().unwrap()).sum();
    assert_eq!(sent, received);
}

#[test]
fn one_that_waits_at_a_channel_that_ends_is_told_once() {
    explore(3, || {
        let (a, b): (Ends, Ends) = (chan::rendezvous(), chan::rendezvous());
        let ends = {
            let sender = a.0;
            thread::spawn(move || drop(sender))
        };
        let sends = thread::spawn(move || b.0.send(Message::new(2)).is_ok());
        let first = Select::new().recv(&a.1, |message| message.err()).recv(&b.1, |message| message.err()).wait();
        if first.unwrap() == Some(RecvError::Disconnected) {
            assert_eq!(b.1.recv().map(|message| message.number()), Ok(2));
        }
        ends.join().unwrap();
        assert!(sends.join().unwrap());
    });
}

#[test]
fn what_is_handed_to_a_select_that_does_not_go_on_is_received_by_another() {
    explore(2, || {
        let (a, b): (Ends, Ends) = (chan::rendezvous(), chan::rendezvous());
        let end = Arc::new(Bell::new());
        let lost = {
            let (a, b, end) = (a.1.clone(), b.1.clone(), Arc::clone(&end));
            thread::spawn(move || {
                let number = |message: Result<Message, RecvError>| message.map_or(0, |message| message.number());
                sched::lost(end, || Select::new().recv(&a, number).recv(&b, number).wait().unwrap())
            })
        };
        let sends = {
            let (sender, limit) = (b.0, TIMED);
            thread::spawn(move || if sender.send_timeout(Message::new(2), limit).is_ok() { 2 } else { 0 })
        };
        let sent = usize::from(a.0.send_timeout(Message::new(1), TIMED).is_ok()) + sends.join().unwrap();
        end.ring();
        let mut received = lost.join().unwrap().unwrap_or(0);
        received += [a.1, b.1].iter().flat_map(|end| end.try_iter()).map(|message| message.number()).sum::<usize>();
        assert_eq!(received, sent);
    });
}
