//! The rule `cfg`: what differs between platforms is chosen in a few places, on lines that name a whole module.
//!
//! A condition on the platform stands in a folder `sys` or `stack`, on `mod`, `use` or `type`, or on the `compile_error!`
//! for a platform that has no module. A function is then written for one platform, and read without conditions. Beside
//! the library, a whole test may be for one platform: `#![cfg(…)]` at its head.
//!
//! The condition `loom` stands in `primitive.rs`, the one switch between `std` and the model checker, and in tests.

use super::Found;
use super::files::File;
use super::tokens::Tokens;

/// What makes a condition one on the platform.
const PLATFORM: [&str; 8] =
    ["target_abi", "target_arch", "target_env", "target_family", "target_os", "target_vendor", "unix", "windows"];

/// Where conditions on the platform may stand.
const FOLDERS: [&str; 2] = ["sys", "stack"];

/// What they may stand on.
const ITEMS: [&str; 4] = ["compile_error", "mod", "type", "use"];

/// A condition: `#[cfg(…)]`, `#![cfg(…)]`, `#[cfg_attr(…)]` or `cfg!(…)`.
struct Condition {
    /// Where it begins.
    start: usize,
    /// The bracket around the condition itself.
    bracket: usize,
    /// What the attribute stands on.
    on: On,
}

enum On {
    /// The item or statement that begins there.
    Item(usize),
    /// All that is around it.
    Around,
    /// Nothing: it is an expression.
    Nothing,
}

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens() else { return Vec::new() };
    let mut found = Vec::new();
    for condition in conditions(tokens) {
        let line = tokens.line(condition.bracket);
        for at in tokens.between(condition.bracket) {
            let name = tokens.text(at);
            // In `feature = "unix"` or `any(…)` no name is one of these.
            if PLATFORM.contains(&name) {
                found.extend(misplaced(file, tokens, &condition).map(|advice| (line, format!("`{name}` {advice}"))));
            } else if name == "loom" && file.name() != "primitive.rs" && !file.is_in("tests") {
                found.push((
                    line,
                    "`loom` is known to `primitive.rs` and to tests: take the type from there".to_owned(),
                ));
            }
        }
    }
    found
}

/// What is wrong with the place of a condition on the platform.
fn misplaced(file: &File, tokens: &Tokens, condition: &Condition) -> Option<&'static str> {
    match condition.on {
        On::Around if file.is_aside() && tokens.is_of_item(condition.start) => None,
        _ if !FOLDERS.iter().any(|folder| file.is_in(folder)) => {
            Some("is chosen in a `sys` folder: give each platform a file there, and call what they have in common")
        }
        On::Item(at) if tokens.is_of_item(at) && ITEMS.contains(&tokens.text(at)) => None,
        _ => Some("stands on a `mod`, `use` or `type` line: give each platform a file, and choose among the files"),
    }
}

fn conditions(tokens: &Tokens) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for at in 0..tokens.len() {
        let is_after =
            |mark: &[&str]| tokens.says(at, mark) && ["cfg", "cfg_attr"].contains(&tokens.text(at + mark.len()));
        let (length, on) = if is_after(&["#", "["]) {
            (3, On::Item(item_after(tokens, at)))
        } else if is_after(&["#", "!", "["]) {
            (4, On::Around)
        } else if tokens.says(at, &["cfg", "!"]) {
            (2, On::Nothing)
        } else {
            continue;
        };
        conditions.push(Condition { start: at, bracket: at + length, on });
    }
    conditions
}

/// The first word of what the attribute at `at` stands on, after other attributes and the visibility.
fn item_after(tokens: &Tokens, mut at: usize) -> usize {
    while tokens.says(at, &["#", "["]) {
        at = tokens.mate(at + 1) + 1;
    }
    if tokens.text(at) == "pub" {
        at += 1;
        if tokens.text(at) == "(" {
            at = tokens.mate(at) + 1;
        }
    }
    // An attribute stands on something, and if not, on itself.
    at.min(tokens.len() - 1)
}
