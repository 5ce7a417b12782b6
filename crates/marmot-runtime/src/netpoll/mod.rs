//! The netpoller: turns readiness into parked and readied goroutines.
//!
//! Below it is the platform's poller ([`marmot_poll`]), which knows descriptors and keys; above it
//! are the descriptors of `fd`, which know only "wait until a try may succeed". Each M has a poller
//! of its own and sleeps in it.
//!
//! The life of a read that has to wait:
//!
//! ```text
//!   read ──try──► would block ──► PollDesc::wait ──► slot: G ──► park(IoRead) ──► M runs others, then polls
//!                                                                                       │ event
//!   read ◄──try── slot: READY taken ◄── resumed ◄── settled queue ◄── ready(g) ◄── slot: READY
//! ```

mod desc;
pub(crate) mod error;
pub(crate) mod slot;
mod state;
mod table;
pub(crate) mod turn;
mod wait;
mod waiting;
mod word;

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{
    AtomicPtr, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use marmot_poll::{Event, Events};

pub(crate) use desc::{Addrs, Direction, NEVER, PollDesc};

use crate::sched::{Config, Head, Hooks, M, Sched, current};
use crate::timer::pools;

/// Starts a scheduler whose Ms poll for this netpoller, and whose timers let pools age.
pub(crate) fn start(config: Config) -> io::Result<&'static Sched> {
    let sched = Sched::start(config, Hooks { on_events })?;
    pools::serve(sched);
    Ok(sched)
}

/// For so many events at a time the memory is asked for that readying their waiters needs. With thousands of descriptors
/// nothing of it is in the caches when an event comes, nor the translations of addresses, and several misses at the same
/// time take hardly longer than one. Of most waiters nothing is needed but their word: see [`word`].
const GROUP: usize = 8;

fn on_events(events: &Events) {
    // Two heralds go before: the first asks for descs, the second finds these there and asks for who waits, where that has to be looked at.
    let (mut first, mut second, mut third) = (events.iter(), events.iter(), events.iter());
    let ask_desc = |event: Event| table::ask(event.key);
    first.by_ref().take(GROUP).for_each(ask_desc);
    loop {
        first.by_ref().take(GROUP).for_each(ask_desc);
        for event in second.by_ref().take(GROUP) {
            if let Some(desc) = table::of(event.key) {
                desc.ask_waiter();
            }
        }
        let mut left = GROUP;
        for event in third.by_ref().take(GROUP) {
            if let Some(desc) = table::find(event.key) {
                desc.on_event(&event);
            }
            left -= 1;
        }
        if left > 0 {
            return;
        }
    }
}

/// The scheduler of the calling goroutine; on a plain thread, the default one, which starts on
/// first use.
pub(crate) fn sched_here() -> io::Result<&'static Sched> {
    match current::sched() {
        Some(sched) => Ok(sched),
        None => default_sched(),
    }
}

static DEFAULT: AtomicPtr<Sched> = AtomicPtr::new(std::ptr::null_mut());

/// Makes `sched` the default one, unless there is one already.
pub(crate) fn offer_default(sched: &'static Sched) {
    let sched = std::ptr::from_ref(sched).cast_mut();
    // Release pairs with the Acquire in `default_sched`. If it fails, plain threads use the other.
    let _ = DEFAULT.compare_exchange(std::ptr::null_mut(), sched, Release, Relaxed);
}

/// The default scheduler, which starts on first use.
pub(crate) fn default_sched() -> io::Result<&'static Sched> {
    static STARTING: Mutex<()> = Mutex::new(());
    // SAFETY: null, or a scheduler, which lives as long as the process. Acquire pairs with the
    // Release below.
    let started = || unsafe { DEFAULT.load(Acquire).as_ref() };
    if let Some(sched) = started() {
        return Ok(sched);
    }
    // A failure is not remembered: the next call tries again.
    let _starting = STARTING.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(sched) = started() {
        return Ok(sched);
    }
    let sched = start(Config::default())?;
    DEFAULT.store(std::ptr::from_ref(sched).cast_mut(), Release);
    Ok(sched)
}

/// An M of the default scheduler, for a plain thread that waits: a different one each time.
fn some_m() -> io::Result<&'static M> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let ms = sched_here()?.ms();
    Ok(&ms[NEXT.fetch_add(1, Relaxed) % ms.len()])
}

/// Makes every waiter look at its conditions again: its scheduler is closing.
pub(crate) fn reconsider_all() {
    for desc in table::all() {
        desc.reconsider_both();
    }
}

/// Shows the goroutines that wait for a descriptor without having started to `f`, which must not use the runtime.
pub(crate) fn visit_unstarted(f: &mut dyn FnMut(&Head)) {
    for desc in table::all() {
        desc.visit_unstarted(f);
    }
}
