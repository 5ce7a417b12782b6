//! The bytes that go over connections: a function of the connection's key and the offset in its stream.
//!
//! So every byte can be checked wherever it arrives, and neither end keeps what is on its way. All streams are windows of
//! one table of random bytes that repeats itself; the key says where in it a stream begins. A byte that is lost, doubled,
//! out of order or another connection's shows within a few bytes. What the table cannot tell is a loss of exactly
//! [`PERIOD`] bytes: the count of bytes at the end of a connection does.

use std::sync::LazyLock;

use crate::chance::Chance;

/// After so many bytes a stream repeats itself. A prime: no buffer's or packet's size divides it.
const PERIOD: usize = 65_521;

/// The bytes do not depend on the seed: what is to vary is where streams begin.
static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut chance = Chance::of(0, "contents", &[]);
    let mut table: Vec<u8> = (0..PERIOD).map(|_| chance.next() as u8).collect();
    // Twice, so that a piece seldom ends early.
    table.extend_from_within(..);
    table
});

/// `length` bytes of the stream with this key, from `offset` on; or fewer, if the table ends there.
pub fn piece(key: u64, offset: u64, length: usize) -> &'static [u8] {
    let start = ((key % PERIOD as u64 + offset % PERIOD as u64) % PERIOD as u64) as usize;
    &TABLE[start..TABLE.len().min(start + length)]
}

/// Asserts that `bytes` are those of the stream with this key, from `offset` on.
pub fn check(key: u64, mut offset: u64, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let expected = piece(key, offset, bytes.len());
        let (now, later) = bytes.split_at(expected.len());
        if now != expected {
            let at = (0..now.len()).find(|&i| now[i] != expected[i]).expect("unequal slices differ somewhere");
            panic!(
                "the stream {key:#x} is broken: its byte {} is {} and should be {}",
                offset + at as u64,
                now[at],
                expected[at]
            );
        }
        offset += now.len() as u64;
        bytes = later;
    }
}

#[cfg(test)]
mod tests;
