//! The codecs: what is a frame, what is not yet one, and what is none.

use std::io::{ErrorKind, Write};

use marmot_buf::codec::{Decoded, Decoder, Encoder, Fixed, LengthDelimited, Lines};
use marmot_buf::linked::{Options, buffer};
use marmot_buf::{Chunk, Consumer, Threads};

/// A buffer that holds `bytes`, in nodes of the smallest size so that frames lie across them.
fn holding(bytes: &[u8]) -> Consumer<Threads> {
    let (mut producer, consumer) = Options::new().node_size(512).high_water(usize::MAX).build();
    producer.write_all(bytes).unwrap();
    consumer
}

#[track_caller]
fn assert_refused<T>(kind: ErrorKind, says: &str, result: std::io::Result<T>) {
    let error = result.err().expect("it was to be refused");
    assert_eq!(error.kind(), kind);
    assert!(error.to_string().contains(says), "{error}");
}

/// What is decoded when the bytes come one by one; a codec may ask for more only as long as that is true.
fn decode_dribbled<D: Decoder>(mut codec: D, bytes: &[u8]) -> Vec<D::Frame> {
    let (mut producer, mut consumer) = buffer();
    let (mut frames, mut needed) = (Vec::new(), 1);
    for byte in bytes {
        producer.write_all(&[*byte]).unwrap();
        while consumer.len() >= needed {
            needed = match codec.decode(&mut consumer).unwrap() {
                Decoded::Frame(frame) => {
                    frames.push(frame);
                    1
                }
                Decoded::Need(bytes) => {
                    assert!(bytes > consumer.len(), "it needs {bytes} of {}", consumer.len());
                    bytes
                }
            };
        }
    }
    drop(producer);
    frames.extend(codec.decode_last(&mut consumer).unwrap());
    frames
}

#[test]
fn frames_of_a_fixed_size() {
    assert_eq!(decode_dribbled(Fixed::new(3), b"onetwosix"), [b"one", b"two", b"six"]);
    let mut input = holding(&[1; 2000]);
    assert_eq!(Fixed::new(1500).decode(&mut input).unwrap(), Decoded::Frame(Chunk::from(vec![1; 1500])));
    assert_eq!(Fixed::new(1500).decode(&mut input).unwrap(), Decoded::Need(1500));
    let (mut output, _) = buffer();
    assert_refused(ErrorKind::InvalidInput, "fixed size of 3", Fixed::new(3).encode("four", &mut output));
}

#[test]
fn what_is_left_at_the_end_is_no_frame() {
    let result = Fixed::new(3).decode_last(&mut holding(b"on"));
    assert_refused(ErrorKind::UnexpectedEof, "2 bytes had come", result);
    assert!(Fixed::new(3).decode_last(&mut holding(b"")).unwrap().is_none());
}

#[test]
fn lines_and_their_ends() {
    let text = "one\r\ntwo\n\n\r\nthree\rfour\n\u{e9}t\u{e9}\nlast";
    let lines = ["one", "two", "", "", "three\rfour", "\u{e9}t\u{e9}", "last"];
    assert_eq!(decode_dribbled(Lines::new(), text.as_bytes()), lines);
    assert_eq!(decode_dribbled(Lines::new(), b"ends\n"), ["ends"]);
    // Like `str::lines`, the last line keeps a lone carriage return.
    assert_eq!(decode_dribbled(Lines::new(), b"a\r"), ["a\r"]);
    let long = "x".repeat(5000);
    assert_eq!(decode_dribbled(Lines::new(), format!("{long}\n").as_bytes()), [long]);
}

#[test]
fn the_limit_of_a_line_is_exact() {
    let mut lines = Lines::new().max_length(4);
    for fits in ["four\n", "four\r\n"] {
        assert_eq!(lines.decode(&mut holding(fits.as_bytes())).unwrap(), Decoded::Frame("four".to_owned()));
    }
    assert_eq!(lines.decode(&mut holding(b"four\r")).unwrap(), Decoded::Need(6));
    for over in ["fives\n", "fives\r\n", "fivesix"] {
        assert_refused(ErrorKind::InvalidData, "limit of 4", lines.decode(&mut holding(over.as_bytes())));
    }
    assert_refused(ErrorKind::InvalidData, "limit of 4", lines.decode_last(&mut holding(b"fives")));
    let (mut output, _input) = buffer();
    assert_refused(ErrorKind::InvalidInput, "limit of 4", lines.encode("fives", &mut output));
    assert!(output.is_empty());
}

#[test]
fn what_is_no_line() {
    assert_refused(ErrorKind::InvalidData, "utf-8", Lines::new().decode(&mut holding(b"\xff\n")));
    assert_refused(ErrorKind::InvalidData, "utf-8", Lines::new().decode_last(&mut holding(b"\xff")));
    let (mut output, _input) = buffer();
    for line in ["one\ntwo", "one\r"] {
        assert_refused(ErrorKind::InvalidInput, "as another", Lines::new().encode(line, &mut output));
    }
}

#[test]
fn frames_with_their_length() {
    for field in [1, 2, 4, 8] {
        let codec = || LengthDelimited::new().length_field(field);
        let (mut output, mut input) = buffer();
        let frames = [&b""[..], b"x", &[7; 255]];
        for frame in frames {
            codec().encode(frame, &mut output).unwrap();
        }
        let bytes = input.take_chunk(3 * field + 256).unwrap();
        assert_eq!(decode_dribbled(codec(), &bytes), frames);
    }
}

#[test]
fn lengths_that_are_too_large() {
    let mut codec = LengthDelimited::new().max_length(10);
    assert_refused(
        ErrorKind::InvalidData,
        "11 bytes is over the limit of 10",
        codec.decode(&mut holding(&[0, 0, 0, 11])),
    );
    let mut wide = LengthDelimited::new().length_field(8).max_length(usize::MAX);
    assert_eq!(wide.decode(&mut holding(&[255; 8])).unwrap(), Decoded::Need(usize::MAX));
    let (mut output, _input) = buffer();
    let mut narrow = LengthDelimited::new().length_field(1);
    assert_refused(ErrorKind::InvalidInput, "limit of 255", narrow.encode([0; 256], &mut output));
    assert!(output.is_empty());
    assert_eq!(codec.decode(&mut holding(&[0, 0])).unwrap(), Decoded::Need(4));
    assert_eq!(codec.decode(&mut holding(&[0, 0, 0, 5, 1])).unwrap(), Decoded::Need(9));
}
