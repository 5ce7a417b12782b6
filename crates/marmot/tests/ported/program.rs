//! The program: nothing in it says whether its threads are threads.

use super::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use super::sync::mpsc::{self, RecvTimeoutError, TryRecvError, TrySendError};
use super::sync::{
    Arc, Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock, OnceState,
    PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, WaitTimeoutResult, Weak,
};
use super::thread::{self, AccessError, JoinHandle, LocalKey, Scope, ScopedJoinHandle, Thread, ThreadId};
use super::thread_local;
use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

pub fn joins_hand_results_and_panics_over() {
    let sum: JoinHandle<u32> = thread::spawn(|| (1..=10).sum());
    let id: ThreadId = sum.thread().id();
    assert_ne!(id, thread::current().id());
    assert_eq!(sum.join().unwrap(), 55);
    let failed: thread::Result<()> = thread::spawn(|| panic!("on purpose")).join();
    assert_eq!(failed.unwrap_err().downcast_ref(), Some(&"on purpose"));
    let many: Vec<_> = (0..100).map(|i| thread::spawn(move || (i, thread::current().id()))).collect();
    let ids: HashSet<ThreadId> = many
        .into_iter()
        .enumerate()
        .map(|(i, handle)| {
            let (told, id) = handle.join().unwrap();
            assert_eq!(told, i);
            id
        })
        .collect();
    assert_eq!(ids.len(), 100);
    let last = thread::spawn(|| {});
    while !last.is_finished() {
        thread::yield_now();
    }
    last.join().unwrap();
    assert!(thread::available_parallelism().unwrap().get() >= 1);
}

pub fn builders_name_and_scope() {
    fn name_of(thread: &Thread) -> Option<String> {
        thread.name().map(str::to_owned)
    }
    let named = thread::Builder::new().name("named".into()).stack_size(64 << 10).spawn(|| name_of(&thread::current()));
    let named = named.unwrap();
    assert_eq!(named.thread().name(), Some("named"));
    assert_eq!(named.join().unwrap().as_deref(), Some("named"));
    let letters = String::from("letters");
    let length = thread::scope(|s| {
        let counter = thread::Builder::new().name(String::from("counter")).spawn_scoped(s, || letters.len())?;
        assert_eq!(counter.thread().name(), Some("counter"));
        Ok::<_, io::Error>(counter.join().unwrap())
    });
    assert_eq!(length.unwrap(), 7);
}

pub fn scopes_borrow() {
    fn count<'scope>(s: &'scope Scope<'scope, '_>, words: &'scope [String]) -> Vec<ScopedJoinHandle<'scope, usize>> {
        words.iter().map(|word| s.spawn(|| word.len())).collect()
    }
    let words = ["one", "three", "eleven"].map(String::from);
    let mut at = AtomicUsize::new(0);
    let lengths: Vec<usize> = thread::scope(|s| {
        s.spawn(|| {
            // From within one of its threads.
            s.spawn(|| at.fetch_add(1, SeqCst));
            at.fetch_add(1, SeqCst)
        });
        count(s, &words).into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(lengths, [3, 5, 6]);
    assert_eq!(*at.get_mut(), 2);
}

pub fn parking_ends_by_unparking_and_by_time() {
    let is_told = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&is_told);
    let parked = thread::spawn(move || {
        while theirs.load(SeqCst) == 0 {
            thread::park();
        }
    });
    is_told.store(1, SeqCst);
    parked.thread().unpark();
    parked.join().unwrap();
    thread::current().unpark();
    thread::park_timeout(Duration::from_secs(3600));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2) {
        thread::park_timeout(Duration::from_millis(2));
    }
}

pub fn a_destructor_knows_whether_it_unwinds() {
    struct Tell(mpsc::Sender<bool>);

    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.send(thread::panicking()).unwrap();
        }
    }

    let (tell, told) = mpsc::channel();
    let quiet = Tell(tell.clone());
    thread::spawn(move || drop(quiet)).join().unwrap();
    assert!(!told.recv().unwrap());
    let loud = Tell(tell);
    let ended = thread::spawn(move || {
        let _loud = loud;
        panic!("on purpose");
    });
    assert!(ended.join().is_err());
    assert!(told.recv().unwrap());
    assert!(!thread::panicking());
}

pub fn thread_locals_are_there() {
    thread_local!(static MARK: Cell<u32> = const { Cell::new(0) });
    static KEY: &LocalKey<Cell<u32>> = &MARK;
    let marked = thread::spawn(|| {
        KEY.set(7);
        thread::yield_now();
        let read: Result<u32, AccessError> = KEY.try_with(Cell::get);
        read.unwrap()
    });
    assert_eq!(marked.join().unwrap(), 7);
}

