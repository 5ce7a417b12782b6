//! A safe program cannot move a started goroutine.
//!
//! Each goroutine here holds, on its stack and across thousands of calls that park, what must never be used on two
//! threads: `rand`'s thread-local generator, an `Rc` out of a thread-local, and borrows inside `LocalKey::with`. It sees one thread
//! all its life, while all of them together use several.

mod common;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::Duration;

use common::{listener, with_procs};
use marmot::net::TcpStream;
use rand::{Rng, RngExt};

const GOROUTINES: usize = 48;
const ROUNDS: usize = 300;

thread_local! {
    /// Counts what the goroutines of this thread do. Not atomic: a second thread would lose counts.
    static COUNT: Rc<Cell<u64>> = const { Cell::new(0) }.into();
    /// A slot for each goroutine, which it keeps borrowed.
    static SLOTS: Vec<RefCell<u64>> = (0..GOROUTINES).map(|_| RefCell::new(0)).collect();
}

/// What a goroutine has seen of its thread.
struct Life {
    thread: ThreadId,
    counted: u64,
    /// What the thread's count was when the goroutine ended.
    total: u64,
}

/// Checks that nothing has changed under the goroutine's feet.
struct Anchor {
    thread: ThreadId,
    count: Rc<Cell<u64>>,
    counted: u64,
}

impl Anchor {
    fn new() -> Anchor {
        Anchor { thread: thread::current().id(), count: COUNT.with(Rc::clone), counted: 0 }
    }

    #[track_caller]
    fn check(&mut self) {
        assert_eq!(thread::current().id(), self.thread, "a started goroutine has moved");
        COUNT.with(|count| assert!(Rc::ptr_eq(count, &self.count)));
        self.count.set(self.count.get() + 1);
        self.counted += 1;
    }

    fn life(&self) -> Life {
        Life { thread: self.thread, counted: self.counted, total: self.count.get() }
    }
}

/// Parks in every way that there is, `ROUNDS` times over.
fn live(i: usize, mut conn: TcpStream) -> Life {
    let mut rng = rand::rng();
    let mut anchor = Anchor::new();
    SLOTS.with(|slots| {
        let mut slot = slots[i].borrow_mut();
        let begun = *slot;
        for round in 0..ROUNDS {
            let word: [u8; 4] = rng.random();
            match rng.random_range(0..6) {
                0 => marmot::yield_now(),
                1 => marmot::sleep(Duration::from_micros(rng.random_range(0..300))),
                2 => assert_eq!(marmot::go(move || word).join().unwrap(), word),
                3 => {
                    let theirs = Rc::clone(&anchor.count);
                    let here = anchor.thread;
                    let child = marmot::go_local(move || {
                        marmot::yield_now();
                        assert_eq!(thread::current().id(), here);
                        Rc::strong_count(&theirs)
                    });
                    assert!(child.join().unwrap() >= 2);
                }
                4 => {
                    let me = marmot::current();
                    drop(marmot::go(move || me.unpark()));
                    marmot::park();
                }
                _ => {
                    conn.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
                    marmot::blocking(thread::yield_now);
                }
            }
            anchor.check();
            // A read that waits, between any two of these.
            conn.write_all(&word).unwrap();
            let mut back = [0; 4];
            conn.read_exact(&mut back).unwrap();
            assert_eq!(back, word, "in round {round}");
            anchor.check();
            *slot += 1;
            rng.fill_bytes(&mut back);
        }
        assert_eq!(*slot - begun, ROUNDS as u64);
    });
    anchor.life()
}

/// Answers four bytes with the same, until the peer has gone, and checks itself meanwhile.
fn echo(mut conn: TcpStream) -> Life {
    let mut rng = rand::rng();
    let mut anchor = Anchor::new();
    let mut word = [0; 4];
    while conn.read_exact(&mut word).is_ok() {
        anchor.check();
        if rng.random_ratio(1, 8) {
            marmot::yield_now();
        }
        conn.write_all(&word).unwrap();
        anchor.check();
    }
    anchor.life()
}

