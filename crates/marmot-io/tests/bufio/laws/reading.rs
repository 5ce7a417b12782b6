//! A `Reader` beside a plain queue of bytes.

use std::io::{BufRead, ErrorKind, Read, Seek, SeekFrom};

use marmot_io::bufio::{Error, Reader};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{bytes, plan, source};

/// Calls until the end, past all errors, and notes the errors.
fn until_end<T>(mut call: impl FnMut() -> Result<Option<T>, std::io::Error>) -> (Vec<T>, Vec<ErrorKind>) {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    loop {
        match call() {
            Ok(Some(one)) => all.push(one),
            Ok(None) => return (all, errors),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => errors.push(error.kind()),
        }
    }
}

/// The pieces of `data` up to and including each `delim`.
fn pieces(data: &[u8], delim: u8) -> Vec<Vec<u8>> {
    data.split_inclusive(|&byte| byte == delim).map(<[u8]>::to_vec).collect()
}

fn first_piece(data: &[u8], delim: u8) -> &[u8] {
    data.split_inclusive(|&byte| byte == delim).next().unwrap_or_default()
}

proptest! {
    #[test]
    fn any_chunks_give_the_same_bytes_and_each_error_once(
        data in bytes(), plan in plan(), capacity in 0_usize..80, size in 1_usize..100,
    ) {
        let (source, errors) = source(&data, &plan);
        let mut reader = Reader::with_capacity(capacity, source);
        let mut buf = vec![0; size];
        let mut got = 0;
        let mut met = Vec::new();
        let (all, _) = until_end(|| {
            let count = reader.read(&mut buf).inspect_err(|error| {
                if error.kind() != ErrorKind::Interrupted {
                    met.push((got, error.kind()));
                }
            })?;
            got += count;
            Ok((count > 0).then(|| buf[..count].to_vec()))
        });
        prop_assert_eq!(all.concat(), data);
        prop_assert_eq!(met, errors);
        prop_assert!(!reader.is_leased());
    }

    #[test]
    fn any_chunks_give_the_same_slices(data in bytes(), plan in plan(), delim in prop_oneof![Just(b'\n'), Just(b'a')]) {
        let (source, errors) = source(&data, &plan);
        let mut reader = Reader::with_capacity(4096, source);
        let (slices, met) = until_end(|| {
            let slice = reader.read_slice(delim)?;
            Ok((!slice.is_empty()).then(|| slice.to_vec()))
        });
        prop_assert_eq!(slices, pieces(&data, delim));
        prop_assert_eq!(met, errors.iter().map(|error| error.1).collect::<Vec<_>>());
    }

    #[test]
    fn any_chunks_give_the_same_line_parts(data in bytes(), plan in plan(), capacity in 16_usize..40) {
        let (source, errors) = source(&data, &plan);
        let mut reader = Reader::with_capacity(capacity, source);
        let mut line = Vec::new();
        let (lines, met) = until_end(|| {
            let part = reader.read_line_part()?;
            Ok(part.map(|part| (part.bytes.to_vec(), part.is_prefix)))
        });
        let mut whole = Vec::new();
        let mut is_open = false;
        for (bytes, is_prefix) in lines {
            prop_assert!(bytes.len() <= capacity);
            line.extend(bytes);
            is_open = is_prefix;
            if !is_prefix {
                whole.push(std::mem::take(&mut line));
            }
        }
        // A last line that just fills the buffer ends without another part.
        if is_open {
            whole.push(line);
        }
        let expected: Vec<Vec<u8>> = pieces(&data, b'\n')
            .into_iter()
            .map(|line| match line.strip_suffix(b"\n") {
                Some(line) => line.strip_suffix(b"\r").unwrap_or(line).to_vec(),
                None => line,
            })
            .collect();
        prop_assert_eq!(whole, expected);
        prop_assert_eq!(met, errors.iter().map(|error| error.1).collect::<Vec<_>>());
    }

    #[test]
    fn any_chunks_give_the_same_characters(data in bytes(), plan in plan()) {
        let (source, errors) = source(&data, &plan);
        let mut reader = Reader::with_capacity(16, source);
        let (runes, met) = until_end(|| reader.read_rune());
        let expected: String = data
            .utf8_chunks()
            .map(|chunk| chunk.valid().to_owned() + &"\u{fffd}".repeat(chunk.invalid().len()))
            .collect();
        prop_assert_eq!(runes.iter().map(|rune| rune.0).collect::<String>(), expected);
        prop_assert_eq!(runes.iter().map(|rune| rune.1).sum::<usize>(), data.len());
        prop_assert_eq!(met, errors.iter().map(|error| error.1).collect::<Vec<_>>());
    }

    #[test]
    fn any_chunks_are_copied_and_what_failed_goes_on(data in bytes(), plan in plan(), capacity in 0_usize..80) {
        let (source, errors) = source(&data, &plan);
        let mut reader = Reader::with_capacity(capacity, source);
        let mut out = Vec::new();
        let mut met = Vec::new();
        while let Err(partial) = reader.write_to(&mut out) {
            met.push((out.len(), partial.kind()));
        }
        prop_assert_eq!(out, data);
        prop_assert_eq!(met, errors);
    }
}

