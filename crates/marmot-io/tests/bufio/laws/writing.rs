//! A `Writer` beside a plain vector.

use std::io::{ErrorKind, IoSlice, Write};

use marmot_io::bufio::Writer;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{bytes, plan, source};
use crate::common::{Sink, Take};

#[derive(Clone, Debug)]
enum Call {
    Write(Vec<u8>),
    WriteVectored(Vec<Vec<u8>>),
    WriteString(String),
    WriteByte(u8),
    WriteRune(char),
    ReadFrom(Vec<u8>, Vec<Result<usize, ErrorKind>>),
    Flush,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..60).prop_map(Call::Write),
        3 => vec(vec(any::<u8>(), 0..20), 0..20).prop_map(Call::WriteVectored),
        2 => "[a-zé日𝄞]{0,30}".prop_map(Call::WriteString),
        2 => any::<u8>().prop_map(Call::WriteByte),
        2 => any::<char>().prop_map(Call::WriteRune),
        1 => (bytes(), plan()).prop_map(|(data, plan)| Call::ReadFrom(data, plan)),
        2 => Just(Call::Flush),
    ]
}

fn takes() -> impl Strategy<Value = Vec<Take>> {
    let take = prop_oneof![
        6 => (1_usize..60).prop_map(Take::UpTo),
        1 => Just(Take::UpTo(0)),
        1 => Just(Take::Error(ErrorKind::Interrupted)),
        2 => Just(Take::Error(ErrorKind::TimedOut)),
    ];
    vec(take, 0..60)
}

proptest! {
    #[test]
    fn what_was_accepted_arrives_once_and_in_order(
        calls in vec(call(), 0..40), takes in takes(), is_vectored in any::<bool>(), capacity in 16_usize..50,
    ) {
        let mut writer = Writer::with_capacity(capacity, Sink { is_vectored, ..Sink::new(takes) });
        let mut accepted = Vec::new();
        for call in calls {
            match call {
                Call::Write(data) => {
                    let is_small = data.len() < capacity;
                    if let Ok(count) = writer.write(&data) {
                        prop_assert!(count == data.len() || !is_small);
                        accepted.extend(&data[..count]);
                    }
                }
                Call::WriteVectored(parts) => {
                    let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
                    let data = parts.concat();
                    if let Ok(count) = writer.write_vectored(&slices) {
                        prop_assert!(count == data.len() || data.len() >= capacity);
                        accepted.extend(&data[..count]);
                    }
                }
                Call::WriteString(text) => {
                    let count = writer.write_string(&text).map_or_else(|partial| partial.moved as usize, |()| text.len());
                    accepted.extend(&text.as_bytes()[..count]);
                }
                Call::WriteByte(byte) => {
                    if writer.write_byte(byte).is_ok() {
                        accepted.push(byte);
                    }
                }
                Call::WriteRune(rune) => {
                    if let Ok(count) = writer.write_rune(rune) {
                        prop_assert_eq!(count, rune.len_utf8());
                        accepted.extend(rune.to_string().into_bytes());
                    }
                }
                Call::ReadFrom(data, plan) => {
                    let (mut source, _) = source(&data, &plan);
                    let count = writer.read_from(&mut source).unwrap_or_else(|partial| partial.moved);
                    accepted.extend(&data[..count as usize]);
                }
                Call::Flush => {
                    if writer.flush().is_ok() {
                        prop_assert!(!writer.is_leased());
                        prop_assert_eq!(&writer.get_ref().bytes(), &accepted);
                    }
                }
            }
            let (written, held) = (writer.get_ref().bytes(), writer.buffer());
            prop_assert!(held.len() <= capacity);
            prop_assert_eq!(writer.is_leased(), !held.is_empty());
            prop_assert_eq!(&[&written, held].concat(), &accepted);
        }
        writer.get_mut().script.clear();
        let sink = writer.into_inner().unwrap();
        prop_assert_eq!(sink.bytes(), accepted);
    }
}
