//! The arithmetic of counts, and reading them where others have written them.

use super::calls::per_request;
use super::each;
use super::instructions::collected;

#[test]
fn the_start_and_the_end_of_a_process_cancel_out() {
    let (start_and_end, one) = (1_000_000, 126);
    let run = |operations: u64| start_and_end + operations * one;
    assert_eq!(each(run(500), run(1000), 500), one as f64);
    assert_eq!(each(10, 5, 5), -1.0);
}

#[test]
fn the_count_stands_behind_the_colon() {
    let text = "==7== Callgrind, a call-graph generating cache profiler\n\
                ==7== Warning: client switching stacks?\n\
                ==7== Events    : Ir\n\
                ==7== Collected : 13225767\n";
    assert_eq!(collected(text), Some(13_225_767));
    assert_eq!(collected("==7== Command: marmot bench\n"), None);
    assert_eq!(collected("==7== Collected : many\n"), None);
}

#[test]
fn the_count_of_a_request_is_taken_from_the_report() {
    let report = r#"{ "eras": [{ "era": "goroutine", "system_calls": { "per_request": 2.03 } }] }"#;
    assert_eq!(per_request(report).unwrap(), 2.03);
    let refused = r#"{ "eras": [{ "era": "goroutine", "system_calls": { "unknown": "ptrace: not permitted" } }] }"#;
    let error = per_request(refused).unwrap_err().to_string();
    assert!(error.contains("not permitted"), "{error}");
}
