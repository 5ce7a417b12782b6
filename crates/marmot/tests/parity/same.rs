//! What is the same, be it `std`'s or ours.
#![allow(clippy::missing_const_for_thread_local, reason = "initialisers are what this is about")]

use super::net::ToSocketAddrs;
use super::sync::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};
use super::sync::{Arc, Condvar, LazyLock, Mutex, Once, OnceLock, OnceState, RwLock};
use super::thread::{self, LocalKey, Thread, ThreadId};
use super::time::Duration;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt::Display;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of a panic.
fn text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a panic has a text").to_string(),
    }
}

/// The text of the panic of `f`.
fn panics<R>(f: impl FnOnce() -> R) -> String {
    text(catch_unwind(AssertUnwindSafe(f)).map(drop).expect_err("it does not panic"))
}

pub fn a_cell_may_hold_what_does_not_outlive_it() {
    // What is declared first is dropped last: `word` is gone when the others are dropped.
    let (cell, mutex, lock);
    let word = String::from("word");
    cell = OnceLock::new();
    assert_eq!(cell.set(&word), Ok(()));
    mutex = Mutex::new(&word);
    lock = RwLock::new(Some(&word));
    assert_eq!((cell.get().unwrap().len(), mutex.lock().unwrap().len()), (4, 4));
    assert_eq!(lock.read().unwrap().unwrap().len(), 4);
    // It may also hold what holds it.
    #[derive(Debug)]
    struct Node<'a>(OnceLock<&'a Node<'a>>);
    let (one, other) = (Node(OnceLock::new()), Node(OnceLock::new()));
    one.0.set(&other).unwrap();
    other.0.set(&one).unwrap();
    assert!(std::ptr::eq(*one.0.get().unwrap(), &other));

    // And what is in it is dropped once, whether it was taken out or not.
    let count = Arc::new(());
    let mut cell = OnceLock::from(Arc::clone(&count));
    assert!(cell.set(Arc::clone(&count)).is_err());
    assert_eq!(Arc::strong_count(&count), 2);
    assert!(cell.take().is_some() && cell.get().is_none() && cell.take().is_none() && cell.get_mut().is_none());
    assert_eq!(Arc::strong_count(&count), 1);
    assert!(cell.set(Arc::clone(&count)).is_ok());
    drop(cell);
    assert_eq!(Arc::strong_count(&count), 1);
    let cell = OnceLock::from(Arc::clone(&count));
    assert!(cell.into_inner().is_some());
    assert_eq!(Arc::strong_count(&count), 1);
    let failed = OnceLock::<Arc<()>>::new();
    assert!(panics(|| failed.get_or_init(|| panic!("on purpose"))).contains("on purpose"));
    assert!(failed.get().is_none() && failed.into_inner().is_none());
}

pub fn ids_and_handles_have_a_niche() {
    assert_eq!(size_of::<Option<ThreadId>>(), size_of::<ThreadId>());
    assert_eq!(size_of::<Option<Thread>>(), size_of::<Thread>());
}

pub fn a_name_with_a_null_byte_panics_when_the_thread_starts() {
    let named = || thread::Builder::new().name("two\0words".to_owned());
    // To name it is no fault yet.
    drop(named());
    let expected = "thread name may not contain interior null bytes";
    assert!(panics(|| named().spawn(|| ())).starts_with(expected));
    thread::scope(|s| assert!(panics(|| named().spawn_scoped(s, || ())).starts_with(expected)));
}

pub fn poison_says_what_was_poisoned() {
    let lazy: LazyLock<u8> = LazyLock::new(|| panic!("on purpose"));
    assert_eq!(panics(|| *lazy), "on purpose");
    for _ in 0..2 {
        assert_eq!(panics(|| *lazy), "LazyLock instance has previously been poisoned");
    }
    let once = Once::new();
    assert_eq!(panics(|| once.call_once(|| panic!("on purpose"))), "on purpose");
    assert_eq!(panics(|| once.call_once(|| ())), "Once instance has previously been poisoned");
    assert_eq!(panics(|| once.wait()), "Once instance has previously been poisoned");
}

