//! Calls that wait for locks and their like. After the cancelling each is as if nobody had waited.

use std::sync::Arc;

use marmot::sync::{Barrier, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock, Semaphore, WaitGroup};

use super::kinds::{Holder, Kind, LONG, ended};

pub fn mutex(count: usize) -> Kind {
    let lock = Arc::new(Mutex::new(0));
    let held = Arc::clone(&lock);
    let holder = Holder::new(move |wait| {
        let mut number = held.lock().unwrap();
        wait();
        *number += 1;
    });
    let theirs = Arc::clone(&lock);
    let call = |_| {
        let lock = Arc::clone(&theirs);
        move || ended(lock.lock_or_cancelled().map(drop))
    };
    Kind::new("mutex", count, call, move || {
        assert!(lock.try_lock().is_err());
        holder.end();
        assert_eq!(*lock.lock().unwrap(), 1);
    })
}

pub fn read(count: usize) -> Kind {
    let lock = Arc::new(RwLock::new(0));
    let held = Arc::clone(&lock);
    let holder = Holder::new(move |wait| {
        let mut number = held.write().unwrap();
        wait();
        *number += 1;
    });
    let theirs = Arc::clone(&lock);
    let call = |_| {
        let lock = Arc::clone(&theirs);
        move || ended(lock.read_or_cancelled().map(drop))
    };
    Kind::new("rwlock read", count, call, move || {
        holder.end();
        assert_eq!(*lock.read().unwrap(), 1);
        assert!(lock.try_write().is_ok(), "no reader is left");
    })
}

pub fn write(count: usize) -> Kind {
    let lock = Arc::new(RwLock::new(0));
    let held = Arc::clone(&lock);
    let holder = Holder::new(move |wait| {
        let _number = held.read().unwrap();
        wait();
    });
    let theirs = Arc::clone(&lock);
    let call = |_| {
        let lock = Arc::clone(&theirs);
        move || ended(lock.write_or_cancelled().map(drop))
    };
    Kind::new("rwlock write", count, call, move || {
        // No writer waits any more who would keep readers out.
        assert!(lock.try_read().is_ok());
        holder.end();
        *lock.write().unwrap() += 1;
    })
}

pub fn condition(count: usize) -> Kind {
    let condition = Arc::new((Mutex::new(0), Condvar::new()));
    let theirs = Arc::clone(&condition);
    let call = |n: usize| {
        let condition = Arc::clone(&theirs);
        move || {
            let (lock, changed) = &*condition;
            let number = lock.lock().unwrap();
            match n % 3 {
                0 => ended(changed.wait_or_cancelled(number).map(drop)),
                1 => ended(changed.wait_timeout_or_cancelled(number, LONG).map(drop)),
                _ => ended(changed.wait_while_or_cancelled(number, |number| *number == 0).map(drop)),
            }
        }
    };
    Kind::new("condvar", count, call, move || {
        condition.1.notify_one();
        assert_eq!(*condition.0.lock().unwrap(), 0);
    })
}

pub fn semaphore(count: usize) -> Kind {
    let semaphore = Arc::new(Semaphore::new(1));
    let theirs = Arc::clone(&semaphore);
    let held = Arc::clone(&semaphore);
    let holder = Holder::new(move |wait| {
        let _permit = held.acquire().unwrap();
        wait();
    });
    let call = |n: usize| {
        let semaphore = Arc::clone(&theirs);
        move || match n % 4 {
            0 => ended(semaphore.acquire().map(drop)),
            1 => ended(semaphore.acquire_many(2).map(drop)),
            2 => ended(semaphore.acquire_timeout(LONG).map(drop)),
            _ => ended(semaphore.acquire_owned().map(drop)),
        }
    };
    Kind::new("semaphore", count, call, move || {
        assert_eq!(semaphore.available_permits(), 0);
        holder.end();
        assert_eq!(semaphore.available_permits(), 1);
        drop(semaphore.acquire().unwrap());
    })
}

pub fn wait_group(count: usize) -> Kind {
    let group = WaitGroup::new();
    group.add(1);
    let theirs = group.clone();
    let call = |n: usize| {
        let group = theirs.clone();
        move || ended(if n.is_multiple_of(2) { group.wait() } else { group.wait_timeout(LONG) })
    };
    Kind::new("wait group", count, call, move || {
        assert_eq!(group.count(), 1);
        group.done();
        group.wait().unwrap();
    })
}

pub fn barrier(count: usize) -> Kind {
    let barrier = Arc::new(Barrier::new(count + 1));
    let theirs = Arc::clone(&barrier);
    let call = |_| {
        let barrier = Arc::clone(&theirs);
        move || ended(barrier.wait_or_cancelled())
    };
    Kind::new("barrier", count, call, move || {
        // Those who were cancelled do not count.
        let all: Vec<_> = (0..=count)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                marmot::go(move || barrier.wait().is_leader())
            })
            .collect();
        let leaders = all.into_iter().map(|one| one.join().unwrap()).filter(|is_leader| *is_leader);
        assert_eq!(leaders.count(), 1);
    })
}

pub fn once(count: usize) -> Kind {
    let once = Arc::new(Once::new());
    let running = Arc::clone(&once);
    let holder = Holder::new(move |wait| running.call_once(wait));
    let theirs = Arc::clone(&once);
    let call = |n: usize| {
        let once = Arc::clone(&theirs);
        move || {
            let second = || unreachable!("the first has not ended");
            ended(if n.is_multiple_of(2) { once.call_once_or_cancelled(second) } else { once.wait_or_cancelled() })
        }
    };
    Kind::new("once", count, call, move || {
        assert!(!once.is_completed());
        holder.end();
        assert!(once.is_completed());
    })
}

pub fn once_lock(count: usize) -> Kind {
    let cell = Arc::new(OnceLock::new());
    let running = Arc::clone(&cell);
    let holder = Holder::new(move |wait| {
        running.get_or_init(|| {
            wait();
            7
        });
    });
    let theirs = Arc::clone(&cell);
    let call = |n: usize| {
        let cell = Arc::clone(&theirs);
        move || match n % 2 {
            0 => ended(cell.wait_or_cancelled().copied()),
            _ => ended(cell.get_or_init_or_cancelled(|| 8).copied()),
        }
    };
    Kind::new("once lock", count, call, move || {
        holder.end();
        assert_eq!(cell.get(), Some(&7));
    })
}

pub fn lazy_lock(count: usize) -> Kind {
    type Lazy = LazyLock<u32, Box<dyn FnOnce() -> u32 + Send>>;

    let (tell, told) = marmot::sync::chan::rendezvous::<()>();
    let lazy: Arc<Lazy> = Arc::new(LazyLock::new(Box::new(move || {
        let _ = told.recv();
        7
    })));
    let forcing = Arc::clone(&lazy);
    let forced = marmot::go(move || *LazyLock::force(&forcing));
    super::common::until(|| forced.goroutine().wait_reason() == Some(marmot::WaitReason::Receive));
    let theirs = Arc::clone(&lazy);
    let call = |_| {
        let lazy = Arc::clone(&theirs);
        move || ended(LazyLock::force_or_cancelled(&lazy).copied())
    };
    Kind::new("lazy lock", count, call, move || {
        drop(tell);
        assert_eq!(forced.join().unwrap(), 7);
        assert_eq!(**lazy, 7);
    })
}