pub fn a_mutex_is_poisoned_by_its_holder() {
    let count = Arc::new(Mutex::new(0));
    let weak: Weak<Mutex<u32>> = Arc::downgrade(&count);
    let all: Vec<_> = (0..8)
        .map(|_| {
            let count = Arc::clone(&count);
            thread::spawn(move || {
                for _ in 0..100 {
                    let mut count: MutexGuard<'_, u32> = count.lock().unwrap();
                    thread::yield_now();
                    *count += 1;
                }
            })
        })
        .collect();
    all.into_iter().for_each(|handle| handle.join().unwrap());
    assert_eq!(*count.lock().unwrap(), 800);
    let theirs = Arc::clone(&count);
    let failed = thread::spawn(move || {
        let _guard = theirs.lock().unwrap();
        panic!("on purpose");
    });
    assert!(failed.join().is_err());
    assert!(matches!(count.try_lock(), Err(TryLockError::Poisoned(_))));
    let locked: LockResult<_> = count.lock();
    assert_eq!(*locked.unwrap_or_else(PoisonError::into_inner), 800);
    count.clear_poison();
    assert!(!count.is_poisoned());
    drop(count);
    assert!(weak.upgrade().is_none());
}

pub fn channels_carry_messages() {
    let (sender, receiver) = mpsc::channel();
    for i in 0..10_u32 {
        let sender = sender.clone();
        thread::spawn(move || sender.send(i).unwrap());
    }
    drop(sender);
    let mut all: Vec<u32> = receiver.iter().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..10));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));

    let (sender, receiver) = mpsc::sync_channel(1);
    sender.send(1).unwrap();
    assert!(matches!(sender.try_send(2), Err(TrySendError::Full(2))));
    assert_eq!(receiver.recv_timeout(Duration::from_secs(3600)), Ok(1));
    assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    let (rendezvous, meets) = mpsc::sync_channel(0);
    let met = thread::spawn(move || meets.into_iter().sum::<u32>());
    (1..=4).for_each(|i| rendezvous.send(i).unwrap());
    drop(rendezvous);
    assert_eq!(met.join().unwrap(), 10);
    drop(receiver);
    assert!(sender.send(3).is_err());
}

pub fn many_read_or_one_writes() {
    let lock = RwLock::new(Vec::new());
    thread::scope(|s| {
        for i in 0..4 {
            let lock = &lock;
            s.spawn(move || {
                let mut all: RwLockWriteGuard<'_, Vec<i32>> = lock.write().unwrap();
                all.push(i);
                thread::yield_now();
            });
        }
    });
    let first: RwLockReadGuard<'_, Vec<i32>> = lock.read().unwrap();
    let second = lock.read().unwrap();
    assert_eq!(first.len() + second.len(), 8);
    assert!(matches!(lock.try_write(), Err(TryLockError::WouldBlock)));
    drop((first, second));
    let down = RwLockWriteGuard::downgrade(lock.write().unwrap());
    assert!(lock.try_read().is_ok());
    drop(down);
    assert_eq!(lock.into_inner().unwrap().len(), 4);
}

pub fn conditions_are_waited_for() {
    let queue = (Mutex::new(Vec::new()), Condvar::new());
    thread::scope(|s| {
        s.spawn(|| {
            queue.0.lock().unwrap().push("job");
            queue.1.notify_one();
        });
        let mut jobs = queue.1.wait_while(queue.0.lock().unwrap(), |jobs| jobs.is_empty()).unwrap();
        assert_eq!(jobs.pop(), Some("job"));
        let short = Duration::from_millis(1);
        let (jobs, result) = queue.1.wait_timeout_while(jobs, short, |jobs| jobs.is_empty()).unwrap();
        let result: WaitTimeoutResult = result;
        assert!(result.timed_out() && jobs.is_empty());
    });
    queue.1.notify_all();
}

pub fn what_is_made_once_is_made_once() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (cell, once) = (OnceLock::new(), Once::new());
    let lazy: LazyLock<u32> = LazyLock::new(|| 7);
    COUNT.store(0, SeqCst);
    thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                cell.get_or_init(thread::yield_now);
                once.call_once(|| _ = COUNT.fetch_add(1, SeqCst));
                once.call_once_force(|_: &OnceState| unreachable!("it is done"));
                assert_eq!(*lazy, 7);
            });
        }
    });
    assert!(once.is_completed() && cell.get().is_some());
    assert_eq!(COUNT.load(SeqCst), 1);
}

pub fn all_meet_at_a_barrier() {
    let barrier = Barrier::new(5);
    let leaders = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..10 {
            s.spawn(|| {
                let result: BarrierWaitResult = barrier.wait();
                leaders.fetch_add(usize::from(result.is_leader()), SeqCst);
            });
        }
    });
    assert_eq!(leaders.into_inner(), 2);
}
