//! A profile as it is taken: stacks of addresses with values and labels.
//!
//! Whoever takes profiles fills in these plain types, and [`Profile::write_to`] makes the file of them: it looks the addresses
//! up, leaves out the frames that nobody wants to see ([`Cut`]), merges what is equal and compresses the whole.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use crate::Cut;
use crate::alloc::quietly;
use crate::proto;

mod convert;

/// The label of samples whose memory was a larger buffer for what had one already.
pub const GROWTH: (&str, &str) = ("alloc", "growth");

/// A kind of value and its unit, as `go tool pprof` knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// The kind: `alloc_space`, `contentions`, `cpu`.
    pub kind: &'static str,
    /// The unit: `bytes`, `count`, `nanoseconds`.
    pub unit: &'static str,
}

impl ValueType {
    /// A kind of value in a unit.
    pub const fn new(kind: &'static str, unit: &'static str) -> ValueType {
        ValueType { kind, unit }
    }
}

/// What is known of a sample besides its stack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A text.
    Text(String),
    /// A number, and its unit.
    Number(i64, &'static str),
}

/// Keys with texts or numbers.
pub type Labels = Vec<(String, Label)>;

/// A stack, and what was counted there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// The stack, the innermost frame first. Each address lies inside the instruction that it belongs to: a return address
    /// minus one, or where a signal came.
    pub stack: Vec<usize>,
    /// One value for each of the profile's types.
    pub values: Vec<i64>,
    /// What else is known.
    pub labels: Labels,
}

/// A profile.
///
/// # Examples
///
/// ```
/// use marmot_pprof::proto;
/// use marmot_pprof::raw::{Profile, Sample, ValueType};
///
/// fn wait() {}
///
/// let mut profile = Profile::new(vec![ValueType::new("waits", "count")]);
/// for _ in 0..2 {
///     profile.samples.push(Sample { stack: vec![wait as fn() as usize], values: vec![1], labels: vec![] });
/// }
/// let mut file = Vec::new();
/// profile.write_to(&mut file)?;
///
/// let read = proto::Profile::read_from(&file[..])?;
/// assert_eq!(read.sample.len(), 1, "equal stacks are merged");
/// assert_eq!(read.sample[0].value, [2]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Profile {
    /// What the values of each sample are.
    pub sample_types: Vec<ValueType>,
    /// The kind that is shown first; if there is none, the last one.
    pub default_type: Option<&'static str>,
    /// What a period is.
    pub period_type: Option<ValueType>,
    /// How much of that lies between two samples.
    pub period: i64,
    /// When it was taken.
    pub time: SystemTime,
    /// Over how long, if not since the program's start.
    pub duration: Option<Duration>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// Remarks.
    pub comments: Vec<String>,
    /// What is cut off the stacks.
    pub cut: Cut,
}

impl Profile {
    /// A profile of now, without samples.
    ///
    /// What is cut follows from the types: the allocator if there are allocations (`alloc_space`, `inuse_space`), the runtime if
    /// there is what waits or is there (`contentions`, `goroutine`, `threadcreate`), else nothing but the beginnings of threads.
    pub fn new(sample_types: Vec<ValueType>) -> Profile {
        let has = |kinds: &[&str]| sample_types.iter().any(|value| kinds.contains(&value.kind));
        let cut = if has(&["alloc_space", "inuse_space"]) {
            Cut::Allocator
        } else if has(&["contentions", "goroutine", "threadcreate"]) {
            Cut::Runtime
        } else {
            Cut::Threads
        };
        Profile {
            sample_types,
            default_type: None,
            period_type: None,
            period: 0,
            time: SystemTime::now(),
            duration: None,
            samples: Vec::new(),
            comments: Vec::new(),
            cut,
        }
    }

    /// The sum of a kind of value over all samples; 0 if there is no such kind.
    pub fn total(&self, kind: &str) -> i64 {
        let Some(index) = self.sample_types.iter().position(|value| value.kind == kind) else { return 0 };
        self.samples
            .iter()
            .filter_map(|sample| sample.values.get(index))
            .fold(0, |sum, value| sum.saturating_add(*value))
    }

    /// What has come since `before`, an earlier profile of the same types: the values of equal stacks and labels are
    /// subtracted, and the duration is the time between the two. Stacks where nothing has changed are left out.
    ///
    /// Values that count what is there now (`inuse_space`, `goroutine`) may be less than before: these are negative.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_pprof::raw::{Profile, Sample, ValueType};
    ///
    /// let at = |value| {
    ///     let mut profile = Profile::new(vec![ValueType::new("contentions", "count")]);
    ///     profile.samples.push(Sample { stack: vec![1, 2], values: vec![value], labels: vec![] });
    ///     profile
    /// };
    /// assert_eq!(at(10).since(&at(7)).total("contentions"), 3);
    /// ```
    #[must_use]
    pub fn since(mut self, before: &Profile) -> Profile {
        quietly(|| {
            self.duration = Some(self.time.duration_since(before.time).unwrap_or_default());
            let negated = before.samples.iter().cloned().map(|mut sample| {
                sample.values.iter_mut().for_each(|value| *value = value.saturating_neg());
                sample
            });
            self.samples.extend(negated);
            self.merge();
            self.samples.retain(|sample| sample.values.iter().any(|value| *value != 0));
            self
        })
    }

    /// Makes one sample of those with equal stacks and labels, whose order does not matter.
    pub fn merge(&mut self) {
        quietly(|| {
            let mut places: HashMap<(Vec<usize>, Labels), usize> = HashMap::new();
            let mut merged: Vec<Sample> = Vec::new();
            for mut sample in std::mem::take(&mut self.samples) {
                sample.labels.sort();
                match places.entry((sample.stack.clone(), sample.labels.clone())) {
                    Entry::Occupied(place) => add(&mut merged[*place.get()].values, &sample.values),
                    Entry::Vacant(place) => {
                        place.insert(merged.len());
                        merged.push(sample);
                    }
                }
            }
            self.samples = merged;
        })
    }

    /// The messages of the file: addresses are looked up, and equal stacks and labels merged.
    ///
    /// # Blocking
    ///
    /// M: files are read, and it is a computation of milliseconds to a second. A goroutine calls it through `blocking`.
    pub fn to_proto(&self) -> proto::Profile {
        quietly(|| convert::convert(self))
    }

    /// Writes the file: gzipped, and complete, so that `go tool pprof` needs no program to go with it.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    ///
    /// # Blocking
    ///
    /// As [`to_proto`](Profile::to_proto), and as the writer.
    pub fn write_to(&self, writer: impl Write) -> io::Result<()> {
        self.to_proto().write_to(writer)
    }
}

/// Adds values to others, one by one.
fn add(sums: &mut [i64], values: &[i64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = sum.saturating_add(*value);
    }
}
