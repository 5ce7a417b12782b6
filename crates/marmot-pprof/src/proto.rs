//! The file format of profiles: the messages of [`profile.proto`][format], and gzip around them.
//!
//! The messages are written down by hand, so no compiler of protocol buffers is needed to build this. Names of functions,
//! files and units are indices into [`Profile::string_table`], whose first entry is the empty string.
//!
//! Decoding is made for files from anywhere: it never panics, and what a file may make it allocate is bounded, by
//! [`MAX_DECODED`] for the bytes behind gzip and by [`MAX_MESSAGES`] for what they may contain.
//!
//! [format]: https://github.com/google/pprof/blob/main/proto/profile.proto

use std::io::{self, Read, Write};
use std::panic::resume_unwind;
use std::thread;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;

use crate::alloc::quietly;
use crate::checked::Checked;

/// The most bytes that a profile may have behind gzip: 64 MiB. Profiles of large programs have a few.
pub const MAX_DECODED: usize = 64 << 20;

/// The most messages (samples, labels, locations, lines, …) that a profile may have.
pub const MAX_MESSAGES: usize = 4 << 20;

/// What files begin with that are compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A profile: samples, and the tables that they refer to.
#[derive(Clone, PartialEq, Message)]
pub struct Profile {
    /// What the values of each sample are, in order.
    #[prost(message, repeated, tag = "1")]
    pub sample_type: Vec<ValueType>,
    /// The samples.
    #[prost(message, repeated, tag = "2")]
    pub sample: Vec<Sample>,
    /// The files that the program consisted of in memory.
    #[prost(message, repeated, tag = "3")]
    pub mapping: Vec<Mapping>,
    /// The places in the code.
    #[prost(message, repeated, tag = "4")]
    pub location: Vec<Location>,
    /// The functions.
    #[prost(message, repeated, tag = "5")]
    pub function: Vec<Function>,
    /// All strings; the first is empty.
    #[prost(string, repeated, tag = "6")]
    pub string_table: Vec<String>,
    /// A regular expression (index of a string): matching frames are dropped, with all that they call.
    #[prost(int64, tag = "7")]
    pub drop_frames: i64,
    /// A regular expression (index of a string): matching frames are kept nevertheless.
    #[prost(int64, tag = "8")]
    pub keep_frames: i64,
    /// When the profile was taken, in nanoseconds since 1970.
    #[prost(int64, tag = "9")]
    pub time_nanos: i64,
    /// Over how long, in nanoseconds; 0 if that is not known.
    #[prost(int64, tag = "10")]
    pub duration_nanos: i64,
    /// What a period is.
    #[prost(message, optional, tag = "11")]
    pub period_type: Option<ValueType>,
    /// How much of that lies between two samples.
    #[prost(int64, tag = "12")]
    pub period: i64,
    /// Remarks (indices of strings).
    #[prost(int64, repeated, tag = "13")]
    pub comment: Vec<i64>,
    /// The sample type that is shown first (index of a string); 0 is the last one.
    #[prost(int64, tag = "14")]
    pub default_sample_type: i64,
    /// A page about the profile (index of a string).
    #[prost(int64, tag = "15")]
    pub doc_url: i64,
}

/// A kind of value and its unit.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct ValueType {
    /// Index of the kind's name.
    #[prost(int64, tag = "1")]
    pub r#type: i64,
    /// Index of the unit's name.
    #[prost(int64, tag = "2")]
    pub unit: i64,
}

/// A stack, and what was counted there.
#[derive(Clone, PartialEq, Message)]
pub struct Sample {
    /// The stack: ids of locations, the innermost first.
    #[prost(uint64, repeated, tag = "1")]
    pub location_id: Vec<u64>,
    /// One value for each of the profile's sample types.
    #[prost(int64, repeated, tag = "2")]
    pub value: Vec<i64>,
    /// What else is known.
    #[prost(message, repeated, tag = "3")]
    pub label: Vec<Label>,
}

/// A key with a text or a number.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Label {
    /// Index of the key.
    #[prost(int64, tag = "1")]
    pub key: i64,
    /// Index of the text, or 0.
    #[prost(int64, tag = "2")]
    pub str: i64,
    /// The number, if there is no text.
    #[prost(int64, tag = "3")]
    pub num: i64,
    /// Index of the number's unit.
    #[prost(int64, tag = "4")]
    pub num_unit: i64,
}

/// A part of the program's memory that holds a part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Mapping {
    /// Not 0, and no other mapping's.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Where it begins.
    #[prost(uint64, tag = "2")]
    pub memory_start: u64,
    /// Where it has ended.
    #[prost(uint64, tag = "3")]
    pub memory_limit: u64,
    /// Where it begins in the file.
    #[prost(uint64, tag = "4")]
    pub file_offset: u64,
    /// Index of the file's name.
    #[prost(int64, tag = "5")]
    pub filename: i64,
    /// Index of what identifies the file's contents.
    #[prost(int64, tag = "6")]
    pub build_id: i64,
    /// The profile knows its functions.
    #[prost(bool, tag = "7")]
    pub has_functions: bool,
    /// The profile knows its files.
    #[prost(bool, tag = "8")]
    pub has_filenames: bool,
    /// The profile knows its lines.
    #[prost(bool, tag = "9")]
    pub has_line_numbers: bool,
    /// The profile knows which calls were inlined.
    #[prost(bool, tag = "10")]
    pub has_inline_frames: bool,
}

