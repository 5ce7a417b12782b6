//! `marmot bench`: that every benchmark runs and prints rows of the right form.

use crate::common;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(300);

/// The rows that the arguments make it print.
pub fn rows(args: &[&str]) -> Vec<(String, f64, String)> {
    let output = common::output(&[&["bench"], args].concat(), BOUND);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let [name, value, unit] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("no row: {line:?}") };
        (name.to_string(), value.parse().unwrap(), unit.to_string())
    };
    text.lines().map(row).collect()
}

#[test]
fn every_benchmark_prints_its_rows() {
    for (name, expected) in [
        ("switch", &["switch", "switch.wall"][..]),
        ("pingpong", &["pingpong", "pingpong.wall"]),
        ("read", &["read", "read.wall"]),
        ("spawn", &["spawn", "spawn.wall", "spawn_batch", "spawn_batch.wall"]),
        ("buffer", &["buffer", "buffer.wall", "buffer.rate"]),
        ("pool", &["pool", "pool.wall", "pool.made", "pool.made.wall"]),
        (
            "mutex",
            &[
                "mutex.uncontended",
                "mutex.uncontended.std",
                "mutex.uncontended.ratio",
                "mutex.goroutines",
                "mutex.goroutines.std",
                "mutex.goroutines.ratio",
                "mutex.threads",
                "mutex.threads.std",
                "mutex.threads.ratio",
            ],
        ),
        ("skynet", &["skynet", "skynet.wall"]),
        ("cancel", &["cancel", "cancel.wall"]),
        (
            "sleep",
            &[
                "sleep",
                "sleep_late.p50",
                "sleep_late.p99",
                "sleep_late.at_once.p50",
                "sleep_late.at_once.p99",
                "sleep_late.short.p50",
                "sleep_late.short.p99",
            ],
        ),
        ("timer", &["timer", "timer.wall", "timer.among", "timer.among.wall"]),
    ] {
        let rows = rows(&[name, "--quick"]);
        let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
        assert_eq!(names, expected);
        assert!(rows.iter().all(|row| row.1 > 0.0), "{rows:?}");
    }
}

#[test]
fn the_rows_come_as_json_too() {
    let output = common::output(&["bench", "yield", "--quick", "--json"], BOUND);
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["name"], "switch");
    assert!(rows[0]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn once_prints_nothing() {
    for name in ["switch", "pingpong", "pool", "read", "spawn", "timer"] {
        assert_eq!(rows(&[name, "--once", "10", "--procs", "1"]), []);
    }
    assert_eq!(common::output(&["bench", "skynet", "--once", "10"], BOUND).status.code(), Some(1));
}

#[test]
fn an_unknown_name_is_refused() {
    assert_eq!(common::output(&["bench", "nothing"], BOUND).status.code(), Some(2));
}
