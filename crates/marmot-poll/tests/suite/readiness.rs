//! The laws of readiness.

use std::io::ErrorKind;
use std::thread;

use marmot_poll::{Buffer, Contract, Event, Key};

use super::{Bench, Fixture, PATIENCE, drain, fill, send};

const A: u64 = 0xA;
const B: u64 = 0xB;

fn keys(events: &[Event]) -> Vec<u64> {
    let mut keys: Vec<u64> = events.iter().map(|event| event.key.get()).collect();
    keys.sort_unstable();
    // A change may come as two events, one for each direction.
    keys.dedup();
    keys
}

pub fn opening_reports_that_there_is_room<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, _there) = F::pair();
    bench.open(&here, A);
    let expected = Event { key: Key::new(A), readable: false, writable: true, hangup: false };
    assert_eq!(bench.look(), [expected]);
}

pub fn opening_reports_what_came_before<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    send::<F>(&there, b"early");
    bench.open(&here, A);
    bench.wait_for(A, |event| event.readable && event.writable && !event.hangup);

    let (here, there) = F::pair();
    drop(there);
    bench.open(&here, B);
    bench.wait_for(B, |event| event.readable && event.hangup);
}

pub fn an_idle_peer_is_no_news<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, _there) = F::pair();
    fill::<F>(&here);
    bench.open(&here, A);
    assert_eq!(bench.look(), [], "it is ready for nothing");
}

pub fn news_is_reported_once<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    send::<F>(&there, b"once");
    bench.wait_for(A, |event| event.readable);
    for _ in 0..10 {
        assert_eq!(bench.look(), [], "nothing has changed");
    }
    assert_eq!(drain::<F>(&here), 4);
    assert_eq!(bench.look(), [], "reading is no change for the better");
}

pub fn arriving_bytes_are_reported<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    for _ in 0..100 {
        send::<F>(&there, b"again");
        bench.wait_for(A, |event| event.readable && !event.hangup);
        assert_eq!(drain::<F>(&here), 5);
    }
}

pub fn each_arrival_is_reported_though_nothing_is_read<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    for _ in 0..10 {
        send::<F>(&there, b"more");
        bench.wait_for(A, |event| event.readable);
    }
    assert_eq!(drain::<F>(&here), 40);
}

pub fn bytes_that_arrive_after_a_poll_are_in_the_next<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    send::<F>(&there, b"first");
    bench.wait_for(A, |event| event.readable);
    // After the poll that reported the first, before the read that finds both.
    send::<F>(&there, b"second");
    assert_eq!(drain::<F>(&here), 11);
    // Whether the second is reported is left open: its reason has gone. The third must be.
    bench.settle();
    send::<F>(&there, b"third");
    bench.wait_for(A, |event| event.readable);
    assert_eq!(drain::<F>(&here), 5);
}

pub fn changes_between_two_polls_come_together<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    for _ in 0..10 {
        send::<F>(&there, b"bit");
    }
    F::finish(&there);
    bench.wait_for(A, |event| event.readable && event.hangup);
    assert_eq!(bench.look(), [], "there is nothing left to say");
    assert_eq!(drain::<F>(&here), 30);
}

pub fn a_half_close_is_a_hangup<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    F::finish(&there);
    bench.wait_for(A, |event| event.readable && event.hangup);
    assert_eq!(F::read(&here, &mut [0; 8]).expect("the end is no error"), 0);
    // The other direction goes on.
    send::<F>(&here, b"still");
    let mut other = Bench::<F>::new();
    other.open(&there, B);
    other.wait_for(B, |event| event.readable);
    assert_eq!(F::read(&there, &mut [0; 8]).expect("it has arrived"), 5);
}

pub fn a_half_close_behind_bytes_is_a_hangup<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    send::<F>(&there, b"last");
    F::finish(&there);
    bench.wait_for(A, |event| event.readable && event.hangup);
    // A short read, and yet not drained: nothing will announce the end once more.
    assert_eq!(F::read(&here, &mut [0; 8]).expect("it has arrived"), 4);
    assert_eq!(bench.look(), []);
    assert_eq!(F::read(&here, &mut [0; 8]).expect("the end is no error"), 0);
}

pub fn a_full_close_concerns_both_directions<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    drop(there);
    bench.wait_for(A, |event| event.readable && event.writable && event.hangup);

    // Also where there was no room: who waits for some is not to wait for ever.
    let (here, there) = F::pair();
    fill::<F>(&here);
    bench.open(&here, B);
    bench.settle();
    drop(there);
    bench.wait_for(B, |event| event.readable && event.writable && event.hangup);
}

pub fn room_is_reported_after_a_full_pipe_is_drained<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    for _ in 0..3 {
        let mut unread = fill::<F>(&here);
        bench.settle();
        while unread > 0 {
            unread -= drain::<F>(&there);
        }
        bench.wait_for(A, |event| event.writable && !event.readable && !event.hangup);
        assert!(F::write(&here, b"x").is_ok());
        assert_eq!(drain::<F>(&there), 1);
    }
}

pub fn several_descriptors_have_several_keys<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let pairs: Vec<_> = (0..16).map(|_| F::pair()).collect();
    for (key, (here, _)) in (0..).zip(&pairs) {
        bench.open(here, key);
    }
    bench.settle();
    for key in [3, 14, 0] {
        send::<F>(&pairs[key].1, b"for one");
        assert_eq!(keys(&bench.poll(Some(PATIENCE))), [key as u64]);
    }
    for (_, there) in &pairs {
        send::<F>(there, b"for all");
    }
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), (0..16).collect::<Vec<_>>());
}

