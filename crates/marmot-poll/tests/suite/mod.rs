//! The contract suite: every law of `Contract`, for every back end.
//!
//! A back end is brought in by a [`Fixture`], and `suite!` makes a test of each law for it. A wait that a broken back
//! end would never end is bounded by [`PATIENCE`]; a right one waits for no clock but in the tests of time.

mod identity;
mod readiness;
mod stress;
mod time;
mod wake;

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use marmot_poll::{Buffer, Contract, Event, Key};

pub use self::{identity::*, readiness::*, stress::*, time::*, wake::*};

/// How long to wait for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// More descriptors than a test has at a time.
pub const NUMBERS: i32 = 1 << 16;

/// A back end and descriptors for it.
pub trait Fixture: 'static {
    type Poller: Contract + 'static;
    /// An end of a connected stream, in non-blocking mode. Dropping it closes it.
    type End: Send + Sync + 'static;

    /// Called on each test's thread before anything else.
    fn prepare() {}
    fn pair() -> (Self::End, Self::End);
    fn source(end: &Self::End) -> <Self::Poller as Contract>::Source<'_>;
    fn number(end: &Self::End) -> <Self::Poller as Contract>::Number;
    /// All the numbers that this process can have given out.
    fn numbers() -> impl Iterator<Item = <Self::Poller as Contract>::Number>;
    fn read(end: &Self::End, buf: &mut [u8]) -> io::Result<usize>;
    fn write(end: &Self::End, buf: &[u8]) -> io::Result<usize>;
    /// Closes the sending side.
    fn finish(end: &Self::End);
}

/// A poller with its buffer.
pub struct Bench<F: Fixture> {
    pub poller: F::Poller,
    pub events: <F::Poller as Contract>::Events,
}

impl<F: Fixture> Bench<F> {
    pub fn new() -> Self {
        Self::with_capacity(64)
    }

    pub fn with_capacity(capacity: usize) -> Self {
        F::prepare();
        let poller = F::Poller::init().expect("a poller can be made");
        Bench { poller, events: Buffer::with_capacity(capacity) }
    }

    /// The poller, for any thread, and the buffer, for the one that polls.
    pub fn split(&mut self) -> (&F::Poller, &mut <F::Poller as Contract>::Events) {
        (&self.poller, &mut self.events)
    }

    pub fn open(&self, end: &F::End, key: u64) {
        self.poller.open(F::source(end), Key::new(key)).expect("a stream can be polled");
    }

    /// Polls once, and returns what there is.
    pub fn poll(&mut self, timeout: Option<Duration>) -> Vec<Event> {
        let count = self.poller.poll(&mut self.events, timeout).expect("a poll does not fail");
        let events: Vec<Event> = self.events.iter().collect();
        assert_eq!(events.len(), count, "a poll returns the number of its events");
        assert!(count <= self.events.capacity());
        events
    }

    /// Polls once without waiting, and returns what there is.
    pub fn look(&mut self) -> Vec<Event> {
        self.poll(Some(Duration::ZERO))
    }

    /// Polls until the events of `key`, taken together, are as they should be. Others are dropped.
    #[track_caller]
    pub fn wait_for(&mut self, key: u64, is_right: impl Fn(&Event) -> bool) {
        let mut sum = Event { key: Key::new(key), readable: false, writable: false, hangup: false };
        while !is_right(&sum) {
            let events = self.poll(Some(PATIENCE));
            assert!(!events.is_empty(), "nothing more came after {sum:?}");
            for event in events.iter().filter(|event| event.key == sum.key) {
                sum.readable |= event.readable;
                sum.writable |= event.writable;
                sum.hangup |= event.hangup;
            }
        }
    }

    /// Takes what there is, so that only changes from now on are reported.
    #[track_caller]
    pub fn settle(&mut self) {
        let is_settled = (0..1000).any(|_| self.look().is_empty());
        assert!(is_settled, "news comes without end, and nothing changes");
    }
}

/// Tells the other threads of a test to give up, also when this one panics and they would wait for ever.
pub struct GivesUp<'a>(pub &'a AtomicBool);

impl Drop for GivesUp<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Writes a few bytes, for which there is room.
pub fn send<F: Fixture>(end: &F::End, bytes: &[u8]) {
    assert_eq!(F::write(end, bytes).expect("there is room"), bytes.len());
}

/// Writes until there is no more room, and returns how much that was.
pub fn fill<F: Fixture>(end: &F::End) -> usize {
    total(|| F::write(end, &[b'x'; 4096]))
}

/// Reads until there is nothing more, and returns how much that was.
pub fn drain<F: Fixture>(end: &F::End) -> usize {
    let mut buf = [0; 4096];
    total(|| F::read(end, &mut buf))
}

/// Repeats a read or a write until it would block or the stream has ended.
fn total(mut step: impl FnMut() -> io::Result<usize>) -> usize {
    let mut sum = 0;
    loop {
        match step() {
            Ok(0) => return sum,
            Ok(count) => sum += count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return sum,
            Err(e) => panic!("a healthy stream failed: {e}"),
        }
    }
}

/// Makes a test of every law for one fixture.
macro_rules! suite {
    ($fixture:ty) => {
        $crate::suite::suite!(@laws $fixture:
            // Readiness.
            opening_reports_that_there_is_room
            opening_reports_what_came_before
            an_idle_peer_is_no_news
            news_is_reported_once
            arriving_bytes_are_reported
            each_arrival_is_reported_though_nothing_is_read
            bytes_that_arrive_after_a_poll_are_in_the_next
            changes_between_two_polls_come_together
            a_half_close_is_a_hangup
            a_half_close_behind_bytes_is_a_hangup
            a_full_close_concerns_both_directions
            room_is_reported_after_a_full_pipe_is_drained
            several_descriptors_have_several_keys
            the_outermost_keys_are_usable
            opening_again_changes_the_key
            opening_again_reports_anew
            closing_silences
            closing_twice_is_not_found
            a_closed_descriptor_can_be_opened_again
            a_dropped_descriptor_is_silent
            an_event_taken_before_a_change_of_key_keeps_its_key
            the_rest_comes_next_time
            a_busy_descriptor_starves_nobody
            a_descriptor_may_be_opened_during_a_poll
            // Waking.
            a_wake_up_before_a_poll_ends_it
            a_wake_up_during_a_poll_ends_it
            a_wake_up_ends_a_poll_without_timeout
            a_wake_up_is_no_event
            a_wake_up_hides_no_event
            a_wake_up_fits_the_smallest_buffer
            many_wake_ups_are_one
            every_round_of_wake_ups_is_heard
            a_wake_up_shows_what_was_done_before
            a_poll_for_another_can_pass_a_wake_up_on
            // Time.
            no_timeout_is_early
            no_timeout_is_cut_short_by_news_of_nothing
            a_zero_timeout_does_not_wait
            the_longest_timeout_is_for_ever
            // Identity.
            the_pollers_own_descriptors_are_known
            a_buffer_has_its_capacity
            a_buffer_of_nothing_is_refused
            // Stress.
            nothing_is_lost_under_load
            nothing_is_lost_between_two_polling_threads
        );
    };
    (@laws $fixture:ty: $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::suite::$law::<$fixture>();
            }
        )*
    };
}
pub(crate) use suite;
