//! Codecs: what is between a stream of bytes and its frames.
//!
//! A [`Decoder`] looks at the bytes that are there and says either what the next frame is or how many bytes it needs
//! to say more; it never waits itself. An [`Encoder`] writes a frame into a buffer.

mod fixed;
mod length;
mod lines;

use std::io::{self, ErrorKind};

use crate::{Consumer, Park, Producer};

pub use fixed::Fixed;
pub use length::LengthDelimited;
pub use lines::Lines;

/// What a [`Decoder`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// A frame, whose bytes have been taken out.
    Frame(T),
    /// Nothing yet: there must be at least so many bytes, which is more than there are, before it is worth looking
    /// again. Nothing has been taken out.
    Need(usize),
}

/// Takes frames out of a stream of bytes.
///
/// # Examples
///
/// Frames of two bytes:
///
/// ```
/// use std::io::{self, Write};
/// use marmot_buf::codec::{Decoded, Decoder};
/// use marmot_buf::{Consumer, Park, linked};
///
/// struct Pairs;
///
/// impl Decoder for Pairs {
///     type Frame = (u8, u8);
///
///     fn decode<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Decoded<(u8, u8)>> {
///         let Some(&[first, second]) = input.peek(2) else { return Ok(Decoded::Need(2)) };
///         input.skip(2);
///         Ok(Decoded::Frame((first, second)))
///     }
/// }
///
/// let (mut producer, mut consumer) = linked::buffer();
/// producer.write_all(&[1, 2, 3])?;
/// assert_eq!(Pairs.decode(&mut consumer)?, Decoded::Frame((1, 2)));
/// assert_eq!(Pairs.decode(&mut consumer)?, Decoded::Need(2));
/// # Ok::<(), io::Error>(())
/// ```
pub trait Decoder {
    /// What is decoded.
    type Frame;

    /// Decodes the first frame of what is there. It must not wait for more.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](ErrorKind::InvalidData) when the bytes are no frame, or one that is too large. The stream cannot
    /// be decoded any further then.
    fn decode<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Decoded<Self::Frame>>;

    /// Decodes what is left when the stream has ended in good order and `decode` needs more; none if nothing is left.
    ///
    /// # Errors
    ///
    /// [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the stream has ended in the middle of a frame, which is what this
    /// says unless it is overridden.
    fn decode_last<P: Park>(&mut self, input: &mut Consumer<P>) -> io::Result<Option<Self::Frame>> {
        match input.len() {
            0 => Ok(None),
            left => Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                format!("the stream ended in the middle of a frame, of which {left} bytes had come"),
            )),
        }
    }
}

/// Puts frames into a stream of bytes.
pub trait Encoder<T> {
    /// Writes `frame` to `output`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) when the frame cannot be encoded, for example because it is too large;
    /// nothing has been written then.
    fn encode<P: Park>(&mut self, frame: T, output: &mut Producer<P>) -> io::Result<()>;
}

/// The longest frame, in bytes, if nothing else is asked for.
pub const MAX_LENGTH: usize = 8 * 1024 * 1024;

fn too_long(length: usize, most: usize, kind: ErrorKind) -> io::Error {
    let text = format!("a frame of {length} bytes is over the limit of {most}; max_length sets another");
    io::Error::new(kind, text)
}
