//! Profiles as text, for people with a browser or `curl`: the forms that Go's `?debug=1` and `?debug=2` have.
//!
//! | profile | `debug=1` | `debug=2` |
//! |---|---|---|
//! | heap, allocs | [`heap`] | |
//! | block, mutex | [`contention`] | |
//! | goroutine | [`counts`] of [`goroutine_profile`] | [`goroutines`] |
//! | threadcreate | [`counts`] | |
//!
//! [`profile`] chooses by the types of the values.

use std::fmt::Write;
use std::time::Duration;

use crate::Cut;
use crate::alloc::quietly;
use crate::raw::{Label, Profile, Sample, ValueType};
use crate::stack::Stack;
use crate::symbols::{Lookup, Symbols};

/// The label of samples of goroutines that says what they do, or wait for.
pub const STATE: &str = "state";

/// What is known of a goroutine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Goroutine {
    /// Its number.
    pub id: u64,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// What it does, or waits for: `Running`, `IoRead`.
    pub state: String,
    /// For how long, if that is known.
    pub waited: Option<Duration>,
    /// Keys and texts.
    pub labels: Vec<(String, String)>,
    /// Its stack, as that of a [`Sample`]; empty if it has not started.
    pub stack: Vec<usize>,
    /// Where it was made: file, line, and what else there is.
    pub created_at: Option<String>,
}

/// The text of a profile; by the types of the values, that of allocations, of contention or of counts.
///
/// # Blocking
///
/// M, as [`Profile::to_proto`]; so do all functions here.
pub fn profile(profile: &Profile) -> String {
    let has = |kind: &str| profile.sample_types.iter().any(|value| value.kind == kind);
    if has("inuse_space") {
        heap(profile)
    } else if has("contentions") {
        contention(profile)
    } else {
        counts(profile)
    }
}

/// Allocations: what is in use, in brackets what was allocated since the start, and where; that which uses most first.
///
/// # Examples
///
/// ```
/// use marmot_pprof::raw::{Profile, Sample, ValueType};
/// use marmot_pprof::text;
///
/// let types = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];
/// let mut profile = Profile::new(types.map(|(kind, unit)| ValueType::new(kind, unit)).to_vec());
/// profile.samples.push(Sample { stack: vec![16], values: vec![9, 900, 1, 100], labels: vec![] });
/// assert!(text::heap(&profile).starts_with("heap profile: 1: 100 [9: 900] @ heap/2\n1: 100 [9: 900] @ 0x10\n"));
/// ```
pub fn heap(profile: &Profile) -> String {
    quietly(|| {
        let figures = |value: &dyn Fn(&'static str) -> i64| {
            let [objects, bytes] = [value("inuse_objects"), value("inuse_space")];
            format!("{objects}: {bytes} [{}: {}]", value("alloc_objects"), value("alloc_space"))
        };
        // The number is twice the rate at which the reader is to scale what was sampled: here that is done already.
        let mut text = format!("heap profile: {} @ heap/2\n", figures(&|kind| profile.total(kind)));
        let mut printer = Printer::new(profile.cut);
        for sample in sorted(profile, "inuse_space") {
            let _ = write!(text, "{} @", figures(&|kind| value(profile, sample, kind)));
            printer.stack(&mut text, sample);
        }
        if profile.period > 0 {
            let _ = writeln!(
                text,
                "\n# one sample in {} bytes on average; all numbers are scaled accordingly",
                profile.period
            );
        }
        text
    })
}

/// Contention: how many nanoseconds were waited, how often, and where; the longest first.
///
/// # Examples
///
/// ```
/// use marmot_pprof::raw::{Profile, Sample, ValueType};
/// use marmot_pprof::text;
///
/// let types = vec![ValueType::new("contentions", "count"), ValueType::new("delay", "nanoseconds")];
/// let mut profile = Profile::new(types);
/// profile.samples.push(Sample { stack: vec![16], values: vec![2, 5000], labels: vec![] });
/// assert!(text::contention(&profile).contains("\n5000 2 @ 0x10\n"));
/// ```
pub fn contention(profile: &Profile) -> String {
    quietly(|| {
        let mut text = "--- contention:\ncycles/second=1000000000\n".to_owned();
        if profile.period > 0 {
            let _ = writeln!(text, "sampling period={}", profile.period);
        }
        let mut printer = Printer::new(profile.cut);
        for sample in sorted(profile, "delay") {
            let _ = write!(text, "{} {} @", value(profile, sample, "delay"), value(profile, sample, "contentions"));
            printer.stack(&mut text, sample);
        }
        text
    })
}

/// Counts: how many there are, and where; the most first.
///
/// # Examples
///
/// ```
/// use marmot_pprof::text::{self, Goroutine};
///
/// let parked = |id| Goroutine { id, state: "IoRead".to_owned(), stack: vec![16], ..Goroutine::default() };
/// let profile = text::goroutine_profile(&[parked(1), parked(2)]);
/// let text = text::counts(&profile);
/// assert!(text.starts_with("goroutine profile: total 2\n2 @ 0x10\n# labels: {\"state\":\"IoRead\"}\n"));
/// ```
pub fn counts(profile: &Profile) -> String {
    quietly(|| {
        let kind = profile.sample_types.first().map_or("", |value| value.kind);
        let mut text = format!("{kind} profile: total {}\n", profile.total(kind));
        let mut printer = Printer::new(profile.cut);
        for sample in sorted(profile, kind) {
            let _ = write!(text, "{} @", value(profile, sample, kind));
            printer.stack(&mut text, sample);
            text.push('\n');
        }
        for comment in &profile.comments {
            let _ = writeln!(text, "# {comment}");
        }
        text
    })
}

