//! The profiles under `/debug/pprof/`, and in files.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use marmot_pprof::http::{Endpoints, Page};
use marmot_pprof::raw::Profile;
use marmot_pprof::text;
use marmot_runtime::context::Context;
use marmot_runtime::net::{TcpListener, TcpStream, ToSocketAddrs};
use marmot_runtime::{Builder, blocking, profile, sleep, sleep_or_cancelled};

use super::{allocs, block, goroutine, heap, mutex, take, threadcreate};

type Take = fn() -> io::Result<Profile>;

/// The profiles that are there at any time.
const PROFILES: [(&str, &str, Take); 6] = [
    ("heap", "Memory that is in use, by the line that allocated it, and all that has been.", heap),
    ("allocs", "All that has been allocated since the start, by line.", allocs),
    ("goroutine", "Every goroutine: its stack, what it waits for, its labels. debug=2 lists them one by one.", || {
        Ok(goroutine())
    }),
    ("block", "Where goroutines have waited for others, and for how long; pprof::set_block_rate turns it on.", || {
        Ok(block())
    }),
    (
        "mutex",
        "Lines that let locks go for which others waited; pprof::set_mutex_fraction turns it on.",
        || Ok(mutex()),
    ),
    ("threadcreate", "Where the runtime's threads were made.", || Ok(threadcreate())),
];

/// How long a client of [`serve`] may be silent, or take nothing of an answer.
const IDLE: Duration = Duration::from_secs(120);

/// The pause after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens on `addr` and serves the profiles of this process there, under `/debug/pprof/`, as long as the process lives.
/// Returns the address, for a port of 0.
///
/// A profile over a time ends when its client leaves. Nothing of this works under the caller's [context](crate::context).
///
/// Profiles tell much of a program, and taking them costs time: listen on an address that only you can reach.
///
/// # Errors
///
/// If the address cannot be listened on.
///
/// # Blocking
///
/// G, while a host name is resolved. Goroutines of its own serve, and what takes long, such as looking up functions and lines, is done
/// on spare threads.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// let addr = marmot::pprof::serve("127.0.0.1:0")?;
///
/// let mut conn = marmot::net::TcpStream::connect(addr)?;
/// conn.write_all(b"GET /debug/pprof/goroutine?debug=2 HTTP/1.0\r\n\r\n")?;
/// let mut text = String::new();
/// conn.read_to_string(&mut text)?;
/// assert!(text.contains("'pprof'"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(addr: impl ToSocketAddrs) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(addr)?;
    let addr = listener.local_addr()?;
    let accepts = move || {
        for conn in listener.incoming() {
            match conn {
                Ok(conn) => drop(Builder::new().name("pprof client").spawn(move || handle(conn))),
                // There are too many connections, or the runtime is being shut down, after which there are no more.
                Err(_) => sleep(PAUSE),
            }
        }
    };
    Context::background().run(|| Builder::new().name("pprof").spawn(accepts))?;
    Ok(addr)
}

fn handle(mut conn: TcpStream) {
    let timeouts = conn.set_read_timeout(Some(IDLE)).and_then(|()| conn.set_write_timeout(Some(IDLE)));
    // A client that fails harms nobody else.
    let _ = timeouts.and_then(|()| {
        let watch = Watch::new(conn.try_clone()?);
        let served = shared().handle_while(&mut conn, &|| watch.is_there());
        // Also for who watches it.
        conn.close().and(served)
    });
}

/// Whether the client of a connection is still there. While nobody asks, nobody looks.
struct Watch {
    conn: TcpStream,
    state: Arc<AtomicU8>,
}

/// The states of a [`Watch`]: nobody looks; a goroutine waits for bytes, or for the end; the client has gone.
const IDLY: u8 = 0;
const WATCHED: u8 = 1;
const GONE: u8 = 2;

