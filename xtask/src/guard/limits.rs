//! The limits, in one place.
//!
//! A limit is what was counted when it was set, and about a tenth more: compilers differ a little, and an instruction here
//! and there is nobody's concern. Whoever makes an operation cheaper lowers its limit with the same change; whoever raises
//! one says in the commit what the instructions are for.

/// Instructions of an operation in user space, on one P.
pub struct Instructions {
    /// The benchmark of `marmot bench` that consists of these operations.
    pub benchmark: &'static str,
    pub what: &'static str,
    /// How many are done in the shorter run: enough that growing queues and first touches do not show.
    pub operations: u64,
    /// The limit on [`ARCHITECTURE`].
    pub at_most: f64,
}

/// Where the limits of instructions were counted. On another architecture the counts are told, and not judged.
pub const ARCHITECTURE: &str = "x86_64";

/// Counted with Rust 1.95: 115, 845, 330, 2,112, 117, 426 and 1,214.
pub const INSTRUCTIONS: [Instructions; 7] = [
    Instructions { benchmark: "switch", what: "yield", operations: 100_000, at_most: 127.0 },
    Instructions { benchmark: "spawn", what: "spawn and join", operations: 20_000, at_most: 860.0 },
    Instructions { benchmark: "pingpong", what: "park/unpark round trip", operations: 20_000, at_most: 410.0 },
    Instructions { benchmark: "read", what: "read-park-ready-read round trip", operations: 5_000, at_most: 2290.0 },
    Instructions { benchmark: "pool", what: "get and put of a pool", operations: 100_000, at_most: 129.0 },
    Instructions {
        benchmark: "channel",
        what: "message through a channel without room",
        operations: 20_000,
        at_most: 450.0,
    },
    Instructions { benchmark: "timer", what: "timer made and stopped", operations: 20_000, at_most: 1336.0 },
];

/// System calls of a round trip between two goroutines of one thread that read from each other: two writes, two reads and
/// two polls. To these comes a poll at every 64th turn of the scheduler, of which a round trip has four: 6.0625.
pub const ROUND_TRIP_CALLS: f64 = 6.1;

/// Round trips in the shorter run.
pub const ROUND_TRIPS: u64 = 2_000;

/// System calls of a server for a request with [`CONNECTIONS`] at once: a read, a write, and a share of a poll.
pub const REQUEST_CALLS: f64 = 2.1;

/// The same with one connection, where nobody shares the poll.
pub const LONE_REQUEST_CALLS: f64 = 3.1;

/// System calls of the proxy for a MiB: two splices for what there is, half a MiB or so, and the polls: 5.4 to 6. By reading and
/// writing with a buffer of 64 KiB it would be 32 and the polls.
pub const PROXY_CALLS: f64 = 10.0;

/// How many MiB it passes on: enough that the start and the end of the process do not show.
pub const PROXY_MIB: usize = 256;

/// How many connections share the poll.
pub const CONNECTIONS: u32 = 50;

/// System calls of a kind for a batch of [`FRAMES`] frames of [`FRAME`] bytes, which comes as one piece.
pub const FRAMES_CALLS: f64 = 1.0;
pub const FRAMES: usize = 16;
pub const FRAME: usize = 64;
