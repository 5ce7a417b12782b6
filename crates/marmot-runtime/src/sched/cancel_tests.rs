//! Tests of what is called after the end of a context.

use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::cancel::Node;
use super::roster::Why;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it is part of the test");
    }
}

#[test]
fn each_is_called_and_who_ends_the_context_meets_no_panic() {
    let parent = Node::new(None);
    let child = Node::new(Some(&parent));
    let called = Arc::new(AtomicUsize::new(0));
    for node in [&parent, &child] {
        for n in 0..4 {
            let called = Arc::clone(&called);
            let f = move || {
                called.fetch_add(1, Relaxed);
                match n {
                    0 => panic!("it is part of the test"),
                    // The payload is not dropped on the way, or there would be another panic.
                    2 => panic_any(Bomb),
                    _ => {}
                }
            };
            assert!(node.call_after(Box::new(f)).is_ok(), "it has not ended");
        }
    }
    assert!(parent.end(Why::Cancelled, None));
    assert_eq!(called.load(Relaxed), 8);
    assert!(child.state().is_some() && !parent.end(Why::Cancelled, None));
}