#[derive(Clone, Debug)]
enum Call {
    Read(usize),
    ReadExact(usize),
    ReadVectored(usize, usize),
    FillAndConsume(usize),
    Peek(usize),
    Discard(u64),
    ReadByte,
    ReadRune,
    ReadSlice(u8),
    ReadBytes(u8),
    ReadLinePart,
    UnreadByte,
    UnreadRune,
}

fn call() -> impl Strategy<Value = Call> {
    let delim = || prop_oneof![Just(b'\n'), Just(b'a'), Just(b'b')];
    prop_oneof![
        2 => (0_usize..50).prop_map(Call::Read),
        1 => (0_usize..30).prop_map(Call::ReadExact),
        1 => (0_usize..20, 0_usize..20).prop_map(|(one, two)| Call::ReadVectored(one, two)),
        2 => (0_usize..30).prop_map(Call::FillAndConsume),
        1 => (0_usize..40).prop_map(Call::Peek),
        1 => (0_u64..40).prop_map(Call::Discard),
        3 => Just(Call::ReadByte),
        3 => Just(Call::ReadRune),
        2 => delim().prop_map(Call::ReadSlice),
        1 => delim().prop_map(Call::ReadBytes),
        1 => Just(Call::ReadLinePart),
        4 => Just(Call::UnreadByte),
        3 => Just(Call::UnreadRune),
    ]
}

/// What can be unread, as far as the outside can know.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Last {
    Nothing,
    Byte,
    Rune(usize),
    /// A call failed or met the end since: a byte perhaps, and no character.
    Perhaps,
}

