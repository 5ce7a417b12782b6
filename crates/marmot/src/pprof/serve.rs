//! The profiles under `/debug/pprof/`, and in files.

use std::fmt::Write;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;

use marmot_pprof::http::{Endpoints, Page};
use marmot_pprof::raw::Profile;
use marmot_pprof::text;
use marmot_runtime::net::ToSocketAddrs;
use marmot_runtime::{blocking, profile, sleep_or_cancelled};

use super::{allocs, block, goroutine, heap, mutex, server, take, threadcreate};

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

/// Listens on `addr` and serves the profiles of this process there, under `/debug/pprof/`, as long as the process lives.
/// Returns the address, for a port of 0.
///
/// The server runs on threads of its own, not on goroutines, so it answers even when every M is stuck; the goroutine profile then
/// shows which Ms those are. It serves 32 connections at a time. A client must send each request within ten seconds, and is
/// disconnected if it does not read the response. One CPU profile is taken at a time, for at most ten minutes; it ends early when
/// the client disconnects.
///
/// Profiles reveal much about a program, and taking them costs time: listen on an address that only you can reach. On a loopback
/// address, the server refuses requests whose `Host` is not this machine, so that a web page cannot read profiles through a
/// browser on this machine by pointing its own name at it ("DNS rebinding").
///
/// # Errors
///
/// If the address cannot be bound, or the server's thread cannot be started.
///
/// # Blocking
///
/// G, while a host name is resolved.
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
/// assert!(text.starts_with("HTTP/1.1 200 OK\r\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(addr: impl ToSocketAddrs) -> io::Result<SocketAddr> {
    let addrs: Vec<_> = addr.to_socket_addrs()?.collect();
    server::start(&addrs, shared)
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
        let snapshot = profile::goroutines();
        let goroutines = take::goroutines(&snapshot);
        Ok(blocking(|| {
            let mut text = text::goroutines(&goroutines);
            // Writing to a string does not fail.
            for line in take::absent(&snapshot) {
                let _ = write!(text, "\n# {line}\n");
            }
            text
        }))
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
