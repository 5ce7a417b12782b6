//! What is allocated to make a profile is in none; what is freed meanwhile is accounted for.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod common;

use std::hint::black_box;
use std::time::Duration;

use common::{frames, sample};
use marmot_pprof::alloc::{allocs, heap, set_rate};
use marmot_pprof::http::{Endpoints, Page};
use marmot_pprof::raw::{Profile, ValueType};
use marmot_pprof::{Allocator, cpu, symbols, text};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::new();

#[inline(never)]
fn makes_profiles() {
    let profile = heap();
    profile.write_to(std::io::sink()).unwrap();
    black_box(text::profile(&profile));
    let own = makes_profiles as fn() as usize;
    black_box(text::goroutines(&[text::Goroutine { stack: vec![own], ..text::Goroutine::default() }]));
    black_box(symbols::resolve(own + 1));
    cpu::profile(Duration::from_millis(120)).unwrap().write_to(std::io::sink()).unwrap();
}

#[inline(never)]
fn makes_samples() -> Profile {
    let mut profile = Profile::new(vec![ValueType::new("goroutine", "count")]);
    profile.samples.extend((1..100).map(|address| sample(&[address], &[1])));
    profile
}

/// How many objects were allocated, and are in use, at stacks with one of the functions.
fn objects(functions: &[&str]) -> (i64, i64) {
    let profile = allocs().to_proto();
    let is_it = |name: &str| functions.iter().any(|function| name.contains(function));
    let found = profile.sample.iter().filter(|sample| frames(&profile, sample).iter().any(|(name, ..)| is_it(name)));
    found.fold((0, 0), |sums, sample| (sums.0 + sample.value[0], sums.1 + sample.value[2]))
}

#[test]
fn what_a_profile_costs_is_in_none() {
    set_rate(1);
    let _kept = black_box(vec![0_u8; 100]);
    makes_profiles();
    // The stack, for the list of goroutines, is the test's own.
    assert_eq!(objects(&["quiet::makes_profiles"]), (1, 0));
    assert_eq!(objects(&["marmot_pprof::cpu::", "::symbols::", "addr2line", "gimli", "miniz_oxide"]), (0, 0));

    let endpoints = Endpoints::new(|_| Ok(())).page(Page::snapshot("heap", "Memory.", || Ok(heap())));
    for target in ["/debug/pprof/heap", "/debug/pprof/heap?debug=1"] {
        assert_eq!(endpoints.respond("GET", target).status, 200);
    }
    assert_eq!(objects(&["::http::Endpoints::bytes_of", "::http::Endpoints::text_of"]), (0, 0));

    let (now, before) = (makes_samples(), makes_samples());
    let (all, in_use) = objects(&["quiet::makes_samples"]);
    assert!(all >= in_use && in_use > 4 * 99, "{in_use} of {all}");
    assert!(now.since(&before).samples.is_empty());
    assert_eq!(objects(&["quiet::makes_samples"]), (all, in_use / 2), "one of the two is freed");
}