proptest! {
    #[test]
    fn any_calls_see_the_bytes_in_order(
        data in bytes(), plan in plan(), capacity in 16_usize..40, calls in vec(call(), 0..80),
    ) {
        let (source, _) = source(&data, &plan);
        let mut reader = Reader::with_capacity(capacity, source);
        let mut at = 0;
        let mut last = Last::Nothing;
        for call in calls {
            let rest = &data[at..];
            // How many bytes a call took.
            let took = match call {
                Call::Read(size) => {
                    let mut buf = vec![0; size];
                    match reader.read(&mut buf) {
                        Ok(count) => {
                            prop_assert_eq!(&buf[..count], &rest[..count]);
                            prop_assert!(count > 0 || size == 0 || rest.is_empty());
                            if size == 0 {
                                continue;
                            }
                            Some(count)
                        }
                        Err(_) => None,
                    }
                }
                Call::ReadExact(size) => {
                    let mut buf = vec![0xaa; size];
                    let had = reader.buffered();
                    if size == 0 {
                        reader.read_exact(&mut buf).unwrap();
                        continue;
                    }
                    match reader.read_exact(&mut buf) {
                        Ok(()) => {
                            prop_assert_eq!(&buf[..], &rest[..size]);
                            Some(size)
                        }
                        Err(error) => {
                            prop_assert!(had < size);
                            if error.kind() == ErrorKind::UnexpectedEof {
                                prop_assert!(rest.len() < size);
                            }
                            // How far it came shows in what is left, and only there.
                            let mut all = Vec::new();
                            while reader.read_to_end(&mut all).is_err() {}
                            prop_assert!(rest.ends_with(&all));
                            return Ok(());
                        }
                    }
                }
                Call::ReadVectored(one, two) => {
                    let (mut one, mut two) = (vec![0; one], vec![0; two]);
                    let room = one.len() + two.len();
                    let mut bufs = [std::io::IoSliceMut::new(&mut one), std::io::IoSliceMut::new(&mut two)];
                    match reader.read_vectored(&mut bufs) {
                        Ok(count) => {
                            prop_assert_eq!(&[one, two].concat()[..count], &rest[..count]);
                            prop_assert!(count > 0 || room == 0 || rest.is_empty());
                            if room == 0 {
                                continue;
                            }
                            Some(count)
                        }
                        Err(_) => None,
                    }
                }
                Call::FillAndConsume(most) => {
                    let is_filled = reader.buffered() > 0;
                    match reader.fill_buf() {
                        Ok(buffer) => {
                            prop_assert!(rest.starts_with(buffer));
                            prop_assert!(!buffer.is_empty() || rest.is_empty());
                            let count = most.min(buffer.len());
                            reader.consume(count);
                            if count == 0 && is_filled {
                                continue;
                            }
                            Some(count)
                        }
                        Err(_) => None,
                    }
                }
                Call::Peek(count) => {
                    let result = reader.peek(count);
                    match result {
                        Ok(bytes) => prop_assert_eq!(bytes, &rest[..count.min(rest.len())]),
                        Err(error) => {
                            let refused = Error::PeekTooFar { asked: count, capacity };
                            prop_assert_eq!(Error::of(&error), (count > capacity).then_some(&refused));
                        }
                    }
                    if count <= capacity {
                        last = Last::Nothing;
                    }
                    continue;
                }
                Call::Discard(count) => {
                    let skipped = match reader.discard(count) {
                        Ok(skipped) => {
                            prop_assert_eq!(skipped, count.min(rest.len() as u64));
                            skipped
                        }
                        Err(partial) => partial.moved,
                    };
                    at += skipped as usize;
                    if count > 0 {
                        last = Last::Nothing;
                    }
                    continue;
                }
                Call::ReadByte => match reader.read_byte() {
                    Ok(byte) => {
                        prop_assert_eq!(byte, rest.first().copied());
                        Some(usize::from(byte.is_some()))
                    }
                    Err(_) => None,
                },
                Call::ReadRune => match reader.read_rune() {
                    Ok(Some((c, width))) => {
                        let chunk = rest.utf8_chunks().next().unwrap();
                        let expected = chunk.valid().chars().next();
                        prop_assert_eq!(c, expected.unwrap_or(char::REPLACEMENT_CHARACTER));
                        prop_assert_eq!(width, expected.map_or(1, char::len_utf8));
                        at += width;
                        last = Last::Rune(width);
                        continue;
                    }
                    Ok(None) => {
                        prop_assert!(rest.is_empty());
                        None
                    }
                    Err(_) => None,
                },
                Call::ReadSlice(delim) => match reader.read_slice(delim) {
                    Ok(slice) => {
                        prop_assert_eq!(slice, first_piece(rest, delim));
                        Some(slice.len())
                    }
                    Err(error) if Error::of(&error).is_some() => {
                        prop_assert_eq!(reader.buffered(), capacity);
                        prop_assert!(!reader.buffer().contains(&delim));
                        None
                    }
                    Err(_) => None,
                },
                Call::ReadBytes(delim) => match reader.read_bytes(delim) {
                    Ok(bytes) => {
                        prop_assert_eq!(&bytes[..], first_piece(rest, delim));
                        Some(bytes.len())
                    }
                    Err(short) => {
                        prop_assert!(rest.starts_with(&short.read));
                        at += short.read.len();
                        if !short.read.is_empty() {
                            last = Last::Perhaps;
                        }
                        None
                    }
                },
                Call::ReadLinePart => match reader.read_line_part() {
                    Ok(Some(part)) => {
                        prop_assert!(rest.starts_with(part.bytes));
                        let after = &rest[part.bytes.len()..];
                        let end = if part.is_prefix {
                            0
                        } else if after.starts_with(b"\r\n") {
                            2
                        } else {
                            usize::from(after.starts_with(b"\n"))
                        };
                        Some(part.bytes.len() + end)
                    }
                    Ok(None) => {
                        prop_assert!(rest.is_empty());
                        None
                    }
                    Err(_) => None,
                },
                Call::UnreadByte => {
                    let result = reader.unread_byte();
                    prop_assert!(result.is_ok() || matches!(last, Last::Nothing | Last::Perhaps));
                    prop_assert!(result.is_err() || last != Last::Nothing);
                    at -= usize::from(result.is_ok());
                    last = Last::Nothing;
                    continue;
                }
                Call::UnreadRune => {
                    let result = reader.unread_rune();
                    if let Last::Rune(width) = last {
                        prop_assert!(result.is_ok());
                        at -= width;
                        last = Last::Nothing;
                    } else {
                        // Also not after a call that failed or met the end.
                        prop_assert!(result.is_err());
                    }
                    continue;
                }
            };
            match took {
                Some(count) if count > 0 => {
                    at += count;
                    last = Last::Byte;
                }
                _ if last == Last::Nothing => {}
                _ => last = Last::Perhaps,
            }
            prop_assert!(data[at..].starts_with(reader.buffer()));
            prop_assert!(reader.buffered() <= capacity);
        }
        let mut all = Vec::new();
        while reader.read_to_end(&mut all).is_err() {}
        prop_assert_eq!(&all[..], &data[at..]);
    }

    #[test]
    fn any_seeks_find_their_places(
        data in bytes(), capacity in 16_usize..40, seeks in vec((any::<u8>(), 0_usize..70, 0_usize..30), 0..40),
    ) {
        let mut reader = Reader::with_capacity(capacity, std::io::Cursor::new(&data));
        let mut at = 0;
        for (how, to, count) in seeks {
            let to = to.min(data.len());
            let by = to as i64 - at as i64;
            match how % 4 {
                0 => prop_assert_eq!(reader.seek(SeekFrom::Start(to as u64)).unwrap(), to as u64),
                1 => prop_assert_eq!(reader.seek(SeekFrom::Current(by)).unwrap(), to as u64),
                2 => {
                    let from_end = to as i64 - data.len() as i64;
                    prop_assert_eq!(reader.seek(SeekFrom::End(from_end)).unwrap(), to as u64);
                }
                _ => reader.seek_relative(by).unwrap(),
            }
            prop_assert_eq!(reader.stream_position().unwrap(), to as u64);
            let count = count.min(data.len() - to);
            let mut buf = vec![0; count];
            reader.read_exact(&mut buf).unwrap();
            prop_assert_eq!(&buf[..], &data[to..to + count]);
            at = to + count;
        }
    }
}
