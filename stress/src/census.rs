//! What the process holds: descriptors, stacks, threads and memory. Linux only, as `/proc` is.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use marmot_coro::StackPool;

/// How long what was given back may take to be gone: Ms end in their own time after a shutdown.
const SETTLING: Duration = Duration::from_secs(20);

/// Spare threads for blocking calls stay for a while, and serve all runtimes.
const SPARE: &str = "marmot-blocking";

/// What the process holds at a moment.
#[derive(Debug)]
pub struct Census {
    /// Each descriptor's number, and what it refers to.
    descriptors: BTreeMap<i32, String>,
    stacks: usize,
    /// Nodes of linked buffers.
    nodes: usize,
    threads: usize,
}

/// What is held after the end of what made it, and will be for as long as the process lives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Goroutines that were left waiting on purpose: each keeps its stack, and its M's thread.
    pub goroutines: usize,
}

impl Census {
    pub fn take() -> Census {
        let (stacks, nodes) = (StackPool::global().stats().in_use, marmot::buf::nodes_in_use());
        Census { descriptors: descriptors(), stacks, nodes, threads: threads() }
    }

    /// Waits until the process holds no more than at the time of this census, and what is kept on purpose.
    ///
    /// # Errors
    ///
    /// What is left, when it takes too long.
    pub fn await_return(&self, kept: Kept) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.compare(&Census::take(), kept) {
                Err(left) if begun.elapsed() > SETTLING => return Err(left),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn compare(&self, now: &Census, kept: Kept) -> Result<(), String> {
        let leaked: Vec<_> = now.descriptors.iter().filter(|(fd, _)| !self.descriptors.contains_key(fd)).collect();
        if now.descriptors.len() != self.descriptors.len() {
            return Err(format!(
                "{} descriptors are open, and {} were before; among the new are {:?}",
                now.descriptors.len(),
                self.descriptors.len(),
                &leaked[..leaked.len().min(8)]
            ));
        }
        if now.stacks != self.stacks + kept.goroutines {
            return Err(format!(
                "{} stacks are in use; {} were before, and {} goroutines were left waiting on purpose",
                now.stacks, self.stacks, kept.goroutines
            ));
        }
        if now.nodes != self.nodes {
            return Err(format!("{} nodes of buffers are in use, and {} were before", now.nodes, self.nodes));
        }
        // Several of those goroutines may have settled on one M.
        if !(self.threads..=self.threads + kept.goroutines).contains(&now.threads) {
            return Err(format!(
                "{} threads run; {} did before, and at most {} were left behind on purpose",
                now.threads, self.threads, kept.goroutines
            ));
        }
        Ok(())
    }
}

/// The memory that the process uses, in MiB.
pub fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux says what a process uses");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("there is such a line");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("it has a number of kB");
    kib / 1024
}

fn descriptors() -> BTreeMap<i32, String> {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux lists a process's descriptors");
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let number = entry.file_name().to_str()?.parse().ok()?;
        // One that is closed meanwhile is none; the folder itself is such a one.
        let target = fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned();
        (!target.ends_with("/fd")).then_some((number, target))
    });
    named.collect()
}

fn threads() -> usize {
    let entries = fs::read_dir("/proc/self/task").expect("Linux lists a process's threads");
    let names = entries.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() != SPARE).count()
}
