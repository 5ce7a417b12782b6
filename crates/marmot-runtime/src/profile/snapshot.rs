//! A snapshot of all goroutines of the process.
//!
//! Only the M on which a goroutine has settled can look at it, while it is suspended. So whoever takes a snapshot sends
//! each M of each runtime a [`Visit`], an errand, and waits for what they find. An M does it in slices of [`SLICE`]
//! goroutines, and lets others run between two of them: the longest slice is in the snapshot. (Ten thousand parked ones on
//! two Ms took ten milliseconds, so that a slice is a tenth of one, and more where the stacks are in no cache. What has not
//! started is looked at in one go, since it is quick and does not stay; the global queue is locked meanwhile.) A visit reports when it is
//! dropped, and it is dropped when it is done, when its M leaves, and when the M refuses it; so one never waits for an M
//! that has gone. For an M that is stuck in a goroutine, which never comes back to it, there is a limit.
//!
//! The goroutines of a snapshot are therefore of slightly different moments. One that is parked all the while is found
//! once, with the stack that it has all the while.

use std::mem;
use std::panic::Location;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use super::labels;
use crate::netpoll;
use crate::sched::{self, Errand, GRef, Head, M, Sched, Seat, State, WaitReason, census, clock, current, stack};
use crate::timer::{self, ForSnapshots};

/// An M looks at so many goroutines before it lets others run.
const SLICE: usize = 64;

/// How long [`goroutines`] waits for Ms.
const LIMIT: Duration = Duration::from_secs(1);

/// All goroutines of the process, as they were found within a short time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// In the order of their numbers, which is roughly that in which they were made.
    pub goroutines: Vec<Goroutine>,
    /// Ms that did not answer in time, because each is in a goroutine that neither waits nor yields, or takes this snapshot itself. The goroutines that have
    /// settled on them are not among the others.
    pub absent: Vec<Absent>,
    /// When it was begun.
    pub taken: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// The longest time for which an M let no goroutine run for it.
    pub longest_pause: Duration,
}

/// A goroutine of a [`Snapshot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Goroutine {
    /// Its number.
    pub id: u64,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// Where it was spawned.
    pub spawn_site: &'static Location<'static>,
    /// The number of its runtime: they are counted from 0 as they are started.
    pub runtime: usize,
    /// The number of the M on which it has settled; none before it has started.
    pub m: Option<usize>,
    /// What it does.
    pub status: Status,
    /// For how long it waits. Known only of waits that began while the block profile was on, since nobody looks at the clock
    /// otherwise.
    pub waiting_for: Option<Duration>,
    /// Its labels, in the order of their keys.
    pub labels: Vec<(String, String)>,
    /// Its stack. Empty if it has not started.
    pub stack: Vec<usize>,
}

/// What a goroutine of a [`Snapshot`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It has not started, and so has no stack. It is queued, or waits for a descriptor.
    Unstarted,
    /// It has let others run, or what it waited for has come: it goes on soon.
    Runnable,
    /// It takes the snapshot.
    Running,
    /// It waits.
    Waiting(WaitReason),
}

/// An M that did not answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Absent {
    /// The number of its runtime.
    pub runtime: usize,
    /// Its number there.
    pub m: usize,
    /// How many goroutines have settled on it.
    pub goroutines: usize,
}

/// Takes a snapshot of all goroutines of the process, of all runtimes that have not been shut down.
///
/// It waits at most a second for Ms that are stuck, see [`goroutines_within`].
///
/// # Blocking
///
/// G (a plain thread blocks), until every M has answered. The Ms answer between two goroutines, in slices: see
/// [`Snapshot::longest_pause`].
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::profile::{self, Status};
///
/// let parked = marmot::Builder::new().name("waits").spawn(marmot::park)?;
/// let found = loop {
///     let snapshot = profile::goroutines();
///     let found = snapshot.goroutines.into_iter().find(|g| g.name.as_deref() == Some("waits"));
///     if let Some(g) = found.filter(|g| matches!(g.status, Status::Waiting(_))) {
///         break g;
///     }
/// };
/// assert_eq!(found.status, Status::Waiting(marmot::WaitReason::Parked));
/// parked.goroutine().unpark();
/// parked.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[inline(never)]
pub fn goroutines() -> Snapshot {
    goroutines_within(LIMIT)
}

