//! Lines of text.

use std::io::{self, ErrorKind, Write};

use super::{Decoded, Decoder, Encoder, MAX_LENGTH, too_long};
use crate::{Consumer, Park, Producer};

/// Lines of text, which end with `\n` or `\r\n`. The last one need not. They are given without their ends.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_buf::codec::{Decoded, Decoder, Lines};
///
/// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
/// producer.write_all(b"one\r\ntwo\n")?;
/// let mut lines = Lines::new();
/// assert_eq!(lines.decode(&mut consumer)?, Decoded::Frame("one".to_owned()));
/// assert_eq!(lines.decode(&mut consumer)?, Decoded::Frame("two".to_owned()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    most: usize,
}

impl Lines {
    /// Lines of at most [`MAX_LENGTH`] bytes.
    pub fn new() -> Lines {
        Lines { most: MAX_LENGTH }
    }

    /// Sets how many bytes a line may have, without its end.
    pub fn max_length(mut self, bytes: usize) -> Lines {
        self.most = bytes;
        self
    }

    fn text(bytes: &[u8]) -> io::Result<String> {
        let text = str::from_utf8(bytes).map_err(|e| io::Error::new(ErrorKind::InvalidData, e))?;
        Ok(text.to_owned())
    }
}

impl Default for Lines {
    fn default() -> Lines {
        Lines::new()
    }
}

impl Decoder for Lines {
    type Frame = String;

    fn decode<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Decoded<String>> {
        // Looked at first: what comes meanwhile has been searched or will be.
        let there = input.len();
        // Room for the end, of up to two bytes.
        let Some(length) = input.find_here(b'\n', self.most.saturating_add(2)) else {
            return if there > self.most.saturating_add(1) {
                Err(too_long(there, self.most, ErrorKind::InvalidData))
            } else {
                Ok(Decoded::Need(there + 1))
            };
        };
        let line = input.peek(length).expect("what was found is there");
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.most {
            return Err(too_long(line.len(), self.most, ErrorKind::InvalidData));
        }
        let text = Lines::text(line)?;
        input.skip(length);
        Ok(Decoded::Frame(text))
    }

    fn decode_last<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Option<String>> {
        let left = input.len();
        if left == 0 {
            return Ok(None);
        }
        if left > self.most {
            return Err(too_long(left, self.most, ErrorKind::InvalidData));
        }
        let text = Lines::text(input.peek(left).expect("so many are there"))?;
        input.skip(left);
        Ok(Some(text))
    }
}

impl<T: AsRef<str>> Encoder<T> for Lines {
    fn encode<P: Park>(&mut self, line: T, output: &mut Producer<P>) -> io::Result<()> {
        let line = line.as_ref();
        if line.len() > self.most {
            return Err(too_long(line.len(), self.most, ErrorKind::InvalidInput));
        }
        if line.contains('\n') || line.ends_with('\r') {
            let text = "a line with a line's end in it would be read as another";
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        output.write_all(line.as_bytes())?;
        output.write_all(b"\n")
    }
}
