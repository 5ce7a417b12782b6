//! Waits that the end of a context ends, as `timer::limit` has them for plain threads: who waits is known to the context meanwhile,
//! and who ends that takes him out of his place under the context's lock. One context for all who wait so.

use std::ptr::NonNull;

use loom::sync::{Mutex, MutexGuard};

use crate::sched::{self, G, WaitReason};

pub const NEVER: u64 = u64::MAX;

pub trait Place: Sync {
    fn retract(&self) -> bool;
}

#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Readied,
    Cancelled,
}

#[derive(Default)]
struct Context {
    has_ended: bool,
    members: Vec<Member>,
}

struct Member {
    gp: NonNull<G>,
    place: *const dyn Place,
    was_cancelled: bool,
}

// SAFETY: a member is used under the context's lock, and its owner takes it out before its place goes.
unsafe impl Send for Context {}

loom::lazy_static! {
    static ref CONTEXT: Mutex<Context> = Mutex::new(Context::default());
}

fn context() -> MutexGuard<'static, Context> {
    CONTEXT.lock().unwrap()
}

pub fn park_within<P: Place>(gp: NonNull<G>, reason: WaitReason, until: u64, place: &P) -> Ended {
    assert_eq!(until, NEVER, "no time passes here");
    let mut here = context();
    if here.has_ended {
        drop(here);
        if place.retract() {
            return Ended::Cancelled;
        }
        sched::park(gp, reason);
        return Ended::Readied;
    }
    let place: *const (dyn Place + '_) = place;
    // SAFETY: only the lifetime changes, and the member is taken out below.
    let place: *const dyn Place = unsafe { std::mem::transmute(place) };
    here.members.push(Member { gp, place, was_cancelled: false });
    drop(here);
    sched::park(gp, reason);
    let mut here = context();
    let at = here.members.iter().position(|member| member.gp == gp).expect("it is taken out once");
    if here.members.swap_remove(at).was_cancelled { Ended::Cancelled } else { Ended::Readied }
}

/// Ends the context.
pub fn cancel() {
    let mut here = context();
    here.has_ended = true;
    for member in &mut here.members {
        // SAFETY: its owner waits, or waits for the context's lock to take it out.
        if unsafe { &*member.place }.retract() {
            member.was_cancelled = true;
            sched::ready(member.gp);
        }
    }
}
