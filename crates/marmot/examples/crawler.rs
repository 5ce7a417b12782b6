//! A crawler with a deadline, and a little site to be crawled.
//!
//! `cargo run --release --example crawler`
//!
//! Each link gets a goroutine of its own, and a semaphore limits how many of them have a connection. The deadline is in the context
//! under which all of them work: none of the functions below says anything about time, and whatever they wait for when it is over
//! ends with an error.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use marmot::Group;
use marmot::context::{self, Context};
use marmot::net::{TcpListener, TcpStream};
use marmot::sync::{Mutex, Semaphore};

/// How many connections there are at a time.
const CONNECTIONS: usize = 4;

struct Crawler {
    site: SocketAddr,
    connections: Semaphore,
    seen: Mutex<HashSet<String>>,
    found: Mutex<BTreeMap<String, Page>>,
}

/// What has become of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// It is there, and so long.
    Bytes(usize),
    /// The site says that it is not.
    Missing,
}

/// What a crawl has found.
#[derive(Debug)]
pub struct Crawled {
    /// The pages that were asked for and came, by their paths.
    pub pages: BTreeMap<String, Page>,
    /// Why there may be more.
    pub ended_by: Option<io::Error>,
}

/// Follows all links from `/`, until there are no new ones or the time is over.
pub fn crawl(site: SocketAddr, time: Duration) -> Crawled {
    let crawler =
        Crawler { site, connections: Semaphore::new(CONNECTIONS), seen: Mutex::default(), found: Mutex::default() };
    let (context, _cancel) = Context::current().with_timeout(time);
    let result = context.run(|| marmot::group(|g| crawler.visit(g, "/".to_owned())));
    // The group has ended, and all its goroutines.
    Crawled { pages: crawler.found.into_inner().unwrap(), ended_by: result.err() }
}

impl Crawler {
    /// Gets a page, and starts a goroutine for each link on it.
    fn visit<'scope>(&'scope self, g: Group<'scope, '_, io::Error>, path: String) -> io::Result<()> {
        if !self.seen.lock().unwrap().insert(path.clone()) {
            return Ok(());
        }
        let text = self.get(&path)?;
        for link in text.iter().flat_map(|text| links(text)) {
            let link = link.to_owned();
            g.go(move || self.visit(g, link));
        }
        let page = text.map_or(Page::Missing, |text| Page::Bytes(text.len()));
        self.found.lock().unwrap().insert(path, page);
        Ok(())
    }

    /// The text of a page; none if the site does not have it.
    fn get(&self, path: &str) -> io::Result<Option<String>> {
        let _permit = self.connections.acquire()?;
        let mut conn = TcpStream::connect(self.site)?;
        write!(conn, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        conn.read_to_string(&mut answer)?;
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no answer"));
        };
        Ok(head.contains(" 200 ").then(|| body.to_owned()))
    }
}

/// Where a page links to.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

/// Serves pages, by their paths, until the caller's context ends. A page without a text never comes.
pub fn serve(listener: &TcpListener, pages: &BTreeMap<&str, Option<&str>>) -> io::Result<()> {
    marmot::group(|g| {
        loop {
            let (conn, _) = listener.accept()?;
            g.go(move || {
                // A client that has gone is its own affair.
                let _ = answer(conn, pages);
                Ok(())
            });
        }
    })
}

fn answer(mut conn: TcpStream, pages: &BTreeMap<&str, Option<&str>>) -> io::Result<()> {
    let mut reader = BufReader::new(&conn);
    let (mut request, mut line) = (String::new(), String::new());
    reader.read_line(&mut request)?;
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    match pages.get(path) {
        Some(Some(text)) => write!(conn, "HTTP/1.0 200 OK\r\n\r\n{text}"),
        Some(None) => Ok(marmot::sleep_or_cancelled(Duration::MAX)?),
        None => write!(conn, "HTTP/1.0 404 Not Found\r\n\r\n"),
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let site = listener.local_addr()?;
    let pages = BTreeMap::from([
        ("/", Some(r#"<a href="/burrows">Burrows</a> <a href="/whistles">Whistles</a>"#)),
        ("/burrows", Some(r#"<a href="/">Home</a> <a href="/winter">Winter</a>"#)),
        ("/whistles", Some(r#"<a href="/recordings">Recordings</a> <a href="/gone">Gone</a>"#)),
        ("/recordings", None),
        ("/winter", Some("They sleep.")),
    ]);
    marmot::scope(|s| {
        s.go(|| serve(&listener, &pages));
        let crawled = crawl(site, Duration::from_secs(1));
        for (path, page) in &crawled.pages {
            println!("{path:<12} {page:?}");
        }
        if let Some(error) = crawled.ended_by {
            let is_late = context::Error::of(&error).is_some_and(|error| error.is_deadline_exceeded());
            println!("{}: {error}", if is_late { "not all has come in time" } else { "failed" });
        }
        s.cancel();
    });
    Ok(())
}
