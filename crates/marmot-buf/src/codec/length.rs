//! Frames that begin with their length.

use std::io::{self, ErrorKind, Write};

use super::{Decoded, Decoder, Encoder, MAX_LENGTH, too_long};
use crate::{Chunk, Consumer, Park, Producer};

/// Frames that begin with their length, an unsigned big-endian number of 1, 2, 4 or 8 bytes that does not count itself.
///
/// # Examples
///
/// ```
/// use marmot_buf::codec::{Decoded, Decoder, Encoder, LengthDelimited};
///
/// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
/// let mut codec = LengthDelimited::new();
/// codec.encode("hello", &mut producer)?;
/// assert_eq!(consumer.peek(4), Some(&[0, 0, 0, 5][..]));
/// let Decoded::Frame(frame) = codec.decode(&mut consumer)? else { unreachable!() };
/// assert_eq!(frame, "hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LengthDelimited {
    field: usize,
    most: usize,
}

impl LengthDelimited {
    /// A length of 4 bytes, and frames of at most [`MAX_LENGTH`] bytes.
    pub fn new() -> LengthDelimited {
        LengthDelimited { field: 4, most: MAX_LENGTH }
    }

    /// Sets how many bytes the length has.
    ///
    /// # Panics
    ///
    /// Unless that is 1, 2, 4 or 8.
    pub fn length_field(mut self, bytes: usize) -> LengthDelimited {
        assert!(matches!(bytes, 1 | 2 | 4 | 8), "a length has 1, 2, 4 or 8 bytes");
        self.field = bytes;
        self
    }

    /// Sets how many bytes a frame may have, without its length.
    pub fn max_length(mut self, bytes: usize) -> LengthDelimited {
        self.most = bytes;
        self
    }

    /// How many bytes a frame may have, so that the field can say it.
    fn most(&self) -> usize {
        let field = u64::MAX >> (64 - 8 * self.field);
        self.most.min(usize::try_from(field).unwrap_or(usize::MAX))
    }
}

impl Default for LengthDelimited {
    fn default() -> LengthDelimited {
        LengthDelimited::new()
    }
}

impl Decoder for LengthDelimited {
    type Frame = Chunk;

    fn decode<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Decoded<Chunk>> {
        let Some(field) = input.peek(self.field) else { return Ok(Decoded::Need(self.field)) };
        let length = field.iter().fold(0u64, |length, &byte| length << 8 | u64::from(byte));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > self.most() {
            return Err(too_long(length, self.most(), ErrorKind::InvalidData));
        }
        // A limit of nearly all of the address space is no limit, but the sum must not wrap.
        let whole = length.saturating_add(self.field);
        if input.peek(whole).is_none() {
            return Ok(Decoded::Need(whole));
        }
        input.skip(self.field);
        Ok(Decoded::Frame(input.take_chunk(length).expect("the whole frame is there")))
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for LengthDelimited {
    fn encode<P: Park>(&mut self, frame: T, output: &mut Producer<P>) -> io::Result<()> {
        let bytes = frame.as_ref();
        if bytes.len() > self.most() {
            return Err(too_long(bytes.len(), self.most(), ErrorKind::InvalidInput));
        }
        let length = (bytes.len() as u64).to_be_bytes();
        output.write_all(&length[8 - self.field..])?;
        output.write_all(bytes)
    }
}
