//! Who sees to it that a failure is reported: a panic hook, and a watchdog.
//!
//! An invariant is an assertion, wherever it is checked. The first one that fails ends the process: the hook prints what
//! is wrong, the seed and the state of the round, because what follows a broken invariant tells nothing. The watchdog does
//! the same for an attack that stands still, and aborts, so that a core shows what every thread is doing.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::ground::Ground;

/// How panics begin that are made on purpose.
pub const PLANNED: &str = "planned panic";

/// How often the watchdog looks.
const LOOKS: Duration = Duration::from_millis(500);

/// The round that is running.
static ROUND: Mutex<Option<Arc<Ground>>> = Mutex::new(None);

fn round() -> MutexGuard<'static, Option<Arc<Ground>>> {
    ROUND.lock().unwrap_or_else(|e| e.into_inner())
}

/// Says which round is running, if one is.
pub fn set_round(ground: Option<Arc<Ground>>) {
    *round() = ground;
}

/// Makes every panic that is not planned the end of the process.
pub fn end_with_the_first_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !is_planned(info) {
            // Held to the end: of several panics at the same time, one is reported.
            let round = round();
            print(info);
            report("an invariant does not hold", round.as_deref());
            process::exit(1);
        }
    }));
}

fn is_planned(info: &PanicHookInfo<'_>) -> bool {
    info.payload_as_str().is_some_and(|text| text.starts_with(PLANNED))
}

fn report(what: &str, round: Option<&Ground>) {
    let mut text = format!("\nstress: FAILED: {what}\n");
    if let Some(ground) = round {
        text += &ground.to_string();
    }
    // Without standard error the exit code has to do.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Starts the watchdog. It lives as long as the process.
pub fn start_the_dog() {
    thread::Builder::new().name("watchdog".into()).spawn(watch).expect("the first thread of the program starts");
}

fn watch() {
    // The round that was last looked at, and of each attack the count and since when it is that.
    let mut last: (Option<Arc<Ground>>, Vec<(u64, Instant)>) = (None, Vec::new());
    loop {
        thread::sleep(LOOKS);
        let current = round().clone();
        let Some(ground) = &current else {
            last = (None, Vec::new());
            continue;
        };
        if !last.0.as_ref().is_some_and(|before| Arc::ptr_eq(before, ground)) {
            last = (current.clone(), ground.fronts.iter().map(|_| (0, Instant::now())).collect());
        }
        let mut still = Vec::new();
        for (front, (count, since)) in ground.fronts.iter().zip(&mut last.1) {
            let now = ground.counts.get(front.attack.counts);
            if now != *count || !front.is_running() {
                (*count, *since) = (now, Instant::now());
            } else if since.elapsed() > ground.patience {
                still.push(front.attack.name);
            }
        }
        if !still.is_empty() {
            report(&format!("no progress for {:?}: {}", ground.patience, still.join(", ")), Some(ground));
            process::abort();
        }
    }
}
