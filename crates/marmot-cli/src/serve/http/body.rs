//! The body of a request: nobody wants it, but the next request begins where it ends.
//!
//! A body is fed in pieces of any size and says how much of each it took. The chunked form is read strictly (RFC 9112, section
//! 7.1): a size is hexadecimal digits and nothing else, a line ends with a carriage return and a line feed, and what the sender
//! adds beside the data (chunk extensions and trailer fields) is limited.

use super::head::Framing;
use super::status::Status;

/// The longest body that is read.
pub const MAX_BODY: u64 = 16 * 1024 * 1024;
/// The most bytes of chunk extensions and trailer fields together.
const MAX_EXTRA: usize = 8 * 1024;
/// The most digits of a chunk's size, leading zeros included.
const MAX_DIGITS: u32 = 16;

/// What is left of a body.
#[derive(Debug)]
pub struct Body {
    state: State,
    /// The data so far, of a chunked body.
    total: u64,
    /// The bytes beside the data so far.
    extra: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// So many bytes, and then nothing.
    Rest(u64),
    /// The size of a chunk.
    Size { size: u64, digits: u32 },
    /// Behind the size, up to the end of the line.
    Extension { size: u64 },
    /// The line feed behind a size.
    SizeEnd { size: u64 },
    /// So many bytes of a chunk.
    Data(u64),
    /// The carriage return behind a chunk.
    DataReturn,
    /// The line feed behind a chunk.
    DataEnd,
    /// The beginning of a line behind the last chunk.
    LineStart,
    /// The inside of a trailer field.
    Line,
    /// The line feed behind a trailer field.
    LineEnd,
    /// The line feed of the empty line.
    LastEnd,
    /// Nothing is left.
    Done,
}

impl Body {
    /// A body that is still to come.
    ///
    /// # Errors
    ///
    /// When it is known to be too long.
    pub fn new(framing: Framing) -> Result<Body, Status> {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) if length > MAX_BODY => return Err(Status::ContentTooLarge),
            Framing::Length(length) => State::Rest(length),
            Framing::Chunked => State::Size { size: 0, digits: 0 },
        };
        Ok(Body { state, total: 0, extra: 0 })
    }

    /// Whether all of it has been taken.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what belongs to the body from the beginning of `bytes`, and says how much that is.
    ///
    /// # Errors
    ///
    /// When the form is broken or the body is too long.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, Status> {
        let mut taken = 0;
        while taken < bytes.len() && !self.is_done() {
            match &mut self.state {
                State::Rest(left) | State::Data(left) => {
                    let step = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - taken);
                    *left -= step as u64;
                    taken += step;
                    if *left == 0 {
                        self.state = if matches!(self.state, State::Rest(_)) { State::Done } else { State::DataReturn };
                    }
                }
                _ => {
                    self.state = self.step(bytes[taken])?;
                    taken += 1;
                }
            }
        }
        Ok(taken)
    }

    /// The state behind one byte of a chunked body's form.
    fn step(&mut self, byte: u8) -> Result<State, Status> {
        let next = match (self.state, byte) {
            (State::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < MAX_DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { size, digits: 1.. } | State::Extension { size }, b'\r') => State::SizeEnd { size },
            (State::Size { size, digits: 1.. }, b';') => self.extra(State::Extension { size })?,
            (State::Extension { size }, _) if is_text(byte) => self.extra(State::Extension { size })?,
            (State::SizeEnd { size: 0 }, b'\n') => State::LineStart,
            (State::SizeEnd { size }, b'\n') => {
                self.total = self.total.saturating_add(size);
                if self.total > MAX_BODY {
                    return Err(Status::ContentTooLarge);
                }
                State::Data(size)
            }
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size { size: 0, digits: 0 },
            (State::LineStart, b'\r') => State::LastEnd,
            // A field has a name, and a folded line is none.
            (State::LineStart, _) if byte.is_ascii_graphic() && byte != b':' => self.extra(State::Line)?,
            (State::Line, b'\r') => State::LineEnd,
            (State::Line, _) if is_text(byte) => self.extra(State::Line)?,
            (State::LineEnd, b'\n') => State::LineStart,
            (State::LastEnd, b'\n') => State::Done,
            _ => return Err(Status::BadRequest),
        };
        Ok(next)
    }

    /// Counts a byte that is not data.
    fn extra(&mut self, next: State) -> Result<State, Status> {
        self.extra += 1;
        if self.extra > MAX_EXTRA { Err(Status::FieldsTooLarge) } else { Ok(next) }
    }
}

