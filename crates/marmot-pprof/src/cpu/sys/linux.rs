//! `timer_create` with `SIGEV_THREAD_ID`, on Linux.

use std::collections::HashMap;
use std::ffi::c_void;
use std::fs;
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use libc::c_int;
use marmot_coro::trace::Registers;

use super::super::sample;

/// What handled the signal before, while it is not ours.
static PREVIOUS: Mutex<Option<libc::sigaction>> = Mutex::new(None);

/// What the kernel says of a signal that a timer sends (`__sifields._timer` in include/uapi/asm-generic/siginfo.h).
#[repr(C)]
struct TimerInfo {
    signal: c_int,
    errno: c_int,
    code: c_int,
    padding: c_int,
    timer: c_int,
    /// How often the timer has expired besides, since the last signal.
    overrun: c_int,
}

/// A timer on the CPU clock of each thread.
pub(in super::super) struct Timers {
    /// Nanoseconds.
    period: i64,
    timers: HashMap<libc::pid_t, Timer>,
    /// The threads that were found last.
    found: Vec<libc::pid_t>,
}

struct Timer(libc::timer_t);

// SAFETY: a timer belongs to the process; any thread may delete it.
unsafe impl Send for Timer {}

impl Timers {
    pub(in super::super) fn new(period: i64) -> Timers {
        Timers { period, timers: HashMap::new(), found: Vec::new() }
    }

    /// Gives threads that have come a timer, and takes away those of threads that have gone.
    ///
    /// # Errors
    ///
    /// When the threads cannot be listed; otherwise, only if none of them can have a timer.
    pub(in super::super) fn look_for_threads(&mut self) -> io::Result<()> {
        self.found.clear();
        for entry in fs::read_dir("/proc/self/task")? {
            if let Some(thread) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                self.found.push(thread);
            }
        }
        let found = &self.found;
        self.timers.retain(|thread, _| found.contains(thread));
        let mut refused = None;
        for &thread in found {
            if !self.timers.contains_key(&thread) {
                match Timer::new(thread, self.period) {
                    Ok(timer) => drop(self.timers.insert(thread, timer)),
                    // It may have ended in between.
                    Err(error) => refused = Some(error),
                }
            }
        }
        match refused {
            Some(error) if self.timers.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes all timers away.
    pub(in super::super) fn clear(&mut self) {
        self.timers.clear();
    }
}

impl Timer {
    fn new(thread: libc::pid_t, period: i64) -> io::Result<Timer> {
        /// A clock of one thread, and of the time that the scheduler gives it (`CPUCLOCK_*` in
        /// include/linux/posix-timers_types.h).
        const THREAD_SCHED: libc::clockid_t = 4 | 2;
        let clock = !thread << 3 | THREAD_SCHED;
        // SAFETY: zero is valid for each of its fields.
        let mut event: libc::sigevent = unsafe { mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_notify_thread_id = thread;
        let mut timer = MaybeUninit::uninit();
        // SAFETY: the event is filled in, and the timer has room.
        check(unsafe { libc::timer_create(clock, &mut event, timer.as_mut_ptr()) })?;
        // SAFETY: the call succeeded, so it filled the timer in. From here on, dropping it deletes it.
        let timer = Timer(unsafe { timer.assume_init() });
        // Threads that run in step are not to be looked at in step: each begins elsewhere in the period.
        let phase = i64::from(thread).wrapping_mul(0x9e37_79b9).rem_euclid(period) + 1;
        let time =
            |nanoseconds| libc::timespec { tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000 };
        let setting = libc::itimerspec { it_interval: time(period), it_value: time(phase) };
        // SAFETY: the timer was made, and the old setting is not asked for.
        check(unsafe { libc::timer_settime(timer.0, 0, &setting, ptr::null_mut()) })?;
        Ok(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the timer was made, and nobody uses it any more.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// Puts our handler in.
pub(in super::super) fn install() -> io::Result<()> {
    let mut previous = PREVIOUS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: zero is a valid action: an empty mask, no flags.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler();
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    let mut old = MaybeUninit::uninit();
    // SAFETY: the handler has the signature that `SA_SIGINFO` promises and is async-signal-safe; the old action has room.
    check(unsafe { libc::sigaction(libc::SIGPROF, &action, old.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it filled the action in.
    let old = unsafe { old.assume_init() };
    if old.sa_sigaction != handler() {
        *previous = Some(old);
    }
    Ok(())
}

/// Puts back what was there before.
pub(in super::super) fn restore() {
    let mut previous = PREVIOUS.lock().unwrap_or_else(PoisonError::into_inner);
    // A signal may be under way. By default it ends the process, so that ours stays, which does nothing.
    if let Some(action) = *previous
        && action.sa_sigaction != libc::SIG_DFL
    {
        // SAFETY: it is what the kernel had for this signal. Should the call fail, ours stays.
        unsafe { libc::sigaction(libc::SIGPROF, &action, ptr::null_mut()) };
        *previous = None;
    }
}

fn handler() -> libc::sighandler_t {
    handle as *const () as libc::sighandler_t
}

/// The handler.
///
/// # Safety
///
/// The kernel calls it, with what `SA_SIGINFO` promises.
unsafe extern "C" fn handle(_signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's promise; what follows the code is of a timer if it says so.
    let info = unsafe { &*info.cast::<TimerInfo>() };
    if info.code != libc::SI_TIMER {
        return;
    }
    // SAFETY: the kernel's promise.
    if let Some(registers) = unsafe { Registers::of_signal(context) } {
        sample(&registers, 1 + u32::try_from(info.overrun).unwrap_or(0));
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
