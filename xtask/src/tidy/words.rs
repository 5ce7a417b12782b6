//! The rule `words`: one word per meaning, and one meaning per word.
//!
//! The runtime's things have names: goroutine, machine, processor, scheduler, poller. Other projects' names for what is
//! nearly the same do not stand in identifiers, neither alone nor as a part.

use super::Found;
use super::files::File;

/// Words that are not used, each with those that are.
const INSTEAD: [(&str, &str); 6] = [
    ("driver", "poller"),
    ("executor", "scheduler"),
    ("fiber", "goroutine"),
    ("task", "goroutine"),
    ("waker", "`ready` for a goroutine, `wake` for a machine"),
    ("worker", "machine, or spare thread"),
];

/// Where a word is used all the same, for something that is not the runtime's. The path is where files' paths begin.
const ALLOWED: [(&str, &str); 1] = [
    // The programs that the command compares Marmot with are described in their own words.
    ("crates/marmot-cli/src/eras/", "worker"),
];

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens() else { return Vec::new() };
    if !["crates/", "stress/"].iter().any(|folder| file.path.starts_with(folder)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for token in tokens.iter().filter(|token| token.is_identifier) {
        for (word, instead) in INSTEAD {
            let is_allowed = ALLOWED.iter().any(|(path, allowed)| *allowed == word && file.path.starts_with(path));
            if !is_allowed && words(&token.text).iter().any(|part| part.strip_suffix('s').unwrap_or(part) == word) {
                found.push((token.line, format!("`{}` says {word}: here it is {instead}", token.text)));
            }
        }
    }
    found
}

/// The words of an identifier in lower case: `take_next`, `TakeNext` and `TAKE_NEXT` have two each.
fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut last_was_lower = false;
    for c in identifier.chars() {
        if c == '_' || (c.is_uppercase() && last_was_lower) {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().expect("there is one from the start").extend(c.to_lowercase());
        }
        last_was_lower = c.is_lowercase() || c.is_numeric();
    }
    words
}
