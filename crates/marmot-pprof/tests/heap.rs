//! A profile of allocations names the user's line, whatever `std` does between it and the allocator.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hint::black_box;

use common::{folder, frames, heap_types, pprof, write};
use marmot_pprof::raw::{GROWTH, Profile, Sample};

/// Takes the stack of each allocation of at least this size, while a thread wants that.
const LEAST: usize = 10_000;

type Taken = Vec<(Vec<usize>, usize)>;

thread_local! {
    static TAKEN: RefCell<Option<Taken>> = const { RefCell::new(None) };
}

struct Recorder;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        record(size);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static RECORDER: Recorder = Recorder;

#[inline(never)]
fn record(size: usize) {
    if size < LEAST {
        return;
    }
    let _ = TAKEN.try_with(|taken| {
        // What recording itself allocates finds it taken.
        if let Ok(mut taken) = taken.try_borrow_mut()
            && let Some(taken) = taken.as_mut()
        {
            taken.push((here(), size));
        }
    });
}

/// The current stack, as the contract wants it: return addresses minus one; without this function and its caller.
#[inline(never)]
fn here() -> Vec<usize> {
    let mut addresses = [std::ptr::null_mut(); 128];
    // SAFETY: the C library writes at most so many addresses.
    let count = unsafe { libc::backtrace(addresses.as_mut_ptr(), addresses.len() as libc::c_int) };
    addresses[..count as usize].iter().skip(2).map(|address| *address as usize - 1).collect()
}

/// The allocations of a closure, as a heap profile.
fn profile_of(run: impl FnOnce()) -> Profile {
    TAKEN.with(|taken| *taken.borrow_mut() = Some(Vec::with_capacity(1000)));
    run();
    let taken = TAKEN.with(|taken| taken.borrow_mut().take()).expect("it was put there");
    let mut profile = Profile::new(heap_types());
    for (stack, size) in taken {
        let size = size as i64;
        profile.samples.push(Sample { stack, values: vec![1, size, 0, 0, 1000], labels: Vec::new() });
    }
    profile
}

#[derive(Clone)]
#[allow(dead_code)]
struct Large([u8; 20_000]);

/// A name, a function that allocates, the line where it does, and whether it grows what there was.
type Case = (&'static str, fn(), u32, bool);

macro_rules! case {
    ($name:ident, $grows:expr, $($body:tt)*) => {{
        #[inline(never)]
        fn $name() {
            $($body)*
        }
        (stringify!($name), $name as fn(), line!(), $grows)
    }};
}

fn cases() -> Vec<Case> {
    // Each on a line of its own, which the macro's `line!` is on, too.
    #[rustfmt::skip]
    let cases = vec![
        case!(with_capacity, false, black_box(Vec::<u8>::with_capacity(black_box(30_000)));),
        case!(zeroed, false, black_box(vec![0u8; black_box(30_000)]);),
        case!(filled, false, black_box(vec![7u32; black_box(30_000)]);),
        case!(boxed, false, black_box(Box::new(Large([1; 20_000])));),
        case!(shared, false, black_box(std::sync::Arc::new(Large([1; 20_000])));),
        case!(copied, false, black_box(black_box(&[0u8; 20_000][..]).to_vec());),
        case!(collected, false, black_box((0..black_box(20_000u32)).map(|n| n * 2).collect::<Vec<u32>>());),
        case!(table, false, black_box(HashMap::<u64, u64>::with_capacity(black_box(5_000)));),
        case!(reserved, true, let mut v = vec![1u8; 100]; v.reserve(black_box(40_000)); black_box(v);),
        case!(pushed, true, let mut v = Vec::new(); for i in 0..black_box(40_000u32) { v.push(i); } black_box(v);),
        case!(appended, true, let mut s = String::from("x"); for _ in 0..3000 { s.push_str(black_box("twelve bytes")); } black_box(s);),
        case!(repeated, false, black_box(black_box("ab").repeat(10_000));),
        case!(formatted, true, black_box(format!("{:>20000}{:>9}", black_box("x"), black_box(1)));),
    ];
    cases
}

#[test]
fn the_users_line_is_innermost() {
    let mut all = Profile::new(heap_types());
    all.default_type = Some("alloc_space");
    let mut expected = Vec::new();
    for (name, run, line, grows) in cases() {
        let profile = profile_of(run);
        let total = profile.total("alloc_space");
        assert!(total >= LEAST as i64, "{name} was seen to allocate");
        let converted = profile.to_proto();
        for sample in &converted.sample {
            let frames = frames(&converted, sample);
            let (function, file, at) = &frames[0];
            assert!(
                function.ends_with(&format!("::{name}")) || function.contains(&format!("::{name}::")),
                "{name}: {frames:#?}"
            );
            assert!(file.ends_with("tests/heap.rs"), "{name}: {frames:#?}");
            assert_eq!(*at, i64::from(line), "{name}: {frames:#?}");
            let (_, outermost, _) = frames.last().expect("there is a first one");
            assert!(outermost.ends_with("tests/heap.rs"), "{name}: {frames:#?}");
        }
        let has_growth = converted
            .sample
            .iter()
            .any(|sample| sample.label.iter().any(|l| (converted.text(l.key), converted.text(l.str)) == GROWTH));
        assert_eq!(has_growth, grows, "{name}");

        expected.push((name, line, total));
        all.samples.extend(profile.samples);
    }

    let file = write(&all, &folder("heap"), "heap.pb.gz");
    let Some(top) = pprof(&file, &["-top", "-lines", "-unit=B", "-nodecount=1000"]) else { return };
    for (name, line, total) in expected {
        let row = top.lines().find(|row| row.ends_with(&format!("tests/heap.rs:{line}")));
        let row = row.unwrap_or_else(|| panic!("{name} has a row: {top}"));
        assert!(row.contains(&format!("::{name}")), "{row}");
        // flat flat% sum% cum cum% name file:line
        let flat = row.split_whitespace().next().and_then(|flat| flat.strip_suffix('B')).expect("bytes come first");
        assert_eq!(flat.parse(), Ok(total), "{row}");
    }
}
