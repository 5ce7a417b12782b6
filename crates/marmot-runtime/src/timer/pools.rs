//! The tick of the object pools: a timer that is armed only while a pool keeps something.
//!
//! [`marmot_buf::pool`] asks for it. It is armed in the runtime whose goroutine put the object in; where a plain thread did,
//! or a goroutine of a runtime that shuts down, in the one that was started last. When it fires it starts a goroutine
//! there, since destructors of the user's run in a tick, and then it is armed anew if the pools ask again. One timer serves
//! all runtimes of the process. When the runtime that has it shuts down, it fires too early, or never: then the next put or
//! get that looks at the clock asks for another, as it does where there is no runtime at all.

use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use marmot_buf::pool;

use super::arm;
use crate::sched::{self, Due, Fire, Head, M, Sched, Spec, Timer, clock, current};

static TIMER: LazyLock<Timer> = LazyLock::new(Timer::new);

/// Held while the timer is armed: whoever asks next may do so before the one before has finished.
static ARMING: Mutex<()> = Mutex::new(());

/// The runtime that was started last.
static LAST: AtomicPtr<Sched> = AtomicPtr::new(ptr::null_mut());

/// Lets `sched` see to it that pools age.
pub(crate) fn serve(sched: &'static Sched) {
    // Release pairs with the Acquire in `some_m`.
    LAST.store(ptr::from_ref(sched).cast_mut(), Release);
    pool::set_timer(arm_tick);
}

/// An M that can have the timer.
fn some_m() -> Option<&'static M> {
    // Acquire pairs with the Release in `serve`. SAFETY: null, or a scheduler, which lives as long as the process.
    let last = || unsafe { LAST.load(Acquire).as_ref() }.and_then(|sched| sched.ms().first());
    let lives = |mp: &&M| !mp.sched.is_stopping();
    current::mp().filter(lives).or_else(|| last().filter(lives))
}

fn arm_tick(after: Duration) -> bool {
    let Some(mp) = some_m() else { return false };
    // Nothing that panics runs under the lock.
    let _arming = ARMING.lock().unwrap_or_else(|e| e.into_inner());
    // SAFETY: the timer is static, and whoever arms it holds the lock.
    unsafe { arm::<Tick>(NonNull::from(&*TIMER), clock::after(after), mp) };
    true
}

/// The timer of the pools, with nothing around it.
struct Tick;

// SAFETY: the record is the timer.
unsafe impl Fire for Tick {
    type Record = Timer;
    const OFFSET: usize = 0;

    unsafe fn fire(_timer: NonNull<Timer>, _now: u64, due: &mut Due) -> Option<u64> {
        // An M fires its timers itself.
        if let Some(mp) = current::mp().filter(|mp| !mp.sched.is_stopping()) {
            let spec = Spec { name: Some("pool tick".into()), stack_size: None, site: Location::caller() };
            // One reference, which is the scheduler's: nobody joins it.
            let head = sched::new_goroutine(mp.sched, mp.next_id(), spec, 1, pool::tick);
            mp.sched.note_spawn();
            due.push(Head::unstarted(head));
        }
        None
    }
}