/// What may stand in a line.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the text in pieces of each size, and says what was left over behind the body; `None` if it did not end.
    fn rest_of(framing: Framing, text: &str) -> Result<Option<&str>, Status> {
        let mut outcomes = (1..=text.len()).map(|piece| {
            let mut body = Body::new(framing)?;
            let mut place = 0;
            while place < text.len() && !body.is_done() {
                let end = text.len().min(place + piece);
                place += body.take(&text.as_bytes()[place..end])?;
            }
            Ok(body.is_done().then_some(place))
        });
        let first = outcomes.next().expect("the text is not empty");
        assert!(outcomes.all(|outcome| outcome == first), "the size of the pieces matters in {text:?}");
        first.map(|end| end.map(|end| &text[end..]))
    }

    #[test]
    fn a_length_ends_where_it_says() {
        assert_eq!(rest_of(Framing::Length(5), "helloGET"), Ok(Some("GET")));
        assert_eq!(rest_of(Framing::Length(5), "hell"), Ok(None));
        assert!(Body::new(Framing::Length(0)).unwrap().is_done());
        assert_eq!(Body::new(Framing::Length(MAX_BODY + 1)).err(), Some(Status::ContentTooLarge));
    }

    #[test]
    fn chunks_end_with_an_empty_one() {
        assert_eq!(rest_of(Framing::Chunked, "5\r\nhello\r\n0\r\n\r\nGET"), Ok(Some("GET")));
        assert_eq!(
            rest_of(Framing::Chunked, "A;x=\"y\"\r\n0123456789\r\n000\r\nX-Sum: 1\r\nY: \r\n\r\nGET"),
            Ok(Some("GET"))
        );
        assert_eq!(rest_of(Framing::Chunked, "5\r\nhello\r\n0\r\n"), Ok(None));
    }

    #[test]
    fn broken_chunks_are_refused() {
        for text in [
            "\r\n",
            "x\r\n",
            "5 \r\nhello",
            "+5\r\n",
            "0x5\r\n",
            "-1\r\n",
            ";x\r\n",
            "5\nhello\n",
            "5\r\nhelloX",
            "5\r\nhello\n0",
            "5\rhello",
            "0\r\n\n",
            "0\r\n folded: 1\r\n\r\n",
            "0\r\n: 1\r\n",
            "0\r\nX: 1\n\r\n",
            "5;a\rb\r\n",
            "5;\0\r\n",
            "00000000000000005\r\nhello\r\n",
        ] {
            assert_eq!(rest_of(Framing::Chunked, text), Err(Status::BadRequest), "{text:?}");
        }
    }

    #[test]
    fn chunks_have_limits() {
        assert_eq!(rest_of(Framing::Chunked, "ffffffffffffffff\r\n"), Err(Status::ContentTooLarge));
        assert_eq!(rest_of(Framing::Chunked, "1000001\r\n"), Err(Status::ContentTooLarge));
        let mut body = Body::new(Framing::Chunked).unwrap();
        assert_eq!(body.take(format!("1;{}", "x".repeat(MAX_EXTRA)).as_bytes()), Err(Status::FieldsTooLarge));
        let mut body = Body::new(Framing::Chunked).unwrap();
        assert_eq!(body.take(format!("0\r\n{}", "x: y\r\n".repeat(MAX_EXTRA)).as_bytes()), Err(Status::FieldsTooLarge));
        let mut body = Body::new(Framing::Chunked).unwrap();
        let mut chunks = (0..).map(|_| body.take(format!("10000\r\n{}\r\n", "x".repeat(0x10000)).as_bytes()));
        assert_eq!(chunks.position(|outcome| outcome == Err(Status::ContentTooLarge)), Some(256));
    }
}
