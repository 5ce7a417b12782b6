//! Bytes that are easy to check and hard to get right by accident.
//!
//! Every request takes its bytes from another place of one pseudo-random sequence, so an answer that belongs to another
//! request or another connection, or lost a byte in the middle, does not compare equal.

/// The length of the sequence before it repeats.
const PERIOD: usize = 1 << 16;

/// A pseudo-random sequence of bytes, long enough for any request of a given size.
#[derive(Debug)]
pub struct Pattern {
    bytes: Vec<u8>,
    size: usize,
}

impl Pattern {
    /// A sequence for requests of `size` bytes.
    pub fn new(size: usize) -> Pattern {
        // Marsaglia's xorshift generator with the shifts 13, 7, 17 (doi:10.18637/jss.v008.i14).
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut bytes: Vec<u8> = Vec::with_capacity(PERIOD + size);
        for index in 0..PERIOD + size {
            if index < PERIOD {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.push((state >> 32) as u8);
            } else {
                bytes.push(bytes[index - PERIOD]);
            }
        }
        Pattern { bytes, size }
    }

    /// The bytes of request number `sequence` on connection number `connection`.
    pub fn request(&self, connection: usize, sequence: u64) -> &[u8] {
        let start = (connection as u64).wrapping_mul(7919).wrapping_add(sequence.wrapping_mul(97)) % PERIOD as u64;
        &self.bytes[start as usize..][..self.size]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_differ_by_connection_and_by_number() {
        let pattern = Pattern::new(64);
        assert_eq!(pattern.request(3, 9).len(), 64);
        assert_eq!(pattern.request(3, 9), pattern.request(3, 9));
        assert_ne!(pattern.request(3, 9), pattern.request(4, 9));
        assert_ne!(pattern.request(3, 9), pattern.request(3, 10));
    }

    #[test]
    fn requests_longer_than_the_period_wrap_around() {
        let pattern = Pattern::new(PERIOD * 2);
        let request = pattern.request(1, u64::MAX);
        assert_eq!(request[..PERIOD], request[PERIOD..]);
    }
}
