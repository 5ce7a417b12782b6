//! `marmot eras`: a short run, with figures that make sense; and that nothing is left behind.

use crate::common;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(120);

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_short_run_has_sane_figures() {
    let (json, html) = (file("eras.json"), file("eras.html"));
    let args = ["eras", "--seconds", "1", "--conns", "10"];
    let files = ["--json", json.to_str().unwrap(), "--html", html.to_str().unwrap()];
    let output = common::output(&[&args[..], &files].concat(), BOUND);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("goroutine per connection") && text.contains("With "), "{text}");

    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let eras = report["eras"].as_array().unwrap();
    let names: Vec<&str> = eras.iter().map(|era| era["era"].as_str().unwrap()).collect();
    assert_eq!(names, ["process", "thread", "epoll", "goroutine"]);
    for era in eras {
        let number = |name: &str| era[name].as_f64().unwrap_or_else(|| panic!("{name} in {era}"));
        let micros = |name: &str| era["latency"][name].as_f64().unwrap();
        assert!(number("requests") > 100.0, "{era}");
        assert!((0.9..30.0).contains(&number("seconds")), "{era}");
        assert!((number("requests_per_second") * number("seconds") / number("requests") - 1.0).abs() < 0.01, "{era}");
        assert!((0.2..2000.0).contains(&number("cpu_us_per_request")), "{era}");
        assert!(
            0.0 < micros("p50_us") && micros("p50_us") <= micros("p99_us") && micros("p99_us") <= micros("max_us"),
            "{era}"
        );
        // An answer is a read and a write at least; where it is more, it is little more. A refusal of ptrace has its reason.
        match era["system_calls"]["per_request"].as_f64() {
            Some(calls) => assert!((1.9..6.0).contains(&calls), "{era}"),
            None => assert!(era["system_calls"]["unknown"].as_str().unwrap().starts_with("ptrace: "), "{era}"),
        }
        let crowd = (number("processes"), number("threads"));
        match era["era"].as_str().unwrap() {
            "process" => assert_eq!(crowd, (11.0, 11.0)),
            "thread" => assert_eq!(crowd, (1.0, 11.0)),
            "epoll" => assert_eq!(crowd, (1.0, 1.0)),
            _ => assert!(crowd.0 == 1.0 && crowd.1 >= 1.0, "{era}"),
        }
    }
    let lines = |index: usize| eras[index]["handler_lines"].as_u64().unwrap();
    assert!(lines(2) > 3 * lines(3), "the event loop is the long one");

    let page = fs::read_to_string(&html).unwrap();
    assert_eq!(page.matches("<svg").count(), 7);
    assert!(page.contains("prefers-color-scheme: dark") && !page.contains("http://") && !page.contains("https://"));
}

#[test]
fn too_many_connections_are_refused_with_advice() {
    let output = common::output(&["--conns", "4000000000"], BOUND);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ulimit -Hn") && text.contains("or less"), "{text}");
}

#[test]
fn an_interrupt_leaves_no_server_behind() {
    for signal in [Signal::INT, Signal::KILL] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_marmot"))
            .args(["eras", "--era", "process", "--conns", "5", "--seconds", "100"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = program.id();
        // The server and its five.
        let family = eventually(|| Some(descendants(pid)).filter(|family| family.len() == 6));
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
        let mut text = String::new();
        program.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let status = program.wait().unwrap();
        if signal == Signal::INT {
            assert_eq!(status.code(), Some(130));
            // They are not only dead, but reaped.
            assert!(family.iter().all(|pid| !fs::exists(format!("/proc/{pid}")).unwrap()));
        }
        eventually(|| family.iter().all(|&pid| is_dead(pid)).then_some(()));
    }
}

/// Tries until there is an outcome, with a bound.
fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(outcome) = attempt() {
            return outcome;
        }
        assert!(Instant::now() < deadline, "it did not happen within {BOUND:?}");
        std::thread::yield_now();
    }
}

fn descendants(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().map(|child| child.parse().unwrap()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

/// Whether the process is gone, or only waits for whoever has adopted it.
fn is_dead(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat[stat.rfind(')').unwrap()..].starts_with(") Z"),
        Err(_) => true,
    }
}