#[test]
fn a_started_goroutine_stays_on_its_thread() {
    let lives = with_procs(4, || {
        // Two that cannot end before both have begun: two Ms have to take them.
        let meet = Arc::new(Barrier::new(2));
        let pair = [(); 2].map(|()| {
            let meet = Arc::clone(&meet);
            marmot::go(move || {
                let anchor = Anchor::new();
                meet.wait();
                anchor.life()
            })
        });
        let mut lives: Vec<Life> = pair.into_iter().map(|g| g.join().unwrap()).collect();

        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let server = marmot::go(move || {
            let echoes: Vec<_> =
                listener.incoming().take(GOROUTINES).map(|conn| marmot::go(move || echo(conn.unwrap()))).collect();
            echoes.into_iter().map(|g| g.join().unwrap()).collect::<Vec<_>>()
        });
        let clients: Vec<_> = (0..GOROUTINES)
            .map(|i| {
                marmot::go(move || {
                    let conn = TcpStream::connect(addr).unwrap();
                    live(i, conn)
                })
            })
            .collect();
        lives.extend(clients.into_iter().map(|g| g.join().unwrap()));
        lives.extend(server.join().unwrap());
        lives
    });
    assert_eq!(lives.len(), 2 + 2 * GOROUTINES);
    let threads: HashSet<ThreadId> = lives.iter().map(|life| life.thread).collect();
    assert!(threads.len() >= 2, "all ran on one thread");
    // The last to end on a thread has seen all its counts, and none is lost.
    let mut counted: HashMap<ThreadId, (u64, u64)> = HashMap::new();
    for life in &lives {
        let (sum, last) = counted.entry(life.thread).or_default();
        *sum += life.counted;
        *last = life.total.max(*last);
    }
    for (sum, last) in counted.values() {
        assert_eq!(sum, last);
    }
    assert_eq!(counted.values().map(|&(sum, _)| sum).sum::<u64>(), (GOROUTINES * ROUNDS * 4) as u64);
}

/// A connection's goroutine is sent to the M that serves the fewest before it starts, but not one that is made for this M.
#[test]
fn go_local_stays_where_it_was_made_also_after_an_accept() {
    for procs in [2, 4] {
        with_procs(procs, || {
            let listener = listener();
            let addr = listener.local_addr().unwrap();
            let here = thread::current().id();
            let served = Rc::new(Cell::new(0));
            let mut kept = vec![];
            for _ in 0..40 {
                kept.push(TcpStream::connect(addr).unwrap());
                let (conn, _) = listener.accept().unwrap();
                let theirs = Rc::clone(&served);
                let local = marmot::go_local(move || {
                    assert_eq!(thread::current().id(), here, "what is not Send has moved");
                    theirs.set(theirs.get() + 1);
                    conn
                });
                kept.push(local.join().unwrap());
            }
            assert_eq!((served.get(), Rc::strong_count(&served)), (40, 1));
        });
    }
}

/// The closure may be sent, so it may start anywhere; from then on it stays.
#[test]
fn what_waited_without_a_stack_stays_once_it_has_started() {
    with_procs(4, || {
        let waiting: Vec<_> = (0..40)
            .map(|_| {
                let (mut near, far) = common::pair();
                let handle = far.go_when_readable(|mut far| {
                    let mut anchor = Anchor::new();
                    let mut byte = [0];
                    while far.read(&mut byte).unwrap() == 1 {
                        anchor.check();
                        marmot::yield_now();
                        anchor.check();
                    }
                    anchor.counted
                });
                let writer = marmot::go(move || {
                    for _ in 0..50 {
                        near.write_all(b".").unwrap();
                        marmot::yield_now();
                    }
                });
                (handle, writer)
            })
            .collect();
        for (handle, writer) in waiting {
            writer.join().unwrap();
            assert_eq!(handle.join().unwrap(), 100);
        }
    });
}
