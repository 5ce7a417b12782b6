//! `marmot profile`: advice from files and from programs that run, and what is said of those that have none.

use crate::common::{self, BOUND};
use marmot::pprof::http::{Endpoints, Page};
use marmot::pprof::raw::{Profile, Sample, ValueType};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::thread;

fn makes_buffers() {}

/// A profile of a line that makes buffers of 4 KiB and drops them.
fn allocations(objects: i64) -> Profile {
    let kinds = [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
        ("lifetime", "nanoseconds"),
    ];
    let mut profile = Profile::new(kinds.map(|(kind, unit)| ValueType::new(kind, unit)).to_vec());
    let values = vec![objects, objects * 4096, 0, 0, objects * 2_000_000];
    profile.samples.push(Sample { stack: vec![makes_buffers as fn() as usize], values, labels: Vec::new() });
    profile
}

fn file(name: &str, write: impl FnOnce(&mut File)) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    write(&mut File::create(&path).unwrap());
    path.to_str().unwrap().to_owned()
}

/// What it prints, and what it says if it fails.
fn advise(args: &[&str]) -> Result<String, String> {
    let output = common::output(&[&["profile", "advise"], args].concat(), BOUND);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

/// A server that gives every connection these bytes.
fn says(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for conn in listener.incoming() {
            let mut conn = conn.unwrap();
            let mut request = [0; 1024];
            let length = conn.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /"));
            conn.write_all(&answer).unwrap();
        }
    });
    addr
}

#[test]
fn a_file_is_judged() {
    let path = file("allocs.pb.gz", |file| allocations(1000).write_to(file).unwrap());
    let table = advise(&[&path]).unwrap();
    for part in [
        "3.91 MiB in 1,000 objects",
        "pool",
        "100.0 %",
        "4.00 KiB",
        "2.00 ms",
        "makes_buffers",
        "Pool::new",
        "saves 100.0 %",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let json: serde_json::Value = serde_json::from_str(&advise(&[&path, "--json"]).unwrap()).unwrap();
    assert_eq!(json["seconds"], serde_json::Value::Null);
    let site = &json["sites"][0];
    assert_eq!(
        (&site["verdict"], &site["bytes"], &site["mean_size"]),
        (&"pool".into(), &4_096_000.into(), &4096.0.into())
    );
    assert_eq!(site["saving"]["objects"], 1000);
    assert!(site["function"].as_str().unwrap().ends_with("makes_buffers"), "{site}");

    let table = advise(&[&path, "--top", "0"]).unwrap();
    assert!(!table.contains("makes_buffers"), "{table}");
}

#[test]
fn a_running_program_is_asked_for_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let count = std::sync::atomic::AtomicI64::new(0);
        // The time is what the profile says, and nobody waits for it.
        let start = std::time::SystemTime::now();
        let endpoints = Endpoints::new(|_| Ok(())).page(Page::snapshot("allocs", "What was allocated.", move || {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let mut profile = allocations(1000 * (number + 1));
            profile.time = start + std::time::Duration::from_secs(5 * number as u64);
            Ok(profile)
        }));
        for conn in listener.incoming() {
            endpoints.handle(&mut conn.unwrap()).unwrap();
        }
    });
    let table = advise(&[&format!("http://{addr}"), "--seconds", "5"]).unwrap();
    assert!(
        table.contains("Allocated in 5.00 s: 3.91 MiB (800 KiB a second) in 1,000 objects (200 a second)"),
        "{table}"
    );
    let table = advise(&[&format!("http://{addr}/debug/pprof/allocs")]).unwrap();
    assert!(table.contains("3,000 objects. For the rates"), "{table}");
    let said = advise(&[&format!("http://{addr}/debug/pprof/heap")]).unwrap_err();
    assert!(said.contains("404") && said.contains("Unknown profile"), "{said}");
}

#[test]
fn what_is_no_profile_is_explained() {
    let mut whole = Vec::new();
    allocations(10).write_to(&mut whole).unwrap();
    let cut = &whole[..whole.len() / 2];
    let mut cpu = Vec::new();
    Profile::new(vec![ValueType::new("cpu", "nanoseconds")]).write_to(&mut cpu).unwrap();

    let path = file("cut.pb.gz", |file| file.write_all(cut).unwrap());
    assert!(advise(&[&path]).unwrap_err().contains("cut off"));
    let path = file("cpu.pb.gz", |file| file.write_all(&cpu).unwrap());
    assert!(advise(&[&path]).unwrap_err().contains("no profile of allocations"));
    let path = file("text", |file| file.write_all(b"hello").unwrap());
    assert!(advise(&[&path]).unwrap_err().contains("this is not a pprof profile: it looks like text"));
    assert!(advise(&[&path, "--seconds", "1"]).unwrap_err().contains("running program"));
    let nowhere = advise(&["nowhere.pb.gz"]).unwrap_err();
    assert!(nowhere.contains("nowhere.pb.gz: ") && nowhere.contains("No such file"), "{nowhere}");

    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(advise(&[&format!("http://{unused}")]).unwrap_err().contains("nobody listens"));
    assert!(advise(&["https://localhost"]).unwrap_err().contains("https is not spoken here"));
    let answer = |length: usize, body: &[u8]| {
        says([format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes(), body].concat())
    };
    let said = advise(&[&format!("http://{}", answer(whole.len(), cut))]).unwrap_err();
    assert!(said.contains(&format!("{} of {} bytes", cut.len(), whole.len())), "{said}");
    assert!(advise(&[&format!("http://{}", answer(cut.len(), cut))]).unwrap_err().contains("gzip stream does not end"));
    assert!(advise(&[&format!("http://{}", answer(5, b"hello"))]).unwrap_err().contains("not a pprof profile"));
    assert!(advise(&[&format!("http://{}", says(b"SSH-2.0\r\n".to_vec()))]).unwrap_err().contains("not one of HTTP"));
}
