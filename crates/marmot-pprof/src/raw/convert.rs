//! From a raw profile to the messages of a file.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::{GROWTH, Label, Profile, Sample, ValueType, add};
use crate::Cut;
use crate::cut;
use crate::proto;
use crate::stack::{Shown, Stack};
use crate::symbols::{Frame, Lookup, Symbols};

/// What merges samples: the ids of locations, and the labels.
type Key = (Vec<u64>, Vec<(i64, i64, i64, i64)>);

/// A file in the making.
struct Builder<'a> {
    out: proto::Profile,
    lookup: Lookup,
    strings: HashMap<String, i64>,
    functions: HashMap<(Arc<str>, Arc<str>), u64>,
    /// An address may be several locations: where a part of its inlined calls is cut.
    locations: HashMap<(usize, (usize, usize)), u64>,
    /// What has been found of stacks: the ids of their locations, and whether they grow a buffer.
    stacks: HashMap<&'a [usize], (Vec<u64>, bool)>,
    samples: HashMap<Key, usize>,
}

/// The messages of a raw profile.
pub fn convert(raw: &Profile) -> proto::Profile {
    let mut builder = Builder {
        out: proto::Profile::default(),
        lookup: Symbols::lock(),
        strings: HashMap::new(),
        functions: HashMap::new(),
        locations: HashMap::new(),
        stacks: HashMap::new(),
        samples: HashMap::new(),
    };
    builder.string("");
    builder.out.sample_type = raw.sample_types.iter().map(|value| builder.value_type(*value)).collect();
    builder.out.period_type = raw.period_type.map(|value| builder.value_type(value));
    builder.out.period = raw.period;
    builder.out.default_sample_type = raw.default_type.map_or(0, |kind| builder.string(kind));
    builder.out.comment = raw.comments.iter().map(|text| builder.string(text)).collect();
    builder.out.time_nanos = raw.time.duration_since(UNIX_EPOCH).map_or(0, |since| nanos(since.as_nanos()));
    builder.out.duration_nanos = raw.duration.map_or(0, |duration| nanos(duration.as_nanos()));
    builder.mappings();
    for sample in &raw.samples {
        builder.sample(sample, raw.cut, raw.sample_types.len());
    }
    builder.out
}

fn nanos(nanos: u128) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

impl<'a> Builder<'a> {
    fn string(&mut self, text: &str) -> i64 {
        if let Some(index) = self.strings.get(text) {
            return *index;
        }
        let index = self.out.string_table.len() as i64;
        self.out.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), index);
        index
    }

    fn value_type(&mut self, value: ValueType) -> proto::ValueType {
        proto::ValueType { r#type: self.string(value.kind), unit: self.string(value.unit) }
    }

    /// All segments of code; that of the executable is the first, which is what readers expect.
    fn mappings(&mut self) {
        let objects: Vec<_> = self.lookup.objects().cloned().collect();
        for object in objects {
            for segment in object.segments {
                let mapping = proto::Mapping {
                    id: self.out.mapping.len() as u64 + 1,
                    memory_start: segment.start as u64,
                    memory_limit: segment.end as u64,
                    file_offset: segment.offset as u64,
                    filename: self.string(&object.name),
                    build_id: self.string(&object.build_id),
                    has_functions: true,
                    has_filenames: true,
                    has_line_numbers: true,
                    has_inline_frames: true,
                };
                self.out.mapping.push(mapping);
            }
        }
    }

    fn sample(&mut self, sample: &'a Sample, cut: Cut, types: usize) {
        let (ids, grows) = self.stack(&sample.stack, cut);
        let mut labels: Vec<(i64, i64, i64, i64)> =
            sample.labels.iter().map(|(key, value)| self.label(key, value)).collect();
        if grows {
            labels.push((self.string(GROWTH.0), self.string(GROWTH.1), 0, 0));
        }
        labels.sort_unstable();
        let mut values = sample.values.clone();
        values.resize(types, 0);
        let key = (ids, labels);
        if let Some(place) = self.samples.get(&key) {
            add(&mut self.out.sample[*place].value, &values);
            return;
        }
        self.samples.insert(key.clone(), self.out.sample.len());
        let (ids, labels) = key;
        let label =
            labels.into_iter().map(|(key, str, num, num_unit)| proto::Label { key, str, num, num_unit }).collect();
        self.out.sample.push(proto::Sample { location_id: ids, value: values, label });
    }

    fn stack(&mut self, addresses: &'a [usize], cut: Cut) -> (Vec<u64>, bool) {
        if let Some(found) = self.stacks.get(addresses) {
            return found.clone();
        }
        let stack = Stack::new(&mut self.lookup, addresses, cut);
        let ids: Vec<u64> = stack.shown().map(|shown| self.location(&shown)).collect();
        let grows = cut == Cut::Allocator && cut::is_growth(stack.cut_functions());
        self.stacks.insert(addresses, (ids.clone(), grows));
        (ids, grows)
    }

    fn label(&mut self, key: &str, value: &Label) -> (i64, i64, i64, i64) {
        let key = self.string(key);
        match value {
            Label::Text(text) => (key, self.string(text), 0, 0),
            Label::Number(number, unit) => (key, 0, *number, self.string(unit)),
        }
    }

    fn location(&mut self, shown: &Shown<'_>) -> u64 {
        let address = shown.address;
        if let Some(id) = self.locations.get(&(address, shown.part)) {
            return *id;
        }
        let line = shown.frames.iter().map(|frame| proto::Line {
            function_id: self.function(frame),
            line: i64::from(frame.line),
            column: 0,
        });
        let line = line.collect();
        let holds =
            |mapping: &&proto::Mapping| (mapping.memory_start..mapping.memory_limit).contains(&(address as u64));
        let mapping_id = self.out.mapping.iter().find(holds).map_or(0, |mapping| mapping.id);
        let id = self.out.location.len() as u64 + 1;
        self.out.location.push(proto::Location { id, mapping_id, address: address as u64, line, is_folded: false });
        self.locations.insert((address, shown.part), id);
        id
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let key = (frame.symbol.clone(), frame.file.clone());
        if let Some(id) = self.functions.get(&key) {
            return *id;
        }
        let id = self.out.function.len() as u64 + 1;
        let function = proto::Function {
            id,
            name: self.string(&frame.function),
            system_name: self.string(&frame.symbol),
            filename: self.string(&frame.file),
            start_line: 0,
        };
        self.out.function.push(function);
        self.functions.insert(key, id);
        id
    }
}
