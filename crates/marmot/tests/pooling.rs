//! The example `reports`: what its advice says, what following that saves, and that a request then allocates nothing.
//!
//! The counters are the process's, so this is one test in a process of its own.

#[path = "../examples/reports/naive.rs"]
mod naive;
#[path = "../examples/reports/pooled.rs"]
mod pooled;
#[path = "../examples/reports/request.rs"]
mod request;

use std::io::{self, Read, Write};

use marmot::net::{TcpListener, TcpStream};
use marmot::pprof::advise::{self, Verdict};
use marmot::pprof::{self, alloc};

#[global_allocator]
static ALLOCATOR: alloc::Allocator = alloc::Allocator::counting();

const REQUEST: &[u8] = b"GET /1000 HTTP/1.1\r\nHost: marmot\r\n\r\n";

/// A connection to a server of its own, on the process's runtime.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn of(serve: fn(&TcpStream) -> io::Result<()>) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        marmot::go(move || serve(&listener.accept().unwrap().0).unwrap());
        let mut client = Client { stream, answer: vec![0; 1 << 16] };
        // The first answer tells how long they are.
        client.stream.write_all(REQUEST).unwrap();
        let mut length = 0;
        while !client.answer[..length].ends_with(b"\nend\n") {
            length += client.stream.read(&mut client.answer[length..]).unwrap();
        }
        client.answer.truncate(length);
        client
    }

    fn ask(&mut self, times: u64) {
        for _ in 0..times {
            self.stream.write_all(REQUEST).unwrap();
            self.stream.read_exact(&mut self.answer).unwrap();
            assert!(self.answer.ends_with(b"\nend\n"));
        }
    }
}

/// What one request allocates: how often, and how many bytes.
///
/// It is the best of some tries, for every few seconds the pools' tick is a goroutine, which is allocated.
fn cost(client: &mut Client) -> (f64, f64) {
    const REQUESTS: u64 = 200;
    let per_request = |count: u64| count as f64 / REQUESTS as f64;
    let mut measure = || {
        let before = alloc::counts();
        client.ask(REQUESTS);
        let after = alloc::counts();
        (after.allocations - before.allocations, after.bytes - before.bytes)
    };
    // What is made once has been made after the first.
    measure();
    let (objects, bytes) = (0..5).map(|_| measure()).min().expect("there are five");
    (per_request(objects), per_request(bytes))
}

#[test]
fn the_advice_names_the_lines_and_following_it_leaves_nothing() {
    let (mut naive, mut pooled) = (Client::of(naive::serve), Client::of(pooled::serve));
    assert_eq!(naive.answer, pooled.answer, "both give the same answers");

    let (_, bytes_before) = cost(&mut naive);
    let (objects, bytes) = cost(&mut pooled);
    assert!(bytes_before > 100_000.0, "{bytes_before} bytes are allocated for a report of 25,000");
    assert!(bytes <= bytes_before / 10.0, "{bytes} of {bytes_before} bytes are left");
    assert_eq!((objects, bytes), (0.0, 0.0), "allocated for a request of the pooled server");

    let before = pprof::allocs().unwrap();
    naive.ask(2000);
    let report = advise::advise(&pprof::allocs().unwrap().since(&before).to_proto()).unwrap();
    assert!(report.saving().share > 0.9, "{report:#?}");
    for site in report.sites.iter().filter(|site| site.saving.is_some()) {
        assert!(site.file.ends_with("reports/naive.rs"), "{site:#?}");
        assert!(matches!(site.verdict, Verdict::Pool | Verdict::Presize), "{site:#?}");
    }
}
