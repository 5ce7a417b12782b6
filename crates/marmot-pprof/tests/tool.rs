//! What `go tool pprof` says of profiles of each kind. Where there is no Go, the same is read from the file.
#![cfg(target_os = "linux")]

mod common;

use std::time::Duration;

use common::{folder, frames, pprof, sample, write};
use marmot_pprof::proto;
use marmot_pprof::raw::{Label, Profile, ValueType};
use marmot_pprof::text::{self, Goroutine, goroutine_profile};

/// A place in this file: a function that has a line to itself.
struct Place {
    name: &'static str,
    line: u32,
    address: usize,
}

// Each returns its line, which also keeps the linker from making one of all.

#[inline(never)]
#[rustfmt::skip]
fn reads_requests() -> u32 { line!() }

#[inline(never)]
#[rustfmt::skip]
fn waits_for_a_lock() -> u32 { line!() }

#[inline(never)]
#[rustfmt::skip]
fn sleeps() -> u32 { line!() }

#[inline(never)]
#[rustfmt::skip]
fn serves() -> u32 { line!() }

fn place(name: &'static str, function: fn() -> u32) -> Place {
    Place { name, line: function(), address: function as usize }
}

fn places() -> [Place; 3] {
    [place("reads_requests", reads_requests), place("waits_for_a_lock", waits_for_a_lock), place("sleeps", sleeps)]
}

fn outer() -> Place {
    place("serves", serves)
}

