//! Frames of a fixed size.

use std::io::{self, ErrorKind, Write};

use super::{Decoded, Decoder, Encoder};
use crate::{Chunk, Consumer, Park, Producer};

/// Frames of a fixed size.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use marmot_buf::codec::{Decoded, Decoder, Fixed};
///
/// let (mut producer, mut consumer) = marmot_buf::linked::buffer();
/// producer.write_all(b"onetwo")?;
/// let Decoded::Frame(frame) = Fixed::new(3).decode(&mut consumer)? else { unreachable!() };
/// assert_eq!(frame, "one");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    size: usize,
}

impl Fixed {
    /// Frames of `size` bytes.
    ///
    /// # Panics
    ///
    /// If that is 0.
    pub fn new(size: usize) -> Fixed {
        assert!(size > 0, "a frame has at least one byte");
        Fixed { size }
    }
}

impl Decoder for Fixed {
    type Frame = Chunk;

    fn decode<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Decoded<Chunk>> {
        Ok(input.take_chunk(self.size).map_or(Decoded::Need(self.size), Decoded::Frame))
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for Fixed {
    fn encode<P: Park>(&mut self, frame: T, output: &mut Producer<P>) -> io::Result<()> {
        let bytes = frame.as_ref();
        if bytes.len() != self.size {
            let text = format!("a frame of {} bytes does not have the fixed size of {}", bytes.len(), self.size);
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        output.write_all(bytes)
    }
}
