//! The tick of the object pools: a timer that is armed only while a pool keeps something.
//!
//! [`marmot_buf::pool`] asks for it. It is armed in the runtime whose goroutine put the object in; where a plain thread did,
//! or a goroutine of a runtime that shuts down, in the one that was started last. One timer serves all runtimes of the process, and
//! it keeps its time: if the runtime that has it shuts down, it moves to the heap that outlives all of them. When it fires, it
//! starts a goroutine, since destructors of the user's run in a tick, or a thread if no runtime is left; and then it is armed anew if the
//! pools ask again. Where there has been no runtime yet, or none is left when the pools ask, the next put or get that looks at the
//! clock sees to it.

use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicPtr,
    Ordering::{Acquire, Release},
};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use marmot_buf::pool;

use super::arm;
use crate::sched::{self, Call, Due, Fire, Head, M, Sched, Spec, Timer, budget, clock, current};

static TIMER: LazyLock<Timer> = LazyLock::new(Timer::keeping);

/// Held while the timer is armed: whoever asks next may do so before the one before has finished.
static ARMING: Mutex<()> = Mutex::new(());

/// The runtime that was started last.
static LAST: AtomicPtr<Sched> = AtomicPtr::new(ptr::null_mut());

/// Lets `sched` see to it that pools age.
pub(crate) fn serve(sched: &'static Sched) {
    // Release pairs with the Acquire in `some_m`.
    LAST.store(ptr::from_ref(sched).cast_mut(), Release);
    pool::set_timer(arm_tick);
    pool::set_get_hook(|gets| budget::charge(gets.saturating_mul(budget::CHECK)));
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
        // SAFETY: `start_tick` does not look at what it is called with.
        unsafe { due.call(Call { with: NonNull::dangling(), run: start_tick }) };
        None
    }
}

/// # Safety
///
/// None: it does not look at what it is called with.
unsafe fn start_tick(_with: NonNull<()>) {
    let name = "pool tick";
    match some_m() {
        Some(mp) => {
            let spec = Spec { name: Some(name.into()), stack_size: None, site: Location::caller() };
            // One reference, which is the scheduler's: nobody joins it.
            let head = sched::new_goroutine(mp.sched, sched::next_id(), spec, 1, pool::tick);
            mp.sched.note_spawn();
            sched::ready(Head::unstarted(head));
        }
        // If there is no thread, either, the tick is overdue, and the next put or get that looks at the clock makes up for it.
        None => drop(thread::Builder::new().name(name.into()).spawn(pool::tick)),
    }
}
