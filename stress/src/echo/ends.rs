//! How a client's connections end. Each end says what must have come by then.

use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use marmot::JoinHandle;
use marmot::net::TcpStream;
use socket2::SockRef;

use super::client::Call;
use super::flow::{Receiving, Sending};
use super::plan::End;
use crate::counts::What;

/// Ends the connection as its plan says. All of the plan's messages but the tail have come back.
pub fn end(call: &mut Call<'_>, conn: TcpStream) -> io::Result<()> {
    let what = match call.plan.end {
        End::Clean => {
            drop(conn);
            What::Clean
        }
        End::HalfClose => half_close(call, conn)?,
        End::ServerHalfClose => server_half_close(call, conn)?,
        End::Reset => {
            send_tail(call, &conn)?;
            reset(conn)?;
            What::Resets
        }
        End::ServerReset => server_reset(call, conn)?,
        End::Close => close(call, conn)?,
        End::CloseInWrite => close_in_write(call, conn)?,
        End::ServerClose => {
            receiving(call, &conn).expect_end();
            What::ServerCloses
        }
        End::HandOver => hand_over(call, conn)?,
    };
    call.ground.count(what, 1);
    Ok(())
}

/// Closes the connection so that the other end is reset.
pub fn reset(conn: TcpStream) -> io::Result<()> {
    SockRef::from(&conn).set_linger(Some(Duration::ZERO))?;
    drop(conn);
    Ok(())
}

fn send_tail(call: &mut Call<'_>, conn: &TcpStream) -> io::Result<()> {
    let (key, sent) = (call.plan.key, call.plan.before_end());
    let mut sending = Sending { ground: call.ground, conn, key, sent, chance: call.chance.fork() };
    sending.send(call.plan.tail.iter().sum())
}

fn half_close(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    send_tail(call, &conn)?;
    conn.shutdown(Shutdown::Write)?;
    let mut receiving = receiving(call, &conn);
    receiving.receive_messages(&call.plan.tail)?;
    receiving.expect_end();
    Ok(What::HalfCloses)
}

fn server_half_close(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    receiving(call, &conn).expect_end();
    let (key, sent) = (call.plan.key, call.plan.before_end());
    let mut sending = Sending { ground: call.ground, conn: &conn, key, sent, chance: call.chance.fork() };
    sending.send(call.plan.extra)?;
    Ok(What::ServerHalfCloses)
}

fn server_reset(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    let kind = match send_tail(call, &conn) {
        Err(e) => e.kind(),
        Ok(()) => {
            let most = call.plan.before_end() + call.plan.extra as u64;
            let mut receiving = receiving(call, &conn);
            let error = receiving.receive_to(u64::MAX).expect_err("a stream has no such length");
            assert!(receiving.seen <= most, "more bytes have come than were sent before the reset");
            error.kind()
        }
    };
    let expected = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(expected.contains(&kind), "what a client sees of a reset is {kind:?}");
    Ok(What::ServerResets)
}

fn close(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    send_tail(call, &conn)?;
    let closer = close_soon(call, &conn)?;
    let mut receiving = receiving(call, &conn);
    let most = call.plan.before_end() + call.plan.tail.iter().sum::<usize>() as u64;
    let error = receiving.receive_to(u64::MAX).expect_err("a stream has no such length");
    // A read that was in the system call at the time finds the end.
    let expected = [ErrorKind::NotConnected, ErrorKind::UnexpectedEof];
    assert!(expected.contains(&error.kind()), "what a reader sees of a close is {error:?}");
    assert!(receiving.seen <= most, "more bytes have come than were sent");
    closed(&conn, closer)?;
    Ok(What::Closes)
}

fn close_in_write(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    let closer = close_soon(call, &conn)?;
    let (key, sent) = (call.plan.key, call.plan.before_end());
    let mut sending = Sending { ground: call.ground, conn: &conn, key, sent, chance: call.chance.fork() };
    let error = loop {
        // Nobody reads what comes back, so it soon waits for room.
        if let Err(e) = sending.send(1 << 16) {
            break e;
        }
    };
    // A write that was in the system call at the time finds the half shut down.
    let expected = [ErrorKind::NotConnected, ErrorKind::BrokenPipe];
    assert!(expected.contains(&error.kind()), "what a writer sees of a close is {error:?}");
    closed(&conn, closer)?;
    Ok(What::ClosesInWrite)
}

fn hand_over(call: &mut Call<'_>, conn: TcpStream) -> io::Result<What> {
    let (clone, ground, plan) = (conn.try_clone()?, Arc::clone(call.ground), call.plan.clone());
    let chance = call.chance.fork();
    let reader = call
        .place
        .go(move || Receiving::new(&ground, &clone, plan.key, plan.before_end(), chance).receive_messages(&plan.tail));
    send_tail(call, &conn)?;
    drop(conn);
    reader.join().expect("the reader has not panicked")?;
    Ok(What::HandedOver)
}

fn receiving<'a: 'b, 'b>(call: &mut Call<'a>, conn: &'b TcpStream) -> Receiving<'b> {
    let (key, seen) = (call.plan.key, call.plan.before_end());
    Receiving::new(call.ground, conn, key, seen, call.chance.fork())
}

/// Another goroutine that closes the connection in a while.
fn close_soon(call: &mut Call<'_>, conn: &TcpStream) -> io::Result<JoinHandle<io::Result<()>>> {
    let (clone, delay) = (conn.try_clone()?, call.chance.micros(2000));
    Ok(call.place.go(move || {
        marmot::sleep(delay);
        clone.close()
    }))
}

/// Asserts that the connection is closed for good. That the waiter has come here at all shows that it was woken.
fn closed(mut conn: &TcpStream, closer: JoinHandle<io::Result<()>>) -> io::Result<()> {
    closer.join().expect("the closer has not panicked")?;
    let kind = |result: io::Result<usize>| result.map_err(|e| e.kind());
    assert_eq!(kind(conn.peek(&mut [0])), Err(ErrorKind::NotConnected), "a read after a close");
    assert_eq!(kind(conn.write(&[0])), Err(ErrorKind::NotConnected), "a write after a close");
    Ok(())
}