/// An instruction.
#[derive(Clone, PartialEq, Message)]
pub struct Location {
    /// Not 0, and no other location's.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// The mapping's id, or 0.
    #[prost(uint64, tag = "2")]
    pub mapping_id: u64,
    /// The address.
    #[prost(uint64, tag = "3")]
    pub address: u64,
    /// The lines that the instruction belongs to: the innermost inlined call first, the function that was really called last.
    #[prost(message, repeated, tag = "4")]
    pub line: Vec<Line>,
    /// Several addresses were taken for one.
    #[prost(bool, tag = "5")]
    pub is_folded: bool,
}

/// A line of a function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Line {
    /// The function's id.
    #[prost(uint64, tag = "1")]
    pub function_id: u64,
    /// The line.
    #[prost(int64, tag = "2")]
    pub line: i64,
    /// The column, or 0.
    #[prost(int64, tag = "3")]
    pub column: i64,
}

/// A function.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Function {
    /// Not 0, and no other function's.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Index of its name as people read it.
    #[prost(int64, tag = "2")]
    pub name: i64,
    /// Index of its name as the linker knows it.
    #[prost(int64, tag = "3")]
    pub system_name: i64,
    /// Index of its file.
    #[prost(int64, tag = "4")]
    pub filename: i64,
    /// The line where it begins, or 0.
    #[prost(int64, tag = "5")]
    pub start_line: i64,
}

impl Profile {
    /// The string with this index, or the empty one.
    pub fn text(&self, index: i64) -> &str {
        usize::try_from(index).ok().and_then(|index| self.string_table.get(index)).map_or("", String::as_str)
    }

    /// Writes the profile as a file has it: compressed.
    ///
    /// # Errors
    ///
    /// Those of the writer, and that there can be no thread to compress it on.
    ///
    /// # Blocking
    ///
    /// M: it compresses for milliseconds to a second.
    ///
    /// # Examples
    ///
    /// ```
    /// use marmot_pprof::proto::Profile;
    ///
    /// let profile = Profile { string_table: vec![String::new()], time_nanos: 17, ..Profile::default() };
    /// let mut file = Vec::new();
    /// profile.write_to(&mut file)?;
    /// assert_eq!(Profile::read_from(&file[..])?, profile);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_to(&self, writer: impl Write) -> io::Result<()> {
        let mut writer = Checked::new(writer);
        writer.write_all(&self.compressed()?)?;
        writer.flush()
    }

    /// The file. The compressor puts its tables on the stack before it moves them, and in a build without optimization they are
    /// larger than a goroutine's: it has a thread of its own.
    fn compressed(&self) -> io::Result<Vec<u8>> {
        let compress = || {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(&self.encode_to_vec())?;
            gzip.finish()
        };
        quietly(|| {
            thread::scope(|scope| {
                let thread = thread::Builder::new().name("marmot-pprof".to_owned());
                let thread = thread.spawn_scoped(scope, || quietly(compress))?;
                thread.join().unwrap_or_else(|payload| resume_unwind(payload))
            })
        })
    }

    /// Reads a whole file, compressed or not.
    ///
    /// # Errors
    ///
    /// Those of the reader; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if a compressed file is cut off;
    /// [`InvalidData`](io::ErrorKind::InvalidData) if this is no profile, or one that is larger than the limits.
    pub fn read_from(reader: impl Read) -> io::Result<Profile> {
        let mut bytes = Vec::new();
        Checked::new(reader).take(MAX_DECODED as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_DECODED {
            return Err(too_large());
        }
        Profile::from_bytes(&bytes)
    }

    /// Decodes what a file contains, compressed or not.
    ///
    /// # Errors
    ///
    /// As [`read_from`](Profile::read_from).
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Profile> {
        if !bytes.starts_with(&GZIP) {
            return decode(bytes);
        }
        let mut plain = Vec::new();
        let read = GzDecoder::new(bytes).take(MAX_DECODED as u64 + 1).read_to_end(&mut plain);
        read.map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(e.kind(), "the profile is cut off: its gzip stream does not end")
            }
            kind => io::Error::new(kind, format!("the profile's gzip stream is broken: {e}")),
        })?;
        if plain.len() > MAX_DECODED {
            return Err(too_large());
        }
        decode(&plain)
    }
}

fn decode(bytes: &[u8]) -> io::Result<Profile> {
    let not_one = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("this is not a profile: {why}"));
    if count(bytes, 2).is_none_or(|messages| messages > MAX_MESSAGES) {
        return Err(not_one("its fields have no end, or there are too many of them".to_owned()));
    }
    let profile = Profile::decode(bytes).map_err(|e| not_one(e.to_string()))?;
    if profile.sample_type.is_empty() && !profile.sample.is_empty() {
        return Err(not_one("its samples have no types".to_owned()));
    }
    if profile.sample.iter().any(|sample| sample.value.len() != profile.sample_type.len()) {
        return Err(not_one("a sample has more or fewer values than there are types".to_owned()));
    }
    if profile.string_table.first().is_none_or(|first| !first.is_empty()) {
        return Err(not_one("it has no table of strings".to_owned()));
    }
    Ok(profile)
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the profile is refused: it has more than {MAX_DECODED} bytes"))
}

/// How many fields that may be messages the bytes have, with those inside of them down to `depth` levels.
///
/// A message of no bytes takes two in the file, and dozens in memory: so they are counted before any is made. Fields of other
/// types count as well, where they look like messages; they are few, or longer than what they take.
fn count(mut bytes: &[u8], depth: u32) -> Option<usize> {
    let mut messages = 0;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let skipped = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                messages += 1;
                if depth > 1 {
                    messages += bytes.get(..length).map_or(0, |inner| count(inner, depth - 1).unwrap_or(0));
                }
                length
            }
            5 => 4,
            _ => return None,
        };
        bytes = bytes.get(skipped..)?;
    }
    Some(messages)
}

/// Takes a number of variable length from the front.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(value);
        }
    }
    None
}
