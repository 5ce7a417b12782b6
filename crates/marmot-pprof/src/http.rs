//! The debug endpoints: profiles by HTTP, under the paths and with the parameters of Go's `net/http/pprof`.
//!
//! | path | answer |
//! |---|---|
//! | `/debug/pprof/` | a page that lists the profiles, with counts and links |
//! | `/debug/pprof/NAME` | the profile, for `go tool pprof` |
//! | `/debug/pprof/NAME?debug=1` | the same as text |
//! | `/debug/pprof/NAME?seconds=N` | what comes within that time: the difference of two snapshots, or a recording |
//! | `/debug/pprof/cmdline` | the program's arguments, with zero bytes between them |
//!
//! What profiles there are, and how they are taken, is told by [`Page`]s. [`Endpoints::respond`] answers a request, so that a
//! server of any kind can have the endpoints among its own; [`Endpoints::handle`] is a server of its own, over one connection
//! of any kind.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use crate::alloc::quietly;
use crate::raw::Profile;
use crate::text;

mod host;
mod index;
mod query;
mod serve;

use query::{Query, Refusal};

pub use serve::HEADER_TIMEOUT;

/// Where the endpoints are.
pub const ROOT: &str = "/debug/pprof/";

/// How long a recording takes if the request does not say: as in Go.
const DEFAULT_RECORDING: Duration = Duration::from_secs(30);

/// The longest recording: it costs the program time, and there is one at a time.
pub const MAX_RECORDING_DURATION: Duration = Duration::from_secs(10 * 60);

/// How often it is looked whether an answer that takes time is still wanted.
const LOOK: Duration = Duration::from_secs(1);

/// Says whether the answer is still wanted, for who asks now and then.
pub type Wanted<'a> = &'a dyn Fn() -> bool;

