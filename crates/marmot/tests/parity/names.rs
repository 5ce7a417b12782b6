//! Every name of the modules, and signatures that inference might hide.
#![allow(unused_imports, dead_code, reason = "it is enough that they are there")]
#![allow(deprecated, reason = "what `std` has deprecated is there as long as `std` has it")]
#![allow(clippy::type_complexity, reason = "these are signatures")]

/// All that is stable in `std::net`, but for `UdpSocket`.
mod net {
    pub use super::super::net::{
        AddrParseError, Incoming, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
        TcpListener, TcpStream, ToSocketAddrs,
    };
}

/// All that is stable in `std::io`.
mod io {
    pub use super::super::io::prelude::{BufRead as _, Read as _, Seek as _, Write as _};
    pub use super::super::io::{
        BufRead, BufReader, BufWriter, Bytes, Chain, Cursor, Empty, Error, ErrorKind, IntoInnerError, IoSlice,
        IoSliceMut, IsTerminal, LineWriter, Lines, PipeReader, PipeWriter, Read, Repeat, Result, Seek, SeekFrom, Sink,
        Split, Stderr, StderrLock, Stdin, StdinLock, Stdout, StdoutLock, Take, Write, WriterPanicked, copy, empty,
        pipe, prelude, read_to_string, repeat, sink, stderr, stdin, stdout,
    };
}

/// All that is stable in `std::thread`.
mod thread {
    use super::super::thread as threads;
    pub use threads::{
        AccessError, Builder, JoinHandle, LocalKey, Result, Scope, ScopedJoinHandle, Thread, ThreadId,
        available_parallelism, current, panicking, park, park_timeout, park_timeout_ms, scope, sleep, sleep_ms, spawn,
        yield_now,
    };
}

/// All that is stable in `std::sync`, but for `ONCE_INIT`.
mod sync {
    pub use super::super::sync::atomic::{
        AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32,
        AtomicU64, AtomicUsize, Ordering, compiler_fence, fence,
    };
    pub use super::super::sync::mpsc::{
        IntoIter, Iter, Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryIter, TryRecvError,
        TrySendError, channel, sync_channel,
    };
    pub use super::super::sync::{
        Arc, Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock, OnceState,
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult, WaitTimeoutResult, Weak,
    };
}

/// All that is stable in `std::time`.
mod time {
    pub use super::super::time::{Duration, Instant, SystemTime, SystemTimeError, TryFromFloatSecsError, UNIX_EPOCH};
}

/// What is constant in `std` is constant.
mod constants {
    use super::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};

    static MUTEX: Mutex<u8> = Mutex::new(1);
    static RW_LOCK: RwLock<u8> = RwLock::new(1);
    static CONDVAR: Condvar = Condvar::new();
    static ONCE: Once = Once::new();
    static ONCE_LOCK: OnceLock<u8> = OnceLock::new();
    static LAZY_LOCK: LazyLock<u8> = LazyLock::new(|| 1);
    static BARRIER: Barrier = Barrier::new(1);
}

/// Calls with all generic arguments written down: their number and their order.
mod generics {
    use super::super::thread as threads;
    use super::io::{Empty, Result, Sink, copy, read_to_string};
    use super::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
    use super::sync::{
        Barrier, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock, OnceState, Receiver, RwLock, Sender,
        SyncSender, WaitTimeoutResult, channel, sync_channel,
    };
    use super::thread::{
        Builder, JoinHandle, Scope, ScopedJoinHandle, Thread, ThreadId, park_timeout, park_timeout_ms, scope, spawn,
    };
    use super::time::Duration;
    use threads::{sleep, sleep_ms};

    fn streams() {
        let _: fn(&mut Empty, &mut Sink) -> Result<u64> = copy::<Empty, Sink>;
        let _: fn(Empty) -> Result<String> = read_to_string::<Empty>;
    }

    fn once(once: &Once) {
        once.call_once::<fn()>(|| ());
        once.call_once_force::<fn(&OnceState)>(|_| ());
        once.wait();
        once.wait_force();
    }

