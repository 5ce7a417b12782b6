//! The command line.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use clap::Parser;

use crate::attacks::{ALL, Attack};

/// Attacks Marmot's runtime with everything at once, and checks every invariant at the end.
///
/// Every random decision comes from the seed, which is printed. The same seed makes the same plans, although
/// not the same interleaving of them.
#[derive(Clone, Debug, Parser)]
#[command(name = "stress")]
pub struct Options {
    /// Where chance comes from; without it, another one each time.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The numbers of Ps, each with a runtime of its own.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,2,8")]
    pub procs: Vec<usize>,
    /// How many connections are alive at a time.
    #[arg(long, value_name = "N")]
    conns: Option<usize>,
    /// How many messages have to come back with each number of Ps.
    #[arg(long, value_name = "N")]
    round_trips: Option<u64>,
    /// Go on with the seeds that follow until so much time is over.
    #[arg(long, value_name = "S")]
    pub seconds: Option<u64>,
    /// The attacks; without it, all.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = attack)]
    attack: Vec<&'static Attack>,
    /// Fewer connections and round trips: for builds that are slow.
    #[arg(long)]
    quick: bool,
    /// How long an attack may stand still before it counts as hung.
    #[arg(long, value_name = "S", default_value_t = 30)]
    patience: u64,
}

impl Options {
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().hash_one("a number that a human can type") % 1_000_000_000)
    }

    pub fn conns(&self) -> usize {
        self.conns.unwrap_or(if self.quick { 50 } else { 1000 })
    }

    pub fn round_trips(&self) -> u64 {
        self.round_trips.unwrap_or(if self.quick { 3_000 } else { 200_000 })
    }

    pub fn attacks(&self) -> Vec<&'static Attack> {
        if self.attack.is_empty() { ALL.iter().collect() } else { self.attack.clone() }
    }

    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience)
    }
}

fn attack(name: &str) -> Result<&'static Attack, String> {
    ALL.iter().find(|attack| attack.name == name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|attack| attack.name).collect();
        format!("there are: {}", names.join(", "))
    })
}
