//! A server that stops gracefully: it takes no new connections, lets those that there are finish, and cuts those that take too
//! long.
//!
//! `cargo run --release --example graceful`, then `nc 127.0.0.1 7003`. The Enter key stands for the signal that stops a service.
//!
//! There are two contexts. The one under which the server is started says when to stop, and only accepting observes it. The
//! connections work under another, which is cancelled when the grace period is over.

use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use marmot::context::{self, Context};
use marmot::net::{TcpListener, TcpStream};
use marmot::time;

/// How the connections have ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Because the client had nothing more to say.
    pub finished: AtomicUsize,
    /// By an error.
    pub failed: AtomicUsize,
    /// At the end of the grace period.
    pub cut: AtomicUsize,
}

/// Serves until the caller's context ends, and for `grace` at most after that.
pub fn serve(listener: TcpListener, grace: Duration) -> Ended {
    let ended = Ended::default();
    let stop = Context::current();
    let (connections, cut) = stop.without_cancel().with_cancel();
    let timer = connections.run(|| {
        marmot::scope(|s| {
            while let Some(conn) = accept(&listener, &stop) {
                s.go(|| ended.count(echo(conn)));
            }
            // Who comes now is refused, and does not wait for an answer.
            drop(listener);
            time::after_func(grace, move || cut.cancel_with_cause("the server stops"))
            // The scope ends with the last connection.
        })
    });
    timer.stop();
    ended
}

/// The next connection, until `stop` ends.
fn accept(listener: &TcpListener, stop: &Context) -> Option<TcpStream> {
    loop {
        match stop.run(|| listener.accept()) {
            Ok((conn, _)) => return Some(conn),
            Err(_) if stop.err().is_some() => return None,
            Err(error) => {
                // There may be too many open files, for example. That passes.
                eprintln!("no connection could be accepted: {error}");
                stop.run(|| marmot::sleep(Duration::from_millis(10)));
            }
        }
    }
}

/// Answers lines with lines, until there are no more.
fn echo(conn: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = (BufReader::new(&conn), &conn);
    for line in reader.lines() {
        writeln!(writer, "you said: {}", line?)?;
    }
    Ok(())
}

impl Ended {
    fn count(&self, result: io::Result<()>) {
        let counter = match result {
            Ok(()) => &self.finished,
            Err(error) if context::Error::of(&error).is_some() => &self.cut,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:7003")?;
    let (context, stop) = Context::current().with_cancel();
    let server = context.run(|| marmot::go(move || serve(listener, Duration::from_secs(5))));
    println!("press Enter to stop");
    marmot::blocking(|| io::stdin().read_line(&mut String::new()))?;
    stop.cancel();
    println!("{:?}", server.join().expect("the server does not panic"));
    Ok(())
}