/// That the file, and the tool if it is there, have so much at each of the places: innermost, on its line.
fn assert_at(profile: &Profile, name: &str, kind: &str, unit: &str, expected: [i64; 3]) {
    let converted = profile.to_proto();
    let column =
        converted.sample_type.iter().position(|value| converted.text(value.r#type) == kind).expect("it is there");
    for (place, expected) in places().iter().zip(expected) {
        let here = converted.sample.iter().filter(|sample| {
            let (function, file, line) = &frames(&converted, sample)[0];
            function.ends_with(place.name) && file.ends_with("tests/tool.rs") && *line == i64::from(place.line)
        });
        assert_eq!(here.map(|sample| sample.value[column]).sum::<i64>(), expected, "{}", place.name);
    }

    let file = write(profile, &folder(name), "profile.pb.gz");
    let index = format!("-sample_index={kind}");
    let unit_argument = format!("-unit={unit}");
    let Some(top) = pprof(&file, &["-top", "-lines", "-nodefraction=0", &index, &unit_argument]) else { return };
    for (place, expected) in places().iter().zip(expected) {
        let row = top.lines().find(|row| row.ends_with(&format!("tests/tool.rs:{}", place.line)));
        let row = row.unwrap_or_else(|| panic!("{} has a row: {top}", place.name));
        assert!(row.contains(&format!("::{}", place.name)), "{row}");
        let flat = row.split_whitespace().next().expect("the row has numbers").trim_end_matches(char::is_alphabetic);
        assert_eq!(flat.parse(), Ok(expected), "{top}");
    }
}

#[test]
fn goroutines_are_counted_where_they_wait() {
    let counts = [7000, 2900, 100];
    let mut goroutines = Vec::new();
    for (place, count) in places().iter().zip(counts) {
        for id in 0..count as u64 {
            let stack = vec![place.address, outer().address];
            let labels = vec![("request".to_owned(), "GET /".to_owned())];
            goroutines.push(Goroutine { id, state: "IoRead".to_owned(), labels, stack, ..Goroutine::default() });
        }
    }
    let profile = goroutine_profile(&goroutines);
    assert_eq!(profile.samples.len(), 3);
    assert_at(&profile, "goroutine", "goroutine", "count", counts);

    let file = write(&profile, &folder("goroutine_more"), "profile.pb.gz");
    if let Some(tags) = pprof(&file, &["-tags"]) {
        assert!(tags.contains("request: Total 10000") && tags.contains("GET /"), "{tags}");
        assert!(tags.contains("state: Total 10000") && tags.contains("IoRead"), "{tags}");
        let traces = pprof(&file, &["-traces"]).expect("there was one");
        let trace = ["7000", "reads_requests", "serves"].map(|part| traces.find(part));
        assert!(trace.is_sorted() && trace[0].is_some(), "{traces}");
        let raw = pprof(&file, &["-raw"]).expect("there was one");
        assert!(raw.contains("goroutine/count") && raw.contains("[FN][FL][LN][IN]"), "{raw}");
    }
}

#[test]
fn contention_is_summed_where_it_happens() {
    for name in ["block", "mutex"] {
        let mut profile =
            Profile::new(vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")]);
        for (place, delay) in places().iter().zip([500, 30, 2]) {
            for _ in 0..10 {
                profile.samples.push(sample(&[place.address, outer().address], &[1, delay]));
            }
        }
        assert_at(&profile, name, "delay", "ns", [5000, 300, 20]);
        assert_at(&profile, name, "contentions", "count", [10, 10, 10]);
    }
}

#[test]
fn a_cpu_profile_has_labels_and_a_duration() {
    let mut profile = Profile::new(vec![ValueType::new("samples", "count"), ValueType::new("cpu", "nanoseconds")]);
    profile.period_type = Some(ValueType::new("cpu", "nanoseconds"));
    profile.period = 10_000_000;
    profile.duration = Some(Duration::from_secs(2));
    profile.comments.push("taken by a test".to_owned());
    for (place, count) in places().iter().zip([60, 30, 10]) {
        let mut sample = sample(&[place.address, outer().address], &[count, count * 10_000_000]);
        sample.labels.push(("user".to_owned(), Label::Text(place.name.to_owned())));
        sample.labels.push(("size".to_owned(), Label::Number(count, "bytes")));
        profile.samples.push(sample);
    }
    assert_at(&profile, "cpu", "cpu", "ns", [600_000_000, 300_000_000, 100_000_000]);
    let file = write(&profile, &folder("cpu_more"), "profile.pb.gz");
    if let Some(top) = pprof(&file, &["-top"]) {
        assert!(top.contains("Duration: 2s, Total samples = 1000ms (50.00%)"), "{top}");
        let one = pprof(&file, &["-top", "-tagfocus=user=sleeps"]).expect("there was one");
        assert!(one.contains("sleeps") && !one.contains("reads_requests"), "{one}");
        assert_eq!(pprof(&file, &["-comments"]).expect("there was one").trim(), "taken by a test");
    }
}

#[test]
fn a_difference_has_what_has_come_since() {
    let at = |values: [i64; 3]| {
        let mut profile =
            Profile::new(vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")]);
        for (place, value) in places().iter().zip(values) {
            profile.samples.push(sample(&[place.address], &[value, value * 100]));
        }
        profile
    };
    let difference = at([9, 5, 7]).since(&at([2, 5, 3]));
    assert_eq!(difference.samples.len(), 2, "where nothing has changed nothing is said");
    assert!(difference.duration.is_some());
    let mut converted = difference.to_proto();
    converted.sample.sort_by_key(|sample| sample.value[0]);
    assert_eq!(converted.sample.iter().map(|sample| &sample.value[..]).collect::<Vec<_>>(), [[4, 400], [7, 700]]);
}

#[test]
fn files_say_what_they_are_made_of() {
    let mut profile = Profile::new(vec![ValueType::new("goroutine", "count")]);
    profile.default_type = Some("goroutine");
    profile.samples.push(sample(&[places()[0].address, 1], &[1]));
    let converted: proto::Profile = profile.to_proto();
    let mapping = converted.mapping.first().expect("the program is a file");
    let own = std::env::current_exe().expect("the test is a program");
    assert_eq!(converted.text(mapping.filename), own.to_string_lossy());
    assert!(mapping.has_functions && mapping.has_filenames && mapping.has_line_numbers && mapping.has_inline_frames);
    let location = &converted.location[0];
    assert_eq!(location.mapping_id, mapping.id);
    assert!((mapping.memory_start..mapping.memory_limit).contains(&location.address));
    assert_eq!(converted.text(converted.default_sample_type), "goroutine");
}

#[test]
fn texts_have_functions_files_and_lines() {
    let [reads, ..] = places();
    let frame = |place: &Place| format!("tool::{}", place.name);
    let at = |place: &Place| format!("tests/tool.rs:{}", place.line);
    let gp = Goroutine {
        id: 7,
        state: "IoRead".to_owned(),
        waited: Some(Duration::from_secs(61)),
        labels: vec![("user".to_owned(), "\"x\"".to_owned())],
        stack: vec![reads.address, outer().address, 1],
        created_at: Some("src/main.rs:31:22".to_owned()),
        ..Goroutine::default()
    };
    let full =
        text::goroutines(&[gp.clone(), Goroutine { id: 8, state: "Runnable".to_owned(), ..Goroutine::default() }]);
    let lines: Vec<&str> = full.lines().collect();
    assert_eq!(lines[0], "goroutine 7 [IoRead, 1 minute, labels: {\"user\":\"\\\"x\\\"\"}]:");
    assert_eq!(lines[1], frame(&reads));
    assert!(lines[2].starts_with('\t') && lines[2].ends_with(&format!("{} +0x0", at(&reads))), "{full}");
    assert_eq!(lines[3], frame(&outer()));
    assert_eq!(lines[5..], ["created at src/main.rs:31:22", "", "goroutine 8 [Runnable]:"]);

    let grouped = text::counts(&goroutine_profile(&[gp.clone(), gp]));
    let row = grouped.lines().find(|row| row.contains(&frame(&reads))).unwrap_or_else(|| panic!("{grouped}"));
    assert!(row.starts_with("#\t0x") && row.contains("reads_requests+0x0\t") && row.ends_with(&at(&reads)), "{row}");
    assert!(grouped.starts_with("goroutine profile: total 2\n2 @ 0x"), "{grouped}");
    assert!(grouped.contains("# labels: {\"state\":\"IoRead\", \"user\":"), "{grouped}");
}
