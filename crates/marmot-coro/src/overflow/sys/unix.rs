//! `SIGSEGV`, `SIGBUS` and `sigaltstack`.
//!
//! # Chaining
//!
//! The actions that were there before are read, kept, and only then replaced, so the handler always
//! finds them. It calls them as the kernel would have, with their own signal mask in force; a
//! default action is put back and the fault happens again.

use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError};

use libc::c_int;

use crate::stack::sys as memory;

/// The bytes of an alternate signal stack. The kernel's frame takes up to 11 KiB with the widest
/// vector registers; the rest is for the reporter, and for a chained handler.
const ALT_STACK_SIZE: usize = 64 * 1024;

/// The actions that were there before ours.
static PREVIOUS: OnceLock<Previous> = OnceLock::new();

struct Previous {
    segv: libc::sigaction,
    bus: libc::sigaction,
}

/// Puts our handler before those that are there. Does nothing the second time.
pub(in super::super) fn install() -> io::Result<()> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if PREVIOUS.get().is_some() {
        return Ok(());
    }
    let previous = Previous { segv: current(libc::SIGSEGV)?, bus: current(libc::SIGBUS)? };
    let previous = PREVIOUS.get_or_init(|| previous);
    replace(libc::SIGSEGV, &previous.segv)?;
    replace(libc::SIGBUS, &previous.bus)
}

/// Writes to standard error what it takes.
pub(in super::super) fn write_stderr(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and the length are the slice's.
        let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Waits for a signal.
pub(in super::super) fn pause() {
    // SAFETY: `pause` has no preconditions.
    unsafe { libc::pause() };
}

fn current(signal: c_int) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: no new action is given, and the old one has room.
    check(unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it filled the action in.
    Ok(unsafe { action.assume_init() })
}

fn replace(signal: c_int, previous: &libc::sigaction) -> io::Result<()> {
    let mut action = *previous;
    action.sa_sigaction = handle as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `handle` has the signature that `SA_SIGINFO` promises and is async-signal-safe.
    check(unsafe { libc::sigaction(signal, &action, ptr::null_mut()) })
}

/// The handler.
///
/// # Safety
///
/// The kernel calls it, with what `SA_SIGINFO` promises.
unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's promise.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // A positive code is a fault; others are signals that a process has sent, and those carry no
    // address.
    let sent = code <= 0;
    if !sent && let Some(fault) = super::super::fault_at(address) {
        super::super::die(fault);
    }
    let Some(previous) = PREVIOUS.get() else {
        return;
    };
    let previous = if signal == libc::SIGBUS { &previous.bus } else { &previous.segv };
    // SAFETY: `previous` is what the kernel had for this signal, and the arguments are the
    // kernel's.
    unsafe { chain(previous, sent, signal, info, context) }
}

/// Does what the kernel would have done with the signal.
///
/// # Safety
///
/// `previous` is an action that the kernel had for `signal`; `info` and `context` are those of this
/// delivery.
unsafe fn chain(
    previous: &libc::sigaction,
    sent: bool,
    signal: c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    match previous.sa_sigaction {
        libc::SIG_IGN if sent => {}
        // A fault cannot be ignored: the kernel kills.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: zero is a valid action: the default one, with an empty mask and no flags.
            let default: libc::sigaction = unsafe { mem::zeroed() };
            // SAFETY: the action is valid. Should the call fail, the signal comes again and so do
            // we.
            unsafe { libc::sigaction(signal, &default, ptr::null_mut()) };
            if sent {
                // A fault happens again when we return; a signal that was sent must be sent again.
                // SAFETY: `raise` has no preconditions. The signal is blocked until we return.
                unsafe { libc::raise(signal) };
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with `SA_SIGINFO`, the address is a function of this signature.
            let handler: unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { mem::transmute(handler) };
            // SAFETY: the arguments are those of this delivery.
            unsafe { handler(signal, info, context) }
        }
        handler => {
            // SAFETY: without `SA_SIGINFO`, the address is a function of this signature.
            let handler: unsafe extern "C" fn(c_int) = unsafe { mem::transmute(handler) };
            // SAFETY: the argument is that of this delivery.
            unsafe { handler(signal) }
        }
    }
}

thread_local! {
    /// Whether this thread has an `AltStack`.
    static HELD: Cell<bool> = const { Cell::new(false) };
}

/// An alternate signal stack for the current thread, with a guard of its own, while it lives.
///
/// Dropping it puts back the one that was there before.
#[derive(Debug)]
pub struct AltStack {
    mapping: usize,
    guard: usize,
    previous: libc::stack_t,
    /// It belongs to the thread that made it.
    _thread: PhantomData<*mut ()>,
}

impl AltStack {
    /// Gives the current thread an alternate signal stack of 64 KiB.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if the thread has one of these, and what the system says if it gives no
    /// memory.
    pub fn new() -> io::Result<Self> {
        if HELD.get() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "this thread has an alternate signal stack of ours",
            ));
        }
        let guard = memory::page_size();
        let mapping = memory::reserve(guard + ALT_STACK_SIZE)?.get();
        // SAFETY: `stack_t` is plain data, for which zero is valid.
        let previous = unsafe { mem::zeroed() };
        // From here on, dropping the value unmaps.
        let mut this = Self { mapping, guard, previous, _thread: PhantomData };
        // SAFETY: the low page of a mapping that was just made.
        unsafe { memory::protect(mapping, guard) }?;
        let stack = libc::stack_t { ss_sp: this.start(), ss_flags: 0, ss_size: ALT_STACK_SIZE };
        // SAFETY: the memory belongs to `this`, which takes it back from the kernel before it
        // unmaps it.
        check(unsafe { libc::sigaltstack(&stack, &mut this.previous) })?;
        HELD.set(true);
        Ok(this)
    }

    fn start(&self) -> *mut c_void {
        ptr::with_exposed_provenance_mut(self.mapping + self.guard)
    }

    /// Puts the previous stack back if this one is in force; says whether the memory is out of use.
    fn retire(&self) -> bool {
        let mut now = MaybeUninit::<libc::stack_t>::uninit();
        // SAFETY: no new stack is given, and the current one has room.
        if unsafe { libc::sigaltstack(ptr::null(), now.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call succeeded, so it filled the value in.
        let now = unsafe { now.assume_init() };
        if now.ss_flags & libc::SS_DISABLE != 0 || now.ss_sp != self.start() {
            // Someone has replaced or disabled it, as `std` does at the end of its threads. What
            // was there before us may be gone by now, and is not ours to put back.
            return true;
        }
        // SAFETY: it was in force when ours came, and its owner has not touched the setting since.
        // No other `AltStack` can be its owner, for a thread has one at a time.
        unsafe { libc::sigaltstack(&self.previous, ptr::null_mut()) == 0 }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        HELD.set(false);
        if self.retire() {
            // SAFETY: the mapping is ours, and the kernel no longer has it as a signal stack.
            unsafe { memory::release(self.mapping, self.guard + ALT_STACK_SIZE) }
        }
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