type Take = Box<dyn Fn() -> io::Result<Profile> + Send + Sync>;
type Record = Box<dyn Fn(Duration, Wanted<'_>) -> io::Result<Profile> + Send + Sync>;
type Text = Box<dyn Fn(u32) -> Option<io::Result<String>> + Send + Sync>;
type Count = Box<dyn Fn() -> usize + Send + Sync>;
type Wait = Box<dyn Fn(Duration) -> io::Result<()> + Send + Sync>;
type Compute = Box<dyn Fn(&mut (dyn FnMut() + Send)) + Send + Sync>;

/// A profile that is to be had: its name, and how to take it.
///
/// # Examples
///
/// ```
/// use marmot_pprof::http::{Endpoints, Page};
/// use marmot_pprof::raw::{Profile, ValueType};
///
/// let goroutines = Page::snapshot("goroutine", "All goroutines.", || {
///     Ok(Profile::new(vec![ValueType::new("goroutine", "count")]))
/// })
/// .count(|| 0)
/// .text(|debug| (debug >= 2).then(|| Ok("there are none\n".to_owned())));
/// let cpu = Page::recording("profile", "What the CPUs do.", |time| {
///     let mut profile = Profile::new(vec![ValueType::new("samples", "count"), ValueType::new("cpu", "nanoseconds")]);
///     profile.duration = Some(time);
///     Ok(profile)
/// });
/// let endpoints = Endpoints::new(|time| Ok(std::thread::sleep(time))).page(goroutines).page(cpu);
///
/// assert_eq!(endpoints.respond("GET", "/debug/pprof/goroutine?debug=2").body, b"there are none\n");
/// let answer = endpoints.respond("GET", "/debug/pprof/profile?seconds=5");
/// assert_eq!(answer.header("Content-Type"), Some("application/octet-stream"));
/// ```
pub struct Page {
    name: &'static str,
    description: &'static str,
    source: Source,
    text: Option<Text>,
    count: Option<Count>,
}

enum Source {
    Snapshot(Take),
    Recording(Record),
}

impl Page {
    /// A profile of what is now, or of all since the start: `heap`, `goroutine`, `mutex`.
    pub fn snapshot(
        name: &'static str,
        description: &'static str,
        take: impl Fn() -> io::Result<Profile> + Send + Sync + 'static,
    ) -> Page {
        Page { name, description, source: Source::Snapshot(Box::new(take)), text: None, count: None }
    }

    /// A profile of a time that begins with the request: `profile`. The function takes as long as it is told.
    pub fn recording(
        name: &'static str,
        description: &'static str,
        record: impl Fn(Duration) -> io::Result<Profile> + Send + Sync + 'static,
    ) -> Page {
        Page::recording_while(name, description, move |time, _| record(time))
    }

    /// As [`recording`](Page::recording), of a function that ends earlier when the answer is not wanted any more: it asks
    /// every second or so.
    pub fn recording_while(
        name: &'static str,
        description: &'static str,
        record: impl Fn(Duration, Wanted<'_>) -> io::Result<Profile> + Send + Sync + 'static,
    ) -> Page {
        Page { name, description, source: Source::Recording(Box::new(record)), text: None, count: None }
    }

    /// How many there are, for the list of profiles.
    #[must_use]
    pub fn count(mut self, count: impl Fn() -> usize + Send + Sync + 'static) -> Page {
        self.count = Some(Box::new(count));
        self
    }

    /// Texts of this profile's own: the function is given the value of `debug`, and `None` asks for the usual text.
    #[must_use]
    pub fn text(mut self, text: impl Fn(u32) -> Option<io::Result<String>> + Send + Sync + 'static) -> Page {
        self.text = Some(Box::new(text));
        self
    }
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status, as a number.
    pub status: u16,
    /// The fields, without those that belong to the connection: the length, the date.
    pub headers: Vec<(&'static str, String)>,
    /// The content; none in the answer to `HEAD`.
    pub body: Vec<u8>,
}

impl Response {
    fn ok(content_type: &str, body: Vec<u8>) -> Response {
        let headers = vec![("X-Content-Type-Options", "nosniff".to_owned()), ("Content-Type", content_type.to_owned())];
        Response { status: 200, headers, body }
    }

    fn text(text: String) -> Response {
        Response::ok("text/plain; charset=utf-8", text.into_bytes())
    }

    fn refused(refusal: Refusal) -> Response {
        let mut response = Response::text(format!("{}\n", refusal.text));
        response.status = refusal.status;
        // This makes `go tool pprof` show the text.
        response.headers.push(("X-Go-Pprof", "1".to_owned()));
        match refusal.status {
            405 => response.headers.push(("Allow", "GET, HEAD".to_owned())),
            301 => response.headers.push(("Location", ROOT.to_owned())),
            _ => {}
        }
        response
    }

    /// The value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What is known of the other end of a connection.
#[derive(Clone, Copy)]
#[must_use = "it is for `Endpoints::handle_peer`"]
pub struct Peer<'a> {
    wanted: Wanted<'a>,
    is_local: bool,
}

impl<'a> Peer<'a> {
    /// Nothing is known: it stays until the connection says otherwise, and may be anywhere.
    pub fn new() -> Peer<'a> {
        Peer { wanted: &|| true, is_local: false }
    }

    /// The function says whether it is still there; see [`Endpoints::respond_while`].
    pub fn wanted(mut self, wanted: Wanted<'a>) -> Peer<'a> {
        self.wanted = wanted;
        self
    }

    /// Whether the server listens on the loopback interface only. It then refuses requests whose `Host` is not this machine, which a
    /// browser sends on behalf of a web page whose own name resolves to this machine ("DNS rebinding").
    pub fn loopback_only(mut self, is_local: bool) -> Peer<'a> {
        self.is_local = is_local;
        self
    }
}

impl Default for Peer<'_> {
    fn default() -> Self {
        Peer::new()
    }
}

impl fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("is_local", &self.is_local).finish_non_exhaustive()
    }
}

/// The endpoints.
///
/// # Examples
///
/// ```
/// use marmot_pprof::http::{Endpoints, Page};
/// use marmot_pprof::raw::{Profile, Sample, ValueType};
///
/// let endpoints = Endpoints::new(|time| Ok(std::thread::sleep(time))).page(Page::snapshot(
///     "threadcreate",
///     "Where threads were made.",
///     || {
///         let mut profile = Profile::new(vec![ValueType::new("threadcreate", "count")]);
///         profile.samples.push(Sample { stack: vec![16], values: vec![1], labels: vec![] });
///         Ok(profile)
///     },
/// ));
///
/// let answer = endpoints.respond("GET", "/debug/pprof/threadcreate?debug=1");
/// assert_eq!(answer.status, 200);
/// assert!(answer.body.starts_with(b"threadcreate profile: total 1\n"));
/// assert_eq!(endpoints.respond("GET", "/debug/pprof/nothing").status, 404);
/// ```
pub struct Endpoints {
    pages: Vec<Page>,
    wait: Wait,
    compute: Compute,
}

