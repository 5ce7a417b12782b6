//! The mock's own: wires in memory, and events to order.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use marmot_poll::mock::{self, Events, Mock};
use marmot_poll::{Buffer, Contract, Event, Key};

#[test]
fn a_wire_carries_bytes_both_ways_up_to_its_capacity() {
    let (mut a, mut b) = mock::pair(4);
    let mut buf = [0; 8];
    assert_eq!(b.read(&mut buf).expect_err("nothing has been sent").kind(), ErrorKind::WouldBlock);
    assert_eq!(a.write(b"forth!").expect("there is some room"), 4);
    assert_eq!(a.write(b"!").expect_err("there is none").kind(), ErrorKind::WouldBlock);
    assert_eq!(a.write(b"").expect("nothing fits everywhere"), 0);
    assert_eq!(b.write(b"back").expect("the other direction is empty"), 4);
    assert_eq!(b.read(&mut buf[..3]).expect("it has arrived"), 3);
    assert_eq!(&buf[..3], b"for");
    assert_eq!(a.write(b"!").expect("there is room again"), 1);
    assert_eq!(b.read(&mut buf).expect("it has arrived"), 2);
    assert_eq!(&buf[..2], b"t!");
    assert_eq!(a.read(&mut buf).expect("it has arrived"), 4);
    assert_eq!(&buf[..4], b"back");
}

#[test]
fn a_wire_ends_like_a_stream() {
    let (mut a, mut b) = mock::pair(8);
    let mut buf = [0; 8];
    a.write_all(b"last").expect("there is room");
    a.finish();
    assert_eq!(a.write(b"x").expect_err("it has finished").kind(), ErrorKind::BrokenPipe);
    assert_eq!(b.read(&mut buf).expect("it has arrived"), 4);
    assert_eq!(b.read(&mut buf).expect("the end is no error"), 0);
    assert_eq!(b.write(b"still").expect("the other direction is open"), 5);
    drop(a);
    assert_eq!(b.write(b"x").expect_err("nobody reads").kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_write_that_fails_at_once_does_not_block() {
    let poller = Mock::init().expect("a mock needs nothing");
    let mut events = Events::with_capacity(4);
    let (mut a, _b) = mock::pair(1);
    a.write_all(b"x").expect("there is room");
    a.finish();
    poller.open(&a, Key::new(1)).expect("a wire can be polled");
    assert_eq!(poller.poll(&mut events, Some(Duration::ZERO)).expect("a mock does not fail"), 1);
    assert!(events.iter().all(|event| event.writable && !event.readable && !event.hangup));
}

#[test]
fn an_event_is_delivered_to_order() {
    let poller = Mock::init().expect("a mock needs nothing");
    let mut events = Events::with_capacity(4);
    let stale = Event { key: Key::new(13), readable: true, writable: false, hangup: false };
    poller.deliver(stale);
    assert_eq!(poller.poll(&mut events, Some(Duration::ZERO)).expect("a mock does not fail"), 1);
    assert_eq!(events.iter().collect::<Vec<_>>(), [stale]);
    assert_eq!(poller.poll(&mut events, Some(Duration::ZERO)).expect("a mock does not fail"), 0);
}

#[test]
#[should_panic(expected = "no key")]
fn the_last_number_is_no_key() {
    let _ = Key::new(u64::MAX);
}
