//! The modules whose tables are known.
//!
//! The program's own tables are used where they are mapped. Those of libraries are copied, for a library can be unloaded, and
//! who walks cannot wait for the loader to keep it. When modules have been loaded or unloaded, the list is replaced as a
//! whole; copies that are still true are shared with the list before, by their contents.
//!
//! # When an old list is freed
//!
//! A walk reads a list while it has a desk, and looks for the list after it has taken the desk: [`Modules::current`] asks to see
//! it. Whoever makes a new list publishes it, and then takes each desk for a moment. Who had that desk before has gone, and
//! with him what he read; who takes it afterwards sees the new list, for he acquires what the maker released with the desk.
//! So when each desk has been free once, nobody can have the old list any more. No one is waited for: desks that are in use
//! are tried again at the next look, and until then the old list stays. Desks that are made later are made under the mark of
//! the maker ([`MAKER`]), which orders them after the new list.
//!
//! # Forks
//!
//! A child has one thread, and the loader's lock, which a thread has while it asks for modules, is not made free in it. So
//! who forks waits for the maker, for a reasonable time. A fork copies page after page while other threads go on, so that
//! of what these were changing a child sees pieces of different moments. Therefore a child whose parent has waited in vain
//! forgets the list, and never asks the loader again; nor does one that was forked by a handler which has interrupted the
//! maker. And no child uses the desks of others.

use std::cell::{Cell, UnsafeCell};
use std::mem;
use std::ops::{Deref, Range};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framehop::{ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, Unwinder as _, UnwinderNative};

use super::super::mapped::Mapped;
use super::super::platform::{around_fork, changes, each_module};
use super::desk::{self, Taken, thread_number};

/// How often a thread gives way to the one that is making the first list.
const PATIENCE: usize = 1000;

/// How long a fork waits for the maker.
const FORK_PATIENCE: Duration = Duration::from_secs(1);

static CURRENT: AtomicPtr<Modules> = AtomicPtr::new(ptr::null_mut());

/// The number of the thread that is making a list; zero while none is. What it allocates may be what leads here again.
static MAKER: AtomicUsize = AtomicUsize::new(0);

/// Whether all has been made that walks need: the first list, and the desks.
static IS_READY: AtomicBool = AtomicBool::new(false);

/// Whether the loader is not to be asked any more.
static IS_DEAF: AtomicBool = AtomicBool::new(false);

static OLD: OldLists = OldLists(UnsafeCell::new(Vec::new()));

thread_local! {
    /// How many forks of this thread are under way that have found it to be the maker already.
    static INNER_FORKS: Cell<usize> = const { Cell::new(0) };

    /// And how many that have waited in vain.
    static RASH_FORKS: Cell<usize> = const { Cell::new(0) };
}

pub(super) struct Modules {
    pub(super) unwinder: UnwinderNative<Bytes, MustNotAllocateDuringUnwind>,
    ranges: Vec<Range<usize>>,
    /// What was copied, for the next list.
    copies: Vec<Arc<[u8]>>,
    changes: (u64, u64),
}

/// Tables, where they are mapped for ever or copied.
pub(super) enum Bytes {
    Mapped(&'static [u8]),
    Copied(Arc<[u8]>),
}

/// A list that has been replaced, and the places of the desks at which somebody may still be reading it.
struct Old {
    list: NonNull<Modules>,
    places: u64,
}

/// The maker's alone.
struct OldLists(UnsafeCell<Vec<Old>>);

// SAFETY: it is reached by the maker only, one at a time.
unsafe impl Sync for OldLists {}

/// The mark of the maker. Dropping it takes it away.
struct Making;

impl Making {
    /// The mark, if nobody has it.
    fn begin() -> Option<Making> {
        // Acquire pairs with the release in `drop`: one list after the other.
        let is_free = MAKER.compare_exchange(0, thread_number(), Ordering::Acquire, Ordering::Relaxed).is_ok();
        // Not made in vain: dropping one takes the mark away.
        is_free.then(|| Making)
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // Release pairs with the acquire in `begin`.
        MAKER.store(0, Ordering::Release);
    }
}

fn is_maker() -> bool {
    MAKER.load(Ordering::Relaxed) == thread_number()
}

impl Modules {
    /// The latest list, for who walks at that desk; none before the first.
    #[inline]
    pub(super) fn current(_desk: &Taken) -> Option<&'static Modules> {
        // Acquire pairs with the release in `look_again`: the list is complete.
        // SAFETY: a list is not changed after it was published, and not freed while a desk is in use at which it may be read.
        unsafe { CURRENT.load(Ordering::Acquire).as_ref() }
    }

    /// The highest address of code.
    #[inline]
    pub(super) fn highest(&self) -> u64 {
        self.unwinder.max_known_code_address()
    }

    /// Whether `address` is in a module.
    pub(super) fn knows(&self, address: usize) -> bool {
        self.ranges.iter().any(|range| range.contains(&address))
    }

    /// The modules that are there now, with the copies that the list `before` has.
    fn make(changes: (u64, u64), before: Option<&Modules>) -> Modules {
        let mut copies = Vec::new();
        let mut modules = Vec::new();
        each_module(|module| modules.push(keep(module, before, &mut copies)));
        let mut unwinder = UnwinderNative::new();
        let ranges = modules.iter().map(|module| module.addresses.clone()).collect();
        for module in modules {
            unwinder.add_module(for_unwinder(module));
        }
        Modules { unwinder, ranges, copies, changes }
    }
}

/// Makes the first list, and the desks.
#[inline]
pub(in super::super::super) fn prepare_once() {
    if !IS_READY.load(Ordering::Relaxed) {
        prepare_first();
    }
}