pub fn the_outermost_keys_are_usable<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let pairs = [F::pair(), F::pair()];
    bench.open(&pairs[0].0, 0);
    bench.open(&pairs[1].0, u64::MAX - 1);
    // A wake-up comes under a key of its own.
    bench.poller.wake().expect("a poller can be woken");
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [0, u64::MAX - 1]);
}

pub fn opening_again_changes_the_key<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    bench.open(&here, B);
    bench.settle();
    send::<F>(&there, b"news");
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [B]);
    assert_eq!(bench.look(), [], "it is open once");
}

pub fn opening_again_reports_anew<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    send::<F>(&there, b"unread");
    bench.open(&here, A);
    bench.settle();
    bench.open(&here, A);
    bench.wait_for(A, |event| event.readable && event.writable);
}

pub fn closing_silences<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    bench.poller.close(F::source(&here)).expect("it is open");
    send::<F>(&there, b"unheard");
    F::finish(&there);
    assert_eq!(bench.look(), []);
    // What has changed, but has not been taken by a poll, is silenced as well.
    let (here, there) = F::pair();
    bench.open(&here, B);
    send::<F>(&there, b"unheard");
    bench.poller.close(F::source(&here)).expect("it is open");
    assert_eq!(bench.look(), []);
    assert_eq!(drain::<F>(&here), 7, "it lives on");
}

pub fn closing_twice_is_not_found<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (here, _there) = F::pair();
    let not_open = bench.poller.close(F::source(&here)).expect_err("it was never opened");
    assert_eq!(not_open.kind(), ErrorKind::NotFound);
    bench.open(&here, A);
    bench.poller.close(F::source(&here)).expect("it is open");
    let not_open = bench.poller.close(F::source(&here)).expect_err("it is closed");
    assert_eq!(not_open.kind(), ErrorKind::NotFound);
}

pub fn a_closed_descriptor_can_be_opened_again<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    bench.poller.close(F::source(&here)).expect("it is open");
    send::<F>(&there, b"meanwhile");
    bench.open(&here, B);
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [B]);
    // And in another poller, which is how a descriptor moves.
    bench.poller.close(F::source(&here)).expect("it is open");
    let mut other = Bench::<F>::new();
    other.open(&here, A);
    other.wait_for(A, |event| event.readable);
    assert_eq!(bench.look(), []);
}

pub fn a_dropped_descriptor_is_silent<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    send::<F>(&there, b"unread");
    drop(here);
    assert_eq!(bench.look(), []);
    // The next owner of the number is nobody's relation.
    let (here, there) = F::pair();
    send::<F>(&there, b"mine");
    bench.open(&here, B);
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [B]);
}

pub fn an_event_taken_before_a_change_of_key_keeps_its_key<F: Fixture>() {
    let mut bench = Bench::<F>::new();
    let (here, there) = F::pair();
    bench.open(&here, A);
    bench.settle();
    send::<F>(&there, b"for the first generation");
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [A]);
    bench.open(&here, B);
    let taken: Vec<_> = bench.events.iter().collect();
    assert_eq!(keys(&taken), [A], "what was taken stays as it was");
    assert_eq!(keys(&bench.poll(Some(PATIENCE))), [B], "what is taken now has the key of now");
}

pub fn the_rest_comes_next_time<F: Fixture>() {
    let mut bench = Bench::<F>::with_capacity(3);
    let capacity = bench.events.capacity();
    let count = 3 * capacity + 1;
    let pairs: Vec<_> = (0..count).map(|_| F::pair()).collect();
    for (key, (here, there)) in (0..).zip(&pairs) {
        send::<F>(there, b"news");
        bench.open(here, key);
    }
    let mut heard = Vec::new();
    // Two events for each descriptor are the most that there can be.
    for _ in 0..2 * count {
        heard.extend(bench.look());
    }
    assert_eq!(keys(&heard), (0..count as u64).collect::<Vec<_>>());
    assert_eq!(bench.look(), [], "each is reported once");
}

pub fn a_busy_descriptor_starves_nobody<F: Fixture>() {
    let mut bench = Bench::<F>::with_capacity(1);
    let pairs: Vec<_> = (0..8).map(|_| F::pair()).collect();
    for (key, (here, _)) in (0..).zip(&pairs) {
        bench.open(here, key);
    }
    bench.settle();
    for (_, there) in &pairs[1..] {
        send::<F>(there, b"news");
    }
    let mut quiet: Vec<u64> = (1..8).collect();
    // Twice as many polls as there are descriptors are enough for a fair order.
    for _ in 0..16 {
        send::<F>(&pairs[0].1, b"busy");
        let heard = bench.poll(Some(PATIENCE));
        quiet.retain(|key| heard.iter().all(|event| event.key.get() != *key));
    }
    assert_eq!(quiet, [0; 0], "these were starved");
}

pub fn a_descriptor_may_be_opened_during_a_poll<F: Fixture>() {
    for _ in 0..100 {
        let mut bench = Bench::<F>::new();
        let (here, there) = F::pair();
        send::<F>(&there, b"news");
        thread::scope(|s| {
            let (poller, events) = bench.split();
            let polling = s.spawn(|| {
                F::prepare();
                poller.poll(events, Some(PATIENCE)).expect("a poll does not fail")
            });
            poller.open(F::source(&here), Key::new(A)).expect("a stream can be polled");
            assert!(polling.join().expect("the poll returns") > 0, "the news was lost");
        });
    }
}
