//! `Chunk`: bytes that stay where they are.

use std::fmt;
use std::ops::{Deref, RangeBounds};

use super::node::NodeRef;

/// Bytes taken out of a buffer without copying them, or anybody's bytes to be put into one.
///
/// It is cheap to clone and may go to any thread. It keeps the node that its bytes are in, which is used again when the
/// last chunk of it has gone: a small chunk that is kept for long keeps a whole node, and what is kept for long should
/// be copied (`to_vec`).
///
/// # Examples
///
/// ```
/// use marmot_buf::Chunk;
///
/// let chunk = Chunk::from(b"hello world".to_vec());
/// let word = chunk.slice(6..);
/// drop(chunk);
/// assert_eq!(&*word, b"world");
/// ```
pub struct Chunk {
    node: NodeRef,
    start: usize,
    end: usize,
}

impl Chunk {
    /// Takes over a reference to the node, whose bytes from `start` to `end` are published.
    pub(super) fn new(node: NodeRef, start: usize, end: usize) -> Chunk {
        Chunk { node, start, end }
    }

    /// A chunk of somebody's bytes, which are kept and not copied.
    ///
    /// The owner is dropped by whoever drops the last chunk, or drains the buffer that it was put into, in the middle of that: what
    /// drains a buffer into a connection has the connection to itself meanwhile. So the owner's destructor must not wait, and must
    /// not use the buffer, nor what the bytes are written to: it would wait for itself. Let it tell another task that the bytes have
    /// gone.
    pub fn from_owner<T: AsRef<[u8]> + Send + 'static>(owner: T) -> Chunk {
        let node = NodeRef::foreign(owner);
        let end = node.end();
        Chunk { node, start: 0, end }
    }

    /// A part of the chunk, which shares its bytes.
    ///
    /// # Panics
    ///
    /// If the range is not inside the chunk.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Chunk {
        let bounds = (range.start_bound().cloned(), range.end_bound().cloned());
        let part = &self[bounds];
        let start = self.start + (part.as_ptr().addr() - self.as_ptr().addr());
        let end = start + part.len();
        Chunk { node: self.node.share(), start, end }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the bytes were published when the chunk was made, and it has a reference to the node.
        unsafe { self.node.published(self.start, self.end) }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Chunk {
        Chunk { node: self.node.share(), start: self.start, end: self.end }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the chunk has a reference, and ends here.
        unsafe { self.node.release() };
    }
}

impl From<Vec<u8>> for Chunk {
    fn from(bytes: Vec<u8>) -> Chunk {
        Chunk::from_owner(bytes)
    }
}

impl From<String> for Chunk {
    fn from(text: String) -> Chunk {
        Chunk::from_owner(text)
    }
}

impl From<Box<[u8]>> for Chunk {
    fn from(bytes: Box<[u8]>) -> Chunk {
        Chunk::from_owner(bytes)
    }
}

impl From<&'static [u8]> for Chunk {
    fn from(bytes: &'static [u8]) -> Chunk {
        Chunk::from_owner(bytes)
    }
}

impl From<&'static str> for Chunk {
    fn from(text: &'static str) -> Chunk {
        Chunk::from_owner(text)
    }
}

/// Without copying: the chunk becomes the owner of the bytes.
#[cfg(feature = "bytes")]
impl From<Chunk> for bytes::Bytes {
    fn from(chunk: Chunk) -> bytes::Bytes {
        bytes::Bytes::from_owner(chunk)
    }
}

/// Without copying.
#[cfg(feature = "bytes")]
impl From<bytes::Bytes> for Chunk {
    fn from(bytes: bytes::Bytes) -> Chunk {
        Chunk::from_owner(bytes)
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Chunk {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Chunk {}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}
