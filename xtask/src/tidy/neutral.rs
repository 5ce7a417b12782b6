//! The rule `neutral`: what is written says nothing of the machine that it was written on.

use super::Found;
use super::files::File;

pub fn check(file: &File) -> Vec<Found> {
    // In parts, for this file is held to the rule as well.
    let folder = ["/", "work", "/"].concat();
    let is_path = |line: &str| {
        line.match_indices(&folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            // Within a longer path or an address it is some other folder.
            !before.is_some_and(|c| c.is_alphanumeric() || "._-~}".contains(c))
        })
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_path(line));
    lines
        .map(|(index, _)| {
            (index + 1, format!("`{folder}` is a folder of one machine: write the path from the workspace's root"))
        })
        .collect()
}