pub fn errors_become_others() {
    let (sender, receiver) = mpsc::channel::<u8>();
    drop(sender);
    let gone = receiver.recv().unwrap_err();
    assert_eq!(TryRecvError::from(gone), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(gone), RecvTimeoutError::Disconnected);
    let (sender, receiver) = mpsc::sync_channel(1);
    drop(receiver);
    let unsent = sender.send(7).unwrap_err();
    assert_eq!(TrySendError::from(unsent), TrySendError::Disconnected(7));
    // By `?`, too.
    let (_sender, receiver) = mpsc::channel::<u8>();
    let received: Result<u8, TryRecvError> = (|| {
        receiver.try_recv()?;
        Ok(receiver.recv()?)
    })();
    assert_eq!(received, Err(TryRecvError::Empty));
}

pub fn errors_say_the_same() {
    fn says(error: impl Error + 'static, text: &str) {
        assert_eq!((error.to_string().as_str(), error.source().is_none()), (text, true));
    }
    let (sender, receiver) = mpsc::channel::<u8>();
    says(receiver.recv_timeout(Duration::ZERO).unwrap_err(), "timed out waiting on channel");
    says(receiver.try_recv().unwrap_err(), "receiving on an empty channel");
    drop(sender);
    says(receiver.recv().unwrap_err(), "receiving on a closed channel");
    says(receiver.try_recv().unwrap_err(), "receiving on a closed channel");
    says(receiver.recv_timeout(Duration::ZERO).unwrap_err(), "channel is empty and sending half is closed");
    let (sender, receiver) = mpsc::sync_channel(0);
    let full = sender.try_send(7).unwrap_err();
    assert_eq!(format!("{full:?}"), "TrySendError::Full(..)");
    says(full, "sending on a full channel");
    drop(receiver);
    let gone = sender.try_send(7).unwrap_err();
    assert_eq!(format!("{gone:?}"), "TrySendError::Disconnected(..)");
    says(gone, "sending on a closed channel");
    says(sender.send(7).unwrap_err(), "sending on a closed channel");
}

#[allow(deprecated, reason = "that is what this is about")]
pub fn what_is_deprecated_is_there() {
    let (lock, changed) = (Mutex::new(false), Condvar::new());
    let (guard, was_notified) = changed.wait_timeout_ms(lock.lock().unwrap(), 1).unwrap();
    assert!(!was_notified && !*guard);
    drop(guard);
    thread::scope(|s| {
        s.spawn(|| {
            *lock.lock().unwrap() = true;
            changed.notify_one();
        });
        let mut is_set = lock.lock().unwrap();
        while !*is_set {
            is_set = changed.wait_timeout_ms(is_set, u32::MAX).unwrap().0;
        }
    });
    thread::current().unpark();
    thread::park_timeout_ms(u32::MAX);
    // Poisoned as the others.
    assert!(
        panics(|| {
            let _guard = lock.lock();
            panic!("on purpose")
        })
        .contains("on purpose")
    );
    let poisoned = changed.wait_timeout_ms(lock.lock().unwrap_err().into_inner(), 1).unwrap_err();
    assert!(!poisoned.into_inner().1);
}

pub fn addresses_are_made_by_types_of_ones_own() {
    struct Ports(u16, u16);

    impl ToSocketAddrs for Ports {
        type Iter = std::array::IntoIter<SocketAddr, 2>;

        fn to_socket_addrs(&self) -> std::io::Result<Self::Iter> {
            Ok([self.0, self.1].map(|port| SocketAddr::from(([127, 0, 0, 1], port))).into_iter())
        }
    }

    fn count<A: ToSocketAddrs<Iter: Clone>>(addr: A) -> usize {
        addr.to_socket_addrs().unwrap().count()
    }

    let ports = Ports(1, 2);
    assert_eq!((count(&ports), count(ports)), (2, 2));
    assert_eq!(count(("127.0.0.1", 1)) + count("[::1]:1") + count(SocketAddr::from(([127, 0, 0, 1], 1))), 3);
    let some = [SocketAddr::from(([127, 0, 0, 1], 1)); 3];
    assert_eq!(count(&some[..]), 3);
    let listener = super::net::TcpListener::bind(Ports(0, 0)).unwrap();
    assert!(super::net::TcpStream::connect(Ports(listener.local_addr().unwrap().port(), 0)).is_ok());
}

