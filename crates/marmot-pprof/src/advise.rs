//! What of a program's allocations is worth a pool.
//!
//! [`advise`] reads a heap profile, Marmot's or Go's, and adds up what each line of the program's own code has allocated,
//! be it by way of libraries. A line is judged by how much of all it allocates, how much of that is still in use, how long
//! the rest has lived if the profile knows (Marmot's do), and whether a buffer was outgrown.
//!
//! | verdict | what it means | when |
//! |---|---|---|
//! | [`Pool`](Verdict::Pool) | made and dropped over and over: a pool saves nearly all of it | none of the below |
//! | [`Presize`](Verdict::Presize) | buffers that are outgrown and copied | at least half of the bytes replaced smaller buffers |
//! | [`LongLived`](Verdict::LongLived) | what was allocated stays: there is nothing to use again | more than half is in use, or the mean lifetime is over ten seconds |
//! | [`Minor`](Verdict::Minor) | not worth the trouble | less than a hundredth of bytes and of objects, or fewer than 50 objects |
//!
//! The rate is known if the profile is about a time: one that was fetched with `?seconds=N`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use crate::cut;
use crate::proto;

mod origin;
mod words;

use origin::{Line, Origins};

/// From which part of all bytes or objects on a line matters.
const LEAST_SHARE: f64 = 0.01;
/// From how many objects on a line matters.
const LEAST_OBJECTS: i64 = 50;
/// From which part of its bytes on a line grows buffers.
const GROWTH_SHARE: f64 = 0.5;
/// Above which part in use a line keeps what it allocates.
const USED_SHARE: f64 = 0.5;
/// How long something lives at most that a pool would use again soon.
const SHORT_LIFE: Duration = Duration::from_secs(10);
/// How many characters of a name are kept.
const MAX_NAME: usize = 1000;

/// What is to be done about a line that allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Use the objects again.
    Pool,
    /// Make the buffer as large as it will be, or use it again.
    Presize,
    /// Nothing: the objects stay in use.
    LongLived,
    /// Nothing: there are few, and small ones.
    Minor,
}

impl Verdict {
    /// A word for it: `pool`, `presize`, `long-lived`, `minor`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pool => "pool",
            Verdict::Presize => "presize",
            Verdict::LongLived => "long-lived",
            Verdict::Minor => "minor",
        }
    }
}

/// A line that allocates.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// The function: the program's own, if there is one in the stack. Of names that are longer, the first 1,000 characters.
    pub function: String,
    /// Its file.
    pub file: String,
    /// The line.
    pub line: i64,
    /// The function of a library that allocates most of it, if it is not the line itself.
    pub via: Option<String>,
    /// How many objects were allocated.
    pub objects: i64,
    /// How many bytes.
    pub bytes: i64,
    /// How many of the objects are in use; negative, if in the profile's time more were freed than allocated.
    pub used_objects: i64,
    /// How many of the bytes.
    pub used_bytes: i64,
    /// How many of the bytes replaced a smaller buffer.
    pub grown_bytes: i64,
    /// How long those lived on average that have been freed, if the profile knows.
    pub mean_lifetime: Option<Duration>,
    /// Its part of all allocated bytes, from 0 to 1.
    pub share: f64,
    /// What is to be done.
    pub verdict: Verdict,
    /// What that would save.
    pub saving: Option<Saving>,
    /// Why, and how: sentences for people.
    pub advice: String,
}

impl Site {
    /// The bytes of an object, on average.
    pub fn mean_size(&self) -> f64 {
        if self.objects > 0 { self.bytes as f64 / self.objects as f64 } else { 0.0 }
    }
}

/// Allocations that would not be made any more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Saving {
    /// Objects.
    pub objects: i64,
    /// Bytes.
    pub bytes: i64,
    /// The part of all allocated bytes, from 0 to 1.
    pub share: f64,
}

