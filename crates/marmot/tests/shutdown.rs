//! What a runtime that stops does with goroutines that have not started.

mod common;

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use common::*;
use marmot::{JoinHandle, Stopped};

/// Makes a goroutine when it is dropped, and hands it over.
struct MakesOne(Sender<JoinHandle<()>>, fn() -> JoinHandle<()>);

impl Drop for MakesOne {
    fn drop(&mut self) {
        // The test may have given up.
        let _ = self.0.send((self.1)());
    }
}

/// Stops a runtime whose only M has `queued` in a queue, which was never to start.
fn stops_with(queued: impl FnOnce(MakesOne) + Send + 'static) {
    bounded(move || {
        let rt = runtime(1);
        let (tell, told) = channel();
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        rt.go(move || {
            queued(MakesOne(tell, || marmot::go(|| ())));
            begin.send(()).unwrap();
            // The M is busy until the runtime has stopped.
            let _ = ended.recv();
        });
        begun.recv().unwrap();
        assert!(rt.shutdown(Duration::ZERO).unwrap_err().left() >= 2);
        drop(end);
        let made = told.recv_timeout(LIMIT).expect("what was queued is dropped");
        assert!(made.join().unwrap_err().is::<Stopped>());
    });
}

#[test]
fn what_a_dropped_closure_makes_is_dropped_too() {
    stops_with(|makes| drop(marmot::go(move || drop(makes))));
}

#[test]
fn also_if_it_was_to_start_on_its_m() {
    stops_with(|makes| {
        // So many run in a row before the M sees that the runtime has stopped.
        (0..64).for_each(|_| drop(marmot::go_local(|| ())));
        marmot::go_local(move || drop(makes));
    });
}
