//! What becomes of a connection: all of it comes from chance, before the connection is made.

use super::order::{Kind, Order, Then};
use crate::chance::Chance;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything has come back when the client drops it.
    Clean,
    /// The client shuts its writing half down, and everything that is on its way comes back, and then the end.
    HalfClose,
    /// The server shuts its writing half down, and everything that the client writes after that arrives, and then the end.
    ServerHalfClose,
    /// The client resets it in the middle.
    Reset,
    /// The server resets it in the middle.
    ServerReset,
    /// Another goroutine closes it while the client waits for bytes.
    Close,
    /// Another goroutine closes it while the client waits for room.
    CloseInWrite,
    /// A goroutine of the server closes it while the server waits for bytes.
    ServerClose,
    /// The client drops its handle while another goroutine reads by a clone, and everything comes back to that.
    HandOver,
}

impl End {
    pub const ALL: [End; 9] = [
        End::Clean,
        End::HalfClose,
        End::ServerHalfClose,
        End::Reset,
        End::ServerReset,
        End::Close,
        End::CloseInWrite,
        End::ServerClose,
        End::HandOver,
    ];
}

/// The longest message that is answered before the next is sent: it fits the kernel's buffers, whatever the server does.
const LONGEST_ALONE: usize = 12 * 1024;

/// The most that is on its way without anybody who reads.
const MOST_UNREAD: usize = 16 * 1024;

/// The same when the kernel's buffers are small.
const MOST_UNREAD_SNUG: usize = 1024;

/// The plan of a connection.
#[derive(Clone, Debug)]
pub struct Plan {
    pub key: u64,
    pub kind: Kind,
    pub end: End,
    /// One goroutine sends all messages, and another receives them at the same time.
    pub duplex: bool,
    /// The kernel's buffers for what is sent are as small as it lets them.
    pub snug: bool,
    /// The sizes of the messages that come back before the end is begun.
    pub sizes: Vec<usize>,
    /// The sizes of those that are on their way when it is.
    pub tail: Vec<usize>,
    /// How many bytes follow the server's half-close, or come back before its reset.
    pub extra: usize,
}

impl Plan {
    pub fn draw(chance: &mut Chance) -> Plan {
        // The ordinary ends come more often.
        let end = if chance.one_in(4) { End::Clean } else { chance.pick(&End::ALL) };
        let duplex = chance.one_in(5);
        let snug = end == End::CloseInWrite || (duplex && chance.one_in(2));
        // Mostly short lives, and some long ones: 1 to 512, about 50 on average.
        let most = 1 << chance.below(10);
        let messages = chance.up_to(most);
        let longest = if duplex { 48 * 1024 } else { LONGEST_ALONE };
        let sizes = if snug && !duplex {
            (0..messages.min(20)).map(|_| chance.up_to(MOST_UNREAD_SNUG)).collect()
        } else {
            (0..messages).map(|_| size(chance, longest)).collect()
        };
        let most = if snug { MOST_UNREAD_SNUG } else { MOST_UNREAD };
        let tail = match end {
            End::Clean | End::ServerHalfClose | End::CloseInWrite | End::ServerClose => Vec::new(),
            // Nothing is on its way, or a few.
            End::Close if chance.one_in(2) => Vec::new(),
            _ => tail(chance, most),
        };
        let extra = match end {
            // At least one: the client sends it when all before it has come back, and so the reset destroys none of that.
            End::ServerReset => chance.up_to(tail.iter().sum()),
            _ => chance.up_to(most),
        };
        Plan { key: chance.next(), kind: chance.pick(&Kind::ALL), end, duplex, snug, sizes, tail, extra }
    }

    /// The bytes that come back before the end is begun.
    pub fn before_end(&self) -> u64 {
        self.sizes.iter().sum::<usize>() as u64
    }

    pub fn order(&self) -> Order {
        let (answered, tail) = (self.before_end(), self.tail.iter().sum::<usize>() as u64);
        let (then, bytes) = match self.end {
            End::Clean | End::HalfClose | End::HandOver => (Then::End, answered + tail),
            End::ServerHalfClose => (Then::HalfClose { more: self.extra as u64 }, answered),
            End::ServerReset => (Then::Reset, answered + self.extra as u64),
            End::ServerClose => (Then::Close, answered),
            End::Reset | End::Close | End::CloseInWrite => (Then::Torn, u64::MAX),
        };
        Order { key: self.key, kind: self.kind, snug: self.snug, then, bytes }
    }
}

/// Mostly small, some large.
fn size(chance: &mut Chance, longest: usize) -> usize {
    let most = match chance.below(100) {
        0..75 => 128,
        75..93 => 1024,
        93..99 => 8 * 1024,
        _ => longest,
    };
    chance.up_to(most)
}

fn tail(chance: &mut Chance, most: usize) -> Vec<usize> {
    let mut left = most;
    let mut tail = Vec::new();
    for _ in 0..chance.up_to(8) {
        let size = size(chance, most).min(most / 4);
        if size > left {
            break;
        }
        left -= size;
        tail.push(size);
    }
    tail
}