/// What a profile says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The time that the profile is about; `None`, if that is since the program's start.
    pub duration: Option<Duration>,
    /// How many objects were allocated.
    pub objects: i64,
    /// How many bytes.
    pub bytes: i64,
    /// The lines that allocate; the most bytes first.
    pub sites: Vec<Site>,
}

impl Report {
    /// So many, by the second; `None` if the time is not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use marmot_pprof::advise::Report;
    ///
    /// let report = Report { duration: Some(Duration::from_secs(2)), objects: 10, bytes: 500, sites: vec![] };
    /// assert_eq!(report.per_second(report.objects), Some(5.0));
    /// ```
    pub fn per_second(&self, count: i64) -> Option<f64> {
        self.duration.map(|duration| count as f64 / duration.as_secs_f64())
    }

    /// What following all advice would save.
    pub fn saving(&self) -> Saving {
        let none = Saving { objects: 0, bytes: 0, share: 0.0 };
        self.sites.iter().filter_map(|site| site.saving).fold(none, |sum, saving| Saving {
            objects: sum.objects.saturating_add(saving.objects),
            bytes: sum.bytes.saturating_add(saving.bytes),
            share: sum.share + saving.share,
        })
    }
}

/// Where the values of interest are in a sample.
struct Columns {
    objects: usize,
    bytes: usize,
    used_objects: usize,
    used_bytes: usize,
    lifetime: Option<usize>,
}