/// The profile of the goroutines, grouped by stack and labels, among which is their [state](STATE).
///
/// # Examples
///
/// ```
/// use marmot_pprof::text::{Goroutine, goroutine_profile};
///
/// let parked = |id| Goroutine { id, state: "IoRead".to_owned(), stack: vec![16], ..Goroutine::default() };
/// let profile = goroutine_profile(&[parked(1), parked(2)]);
/// assert_eq!(profile.samples.len(), 1);
/// assert_eq!(profile.total("goroutine"), 2);
/// ```
pub fn goroutine_profile(goroutines: &[Goroutine]) -> Profile {
    quietly(|| {
        let mut profile = Profile::new(vec![ValueType::new("goroutine", "count")]);
        profile.period_type = Some(ValueType::new("goroutine", "count"));
        profile.period = 1;
        profile.samples.extend(goroutines.iter().map(|gp| {
            let own = gp.labels.iter().map(|(key, text)| (key.clone(), Label::Text(text.clone())));
            let state = (STATE.to_owned(), Label::Text(gp.state.clone()));
            Sample { stack: gp.stack.clone(), values: vec![1], labels: own.chain([state]).collect() }
        }));
        profile.merge();
        profile
    })
}

/// Every goroutine with its stack and where it was made. The innermost call is the one into the runtime, in which it waits.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use marmot_pprof::text::{self, Goroutine};
///
/// let parser = Goroutine {
///     id: 7,
///     name: Some("parser".to_owned()),
///     state: "IoRead".to_owned(),
///     waited: Some(Duration::from_secs(200)),
///     created_at: Some("src/main.rs:31:22".to_owned()),
///     ..Goroutine::default()
/// };
/// assert_eq!(
///     text::goroutines(&[parser]),
///     "goroutine 7 'parser' [IoRead, 3 minutes]:\n\
///      created at src/main.rs:31:22\n"
/// );
/// ```
pub fn goroutines(goroutines: &[Goroutine]) -> String {
    quietly(|| {
        let mut text = String::new();
        let mut lookup = Symbols::lock();
        for (index, gp) in goroutines.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let _ = write!(text, "goroutine {}", gp.id);
            if let Some(name) = &gp.name {
                let _ = write!(text, " '{name}'");
            }
            let _ = write!(text, " [{}", gp.state);
            // As Go does: shorter waits are nothing to wonder about.
            match gp.waited.map_or(0, |waited| waited.as_secs() / 60) {
                0 => {}
                1 => text.push_str(", 1 minute"),
                minutes => {
                    let _ = write!(text, ", {minutes} minutes");
                }
            }
            if !gp.labels.is_empty() {
                text.push_str(", labels: ");
                labels(&mut text, gp.labels.iter().map(|(key, value)| (key.as_str(), value.clone())));
            }
            text.push_str("]:\n");
            for shown in Stack::new(&mut lookup, &gp.stack, Cut::Call).shown() {
                if shown.frames.is_empty() {
                    let _ = writeln!(text, "{:#x}", shown.address);
                }
                for frame in shown.frames {
                    let _ = writeln!(text, "{}\n\t{}:{} +{:#x}", frame.function, frame.file, frame.line, frame.offset);
                }
            }
            if let Some(place) = &gp.created_at {
                let _ = writeln!(text, "created at {place}");
            }
        }
        text
    })
}

/// The samples with the largest values of a kind first.
fn sorted<'a>(profile: &'a Profile, kind: &str) -> Vec<&'a Sample> {
    let mut samples: Vec<&Sample> = profile.samples.iter().collect();
    samples.sort_by_key(|sample| std::cmp::Reverse(value(profile, sample, kind)));
    samples
}

/// A sample's value of a kind.
fn value(profile: &Profile, sample: &Sample, kind: &str) -> i64 {
    let index = profile.sample_types.iter().position(|value| value.kind == kind);
    index.and_then(|index| sample.values.get(index)).copied().unwrap_or(0)
}

fn labels<'a>(text: &mut String, labels: impl Iterator<Item = (&'a str, String)>) {
    text.push('{');
    for (index, (key, value)) in labels.enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{key:?}:{value:?}");
    }
    text.push('}');
}

/// Prints stacks.
struct Printer {
    lookup: Lookup,
    cut: Cut,
}

impl Printer {
    fn new(cut: Cut) -> Printer {
        Printer { lookup: Symbols::lock(), cut }
    }

    /// The addresses, to end a line, and then labels and frames on lines of their own.
    fn stack(&mut self, text: &mut String, sample: &Sample) {
        let stack = Stack::new(&mut self.lookup, &sample.stack, self.cut);
        for shown in stack.shown() {
            let _ = write!(text, " {:#x}", shown.address);
        }
        text.push('\n');
        if !sample.labels.is_empty() {
            text.push_str("# labels: ");
            let pairs = sample.labels.iter().map(|(key, label)| match label {
                Label::Text(text) => (key.as_str(), text.clone()),
                Label::Number(number, unit) => (key.as_str(), format!("{number} {unit}")),
            });
            labels(text, pairs);
            text.push('\n');
        }
        for shown in stack.shown() {
            if shown.frames.is_empty() {
                let _ = writeln!(text, "#\t{:#x}", shown.address);
            }
            for frame in shown.frames {
                let (address, offset) = (shown.address, frame.offset);
                let _ =
                    writeln!(text, "#\t{address:#x}\t{}+{offset:#x}\t{}:{}", frame.function, frame.file, frame.line);
            }
        }
    }
}