    fn once_lock(mut cell: OnceLock<u8>) -> Option<u8> {
        cell.get_or_init::<fn() -> u8>(|| 1);
        let _: (&u8, Option<&u8>, Option<&mut u8>) = (&1, None, cell.get_mut());
        let _: std::result::Result<(), u8> = cell.set(1);
        let _: &u8 = cell.wait();
        let _: Option<u8> = cell.take();
        cell.into_inner()
    }

    fn lazy_lock(mut lazy: LazyLock<u8>) {
        let _: &u8 = LazyLock::force(&lazy);
        let _: Option<&u8> = LazyLock::get(&lazy);
        let _: Option<&mut u8> = LazyLock::get_mut(&mut lazy);
        let _: &mut u8 = LazyLock::force_mut(&mut lazy);
        *lazy += 1;
    }

    fn condvar<'a>(condvar: &Condvar, lock: &'a Mutex<u8>) {
        let limit = Duration::from_millis(1);
        let guard = || lock.lock().unwrap();
        let _locked: LockResult<MutexGuard<'a, u8>> = condvar.wait_while::<u8, fn(&mut u8) -> bool>(guard(), |_| false);
        let _locked: LockResult<(MutexGuard<'a, u8>, WaitTimeoutResult)> =
            condvar.wait_timeout_while::<u8, fn(&mut u8) -> bool>(guard(), limit, |_| false);
        let _locked: LockResult<(MutexGuard<'a, u8>, bool)> = condvar.wait_timeout_ms(guard(), 1);
    }

    fn threads() {
        let _: JoinHandle<u8> = spawn::<fn() -> u8, u8>(|| 1);
        let _: Result<JoinHandle<u8>> =
            Builder::new().name(String::new()).stack_size(1 << 16).spawn::<fn() -> u8, u8>(|| 1);
        let _: u8 = scope::<fn(&Scope<'_, '_>) -> u8, u8>(|_| 1);
        let _: [fn(u32); 2] = [sleep_ms, park_timeout_ms];
        let _: [fn(Duration); 2] = [sleep, park_timeout];
        let _: fn(&Thread) -> ThreadId = Thread::id;
        let _: fn(&Thread) -> Option<&str> = Thread::name;
        let _: fn(&Thread) = Thread::unpark;
    }

    fn scoped<'s>(s: &'s Scope<'s, '_>) {
        let _: ScopedJoinHandle<'s, u8> = s.spawn::<fn() -> u8, u8>(|| 1);
        let _: Result<ScopedJoinHandle<'s, u8>> = Builder::new().spawn_scoped::<fn() -> u8, u8>(s, || 1);
    }

    fn connections(stream: &TcpStream, listener: &TcpListener, addr: &SocketAddr) -> Result<()> {
        let _: Result<TcpStream> = TcpStream::connect::<&str>("127.0.0.1:1");
        let _: Result<TcpStream> = TcpStream::connect_timeout(addr, Duration::from_secs(1));
        let _: Result<TcpListener> = TcpListener::bind::<(&str, u16)>(("127.0.0.1", 0));
        let _: (SocketAddr, SocketAddr) = (stream.peer_addr()?, stream.local_addr()?);
        stream.shutdown(Shutdown::Both)?;
        let _: TcpStream = stream.try_clone()?;
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        let _: (Option<Duration>, Option<Duration>) = (stream.read_timeout()?, stream.write_timeout()?);
        let _: usize = stream.peek(&mut [0])?;
        stream.set_nodelay(true)?;
        stream.set_ttl(1)?;
        let _: (bool, u32) = (stream.nodelay()?, stream.ttl()?);
        stream.set_nonblocking(false)?;
        let _: (TcpStream, SocketAddr) = listener.accept()?;
        let _: Option<Result<TcpStream>> = listener.incoming().next();
        listener.set_ttl(1)?;
        listener.set_only_v6(listener.only_v6()?)?;
        let _: (u32, SocketAddr, TcpListener) = (listener.ttl()?, listener.local_addr()?, listener.try_clone()?);
        listener.set_nonblocking(false)?;
        stream.take_error()?.or(listener.take_error()?).map_or(Ok(()), Err)
    }
}
