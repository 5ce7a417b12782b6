//! The examples that work together with themselves: what they say of themselves is so.

#![allow(dead_code, reason = "their main functions are for those who start them")]

mod common;

#[path = "../examples/chat.rs"]
mod chat;
#[path = "../examples/crawler.rs"]
mod crawler;
#[path = "../examples/graceful.rs"]
mod graceful;
#[path = "../examples/pipeline.rs"]
mod pipeline;
#[path = "../examples/pool_of_goroutines.rs"]
mod pool_of_goroutines;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use marmot::context::{self, Context};
use marmot::net::TcpStream;
use socket2::SockRef;

use common::{LIMIT, listener, ms, with_procs};
use crawler::Page;

/// The next line of a member.
fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert_ne!(reader.read_line(&mut line).unwrap(), 0, "there are no more");
    line
}

#[test]
fn in_a_chat_all_hear_and_the_slow_are_put_out() {
    with_procs(2, || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        let connect = || TcpStream::connect(addr).unwrap();
        marmot::scope(|s| {
            let served = s.go(|| chat::serve(&listener, ms(50)));

            let ann = connect();
            let mut ann_hears = BufReader::new(&ann);
            writeln!(&ann, "ann").unwrap();
            assert_eq!(line(&mut ann_hears), "* you are here with []\n");
            let bob = connect();
            let mut bob_hears = BufReader::new(bob.try_clone().unwrap());
            writeln!(&bob, "bob").unwrap();
            assert_eq!(line(&mut bob_hears), "* you are here with [ann]\n");
            writeln!(&bob, "hello").unwrap();
            assert_eq!(line(&mut ann_hears), "* bob has come\n");
            assert_eq!(line(&mut ann_hears), "bob: hello\n");
            writeln!(&ann, "welcome").unwrap();
            assert_eq!(line(&mut bob_hears), "ann: welcome\n");

            let slow = connect();
            SockRef::from(&slow).set_recv_buffer_size(4096).unwrap();
            writeln!(&slow, "slow").unwrap();
            assert_eq!(line(&mut ann_hears), "* slow has come\n");
            assert_eq!(line(&mut bob_hears), "* slow has come\n");
            // Bob reads and Slow does not.
            let long = "x".repeat(4000);
            loop {
                writeln!(&ann, "{long}").unwrap();
                if line(&mut bob_hears) == "* slow has left\n" {
                    break;
                }
            }
            assert_eq!(line(&mut ann_hears), "* slow has left\n");

            drop(ann_hears);
            s.cancel();
            assert!(context::Error::of(&served.join().unwrap().unwrap_err()).is_some());
        });
    });
}

/// A burst is more lines than anyone reads at once, and quick clients read them all the same.
#[test]
fn in_a_chat_a_burst_puts_no_quick_client_out() {
    const LINES: usize = 20_000;
    with_procs(2, || {
        let listener = listener();
        let addr = listener.local_addr().unwrap();
        marmot::scope(|s| {
            let served = s.go(|| chat::serve(&listener, LIMIT));
            let enter = |name: &str| {
                let conn = TcpStream::connect(addr).unwrap();
                writeln!(&conn, "{name}").unwrap();
                let mut hears = BufReader::new(conn);
                assert!(line(&mut hears).starts_with("* you are here"));
                hears
            };
            let readers: Vec<_> = (0..4).map(|n| enter(&format!("reader {n}"))).collect();
            let speaker = enter("speaker");
            let readers: Vec<_> = readers
                .into_iter()
                .map(|mut hears| {
                    s.go(move || {
                        while line(&mut hears) != "* speaker has come\n" {}
                        for n in 0..LINES {
                            assert_eq!(line(&mut hears), format!("speaker: line {n}\n"));
                        }
                        hears
                    })
                })
                .collect();
            let burst: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
            speaker.get_ref().write_all(burst.as_bytes()).unwrap();
            let readers: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
            drop((speaker, readers));
            s.cancel();
            assert!(context::Error::of(&served.join().unwrap().unwrap_err()).is_some());
        });
    });
}

