//! The modules whose tables are known.
//!
//! The list is replaced as a whole when modules have been loaded since, and what it replaces is leaked: a walk may be
//! reading it. The program's own tables are used where they are mapped. Those of libraries are copied, for a library can
//! be unloaded, and who walks cannot wait for the loader to keep it.

use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread;

use framehop::{ExplicitModuleSectionInfo, Module, MustNotAllocateDuringUnwind, Unwinder as _, UnwinderNative};

use super::super::mapped::Mapped;
use super::super::platform::{changes, each_module};
use super::desk;

/// How often a thread gives way to the one that is making the first list.
const PATIENCE: usize = 1000;

static CURRENT: AtomicPtr<Modules> = AtomicPtr::new(ptr::null_mut());

/// Whether a thread is making a list.
static MAKING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether it is this one: what it allocates may be what leads here again.
    static MAKING_HERE: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct Modules {
    pub(super) unwinder: UnwinderNative<&'static [u8], MustNotAllocateDuringUnwind>,
    ranges: Vec<Range<usize>>,
    changes: (u64, u64),
}

impl Modules {
    /// The latest list; none before the first.
    #[inline]
    pub(super) fn current() -> Option<&'static Modules> {
        // Acquire pairs with the release in `look_again`: the list is complete.
        // SAFETY: a list is never freed, nor changed after it was published.
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

    fn make(changes: (u64, u64)) -> Modules {
        let mut mapped = Vec::new();
        each_module(|module| mapped.push(keep(module)));
        let mut unwinder = UnwinderNative::new();
        let ranges = mapped.iter().map(|module| module.addresses.clone()).collect();
        for module in mapped {
            unwinder.add_module(for_unwinder(module));
        }
        Modules { unwinder, ranges, changes }
    }
}

/// Makes the first list.
#[inline]
pub(in super::super::super) fn prepare_once() {
    if CURRENT.load(Ordering::Relaxed).is_null() {
        prepare_first();
    }
}

#[cold]
fn prepare_first() {
    for _ in 0..PATIENCE {
        if look_again() || Modules::current().is_some() || MAKING_HERE.get() {
            return;
        }
        // Not for ever: the one who makes it may be waiting for the loader, and that for this thread.
        thread::yield_now();
    }
}

/// Makes a new list if modules have been loaded or unloaded since the last, and says whether it did. Another thread may
/// be at it; it is not waited for.
pub(in super::super::super) fn look_again() -> bool {
    // Acquire pairs with the release below: one list after the other.
    if MAKING_HERE.get() || MAKING.swap(true, Ordering::Acquire) {
        return false;
    }
    MAKING_HERE.set(true);
    let changes = changes();
    let is_new = Modules::current().is_none_or(|modules| modules.changes != changes);
    if is_new {
        desk::make_all();
        let modules = Box::leak(Box::new(Modules::make(changes)));
        // Release pairs with the acquire in `current`.
        CURRENT.store(modules, Ordering::Release);
    }
    MAKING_HERE.set(false);
    // Release pairs with the acquire above.
    MAKING.store(false, Ordering::Release);
    is_new
}

/// The module, with tables that outlive it.
fn keep(mut module: Mapped) -> Kept {
    let copy = |bytes: &'static [u8]| -> &'static [u8] {
        if module.is_program { bytes } else { Box::leak(Box::<[u8]>::from(bytes)) }
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
    index: &'static [u8],
    index_address: u64,
    frames: &'static [u8],
    frames_address: u64,
}

fn for_unwinder(module: Kept) -> Module<&'static [u8]> {
    let range = |start: u64, bytes: &[u8]| Some(start..start + bytes.len() as u64);
    let sections = match module.tables {
        Some(tables) => ExplicitModuleSectionInfo {
            eh_frame_hdr_svma: range(tables.index_address, tables.index),
            eh_frame_hdr: Some(tables.index),
            eh_frame_svma: range(tables.frames_address, tables.frames),
            eh_frame: Some(tables.frames),
            ..ExplicitModuleSectionInfo::default()
        },
        None => ExplicitModuleSectionInfo::default(),
    };
    let addresses = module.addresses.start as u64..module.addresses.end as u64;
    Module::new(String::new(), addresses, module.bias as u64, sections)
}
