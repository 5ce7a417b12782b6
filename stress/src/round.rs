//! A round: a runtime from its start to its end, all attacks on it, and what must hold afterwards.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use marmot::Runtime;

use crate::attacks::{Attack, Runs};
use crate::census::{self, Census, Kept};
use crate::counts::What;
use crate::echo::Server;
use crate::ground::{Ground, Orders};
use crate::watch;

/// How long a round lasts without the connections, whose count ends it otherwise.
const WITHOUT_ECHO: Duration = Duration::from_secs(5);

/// Runs a round, and says how it went in a line.
///
/// # Errors
///
/// What does not hold after it. What does not hold during it ends the process.
pub fn run(orders: &Orders, attacks: &[&'static Attack]) -> Result<String, String> {
    let before = Census::take();
    let begun = Instant::now();
    let runtime = Runtime::builder().procs(orders.procs).build().map_err(|e| format!("no runtime: {e}"))?;
    let server = runtime.run(Server::open).map_err(|e| format!("the server cannot listen: {e}"))?;
    let ground = Arc::new(Ground::new(orders, attacks, Arc::clone(&server)));
    watch::set_round(Some(Arc::clone(&ground)));
    attack(&runtime, &ground);
    let counted = ground.counts.get(What::Connections) + ground.counts.get(What::Knocks);
    // The last clients may have gone before the server knew of them.
    let patience = orders.patience;
    runtime.run(move || server.close(counted, patience))?;
    watch::set_round(None);
    let took = begun.elapsed();
    runtime.shutdown(orders.patience).map_err(|e| format!("the shutdown: {e}"))?;
    let (counts, kept) = (ground.counts.to_string(), Kept { goroutines: ground.left.load(Relaxed) });
    let per_second = ground.counts.get(What::RoundTrips) as f64 / took.as_secs_f64();
    // With it go the listeners.
    drop(ground);
    before.await_return(kept)?;
    let (seconds, memory) = (took.as_secs_f64(), census::memory());
    let Orders { seed, procs, .. } = orders;
    Ok(format!("seed {seed}, {procs} Ps: {seconds:.1} s, {per_second:.0} round trips/s, {memory} MiB: {counts}"))
}

/// Starts all attacks, and returns when all have ended.
fn attack(runtime: &Runtime, ground: &Arc<Ground>) {
    thread::scope(|s| {
        let mut inside = Vec::new();
        for i in 0..ground.fronts.len() {
            match ground.fronts[i].attack.runs {
                Runs::Inside(f) => {
                    let ground = Arc::clone(ground);
                    inside.push(runtime.go(move || ground.fronts[i].fight(|| f(&ground))));
                }
                Runs::Outside(f) => {
                    s.spawn(move || ground.fronts[i].fight(|| f(ground, runtime)));
                }
            }
        }
        if !ground.fronts.iter().any(|front| front.attack.counts == What::RoundTrips) {
            thread::sleep(WITHOUT_ECHO);
            ground.end();
        }
        for front in inside {
            front.join().expect("a panic of an attack has ended the process");
        }
    });
}