#[test]
fn a_pool_counts_all_lines_and_fails_as_a_whole() {
    with_procs(2, || {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut counts = pool_of_goroutines::count_lines(&root, 3).unwrap();
        counts.sort();
        assert!(counts.iter().any(|(path, _)| path.ends_with("reports/main.rs")), "{counts:?}");
        for (path, lines) in &counts {
            assert_eq!(fs::read_to_string(path).unwrap().lines().count(), *lines, "{}", path.display());
        }
        let error = pool_of_goroutines::count_lines(&root.join("nothing"), 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_pipeline_has_few_records_under_way() {
    with_procs(2, || {
        let outcome = pipeline::run(200, ms(0)).unwrap();
        assert_eq!(outcome.sum, (0..200).map(|n| n * n).sum());
        // What the channels hold, what each goroutine has in hand, and one that was sent and not counted yet.
        assert!((1..=4 + 3 + 4 + 2).contains(&outcome.most), "{outcome:?}");
        let (context, _cancel) = Context::current().with_timeout(ms(5));
        let late = context.run(|| pipeline::run(10, LIMIT)).unwrap_err();
        assert!(context::Error::of(&late).is_none_or(|error| error.is_deadline_exceeded()), "{late}");
    });
}

#[test]
fn a_crawler_finds_what_comes_in_time() {
    with_procs(2, || {
        let listener = listener();
        let site = listener.local_addr().unwrap();
        let mut pages = BTreeMap::from([
            ("/", Some(r#"<a href="/a"> <a href="/b">"#)),
            ("/a", Some(r#"<a href="/"> <a href="/b"> <a href="/c">"#)),
            ("/b", Some(r#"<a href="/missing">"#)),
            ("/c", Some("no links")),
        ]);
        let found = BTreeMap::from([
            ("/".to_owned(), Page::Bytes(27)),
            ("/a".to_owned(), Page::Bytes(40)),
            ("/b".to_owned(), Page::Bytes(19)),
            ("/c".to_owned(), Page::Bytes(8)),
            ("/missing".to_owned(), Page::Missing),
        ]);
        marmot::scope(|s| {
            s.go(|| crawler::serve(&listener, &pages));
            let crawled = crawler::crawl(site, LIMIT);
            assert_eq!(crawled.pages, found);
            assert!(crawled.ended_by.is_none(), "{crawled:?}");
            s.cancel();
        });
        // With a page that never comes, the deadline does.
        pages.insert("/c", None);
        marmot::scope(|s| {
            s.go(|| crawler::serve(&listener, &pages));
            let crawled = crawler::crawl(site, ms(100));
            let error = crawled.ended_by.unwrap();
            assert!(context::Error::of(&error).unwrap().is_deadline_exceeded(), "{error}");
            assert!(!crawled.pages.contains_key("/c"));
            s.cancel();
        });
    });
}

#[test]
fn a_graceful_server_lets_them_finish() {
    with_procs(2, || {
        let listener = listener();
        let conn = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (context, stop) = Context::current().with_cancel();
        let server = context.run(|| marmot::go(move || graceful::serve(listener, LIMIT)));
        let mut answers = BufReader::new(&conn);
        writeln!(&conn, "before").unwrap();
        assert_eq!(line(&mut answers), "you said: before\n");
        stop.cancel();
        writeln!(&conn, "after").unwrap();
        assert_eq!(line(&mut answers), "you said: after\n");
        // Nobody new comes in.
        common::until(|| TcpStream::connect(conn.peer_addr().unwrap()).is_err());
        drop(conn);
        let ended = server.join().unwrap();
        assert_eq!([&ended.finished, &ended.failed, &ended.cut].map(|count| count.load(Relaxed)), [1, 0, 0]);
    });
}

#[test]
fn a_graceful_server_cuts_those_that_do_not_end() {
    with_procs(2, || {
        let listener = listener();
        let mut conn = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (context, stop) = Context::current().with_cancel();
        let server = context.run(|| marmot::go(move || graceful::serve(listener, ms(5))));
        writeln!(conn, "I stay").unwrap();
        let mut answers = BufReader::new(&conn);
        assert_eq!(line(&mut answers), "you said: I stay\n");
        stop.cancel();
        assert_eq!(answers.read(&mut [0; 1]).unwrap(), 0);
        let ended = server.join().unwrap();
        assert_eq!([&ended.finished, &ended.failed, &ended.cut].map(|count| count.load(Relaxed)), [0, 0, 1]);
    });
}