/// As [`goroutines`], but waits at most for `limit`. What an M has that has not answered by then is missing, and the M is
/// among the [absent](Snapshot::absent).
///
/// # Blocking
///
/// G (a plain thread blocks), for `limit` at most.
#[inline(never)]
pub fn goroutines_within(limit: Duration) -> Snapshot {
    let (taken, begun) = (SystemTime::now(), Instant::now());
    let own_stack = stack::here();
    // SAFETY: the caller's own G.
    let own = current::gp().map(|gp| unsafe { gp.as_ref() }.head().id);
    let runtimes = census::runtimes();
    let ms: Vec<&'static M> = runtimes.iter().flat_map(|sched| sched.ms()).collect();
    // An M that takes a snapshot on its own stack, as a destructor may that it runs there, waits here and not where errands are
    // done. It is in the middle of something, so it is not looked at, and counts as one that is stuck.
    let busy = current::mp().filter(|_| own.is_none());
    let is_asked = |mp: &M| busy.is_none_or(|busy| !ptr::eq(busy, mp));
    let gather = Arc::new(Gather {
        state: Mutex::new(Gathered {
            answers: vec![Answer::None; ms.len()],
            open: ms.iter().filter(|mp| is_asked(mp)).count(),
            given_up: false,
            found: Vec::new(),
            longest: Duration::ZERO,
        }),
        // SAFETY: the caller's own G.
        waiter: GRef::of(unsafe { sched::waiter().as_ref() }.head()),
    });
    for (number, &mp) in ms.iter().enumerate().filter(|(_, mp)| is_asked(mp)) {
        mp.send(Box::new(Visit::new(Arc::clone(&gather), number)));
    }
    let mut unstarted = Vec::new();
    let mut see = |head: &Head| unstarted.extend(see_unstarted(head));
    runtimes.iter().for_each(|sched| sched.visit_global(&mut see));
    netpoll::visit_unstarted(&mut see);
    let mut gathered = gather.wait(begun.checked_add(limit).unwrap_or_else(|| begun + LIMIT));
    gathered.found.append(&mut unstarted);
    let mut goroutines = gathered.found;
    // Of what was found twice, what has started says more.
    goroutines.sort_by_key(|g| (g.id, g.status == Status::Unstarted));
    goroutines.dedup_by_key(|g| g.id);
    if let Some(g) = own.and_then(|id| goroutines.binary_search_by_key(&id, |g| g.id).ok()).map(|i| &mut goroutines[i])
    {
        (g.status, g.waiting_for, g.stack) = (Status::Running, None, own_stack);
    }
    let silent = ms.iter().zip(&gathered.answers).filter(|(_, answer)| **answer == Answer::None);
    let absent =
        silent.map(|(mp, _)| Absent { runtime: mp.sched.number, m: mp.id, goroutines: mp.settled_here() }).collect();
    Snapshot { goroutines, absent, taken, duration: begun.elapsed(), longest_pause: gathered.longest }
}

/// Whether an M has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    None,
    /// It has looked at all that it has, or it has left.
    Done,
}

struct Gathered {
    answers: Vec<Answer>,
    /// How many visits are on their way.
    open: usize,
    /// Nobody waits for them any more.
    given_up: bool,
    found: Vec<Goroutine>,
    longest: Duration,
}

/// What the visits of a snapshot have in common.
struct Gather {
    state: Mutex<Gathered>,
    waiter: GRef,
}

impl Gather {
    fn lock(&self) -> MutexGuard<'_, Gathered> {
        // Nothing that panics runs under the lock.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Waits for the visits, at most until `until`, and takes what they have found.
    fn wait(&self, until: Instant) -> Gathered {
        loop {
            let mut state = self.lock();
            if state.open == 0 || Instant::now() >= until {
                state.given_up = true;
                let (answers, found) = (mem::take(&mut state.answers), mem::take(&mut state.found));
                let gathered = Gathered { answers, found, open: state.open, given_up: true, longest: state.longest };
                drop(state);
                // Whoever comes last notifies under the lock, and nobody does after this: nothing is left for a later wait.
                timer::forget::<ForSnapshots>();
                return gathered;
            }
            drop(state);
            timer::park_token_until::<ForSnapshots>(until);
        }
    }
}

/// The errand of one M.
struct Visit {
    gather: Arc<Gather>,
    number: usize,
    /// The places of the roll below this one have not been looked at; none before the first look.
    rest: Option<usize>,
    found: Vec<Goroutine>,
    longest: Duration,
}

impl Visit {
    fn new(gather: Arc<Gather>, number: usize) -> Visit {
        Visit { gather, number, rest: None, found: Vec::new(), longest: Duration::ZERO }
    }
}

impl Errand for Visit {
    fn run(&mut self, mp: &'static M) -> bool {
        if self.gather.lock().given_up {
            return false;
        }
        let begun = Instant::now();
        let found = &mut self.found;
        let end = self.rest.unwrap_or_else(|| {
            mp.visit_queued(&mut |head| found.extend(see_unstarted(head)));
            mp.settled_here()
        });
        let rest = mp.visit_settled(end, SLICE, &mut |g| found.push(see_settled(mp, g)));
        self.rest = Some(rest);
        self.longest = self.longest.max(begun.elapsed());
        rest > 0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.gather.lock();
        if state.given_up {
            return;
        }
        state.answers[self.number] = Answer::Done;
        state.found.append(&mut self.found);
        state.longest = state.longest.max(self.longest);
        state.open -= 1;
        if state.open == 0 {
            // Under the lock, see `Gather::wait`.
            timer::notify::<ForSnapshots>(&self.gather.waiter);
        }
    }
}

/// What is known of a goroutine that has settled on `mp`, which is the M of this thread, and in no goroutine.
fn see_settled(mp: &M, seat: &Seat) -> Goroutine {
    let g = &seat.g;
    let status = match g.status.get() {
        State::Waiting(reason) => Status::Waiting(reason),
        _ => Status::Runnable,
    };
    let waiting_for = seat.waits_since().map(|since| Duration::from_nanos(clock::now().saturating_sub(since)));
    Goroutine { m: Some(mp.id), status, waiting_for, stack: g.stack(), ..see(g.head(), mp.sched) }
}

/// What is known of a goroutine that has not started, and that nobody can start meanwhile.
fn see_unstarted(head: &Head) -> Option<Goroutine> {
    // Only a plain thread has no runtime.
    Some(see(head, head.sched?))
}

fn see(head: &Head, sched: &Sched) -> Goroutine {
    Goroutine {
        id: head.id,
        name: head.spec.name.as_deref().map(str::to_owned),
        spawn_site: head.spec.site,
        runtime: sched.number,
        m: None,
        status: Status::Unstarted,
        waiting_for: None,
        labels: head.labels.get().map_or_else(Vec::new, |set| labels::pairs(&set)),
        stack: Vec::new(),
    }
}
