//! Models of the runtime's protocols: the files that ship, over a few lines that stand for what
//! they run on.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p marmot-runtime --test loom`. Each model
//! is explored up to a number of preemptions; `LOOM_MAX_PREEMPTIONS` sets another one for all of
//! them.
//!
//! | model | of | shows |
//! |---|---|---|
//! | `ring` | `sched::runq` | every element is taken once, by somebody who sees what it points to |
//! | `mail` | `sched::inbox` | the same, in the order of each who pushes |
//! | `sleep` | `sched::idle`'s `Sleeper` | no news for one M is lost, and a sleep is ended by one ring at most |
//! | `asking` | `sched::errands`, with `Sleeper` | no errand is left to an M that sleeps or has left |
//! | `work` | `sched::idle`'s `Idle`, with all queues | no work is left behind while every M sleeps, and none spins at the end |
//! | `events` | `netpoll::slot` | no event, deadline or close is lost, and a waiter is readied once |
//! | `hangup` | `netpoll::slot`, the short-read hint of `fd` | a reader that trusts a short read finds the end all the same |
//! | `stale` | `netpoll::state`, with `netpoll::slot` | what an event of the descriptor before says leaves nothing to the next owner of a desc |
//! | `room` | `netpoll::slot`, the writes of `fd` | a writer finds the room that it waits for, also when events of room are passed over |
//! | `timer` | `netpoll::slot`, the timer of `netpoll::desc` | a waiter is woken at its time, also by a timer set for another |
//! | `heaps` | `sched::timers` | who has disarmed a timer is alone with it, and none is lost or fires twice, while a heap is given up |
//! | `leaving` | `buffered::left` | nothing that a writer has gathered stays behind, whoever is to send it |
//! | `tokens` | `sched::token` | no notification is lost, and who parks is readied once |
//! | `ends` | `sched::join` | a result has one owner, who sees it; a waiter that is taken back is not readied |
//! | `ending` | `sched::roster`, with `sched::errands` and `Sleeper` | the end of a context reaches who waits under it, and a wait has one end |
//! | `mutex` | `sync::raw`, `sync::list` | one at a time has the lock, who sees what the one before did; no wake-up and no hand-over is lost |
//! | `channel` | `sync::chan` | a message is received once, by somebody who sees it, or comes back; a wait has one end |
//! | `select` | the same, with selects | two that wait for each other meet, and each does one operation only |
//! | `rwlock` | `sync::raw_rw`, over `raw` and `list` | writers are alone, readers are not kept out for ever, whatever ends a wait |
//! | `condvar` | `sync::signal`, over the same | no notification is lost, be it that it reaches one who is cancelled, or does not go on |
//! | `semaphore` | `sync::permits` | no permit is lost or made, and who leaves keeps nobody waiting |
//! | `once` | `sync::once` | one does it, and all who wait go on and see it |
//! | `group` | `sync::wait_group` | who waits goes on when the count has been zero, and sees what was done |
//! | `turns` | `netpoll::turn` | one at a time, who sees what the one before did; everybody's turn comes, or is given up; and a close reaches all that wait for it |

#![cfg(loom)]

#[path = "../../src/primitive.rs"]
#[expect(dead_code, reason = "not all that the package uses is modelled")]
mod primitive;

#[path = "../../src/sync/chan/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a model uses a part of what programs do")]
mod chan;
#[path = "../../src/sched/errands.rs"]
mod errands;
#[path = "../../src/sched/idle.rs"]
mod idle;
#[path = "../../src/sched/inbox.rs"]
mod inbox;
#[path = "../../src/sched/join.rs"]
mod join;
#[path = "../../src/buffered/left.rs"]
mod left;
#[path = "../../src/sync/list.rs"]
#[expect(dead_code, reason = "what only barriers use is not modelled")]
mod list;
#[path = "../../src/sync/once.rs"]
#[expect(dead_code, reason = "what only cells use is not modelled")]
mod once_file;
#[path = "../../src/sync/permits.rs"]
#[expect(dead_code, reason = "permits that are taken out for good are not modelled")]
mod permits;
#[path = "../../src/sched/queue.rs"]
#[expect(dead_code, reason = "lists are looked at and closed by what is not modelled")]
mod queue;
#[path = "../../src/sync/raw.rs"]
mod raw;
#[path = "../../src/sync/raw_rw.rs"]
mod raw_rw;
#[path = "../../src/sched/roster.rs"]
mod roster;
#[path = "../../src/sched/runq.rs"]
mod runq;
#[path = "../../src/sync/signal.rs"]
mod signal;
#[path = "../../src/netpoll/slot.rs"]
mod slot;
#[path = "../../src/netpoll/state.rs"]
mod state;
#[path = "../../src/sched/timers.rs"]
#[expect(dead_code, reason = "the times of timers are looked at by what is not modelled")]
mod timers;
#[path = "../../src/sched/token.rs"]
mod token;
#[path = "../../src/netpoll/turn.rs"]
mod turn;
#[path = "../../src/sync/wait_group.rs"]
#[expect(dead_code, reason = "not all that programs call is modelled")]
mod wait_group;

mod asking;
mod channel;
mod condvar;
mod context;
mod due;
mod ending;
mod ends;
mod events;
mod group;
mod hangup;
mod heaps;
mod leaving;
mod mail;
mod mutex;
mod once;
mod profile;
mod ring;
mod room;
mod rwlock;
mod sched;
mod select;
mod semaphore;
mod sleep;
mod stale;
mod support;
mod timer;
mod tokens;
mod turns;
mod wait;
mod waiting;
mod work;
