//! The client's side of a connection, from its beginning to its end.

use std::io::{self, Write};
use std::sync::Arc;

use marmot::net::TcpStream;
use socket2::SockRef;

use super::Place;
use super::board::Step;
use super::ends;
use super::flow::{Receiving, Sending};
use super::plan::Plan;
use crate::chance::Chance;
use crate::counts::What;
use crate::ground::Ground;

/// The most messages that are sent before the first of them is received, and the most bytes.
const BATCH: usize = 16;
const BATCH_BYTES: usize = 16 * 1024;

/// A connection and its plan.
pub struct Call<'a> {
    pub ground: &'a Arc<Ground>,
    pub place: Place<'a>,
    pub slot: Option<usize>,
    pub plan: Plan,
    pub chance: Chance,
}

/// Makes one connection and leads it to its end. A plain thread does so, too.
pub fn call(ground: &Arc<Ground>, place: Place<'_>, mut chance: Chance, slot: Option<usize>) {
    let plan = Plan::draw(&mut chance);
    if chance.one_in(16) {
        knock(ground, &mut chance);
    }
    ground.board.note_plan(slot, &plan);
    let (end, duplex) = (plan.end, plan.duplex);
    let mut call = Call { ground, place, slot, plan, chance };
    let lived = call.connect().and_then(|conn| {
        if duplex {
            call.send_and_receive(&conn)?
        } else {
            call.take_turns(&conn)?
        }
        call.note(Step::Ending);
        ends::end(&mut call, conn)
    });
    if let Err(e) = lived {
        panic!("a connection has failed, whose end was to be {end:?}: {e}; its plan was {:?}", call.plan);
    }
}

/// Connects and goes away at once, without a word.
fn knock(ground: &Ground, chance: &mut Chance) {
    let conn = TcpStream::connect(ground.server.address(chance)).expect("the server listens");
    if chance.one_in(2) {
        ends::reset(conn).expect("a connection can be reset");
    }
    ground.count(What::Knocks, 1);
}

impl Call<'_> {
    pub fn note(&self, step: Step) {
        self.ground.board.note(self.slot, step);
    }

    fn connect(&mut self) -> io::Result<TcpStream> {
        let mut conn = TcpStream::connect(self.ground.server.address(&mut self.chance))?;
        self.ground.count(What::Connections, 1);
        // Otherwise the kernel holds small messages back, and all of this takes long for nothing.
        conn.set_nodelay(true)?;
        if self.plan.snug {
            shrink_buffer(&conn)?;
        }
        conn.write_all(&self.plan.order().encode())?;
        Ok(conn)
    }

    /// Sends a few messages, receives them, and so on.
    fn take_turns(&mut self, conn: &TcpStream) -> io::Result<()> {
        let (key, place) = (self.plan.key, self.place);
        let mut sending = Sending { ground: self.ground, conn, key, sent: 0, chance: self.chance.fork() };
        let mut receiving = Receiving::new(self.ground, conn, key, 0, self.chance.fork());
        let mut sizes = &self.plan.sizes[..];
        while !sizes.is_empty() {
            let batch = sizes.split_at(batch(&mut self.chance, sizes, self.plan.snug));
            self.note(Step::Sending);
            sending.send(batch.0.iter().sum())?;
            self.note(Step::Receiving);
            receiving.receive_messages(batch.0)?;
            sizes = batch.1;
            // After the last of them, the server's end may be on its way.
            if !sizes.is_empty() && self.chance.one_in(64) {
                self.note(Step::InVain);
                receiving.wait_in_vain(place)?;
            }
        }
        Ok(())
    }

    /// Lets another goroutine send all messages, and receives them at the same time.
    fn send_and_receive(&mut self, conn: &TcpStream) -> io::Result<()> {
        self.note(Step::Both);
        let (clone, ground, key) = (conn.try_clone()?, Arc::clone(self.ground), self.plan.key);
        let (sizes, mut chance) = (self.plan.sizes.clone(), self.chance.fork());
        let sender = self.place.go(move || {
            if chance.one_in(2) {
                // It fires when the other side does not read for a moment, and nothing is lost.
                clone.set_write_timeout(Some(chance.micros(500)))?;
            }
            let mut sending = Sending { ground: &ground, conn: &clone, key, sent: 0, chance };
            sizes.iter().try_for_each(|size| sending.send(*size))?;
            clone.set_write_timeout(None)
        });
        let mut receiving = Receiving::new(self.ground, conn, key, 0, self.chance.fork());
        receiving.receive_messages(&self.plan.sizes)?;
        sender.join().expect("the sender has not panicked")
    }
}

/// How many of the next messages are sent at once: mostly one.
fn batch(chance: &mut Chance, sizes: &[usize], snug: bool) -> usize {
    if snug || !chance.one_in(4) {
        return 1;
    }
    let mut bytes = 0;
    let wanted = sizes.iter().take(chance.up_to(BATCH));
    let fitting = wanted.take_while(|size| {
        bytes += **size;
        bytes <= BATCH_BYTES
    });
    fitting.count().max(1)
}

/// Makes the kernel's buffer for what is sent as small as it lets it. That for what is received stays as it is: over the
/// loopback interface, whose packets are large, a small one makes TCP wait for its retransmissions.
pub fn shrink_buffer(conn: &TcpStream) -> io::Result<()> {
    SockRef::from(conn).set_send_buffer_size(1)
}
