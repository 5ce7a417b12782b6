//! The rule `sleep`: no test sleeps to be right.
//!
//! A sleep in a test is too short on a busy machine and too long on all others. A test waits on a condition, with a bound.

use super::Found;
use super::files::File;

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens() else { return Vec::new() };
    let mut found = Vec::new();
    for at in tokens.find(&["thread", "::"]) {
        let name = at + 2;
        let mut names = if tokens.text(name) == "{" { tokens.between(name) } else { name..name + 1 };
        if names.any(|at| tokens.text(at).starts_with("sleep")) && (file.is_test() || tokens.is_test(at)) {
            found.push((
                tokens.line(at),
                "wait on a condition with a bound: a channel, a join, `park_timeout` in a loop".to_owned(),
            ));
        }
    }
    found
}
