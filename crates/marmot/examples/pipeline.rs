//! A pipeline of stages, each a goroutine or several, with bounded channels between them: the slowest stage sets the pace for all.
//!
//! `cargo run --release --example pipeline`
//!
//! No stage knows how fast the others are. One that is too fast finds the channel behind it full, and waits: so however many
//! records come, only as many are under way as there is room for. A stage ends when the channel before it does, and with it its end
//! of the channel behind it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use marmot::sync::chan::{self, SendError};

/// How many records may wait between two stages.
const ROOM: usize = 4;

/// How many goroutines the slow stage has.
const AT_A_TIME: usize = 3;

/// What has come out of a pipeline.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The sum.
    pub sum: u64,
    /// How many records were under way at most.
    pub most: usize,
}

/// Adds up the squares of the numbers below `records`, each of which takes `pause`.
pub fn run(records: u64, pause: Duration) -> io::Result<Outcome> {
    let (numbers_in, numbers) = chan::bounded(ROOM);
    let (squares_in, squares) = chan::bounded(ROOM);
    let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let sum = marmot::group(|g| {
        // The source, which is fast.
        g.go(|| {
            let numbers_in = numbers_in;
            for number in 0..records {
                most.fetch_max(under_way.fetch_add(1, Relaxed) + 1, Relaxed);
                numbers_in.send(number).map_err(ended)?;
            }
            Ok(())
        });
        // The slow stage: what it waits for is here a pause, and might be another server.
        for _ in 0..AT_A_TIME {
            let (numbers, squares_in) = (numbers.clone(), squares_in.clone());
            g.go(move || {
                for number in numbers {
                    marmot::sleep_or_cancelled(pause)?;
                    squares_in.send(number * number).map_err(ended)?;
                }
                Ok(())
            });
        }
        drop((numbers, squares_in));
        // The sink.
        let mut sum = 0;
        for square in squares {
            under_way.fetch_sub(1, Relaxed);
            sum += square;
        }
        Ok::<_, io::Error>(sum)
    })?;
    Ok(Outcome { sum, most: most.into_inner() })
}

/// A stage finds that the one behind it has ended, or that its context has.
fn ended<T>(error: SendError<T>) -> io::Error {
    match error {
        SendError::Disconnected(_) => io::ErrorKind::BrokenPipe.into(),
        SendError::Cancelled(_) => io::Error::other("the pipeline is no longer wanted"),
    }
}

#[marmot::main]
fn main() -> io::Result<()> {
    let records = 1000;
    let outcome = run(records, Duration::from_millis(1))?;
    println!("the sum of {records} squares is {}", outcome.sum);
    println!("never were more than {} records under way", outcome.most);
    Ok(())
}
