//! From a raw profile to the messages of a file.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::{GROWTH, Label, Profile, Sample, ValueType, add};
use crate::Cut;
use crate::cut;
use crate::proto;
use crate::symbols::{Frame, Lookup, Symbols};

/// What merges samples: the ids of locations, and the labels.
type Key = (Vec<u64>, Vec<(i64, i64, i64, i64)>);

/// A file in the making.
struct Builder {
    out: proto::Profile,
    lookup: Lookup,
    strings: HashMap<String, i64>,
    functions: HashMap<(Arc<str>, Arc<str>), u64>,
    /// An address may be several locations: where a part of its inlined calls is cut.
    locations: HashMap<(usize, usize, usize), u64>,
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

impl Builder {
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
                    file_offset: segment.offset,
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

    fn sample(&mut self, sample: &Sample, cut: Cut, types: usize) {
        let stack: Vec<Arc<[Frame]>> = sample.stack.iter().map(|address| self.lookup.resolve(*address)).collect();
        // All frames, where an address of which nothing is known counts as one.
        let mut frames: Vec<Option<&Frame>> = Vec::new();
        for at in &stack {
            if at.is_empty() {
                frames.push(None);
            }
            frames.extend(at.iter().map(Some));
        }
        let (start, end) = cut.range(&frames);
        let mut labels: Vec<(i64, i64, i64, i64)> =
            sample.labels.iter().map(|(key, value)| self.label(key, value)).collect();
        if cut == Cut::Allocator && cut::is_growth(frames[..start].iter().flatten().map(|frame| &*frame.function)) {
            labels.push((self.string(GROWTH.0), self.string(GROWTH.1), 0, 0));
        }
        labels.sort_unstable();
        let mut ids = Vec::with_capacity(stack.len());
        let mut index = 0;
        for (address, at) in sample.stack.iter().zip(&stack) {
            let next = index + at.len().max(1);
            // The part of the address's frames that is left.
            let (from, to) = (start.max(index), end.min(next));
            if from < to {
                ids.push(self.location(*address, at, from - index, to - index));
            }
            index = next;
        }
        let mut values = sample.values.clone();
        values.resize(types, 0);
        if let Some(place) = self.samples.get(&(ids.clone(), labels.clone())) {
            add(&mut self.out.sample[*place].value, &values);
            return;
        }
        self.samples.insert((ids.clone(), labels.clone()), self.out.sample.len());
        let label =
            labels.into_iter().map(|(key, str, num, num_unit)| proto::Label { key, str, num, num_unit }).collect();
        self.out.sample.push(proto::Sample { location_id: ids, value: values, label });
    }

    fn label(&mut self, key: &str, value: &Label) -> (i64, i64, i64, i64) {
        let key = self.string(key);
        match value {
            Label::Text(text) => (key, self.string(text), 0, 0),
            Label::Number(number, unit) => (key, 0, *number, self.string(unit)),
        }
    }

    fn location(&mut self, address: usize, frames: &[Frame], from: usize, to: usize) -> u64 {
        if let Some(id) = self.locations.get(&(address, from, to)) {
            return *id;
        }
        let line = frames.get(from..to).unwrap_or_default().iter().map(|frame| proto::Line {
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
        self.locations.insert((address, from, to), id);
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
