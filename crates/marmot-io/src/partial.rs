//! `Partial`: an error that says how far it got.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use marmot_buf::Counted;

/// An error, and how many bytes had been moved before it. It turns into the plain [`io::Error`] where `?` asks for one; the
/// count is lost then, unless the error keeps it ([`Counted`](crate::Counted)).
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
///
/// let mut block = [0; 8];
/// let torn = marmot_io::read_full(&mut &b"abc"[..], &mut block).unwrap_err();
/// assert_eq!((torn.moved, torn.kind()), (3, ErrorKind::UnexpectedEof));
/// assert_eq!(block[..3], *b"abc");
/// ```
#[derive(Debug)]
pub struct Partial {
    /// How many bytes had arrived where they were to go.
    pub moved: u64,
    /// What ended it.
    pub error: io::Error,
}

impl Partial {
    /// The kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    /// Whether the reader had simply ended, before the first of the bytes that were asked for.
    ///
    /// This is Go's `EOF`, as opposed to its `ErrUnexpectedEOF`: the kind of both is
    /// [`UnexpectedEof`](ErrorKind::UnexpectedEof), but one is how a stream of records should end, and the other is a
    /// record that was cut off. A reader's own error of that kind is not taken for the end, unless what it hands on is one.
    ///
    /// # Examples
    ///
    /// ```
    /// fn count_pairs(mut reader: impl std::io::Read) -> std::io::Result<usize> {
    ///     for count in 0.. {
    ///         match marmot_io::read_full(&mut reader, &mut [0; 2]) {
    ///             Ok(_) => {}
    ///             Err(partial) if partial.is_end() => return Ok(count),
    ///             Err(partial) => return Err(partial.into()),
    ///         }
    ///     }
    ///     unreachable!()
    /// }
    ///
    /// assert_eq!(count_pairs(&b"aabbcc"[..])?, 3);
    /// assert!(count_pairs(&b"aabbc"[..]).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_end(&self) -> bool {
        self.moved == 0 && self.error.get_ref().is_some_and(|inner| inner.is::<End>())
    }

    /// The error of a reader that ended after `moved` bytes when more were needed: [`is_end`](Partial::is_end) if there were
    /// none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use marmot_io::Partial;
    ///
    /// assert!(Partial::ended(0).is_end());
    /// let torn = Partial::ended(3);
    /// assert!(!torn.is_end());
    /// assert_eq!((torn.moved, torn.kind()), (3, ErrorKind::UnexpectedEof));
    /// ```
    pub fn ended(moved: u64) -> Partial {
        let error = match moved {
            0 => io::Error::new(ErrorKind::UnexpectedEof, End),
            _ => ErrorKind::UnexpectedEof.into(),
        };
        Partial { moved, error }
    }

    /// The plain error for a [`Read::read_exact`](std::io::Read::read_exact), to which every end comes too early: after it
    /// [`is_end`](Partial::is_end) does not hold for whoever hands it on.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, Read};
    ///
    /// struct Reader(&'static [u8]);
    ///
    /// impl Read for Reader {
    ///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
    ///         self.0.read(buf)
    ///     }
    ///
    ///     fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
    ///         marmot_io::read_full(self, buf).map(drop).map_err(marmot_io::Partial::too_early)
    ///     }
    /// }
    ///
    /// let error = Reader(b"").read_exact(&mut [0; 4]).unwrap_err();
    /// assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    /// ```
    pub fn too_early(self) -> io::Error {
        if self.is_end() {
            return io::Error::new(ErrorKind::UnexpectedEof, "the end came before the buffer was full");
        }
        self.into()
    }
}

/// What the error of a reader that ended in time carries.
#[derive(Debug)]
struct End;

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader has ended")
    }
}

impl Error for End {}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} bytes)", self.error, self.moved)
    }
}

impl Error for Partial {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Partial> for io::Error {
    fn from(partial: Partial) -> io::Error {
        Counted::tell(partial.error, partial.moved)
    }
}