pub fn states_are_shown() {
    Once::new().call_once_force(|state: &OnceState| {
        assert_eq!(format!("{state:?}"), "OnceState { poisoned: false }");
    });
    let shown: [&dyn std::fmt::Debug; 6] =
        [&Once::new(), &OnceLock::from(1), &OnceLock::<u8>::new(), &Mutex::new(1), &RwLock::new(1), &Condvar::new()];
    let shown = shown.map(|shown| format!("{shown:?}"));
    let expected = [
        "Once { .. }",
        "OnceLock(1)",
        "OnceLock(<uninit>)",
        "Mutex { data: 1, poisoned: false, .. }",
        "RwLock { data: 1, poisoned: false, .. }",
        "Condvar { .. }",
    ];
    assert_eq!(shown, expected);
    let lazy: LazyLock<u8> = LazyLock::new(|| 1);
    assert_eq!(format!("{lazy:?}"), "LazyLock(<uninit>)");
    assert_eq!((*lazy, format!("{lazy:?}")), (1, "LazyLock(1)".to_owned()));
    let guard = Mutex::new("word");
    let shown: &dyn Display = &guard.lock().unwrap();
    assert_eq!(shown.to_string(), "word");
}

super::thread_local! {
    static CELL: Cell<u32> = Cell::new(1);
    /// With attributes, visibility and a constant value.
    #[allow(dead_code, reason = "to have an attribute")]
    pub(super) static CONSTANT: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
    static UNUSED: Cell<u32> = panic!("it is set before it is used");
    static EARLY: String = { if CELL.get() == 0 { return String::new(); } "early".to_owned() }
}

super::thread_local!();
super::thread_local!(static LAST: RefCell<String> = RefCell::new(String::from("last")));

pub fn keys_do_what_they_are_asked() {
    // As a value, and in a constant.
    static KEY: &LocalKey<Cell<u32>> = &CELL;
    let run = || {
        assert_eq!(KEY.get(), 1);
        KEY.set(2);
        assert_eq!((KEY.replace(3), KEY.take(), CELL.with(Cell::get)), (2, 3, 0));
        assert_eq!(KEY.try_with(Cell::get), Ok(0));
        KEY.set(1);
        UNUSED.set(5);
        assert_eq!(UNUSED.replace(6), 5);
        CONSTANT.with_borrow_mut(|all| all.push(1));
        assert_eq!(CONSTANT.with_borrow(Vec::len), 1);
        assert_eq!((CONSTANT.replace(vec![1, 2]), CONSTANT.take()), (vec![1], vec![1, 2]));
        CONSTANT.set(vec![]);
        LAST.set("set".to_owned());
        assert_eq!(LAST.take(), "set");
        assert_eq!(EARLY.with(String::len), 5);
        assert_eq!(format!("{KEY:?}"), "LocalKey { .. }");
        // In a function.
        super::thread_local!(static INNER: u8 = 1);
        assert_eq!(INNER.with(|inner| *inner), 1);
    };
    // On a thread, and on one of `thread`'s.
    std::thread::spawn(run).join().unwrap();
    std::thread::scope(|_| thread::spawn(run).join()).unwrap();
}

/// What its destructor finds of itself and of others.
struct Tells(fn() -> bool);

impl Drop for Tells {
    fn drop(&mut self) {
        let found = (self.0)();
        DROPPED.lock().unwrap().push(found);
    }
}

static DROPPED: std::sync::Mutex<Vec<bool>> = std::sync::Mutex::new(Vec::new());

super::thread_local! {
    static FIRST: Tells = Tells(|| FIRST.try_with(|_| ()).is_ok());
    /// It makes the first one before it is there itself, and so is destroyed before that.
    static SECOND: Tells = {
        FIRST.with(|_| ());
        Tells(|| SECOND.try_with(|_| ()).is_err() && FIRST.try_with(|_| ()).is_ok())
    };
    static NEVER_MADE: Tells = Tells(|| panic!("nobody has asked for it"));
}

pub fn thread_locals_are_destroyed_when_the_thread_ends() {
    std::thread::spawn(|| SECOND.with(|_| ())).join().unwrap();
    assert_eq!(*DROPPED.lock().unwrap(), [true, false]);
}
