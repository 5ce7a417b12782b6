//! Counting the system calls of a process and of all that it starts, by `ptrace(2)`.
//!
//! A process may trace its own children without any privilege, as long as no security policy forbids it. The thread that
//! attaches must be the one that waits, so the tracer is a thread of its own, and it waits for its tracees only
//! (`__WNOTHREAD`). Threads and processes that the tracee creates are attached to by the kernel from their first
//! instruction. A call is counted when it is entered.
//!
//! Tracing makes every call many times slower. It changes how many connections an event loop finds ready at once, so the
//! count is taken in a pass of its own, and nothing else is measured in that pass.

use std::io;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

const OPTIONS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_EXITKILL;
/// How a stop at a system call is told apart from a `SIGTRAP` that someone sent (`PTRACE_O_TRACESYSGOOD`).
const SYSCALL_STOP: libc::c_int = libc::SIGTRAP | 0x80;
/// The event of a group stop, and of the first stop of a new tracee; the C library's headers have it, not every `libc` target.
const EVENT_STOP: libc::c_int = 128;

/// A thread that traces a process and all its descendants until the process ends.
#[derive(Debug)]
pub struct Tracer {
    entered: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<()>>,
}

impl Tracer {
    /// Attaches to the child process `pid`, which should be waiting for something meanwhile.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it: [`io::ErrorKind::PermissionDenied`] under a policy that forbids `ptrace`.
    pub fn attach(pid: u32) -> io::Result<Tracer> {
        let pid = pid as libc::pid_t;
        let entered = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&entered);
        let (attached, outcome) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("tracer".into()).spawn(move || {
            let seized = seize(pid);
            let go_on = seized.is_ok();
            let _ = attached.send(seized);
            if go_on { follow(pid, &counter) } else { Ok(()) }
        })?;
        outcome.recv().map_err(|_| io::Error::other("the tracing thread ended early"))??;
        Ok(Tracer { entered, thread })
    }

    /// The system calls that were entered so far.
    pub fn entered(&self) -> u64 {
        // Relaxed: a mere count; the load reads it when the server is idle.
        self.entered.load(Ordering::Relaxed)
    }

    /// Waits for the end of the traced process, which must be about to end. The kernel then kills what it has started.
    ///
    /// # Errors
    ///
    /// When tracing failed on the way.
    pub fn join(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the tracing thread panicked")))
    }
}

/// Attaches and sets the tracee running up to its next system call.
fn seize(pid: libc::pid_t) -> io::Result<()> {
    control(Request::Seize, pid, OPTIONS)?;
    // A tracee that was seized runs on; system calls are reported only after it was stopped once.
    control(Request::Interrupt, pid, 0)
}

/// Counts until the process `root` ends.
fn follow(root: libc::pid_t, entered: &AtomicU64) -> io::Result<()> {
    loop {
        let mut status = 0;
        // SAFETY: the call writes one status through the pointer, which is valid for that.
        let pid = unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::__WNOTHREAD) };
        if pid < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        if !libc::WIFSTOPPED(status) {
            if pid == root {
                return Ok(());
            }
            continue;
        }
        let resumed = resume(pid, libc::WSTOPSIG(status), status >> 16, entered);
        // A tracee can be killed at any time, even while it is stopped; its end is reported by the next wait.
        if let Err(error) = resumed
            && error.raw_os_error() != Some(libc::ESRCH)
        {
            return Err(error);
        }
    }
}

/// Sets a stopped tracee going again as its stop requires (ptrace(2), "Stopped states").
fn resume(pid: libc::pid_t, signal: libc::c_int, event: libc::c_int, entered: &AtomicU64) -> io::Result<()> {
    if signal == SYSCALL_STOP {
        if at_entry(pid)? {
            entered.fetch_add(1, Ordering::Relaxed);
        }
        control(Request::Resume, pid, 0)
    } else if event == EVENT_STOP && signal != libc::SIGTRAP {
        // A group stop, by SIGSTOP and the like: it stays stopped until SIGCONT.
        control(Request::Listen, pid, 0)
    } else if event != 0 {
        control(Request::Resume, pid, 0)
    } else {
        // The delivery of a signal: it is passed on.
        control(Request::Resume, pid, signal)
    }
}

/// Whether a tracee that is stopped at a system call is about to enter it, and not leaving it.
fn at_entry(pid: libc::pid_t) -> io::Result<bool> {
    // The first byte of `struct ptrace_syscall_info` says what kind of stop it is; the kernel writes as much as is asked for.
    let mut operation = 0_u8;
    let length = ptr::without_provenance_mut::<libc::c_void>(size_of_val(&operation));
    // SAFETY: the kernel writes at most `length` bytes, which is one, through the pointer to `operation`.
    let written = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO as _, pid, length, &raw mut operation) };
    if written < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(operation == libc::PTRACE_SYSCALL_INFO_ENTRY)
}

/// The requests that this module makes and that carry a number, no pointer.
#[derive(Clone, Copy)]
enum Request {
    /// Attach, with options.
    Seize,
    /// Stop.
    Interrupt,
    /// Stay stopped, but take note of `SIGCONT`.
    Listen,
    /// Run to the next stop at a system call, with the delivery of a signal unless it is 0.
    Resume,
}

fn control(request: Request, pid: libc::pid_t, data: libc::c_int) -> io::Result<()> {
    let request = match request {
        Request::Seize => libc::PTRACE_SEIZE,
        Request::Interrupt => libc::PTRACE_INTERRUPT,
        Request::Listen => libc::PTRACE_LISTEN,
        Request::Resume => libc::PTRACE_SYSCALL,
    };
    let address = ptr::null_mut::<libc::c_void>();
    let data = ptr::without_provenance_mut::<libc::c_void>(data as usize);
    // SAFETY: none of these requests has the kernel read or write memory of this process: the address is ignored, and
    // `data` is a number that it takes as such.
    if unsafe { libc::ptrace(request as _, pid, address, data) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