impl Columns {
    fn of(profile: &proto::Profile) -> Option<Columns> {
        let column = |kind: &str| profile.sample_type.iter().position(|value| profile.text(value.r#type) == kind);
        Some(Columns {
            objects: column("alloc_objects")?,
            bytes: column("alloc_space")?,
            used_objects: column("inuse_objects")?,
            used_bytes: column("inuse_space")?,
            lifetime: column("lifetime"),
        })
    }
}

/// What a line adds up to.
#[derive(Default)]
struct Sums<'a> {
    objects: i64,
    bytes: i64,
    used_objects: i64,
    used_bytes: i64,
    grown_bytes: i64,
    lifetime: i64,
    /// Bytes by library function.
    via: HashMap<Cow<'a, str>, i64>,
}

/// Judges the lines of a heap profile that allocate.
///
/// # Errors
///
/// [`InvalidData`](io::ErrorKind::InvalidData) if the profile is not one of allocations.
///
/// # Examples
///
/// ```
/// use marmot_pprof::advise::{Verdict, advise};
/// use marmot_pprof::raw::{Profile, Sample, ValueType};
///
/// let types = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];
/// let mut profile = Profile::new(types.map(|(kind, unit)| ValueType::new(kind, unit)).to_vec());
/// profile.samples.push(Sample { stack: vec![16], values: vec![1000, 4_096_000, 2, 8192], labels: vec![] });
///
/// let report = advise(&profile.to_proto())?;
/// let site = &report.sites[0];
/// assert_eq!((site.verdict, site.mean_size()), (Verdict::Pool, 4096.0));
/// assert_eq!(site.saving.unwrap().objects, 998);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn advise(profile: &proto::Profile) -> io::Result<Report> {
    let columns = Columns::of(profile).ok_or_else(|| {
        let kinds: Vec<&str> = profile.sample_type.iter().map(|value| profile.text(value.r#type)).collect();
        let text =
            format!("this is no profile of allocations, for it has {}: fetch `allocs` or `heap`", kinds.join(", "));
        io::Error::new(io::ErrorKind::InvalidData, text)
    })?;
    let origins = Origins::new(profile);
    let mut sums: HashMap<Line<'_>, Sums<'_>> = HashMap::new();
    for sample in &profile.sample {
        let value = |column: usize| sample.value.get(column).copied().unwrap_or(0);
        let place = origins.place(sample);
        let sum = sums.entry(place.site).or_default();
        let bytes = value(columns.bytes);
        sum.objects = sum.objects.saturating_add(value(columns.objects));
        sum.bytes = sum.bytes.saturating_add(bytes);
        sum.used_objects = sum.used_objects.saturating_add(value(columns.used_objects));
        sum.used_bytes = sum.used_bytes.saturating_add(value(columns.used_bytes));
        sum.lifetime = sum.lifetime.saturating_add(columns.lifetime.map_or(0, value));
        if place.grows {
            sum.grown_bytes = sum.grown_bytes.saturating_add(bytes);
        }
        let via = sum.via.entry(place.via).or_default();
        *via = via.saturating_add(bytes);
    }
    let total = |value: fn(&Sums<'_>) -> i64| sums.values().fold(0, |sum: i64, site| sum.saturating_add(value(site)));
    let (objects, bytes) = (total(|site| site.objects), total(|site| site.bytes));
    let mut report = Report {
        duration: u64::try_from(profile.duration_nanos).ok().filter(|nanos| *nanos > 0).map(Duration::from_nanos),
        objects,
        bytes,
        sites: Vec::with_capacity(sums.len()),
    };
    let knows_lifetime = columns.lifetime.is_some();
    let sites = sums.into_iter().filter(|(_, sums)| sums.objects > 0 || sums.bytes > 0);
    report.sites = sites.map(|(place, sums)| site(place, sums, &report, knows_lifetime)).collect();
    report.sites.sort_by(|a, b| {
        let key = |site: &Site| (std::cmp::Reverse(site.bytes), site.file.clone(), site.line);
        key(a).cmp(&key(b))
    });
    for index in 0..report.sites.len() {
        report.sites[index].advice = words::advice(&report.sites[index], &report, origins.is_go());
    }
    Ok(report)
}

/// The judgement of a line, without words.
fn site((function, file, line): Line<'_>, sums: Sums<'_>, report: &Report, knows_lifetime: bool) -> Site {
    let part = |of: i64, all: i64| if all > 0 { of as f64 / all as f64 } else { 0.0 };
    // Over a time, as many may be freed as are allocated, or more: those that are in use are not counted then.
    let freed = sums.objects.saturating_sub(sums.used_objects);
    let mean = knows_lifetime.then(|| sums.lifetime.checked_div(freed)).flatten();
    let mean_lifetime = mean.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
    let share = part(sums.bytes, report.bytes);
    let is_small = share < LEAST_SHARE && part(sums.objects, report.objects) < LEAST_SHARE;
    let verdict = if is_small || sums.objects < LEAST_OBJECTS {
        Verdict::Minor
    } else if part(sums.used_bytes, sums.bytes) > USED_SHARE || mean_lifetime.is_some_and(|mean| mean > SHORT_LIFE) {
        Verdict::LongLived
    } else if part(sums.grown_bytes, sums.bytes) >= GROWTH_SHARE {
        Verdict::Presize
    } else {
        Verdict::Pool
    };
    let saving = matches!(verdict, Verdict::Pool | Verdict::Presize).then(|| {
        let bytes = sums.bytes.saturating_sub(sums.used_bytes.max(0));
        Saving {
            objects: sums.objects.saturating_sub(sums.used_objects.max(0)),
            bytes,
            share: part(bytes, report.bytes),
        }
    });
    let via = sums.via.into_iter().max_by_key(|(name, bytes)| (*bytes, std::cmp::Reverse(name.clone())));
    let via = via.map(|(name, _)| name).filter(|name| *name != function);
    Site {
        function: printable(&function),
        file: printable(file),
        line,
        via: via.map(|name| printable(&name)),
        objects: sums.objects,
        bytes: sums.bytes,
        used_objects: sums.used_objects,
        used_bytes: sums.used_bytes,
        grown_bytes: sums.grown_bytes,
        mean_lifetime,
        share,
        verdict,
        saving,
        advice: String::new(),
    }
}

/// A name from a profile, for a report: not too long, as each of many lines may have it, and without what a terminal would obey.
fn printable(name: &str) -> String {
    let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => name[..end].chars().map(clean).chain(['…']).collect(),
        None => name.chars().map(clean).collect(),
    }
}
