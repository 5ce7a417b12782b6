//! The rule `unfinished`: what is in the tree is done.

use super::Found;
use super::files::File;

/// Macros that stand for work to be done.
const MACROS: [&str; 3] = ["dbg", "todo", "unimplemented"];

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens() else { return Vec::new() };
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let name = tokens.text(at);
        // Not in `todo != 0`.
        if MACROS.contains(&name) && tokens.text(at + 1) == "!" && tokens.text(at + 2) != "=" {
            found.push((tokens.line(at), format!("`{name}!` is for drafts: finish it, or leave it out")));
        }
    }
    found
}