impl Endpoints {
    /// No profiles yet. The function waits for the time that lies between two snapshots, a second at most in each call.
    pub fn new(wait: impl Fn(Duration) -> io::Result<()> + Send + Sync + 'static) -> Endpoints {
        Endpoints { pages: Vec::new(), wait: Box::new(wait), compute: Box::new(|run| run()) }
    }

    /// Adds a profile; the list shows them by name.
    #[must_use]
    pub fn page(mut self, page: Page) -> Endpoints {
        self.pages.push(page);
        self.pages.sort_by_key(|page| page.name);
        self
    }

    /// Where addresses are looked up and files compressed, which takes milliseconds to a second: the function is to run what
    /// it is given, once. Without this, it happens right there.
    #[must_use]
    pub fn compute(mut self, compute: impl Fn(&mut (dyn FnMut() + Send)) + Send + Sync + 'static) -> Endpoints {
        self.compute = Box::new(compute);
        self
    }

    /// Answers a request of the method for the target, which is a path and a query.
    ///
    /// What is wrong with a request, or went wrong, is told in the answer's text.
    ///
    /// # Blocking
    ///
    /// As the function that waits and those that take profiles.
    pub fn respond(&self, method: &str, target: &str) -> Response {
        self.respond_while(method, target, &|| true)
    }

    /// As [`respond`](Endpoints::respond). What takes a time that the request names (`seconds=`) ends earlier if `wanted` says
    /// that nobody waits for it: it is asked every second, by the caller's thread.
    pub fn respond_while(&self, method: &str, target: &str, wanted: Wanted<'_>) -> Response {
        let mut response = self.answer(method, target, wanted).unwrap_or_else(Response::refused);
        if method == "HEAD" {
            response.body.clear();
        }
        response
    }

