//! A pool: some goroutines that take jobs from one channel, and put what comes of them into another.
//!
//! `cargo run --release --example pool_of_goroutines -- src` counts the lines of all files under `src`.
//!
//! Files block their thread, so they are read by `marmot::blocking`, on spare threads; the pool limits how many of those there are.
//! The first error ends all: it cancels the group's context, and so nobody waits any longer for jobs, for results or for room.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use marmot::sync::chan::{self, Sender};

/// Counts the lines of all files under `root`, `size` files at a time; in no particular order.
pub fn count_lines(root: &Path, size: usize) -> io::Result<Vec<(PathBuf, usize)>> {
    let (jobs, todo) = chan::bounded(size);
    let (results, done) = chan::bounded(size);
    marmot::group(|g| {
        g.go(move || marmot::blocking(|| find_files(root, &jobs)));
        for _ in 0..size {
            let (todo, results) = (todo.clone(), results.clone());
            g.go(move || {
                for path in todo {
                    let lines = marmot::blocking(|| lines_of(&path))?;
                    // It is refused only when the group has failed.
                    let _ = results.send((path, lines));
                }
                Ok(())
            });
        }
        // The channels end with their last senders, which the goroutines have.
        drop(results);
        Ok(done.into_iter().collect())
    })
}

/// Sends all files under `folder`.
fn find_files(folder: &Path, jobs: &Sender<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find_files(&entry.path(), jobs)?;
        } else if kind.is_file() && jobs.send(entry.path()).is_err() {
            // The group has failed, and nobody takes jobs any more.
            break;
        }
    }
    Ok(())
}

fn lines_of(path: &Path) -> io::Result<usize> {
    Ok(fs::read(path)?.iter().filter(|&&byte| byte == b'\n').count())
}

#[marmot::main]
fn main() -> io::Result<()> {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let mut counts = count_lines(&root, 8)?;
    counts.sort_unstable_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    for (path, lines) in counts.iter().take(10) {
        println!("{lines:>8} {}", path.display());
    }
    println!("{:>8} in {} files", counts.iter().map(|(_, lines)| lines).sum::<usize>(), counts.len());
    Ok(())
}
