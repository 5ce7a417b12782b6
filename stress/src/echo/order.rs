//! What a client tells the server at the start of a connection: how it wants to be served, and how it ends.

/// How the server serves a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One goroutine that reads and writes.
    Plain,
    /// One that takes its buffer when there is something to read.
    Waiting,
    /// One for each request, started when there is something to read.
    HandedBack,
    /// As `HandedBack`, with a timeout that also starts it.
    Impatient,
    /// One that reads, and another that writes.
    Split,
}

impl Kind {
    pub const ALL: [Kind; 5] = [Kind::Plain, Kind::Waiting, Kind::HandedBack, Kind::Impatient, Kind::Split];
}

/// What the server does when it has echoed as much as it is to echo, or finds the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It finds the end after exactly so many bytes.
    End,
    /// It finds the end, or an error, anywhere: the client tears the connection.
    Torn,
    /// It shuts its writing half down after so many bytes, and finds so many more.
    HalfClose { more: u64 },
    /// It resets the connection after so many bytes.
    Reset,
    /// After so many bytes it waits for more, which never come, until another goroutine closes the connection.
    Close,
}

/// The order of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Of the stream of bytes.
    pub key: u64,
    pub kind: Kind,
    /// Whether the kernel's buffer for what is sent is to be as small as it lets it.
    pub snug: bool,
    pub then: Then,
    /// How many bytes the server echoes; after a torn connection nobody knows.
    pub bytes: u64,
}

/// Its length on the wire.
pub const LENGTH: usize = 32;

impl Order {
    pub fn encode(&self) -> [u8; LENGTH] {
        let (then, more) = match self.then {
            Then::End => (0, 0),
            Then::Torn => (1, 0),
            Then::HalfClose { more } => (2, more),
            Then::Reset => (3, 0),
            Then::Close => (4, 0),
        };
        let how = u64::from_le_bytes([self.kind as u8, u8::from(self.snug), then, 0, 0, 0, 0, 0]);
        let mut bytes = [0; LENGTH];
        for (word, number) in bytes.chunks_exact_mut(8).zip([self.key, how, self.bytes, more]) {
            word.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// # Panics
    ///
    /// If a client cannot have sent this.
    pub fn decode(bytes: &[u8; LENGTH]) -> Order {
        let word = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("a word has eight bytes"));
        let [kind, snug, then, ..] = word(1).to_le_bytes();
        let then = match then {
            0 => Then::End,
            1 => Then::Torn,
            2 => Then::HalfClose { more: word(3) },
            3 => Then::Reset,
            4 => Then::Close,
            _ => panic!("an order is broken: {bytes:?}"),
        };
        Order { key: word(0), kind: Kind::ALL[usize::from(kind)], snug: snug == 1, then, bytes: word(2) }
    }
}

#[cfg(test)]
mod tests;
