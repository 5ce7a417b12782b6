//! The file format: what was written is read, and what nobody has written is refused without harm.

use std::io::{ErrorKind, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use marmot_pprof::proto::{Function, Label, Line, Location, MAX_DECODED, Mapping, Profile, Sample, ValueType};
use proptest::collection::vec;
use proptest::prelude::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

prop_compose! {
    fn sample(types: usize)(
        location_id in vec(any::<u64>(), 0..5),
        value in vec(any::<i64>(), types),
        label in vec(any::<(i64, i64, i64, i64)>(), 0..3),
    ) -> Sample {
        let label = label.into_iter().map(|(key, str, num, num_unit)| Label { key, str, num, num_unit }).collect();
        Sample { location_id, value, label }
    }
}

prop_compose! {
    fn location()(id: u64, mapping_id: u64, address: u64, line in vec(any::<(u64, i64, i64)>(), 0..3), is_folded: bool) -> Location {
        let line = line.into_iter().map(|(function_id, line, column)| Line { function_id, line, column }).collect();
        Location { id, mapping_id, address, line, is_folded }
    }
}

prop_compose! {
    fn profile(types: usize)(
        sample_type in vec(any::<(i64, i64)>(), types),
        sample in vec(sample(types), 0..5),
        mapping in vec(any::<(u64, u64, u64, u64, i64, i64, bool, bool)>(), 0..3),
        location in vec(location(), 0..5),
        function in vec(any::<(u64, i64, i64, i64, i64)>(), 0..5),
        strings in vec(any::<String>(), 0..5),
        numbers: (i64, i64, i64, i64, i64),
        comment in vec(any::<i64>(), 0..3),
        period: Option<(i64, i64)>,
    ) -> Profile {
        let value_type = |(r#type, unit)| ValueType { r#type, unit };
        Profile {
            sample_type: sample_type.into_iter().map(value_type).collect(),
            sample,
            mapping: mapping.into_iter().map(|(id, memory_start, memory_limit, file_offset, filename, build_id, a, b)| Mapping {
                id, memory_start, memory_limit, file_offset, filename, build_id,
                has_functions: a, has_filenames: b, has_line_numbers: a, has_inline_frames: b,
            }).collect(),
            location,
            function: function.into_iter().map(|(id, name, system_name, filename, start_line)| Function {
                id, name, system_name, filename, start_line,
            }).collect(),
            string_table: std::iter::once(String::new()).chain(strings).collect(),
            drop_frames: numbers.0,
            keep_frames: numbers.1,
            time_nanos: numbers.2,
            duration_nanos: numbers.3,
            period_type: period.map(value_type),
            period: numbers.4,
            comment,
            default_sample_type: numbers.0,
            doc_url: numbers.1,
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(profile in (1..4usize).prop_flat_map(profile)) {
        let mut file = Vec::new();
        profile.write_to(&mut file).unwrap();
        prop_assert_eq!(&file[..2], [0x1f, 0x8b]);
        prop_assert_eq!(Profile::read_from(&file[..]).unwrap(), profile);
    }

    #[test]
    fn garbage_is_refused_without_harm(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = Profile::from_bytes(&bytes);
        let _ = Profile::from_bytes(&gzip(&bytes));
    }

    #[test]
    fn damage_is_refused_without_harm(profile in profile(2), at: prop::sample::Index, byte: u8, is_packed: bool) {
        let mut bytes = prost::Message::encode_to_vec(&profile);
        if is_packed {
            bytes = gzip(&bytes);
        }
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        if let Ok(profile) = Profile::from_bytes(&bytes) {
            // What was read can be looked into, whatever it refers to.
            let _ = marmot_pprof::advise::advise(&profile);
        }
        if is_packed {
            prop_assert!(Profile::from_bytes(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn advice_on_any_numbers(mut profile in profile(5)) {
        let kinds = ["", "alloc_objects", "alloc_space", "inuse_objects", "inuse_space", "lifetime"];
        profile.string_table = kinds.map(str::to_owned).to_vec();
        for (index, value) in profile.sample_type.iter_mut().enumerate() {
            value.r#type = index as i64 + 1;
        }
        prop_assert!(marmot_pprof::advise::advise(&profile).is_ok());
    }
}

#[test]
fn a_file_that_is_cut_off_says_so() {
    let profile = Profile { string_table: vec![String::new()], time_nanos: 1 << 60, ..Profile::default() };
    let mut file = Vec::new();
    profile.write_to(&mut file).unwrap();
    for length in 2..file.len() {
        let error = Profile::from_bytes(&file[..length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{length}: {error}");
    }
}

#[test]
fn what_is_no_profile_says_so() {
    for bytes in [&b""[..], b"<!DOCTYPE html>", b"heap profile: 1: 2 [3: 4] @ heap/2\n", &gzip(b"text")] {
        let error = Profile::from_bytes(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("not a profile"), "{error}");
    }
}

#[test]
fn a_bomb_is_refused() {
    // Nothing, at a thousandth of its size.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..=MAX_DECODED >> 20 {
        bomb.write_all(&[0; 1 << 20]).unwrap();
    }
    let error = Profile::from_bytes(&bomb.finish().unwrap()).unwrap_err();
    assert!(error.to_string().contains(&format!("more than {MAX_DECODED}")), "{error}");
    // Messages of no bytes would take dozens each.
    let empty = |inner: &[u8]| Profile::from_bytes(&gzip(&inner.repeat(5 << 20))).unwrap_err().to_string();
    assert!(empty(&[0x12, 0]).contains("too many"));
    // The same, within one sample: its labels.
    let labels = [0x1a, 0].repeat(5 << 20);
    let mut sample = vec![0x12, 0x80, 0x80, 0x80, 0x05];
    sample.extend(&labels);
    let error = Profile::from_bytes(&sample).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
    assert!(Profile::read_from(std::io::repeat(0x12)).is_err(), "there is no end");
}
