//! What several test files use: bounds instead of hangs, places to run in, pairs of connections, children.

#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::panic::{Location, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use marmot::net::{TcpListener, TcpStream};
use marmot::{JoinHandle, Runtime, WaitReason};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use socket2::SockRef;

/// How long anything may take before it counts as hung. Generous, because the machine may be busy with other things: a bound is for
/// what never ends, and says nothing of speed.
pub const LIMIT: Duration = Duration::from_secs(300);

/// How late an event may be. Lenient for the same reason.
pub const LATE: Duration = Duration::from_secs(20);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn runtime(procs: usize) -> Runtime {
    Runtime::builder().procs(procs).build().unwrap()
}

/// Runs `f` on a thread of its own, and fails if that takes too long.
#[track_caller]
pub fn bounded<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        let result = f();
        // The receiver may have given up.
        let _ = done.send(());
        result
    });
    if ended.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("still running after {LIMIT:?}");
    }
    thread.join().unwrap_or_else(|payload| resume_unwind(payload))
}

/// Waits until `condition` holds, and fails if that takes too long. In a goroutine, others run meanwhile.
#[track_caller]
pub fn until(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < LIMIT, "the condition did not come about in {LIMIT:?}");
        marmot::sleep(ms(1));
    }
}

/// Asserts that `f` fails with `TimedOut`, not before `wait` is over and not much later.
#[track_caller]
pub fn assert_times_out<T>(wait: Duration, f: impl FnOnce() -> io::Result<T>) {
    let begun = Instant::now();
    let result = f();
    let took = begun.elapsed();
    let kind = result.map(drop).map_err(|e| e.kind());
    assert_eq!(kind, Err(io::ErrorKind::TimedOut), "after {took:?}");
    assert!(took >= wait, "{took:?} is before {wait:?}");
    assert!(took < wait + LATE, "{took:?} is long after {wait:?}");
}

/// Asserts that `result` is an error of this kind.
#[track_caller]
pub fn assert_fails<T>(kind: io::ErrorKind, result: io::Result<T>) {
    assert_eq!(result.map(drop).map_err(|e| e.kind()), Err(kind));
}

/// Where a test runs: in goroutines, or on plain threads, which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Goroutines,
    Threads,
}

/// Runs `test` in goroutines on 1, 2 and 4 Ps, and on plain threads.
#[track_caller]
pub fn everywhere(test: fn(Place)) {
    for procs in [1, 2, 4] {
        bounded(move || {
            let rt = runtime(procs);
            rt.run(move || test(Place::Goroutines));
            rt.shutdown(LIMIT).unwrap();
        });
    }
    bounded(move || test(Place::Threads));
}

/// Runs `test` in a goroutine on `procs` Ps, and sees that no goroutine is left.
#[track_caller]
pub fn with_procs<T: Send + 'static>(procs: usize, test: impl FnOnce() -> T + Send + 'static) -> T {
    bounded(move || {
        let rt = runtime(procs);
        let result = rt.run(test);
        rt.shutdown(LIMIT).unwrap();
        result
    })
}

impl Place {
    /// Runs `f` at the same time as the caller.
    #[track_caller]
    pub fn start<T: Send + 'static>(self, f: impl FnOnce() -> T + Send + 'static) -> Started<T> {
        match self {
            Place::Goroutines => Started::Goroutine(marmot::go(f)),
            Place::Threads => {
                let (tell, told) = mpsc::channel();
                let handle = thread::spawn(move || {
                    tell.send(fs::read_link("/proc/thread-self").unwrap_or_default()).unwrap();
                    f()
                });
                Started::Thread(handle, told.recv().unwrap())
            }
        }
    }
}

/// What [`Place::start`] started.
pub enum Started<T> {
    Goroutine(JoinHandle<T>),
    Thread(thread::JoinHandle<T>, PathBuf),
}

impl<T> Started<T> {
    #[track_caller]
    pub fn join(self) -> T {
        let result = match self {
            Started::Goroutine(handle) => handle.join(),
            Started::Thread(handle, _) => handle.join(),
        };
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Started::Goroutine(handle) => handle.is_finished(),
            Started::Thread(handle, _) => handle.is_finished(),
        }
    }

    /// Waits until it waits for `reason`, or has ended: what waits for a short time may have done so already. Of a thread this sees
    /// only that it sleeps, and only on Linux.
    #[track_caller]
    pub fn until_waiting(&self, reason: WaitReason) {
        match self {
            Started::Goroutine(handle) => {
                until(|| handle.is_finished() || handle.goroutine().wait_reason() == Some(reason));
            }
            Started::Thread(handle, path) => until(|| handle.is_finished() || is_asleep(path)),
        }
    }
}