impl Watch {
    fn new(conn: TcpStream) -> Watch {
        Watch { conn, state: Arc::new(AtomicU8::new(IDLY)) }
    }

    /// For whoever reads the connection, while it does not: the goroutine that looks has the turn to read until the client sends
    /// something, which is the next request, or leaves.
    fn is_there(&self) -> bool {
        if self.state.load(Relaxed) == IDLY {
            self.state.store(WATCHED, Relaxed);
            let (state, conn) = (Arc::clone(&self.state), self.conn.try_clone());
            let watch = move || {
                let looked = loop {
                    match conn.as_ref().map(|conn| conn.peek(&mut [0])) {
                        Ok(Err(e)) if e.kind() == io::ErrorKind::TimedOut => {}
                        Ok(looked) => break looked,
                        // Nothing is known of it.
                        Err(_) => break Ok(1),
                    }
                };
                state.store(if matches!(looked, Ok(1..)) { IDLY } else { GONE }, Relaxed);
            };
            // If it cannot be had, there is a next time.
            if Builder::new().name("pprof watch").spawn(watch).is_err() {
                self.state.store(IDLY, Relaxed);
            }
        }
        self.state.load(Relaxed) != GONE
    }
}

fn shared() -> &'static Endpoints {
    static ENDPOINTS: OnceLock<Endpoints> = OnceLock::new();
    ENDPOINTS.get_or_init(endpoints)
}

/// What answers requests under `/debug/pprof/`, for a server of your own: see [`respond`](Endpoints::respond) and
/// [`handle`](Endpoints::handle).
///
/// # Examples
///
/// ```
/// let answer = marmot::pprof::endpoints().respond("GET", "/debug/pprof/");
/// assert_eq!(answer.status, 200);
/// ```
pub fn endpoints() -> Endpoints {
    let waits = |time| {
        sleep_or_cancelled(time)?;
        Ok(())
    };
    let endpoints = Endpoints::new(waits).compute(|compute| blocking(compute)).page(Page::recording_while(
        "profile",
        "What computes, by function, line and labels; seconds=N says for how long to look.",
        take::cpu_while,
    ));
    PROFILES.into_iter().fold(endpoints, |endpoints, (name, description, take)| {
        endpoints.page(match name {
            "goroutine" => {
                let count = || profile::goroutines().goroutines.len();
                Page::snapshot(name, description, take).text(traceback).count(count)
            }
            "threadcreate" => Page::snapshot(name, description, take).count(|| profile::threads().alive.len()),
            _ => Page::snapshot(name, description, take),
        })
    })
}

/// The text of all goroutines one by one, which `debug=2` asks for.
fn traceback(debug: u32) -> Option<io::Result<String>> {
    (debug >= 2).then(|| {
        let goroutines = take::goroutines(&profile::goroutines());
        Ok(blocking(|| text::goroutines(&goroutines)))
    })
}

/// Takes a profile and writes it to a file, for `go tool pprof` and `marmot profile advise`: `heap`, `allocs`, `goroutine`, `block`,
/// `mutex` or `threadcreate`.
///
/// # Errors
///
/// Those of the profile and of the file; [`InvalidInput`](io::ErrorKind::InvalidInput) for another name.
///
/// # Blocking
///
/// G: the functions and lines are looked up, and the file is written, on a spare thread.
///
/// # Examples
///
/// ```
/// let path = std::env::temp_dir().join(format!("goroutines-{}.pb.gz", std::process::id()));
/// marmot::pprof::write("goroutine", &path)?;
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(name: &str, path: impl AsRef<Path>) -> io::Result<()> {
    let Some((.., take)) = PROFILES.iter().find(|(known, ..)| *known == name) else {
        let names = PROFILES.map(|(name, ..)| name).join(", ");
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("there is no profile '{name}'; there are {names}"),
        ));
    };
    let (profile, path) = (take()?, path.as_ref());
    blocking(|| profile.write_to(File::create(path)?))
}