    /// Serves the requests that come over a connection, until the other end closes it or asks for that.
    ///
    /// After its first byte, the rest of a request must arrive within [`HEADER_TIMEOUT`], except for its body. The time is checked
    /// whenever bytes arrive, so the connection itself must limit how long a read waits for bytes, and how long a write waits for
    /// a client that does not read the response.
    ///
    /// # Errors
    ///
    /// Those of the connection. That it ends between two requests is none.
    ///
    /// # Blocking
    ///
    /// As the connection, and as [`respond`](Endpoints::respond).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use marmot_pprof::http::Endpoints;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let addr = listener.local_addr()?;
    /// let server = std::thread::spawn(move || {
    ///     let endpoints = Endpoints::new(|time| Ok(std::thread::sleep(time)));
    ///     endpoints.handle(&mut listener.accept()?.0)
    /// });
    /// let mut conn = TcpStream::connect(addr)?;
    /// conn.write_all(b"GET /debug/pprof/ HTTP/1.0\r\n\r\n")?;
    /// let mut answer = String::new();
    /// conn.read_to_string(&mut answer)?;
    /// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    /// server.join().unwrap()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handle(&self, conn: &mut (impl Read + Write)) -> io::Result<()> {
        self.handle_peer(conn, &Peer::new())
    }

    /// As [`handle`](Endpoints::handle), and as [`respond_while`](Endpoints::respond_while) for each request: `wanted` says whether
    /// the other end is still there.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn handle_while(&self, conn: &mut (impl Read + Write), wanted: Wanted<'_>) -> io::Result<()> {
        self.handle_peer(conn, &Peer::new().wanted(wanted))
    }

    /// As [`handle`](Endpoints::handle), with what is known of the other end.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{self, Read, Write};
    /// use marmot_pprof::http::{Endpoints, Peer};
    ///
    /// struct Conn<'a>(&'a [u8], Vec<u8>);
    ///
    /// # impl Read for Conn<'_> {
    /// #     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
    /// #         self.0.read(buf)
    /// #     }
    /// # }
    /// # impl Write for Conn<'_> {
    /// #     fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
    /// #         self.1.write(buf)
    /// #     }
    /// #     fn flush(&mut self) -> io::Result<()> {
    /// #         Ok(())
    /// #     }
    /// # }
    /// let endpoints = Endpoints::new(|time| Ok(std::thread::sleep(time)));
    /// let mut conn = Conn(b"GET /debug/pprof/ HTTP/1.1\r\nHost: example.com\r\n\r\n", Vec::new());
    /// endpoints.handle_peer(&mut conn, &Peer::new().loopback_only(true))?;
    /// assert!(conn.1.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    /// # Ok::<(), io::Error>(())
    /// ```
    pub fn handle_peer(&self, conn: &mut (impl Read + Write), peer: &Peer<'_>) -> io::Result<()> {
        serve::serve(self, conn, peer)
    }

    fn answer(&self, method: &str, target: &str, wanted: Wanted<'_>) -> Result<Response, Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let Some(name) = path.strip_prefix(ROOT) else {
            let status = if format!("{path}/") == ROOT { 301 } else { 404 };
            return Err(Refusal::new(status, format!("There is nothing here: profiles are under {ROOT}")));
        };
        if !["GET", "HEAD"].contains(&method) {
            return Err(Refusal::new(
                405,
                format!("{method} is not possible here: profiles are read with GET or HEAD"),
            ));
        }
        match name {
            "" => Ok(Response::ok("text/html; charset=utf-8", index::page(&self.pages).into_bytes())),
            "cmdline" => {
                let arguments: Vec<_> =
                    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
                Ok(Response::text(arguments.join("\0")))
            }
            _ => {
                let page = self.pages.iter().find(|page| page.name == name);
                let page = page
                    .ok_or_else(|| Refusal::new(404, format!("Unknown profile: {ROOT} lists those that there are")))?;
                self.profile(page, &Query::parse(query)?, method == "HEAD", wanted)
            }
        }
    }

    /// The answer with a profile; for `only_head` that is not taken.
    fn profile(&self, page: &Page, query: &Query, only_head: bool, wanted: Wanted<'_>) -> Result<Response, Refusal> {
        if let (Source::Recording(_), Some(time)) = (&page.source, query.seconds)
            && time > MAX_RECORDING_DURATION
        {
            let text = format!("{} takes {} seconds at most", page.name, MAX_RECORDING_DURATION.as_secs());
            return Err(Refusal::new(400, text));
        }
        let is_delta = query.seconds.is_some() && matches!(page.source, Source::Snapshot(_));
        if query.debug > 0 && matches!(page.source, Source::Snapshot(_)) {
            if is_delta {
                return Err(Refusal::new(
                    400,
                    "seconds and debug cannot be combined: a difference has no text".to_owned(),
                ));
            }
            let text = if only_head { String::new() } else { self.text_of(page, query.debug, wanted)? };
            return Ok(Response::text(text));
        }
        let bytes = if only_head { Vec::new() } else { self.bytes_of(page, query.seconds, wanted)? };
        let mut response = Response::ok("application/octet-stream", bytes);
        let name = if is_delta { format!("{}-delta", page.name) } else { page.name.to_owned() };
        response.headers.push(("Content-Disposition", format!("attachment; filename=\"{name}\"")));
        Ok(response)
    }

    fn text_of(&self, page: &Page, debug: u32, wanted: Wanted<'_>) -> Result<String, Refusal> {
        if let Some(own) = page.text.as_ref().and_then(|text| text(debug)) {
            return own.map_err(|e| failed(page, &e));
        }
        let profile = self.take(page, None, wanted)?;
        let mut text = String::new();
        (self.compute)(&mut || text = text::profile(&profile));
        Ok(text)
    }

    fn bytes_of(&self, page: &Page, time: Option<Duration>, wanted: Wanted<'_>) -> Result<Vec<u8>, Refusal> {
        let profile = self.take(page, time, wanted)?;
        let mut file = Vec::new();
        let mut outcome = Ok(());
        (self.compute)(&mut || outcome = quietly(|| profile.write_to(&mut file)));
        outcome.map_err(|e| failed(page, &e))?;
        Ok(file)
    }

    fn take(&self, page: &Page, time: Option<Duration>, wanted: Wanted<'_>) -> Result<Profile, Refusal> {
        let taken = match (&page.source, time) {
            (Source::Recording(record), time) => record(time.unwrap_or(DEFAULT_RECORDING), wanted),
            (Source::Snapshot(take), None) => take(),
            (Source::Snapshot(take), Some(time)) => self.difference(take, time, wanted),
        };
        taken.map_err(|e| failed(page, &e))
    }

    fn difference(&self, take: &Take, time: Duration, wanted: Wanted<'_>) -> io::Result<Profile> {
        let before = take()?;
        let mut left = time;
        while !left.is_zero() && wanted() {
            let piece = left.min(LOOK);
            (self.wait)(piece)?;
            left -= piece;
        }
        Ok(take()?.since(&before))
    }
}

fn failed(page: &Page, error: &io::Error) -> Refusal {
    // Somebody else's is being taken, so another try may do.
    let status = if error.kind() == io::ErrorKind::ResourceBusy { 503 } else { 500 };
    Refusal::new(status, format!("Could not take the profile {}: {error}", page.name))
}