/// Whether a thread sleeps, as far as one can know.
fn is_asleep(thread: &Path) -> bool {
    match fs::read_to_string(Path::new("/proc").join(thread).join("status")) {
        Ok(status) => status.lines().any(|line| line.starts_with("State:") && line.contains('S')),
        Err(_) => true,
    }
}

/// Keeps the one M of `rt` busy until what is returned is dropped.
pub fn busy(rt: &Runtime) -> impl Drop + use<> {
    struct Busy(Arc<AtomicBool>);
    impl Drop for Busy {
        fn drop(&mut self) {
            self.0.store(true, Release);
        }
    }
    let (begun, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (begins, stops) = (Arc::clone(&begun), Arc::clone(&stop));
    rt.go(move || {
        begins.store(true, Release);
        while !stops.load(Acquire) {
            thread::yield_now();
        }
    });
    until(|| begun.load(Acquire));
    Busy(stop)
}

pub fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// The two ends of a connection.
pub fn pair() -> (TcpStream, TcpStream) {
    pair_at(&listener())
}

/// The two ends of a connection at a listener that nobody else uses. Who needs many takes the same one for all: a far end
/// that is closed first keeps the listener's port from being given out for a minute (`TIME-WAIT`), and the system looks
/// longer and longer for a free one.
pub fn pair_at(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    (near, far)
}

/// Writes until that fails.
pub fn write_until_error(mut stream: &TcpStream) -> io::Error {
    loop {
        match stream.write(&[0; 65536]) {
            Ok(n) => assert_ne!(n, 0, "nothing was written, and no error said why"),
            Err(e) => return e,
        }
    }
}

/// Closes the connection so that the other end is reset.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Bytes that do not repeat, and differ by `seed`.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A file with these bytes, at its beginning, which goes when it is closed.
pub fn file(bytes: &[u8]) -> File {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("marmot-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
    let path = env::temp_dir().join(name);
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    fs::remove_file(path).unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// All that is in the file, wherever its offset is.
pub fn contents(mut file: &File) -> Vec<u8> {
    let offset = file.stream_position().unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    file.seek(io::SeekFrom::Start(offset)).unwrap();
    bytes
}

/// The process, for one test.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed has shown that itself.
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

/// How many sockets this process has open. Runtimes have none: the pollers of one that was shut down are closed in their own time.
pub fn open_sockets() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// How many pollers this process has open: one for each M that has not left.
pub fn open_pollers() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.to_string_lossy().contains("[eventpoll]")).count()
}

/// How many descriptors this process has open.
pub fn open_descriptors() -> usize {
    // The directory itself is open while it is read.
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// The number before the unit in a line of `/proc/<pid>/status`.
pub fn status_number(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Names the test that a re-executed test binary is to play the child of.
const CHILD: &str = "MARMOT_TEST_CHILD";

/// What became of a child.
#[derive(Debug)]
pub struct Outcome {
    pub success: bool,
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stderr: String,
}

impl Outcome {
    #[track_caller]
    pub fn assert_success(&self) {
        assert!(self.success, "{}", self.stderr);
    }

    #[track_caller]
    pub fn assert_says(&self, text: &str) {
        assert!(self.stderr.contains(text), "'{text}' is not in:\n{}", self.stderr);
    }
}

/// In the child: plays `child`, and never returns from it. In the parent: runs the test `name` of this binary in a process
/// of its own, after `configure`.
#[track_caller]
pub fn in_child_with(
    name: &str,
    configure: impl FnOnce(&mut Command) -> &mut Command,
    child: impl FnOnce() + Send + 'static,
) -> Outcome {
    if env::var(CHILD).is_ok_and(|child| child == name) {
        bounded(child);
        // The test harness shall not go on with what was made for the child.
        std::process::exit(0);
    }
    let mut command = Command::new(env::current_exe().expect("a test binary has a path"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, name);
    let output = configure(&mut command).output().expect("the test binary runs again");
    Outcome {
        success: output.status.success(),
        code: output.status.code(),
        signal: output.status.signal(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// As [`in_child_with`], with nothing to configure.
#[track_caller]
pub fn in_child(name: &str, child: impl FnOnce() + Send + 'static) -> Outcome {
    in_child_with(name, |command| command, child)
}

/// `file:line` of the caller.
#[track_caller]
pub fn here() -> String {
    let here = Location::caller();
    format!("{}:{}", here.file(), here.line())
}

/// Whether the function at this address is in the stack.
pub fn is_in(stack: &[usize], function: usize) -> bool {
    let begins = |pc: usize| marmot_pprof::symbols::resolve(pc).last().map(|call| pc - call.offset);
    stack.iter().any(|&pc| begins(pc) == Some(function))
}
