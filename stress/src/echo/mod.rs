//! The main attack: connections to an echo server, all of whose bytes are checked in order.
//!
//! Server and clients are goroutines of the same runtime. So many clients call at a time; each of their connections lives
//! by a [plan](plan) that comes from the seed: what is sent in which pieces, how it is read, which deadlines fire, and how
//! it ends. Then the client calls anew, until enough messages have come back.
//!
//! **The account.** A message counts when all of its bytes were written, have come back and were right. Where an end must
//! not lose anything, both sides know how many bytes there are, and miss none; where a connection is torn, a prefix has to
//! be right. The server counts the connections that it has taken and that have ended, and both are as many as the clients
//! have made.

mod board;
mod client;
mod ends;
mod flow;
mod order;
mod pipe;
mod plan;
mod serve;
mod server;

use std::sync::Arc;

use marmot::{JoinHandle, Runtime, go};

pub use board::Board;
pub use client::call;
pub use server::Server;

use crate::ground::Ground;

/// Where a client runs, and where it starts goroutines: on a plain thread, `go` would start another runtime.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    Inside,
    Outside(&'a Runtime),
}

impl Place<'_> {
    pub fn go<T: Send + 'static>(self, f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        match self {
            Place::Inside => go(f),
            Place::Outside(runtime) => runtime.go(f),
        }
    }
}

/// Keeps all clients calling until enough messages have come back; that is the end of the round.
pub fn run(ground: &Arc<Ground>) {
    let clients: Vec<_> = (0..ground.conns)
        .map(|slot| {
            let ground = Arc::clone(ground);
            go(move || keep_calling(&ground, slot))
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("a client has not panicked"));
    ground.end();
}

fn keep_calling(ground: &Arc<Ground>, slot: usize) {
    let mut chance = ground.chance("client", &[slot as u64]);
    for life in 0.. {
        if ground.has_enough() {
            break;
        }
        ground.board.begin(slot, life);
        let (theirs, lives) = (Arc::clone(ground), chance.fork());
        let live = move || call(&theirs, Place::Inside, lives, Some(slot));
        // A life on a goroutine of its own may be another M's.
        if chance.one_in(2) {
            go(live).join().expect("a life has not panicked");
        } else {
            live();
        }
    }
    ground.board.end(slot);
}
