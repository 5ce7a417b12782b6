//! `marmot eras`: a short run, with figures that make sense; and that nothing is left behind.

use crate::common;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(300);

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
    for file in [&json, &html] {
        assert!(text.contains(file.to_str().unwrap()), "{text}");
    }
    assert!(text.contains("goroutine per connection") && text.contains("With "), "{text}");

    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let eras = report["eras"].as_array().unwrap();
    let names: Vec<&str> = eras.iter().map(|era| era["era"].as_str().unwrap()).collect();
    assert_eq!(names, ["process", "thread", "epoll", "goroutine"]);
    for era in eras {
        let number = |name: &str| era[name].as_f64().unwrap_or_else(|| panic!("{name} in {era}"));
        let micros = |name: &str| era["latency"][name].as_f64().unwrap();
        // How many depends on what else the machine does.
        assert!(number("requests") >= 1.0, "{era}");
        assert!(number("seconds") >= 0.9, "{era}");
        assert!((number("requests_per_second") * number("seconds") / number("requests") - 1.0).abs() < 0.01, "{era}");
        assert!(number("cpu_us_per_request") > 0.2, "{era}");
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

/// What the program says, with so many descriptors, to arguments that it refuses.
fn refusal(descriptors: u32, args: &[&str]) -> String {
    let output = limited(descriptors, args);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

/// A run with so many descriptors.
fn limited(descriptors: u32, args: &[&str]) -> Output {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
    let child = command.args(["-c", &script, env!("CARGO_BIN_EXE_marmot")]).args(args);
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    common::within(BOUND, child, |child| {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        child.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
        child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
        Output { status: child.wait().unwrap(), stdout, stderr }
    })
}

#[test]
fn too_many_connections_are_refused_with_advice() {
    let text = refusal(64, &["--conns", "500"]);
    assert!(text.contains("--conns 500 needs") && text.contains("ulimit -Hn") && text.contains("or less"), "{text}");
    // What is advised works.
    let most = text.split("use --conns ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let args = ["eras", "--conns", most, "--seconds", "0.1", "--era", "epoll", "--era", "goroutine"];
    let output = limited(64, &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // With so few, none works, and none is advised.
    let text = refusal(20, &["eras"]);
    assert!(!text.contains("use --conns"), "{text}");
    // No limit can be raised so far.
    let text = refusal(64, &["--conns", "4000000000"]);
    assert!(!text.contains("ulimit") && text.contains("or less"), "{text}");
}

#[test]
fn files_that_cannot_be_written_are_refused_at_once() {
    let kept = file("kept.json");
    fs::write(&kept, "old").unwrap();
    let new = file("new.html");
    let _ = fs::remove_file(&new);
    let (kept_name, new_name) = (kept.to_str().unwrap(), new.to_str().unwrap());
    let begun = Instant::now();
    // It would measure for longer than it may run.
    let long = ["eras", "--seconds", "3600"];
    let output = common::output(&[&long[..], &["--json", kept_name, "--html", "/nowhere/page.html"]].concat(), BOUND);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("/nowhere/page.html: No such file"), "{text}");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "old");
    // One that is made for nothing is removed.
    let output = common::output(&[&long[..], &["--html", new_name, "--conns", "4000000000"]].concat(), BOUND);
    assert_eq!(output.status.code(), Some(1));
    assert!(!new.exists());
    let output = common::output(&[&long[..], &["--html", new_name, "--json", new_name]].concat(), BOUND);
    assert!(String::from_utf8(output.stderr).unwrap().contains("a file each"));
    assert!(begun.elapsed() < BOUND);
}

#[test]
fn the_files_are_written_though_nobody_reads_the_table() {
    let json = file("unread.json");
    let _ = fs::remove_file(&json);
    let args = ["eras", "--era", "epoll", "--seconds", "0.1", "--conns", "2", "--json", json.to_str().unwrap()];
    assert_eq!(crate::closed::without_reader(&args, BOUND), (Some(0), String::new()));
    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["eras"][0]["era"], "epoll");
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