#[cold]
fn prepare_first() {
    for _ in 0..PATIENCE {
        look_again();
        if IS_READY.load(Ordering::Relaxed) || is_maker() {
            return;
        }
        // Not for ever: the one who makes it may be waiting for the loader, and that for this thread.
        thread::yield_now();
    }
}

/// Makes a new list if modules have been loaded or unloaded since the last, and says whether it did. Another thread may
/// be at it; it is not waited for.
pub(in super::super::super) fn look_again() -> bool {
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    let Some(_making) = Making::begin() else { return false };
    if !HAS_BEGUN.swap(true, Ordering::Relaxed) {
        around_fork(before_fork, in_parent, in_child);
    }
    if !IS_READY.load(Ordering::Relaxed) {
        desk::make_all();
    }
    let is_new = !IS_DEAF.load(Ordering::Relaxed) && renew();
    IS_READY.store(true, Ordering::Relaxed);
    is_new
}

/// For the maker.
fn renew() -> bool {
    // SAFETY: the caller is the maker, and a reference to the lists goes no further than this call.
    let old = unsafe { &mut *OLD.0.get() };
    let before = CURRENT.load(Ordering::Relaxed);
    // SAFETY: the latest list, which only the maker replaces.
    let known = unsafe { before.as_ref() };
    let changes = changes();
    // A handler may have forked meanwhile, and this may be the child.
    let is_new = !IS_DEAF.load(Ordering::Relaxed) && known.is_none_or(|known| known.changes != changes);
    if is_new {
        let list = Box::new(Modules::make(changes, known));
        // Release pairs with the acquire in `current`.
        CURRENT.store(Box::into_raw(list), Ordering::Release);
        if let Some(list) = NonNull::new(before) {
            old.push(Old { list, places: desk::all() });
        }
    }
    old.retain_mut(|old| {
        old.places = desk::in_use(old.places);
        if old.places == 0 {
            // SAFETY: it was a box when it was published, it has been replaced, and nobody reads it any more: see the module.
            drop(unsafe { Box::from_raw(old.list.as_ptr()) });
        }
        old.places != 0
    });
    is_new
}

/// Becomes the maker, so that nobody else is: see the module.
extern "C" fn before_fork() {
    let start = Instant::now();
    while !is_maker() {
        if let Some(making) = Making::begin() {
            mem::forget(making);
            return;
        }
        if start.elapsed() > FORK_PATIENCE {
            RASH_FORKS.set(RASH_FORKS.get() + 1);
            return;
        }
        thread::yield_now();
    }
    INNER_FORKS.set(INNER_FORKS.get() + 1);
}

/// Undoes what `before_fork` has done. A handler may fork while this thread does: the inner fork has been undone before.
extern "C" fn in_parent() {
    if let Some(others) = INNER_FORKS.get().checked_sub(1) {
        INNER_FORKS.set(others);
    } else if is_maker() {
        drop(Making);
    } else {
        RASH_FORKS.set(RASH_FORKS.get() - 1);
    }
}

extern "C" fn in_child() {
    if INNER_FORKS.get() + RASH_FORKS.get() > 0 {
        IS_DEAF.store(true, Ordering::Relaxed);
    }
    if !is_maker() {
        // Whoever is it is not in this process, and has left nothing that can be relied on.
        MAKER.store(0, Ordering::Relaxed);
        CURRENT.store(ptr::null_mut(), Ordering::Relaxed);
    }
    in_parent();
    desk::abandon_others();
    // Others are made at the next walk that is not in a handler.
    IS_READY.store(false, Ordering::Relaxed);
}

/// The module, with tables that outlive it.
fn keep(mut module: Mapped, before: Option<&Modules>, copies: &mut Vec<Arc<[u8]>>) -> Kept {
    let mut copy = |bytes: &'static [u8]| {
        if module.is_program {
            return Bytes::Mapped(bytes);
        }
        let same = before.and_then(|before| before.copies.iter().find(|copy| ***copy == *bytes));
        let copy = same.map_or_else(|| bytes.into(), Arc::clone);
        copies.push(Arc::clone(&copy));
        Bytes::Copied(copy)
    };
    let tables = module.tables.take().map(|tables| {
        let address = |bytes: &[u8]| (bytes.as_ptr().addr().wrapping_sub(module.bias)) as u64;
        Table {
            index_address: address(tables.index),
            frames_address: address(tables.frames),
            index: copy(tables.index),
            frames: copy(tables.frames),
        }
    });
    Kept { addresses: module.addresses, bias: module.bias, tables }
}

struct Kept {
    addresses: Range<usize>,
    bias: usize,
    tables: Option<Table>,
}

/// Tables, and the addresses that they were linked for.
struct Table {
    index: Bytes,
    index_address: u64,
    frames: Bytes,
    frames_address: u64,
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Mapped(&[])
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

fn for_unwinder(module: Kept) -> Module<Bytes> {
    let range = |start: u64, bytes: &[u8]| Some(start..start + bytes.len() as u64);
    let sections = match module.tables {
        Some(tables) => ExplicitModuleSectionInfo {
            eh_frame_hdr_svma: range(tables.index_address, &tables.index),
            eh_frame_hdr: Some(tables.index),
            eh_frame_svma: range(tables.frames_address, &tables.frames),
            eh_frame: Some(tables.frames),
            ..ExplicitModuleSectionInfo::default()
        },
        None => ExplicitModuleSectionInfo::default(),
    };
    let addresses = module.addresses.start as u64..module.addresses.end as u64;
    Module::new(String::new(), addresses, module.bias as u64, sections)
}
