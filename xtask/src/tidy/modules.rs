//! The rule `modules`: imports between the runtime's modules point one way.
//!
//! Each module knows itself, those that its line of [`LAW`] names, and all that those know; `primitive` is known to all.
//! A name is taken from the module that it lives in: through a re-export at the crate's root, anybody could know anything. Only
//! a macro that is exported lives at the root, wherever it is written.

use super::Found;
use super::files::File;
use super::tokens::Tokens;

/// The sources that the law is about.
const SOURCES: &str = "crates/marmot-runtime/src/";

/// Who may know anything: the crate's root, which declares the modules.
const ROOT: &str = "lib";

/// Each module, and which it stands on.
pub const LAW: [(&str, &[&str]); 17] = [
    ("buffered", &["net"]),
    ("io", &["net"]),
    ("net", &["fd", "rt"]),
    ("os", &["fd", "rt"]),
    ("time", &["rt"]),
    ("fd", &["blocking", "netpoll"]),
    ("rt", &["blocking", "context", "netpoll", "profile", "sync"]),
    ("netpoll", &["context"]),
    ("context", &["timer"]),
    ("profile", &["netpoll"]),
    ("sync", &["context", "profile"]),
    ("timer", &["sched"]),
    ("blocking", &["sched"]),
    ("local", &["sched"]),
    ("sched", &["primitive"]),
    ("primitive", &[]),
    (ROOT, &[]),
];

pub fn check(file: &File) -> Vec<Found> {
    let (Some(tokens), Some(path)) = (file.tokens(), file.path.strip_prefix(SOURCES)) else { return Vec::new() };
    let path = module_path(path);
    let own = path[0];
    if own == ROOT {
        return Vec::new();
    }
    if !LAW.iter().any(|(module, _)| *module == own) {
        return vec![(
            1,
            format!("the module `{own}` has no place yet: give it one in the table of xtask/src/tidy/modules.rs"),
        )];
    }
    let mut found = Vec::new();
    for at in root_names(tokens, path.len()) {
        let name = tokens.text(at);
        let advice = if !LAW.iter().any(|(module, _)| *module == name) {
            format!("`{name}` is no module of the runtime: name the one that it lives in")
        } else if own != name && name != "primitive" && !knows(own, name) {
            format!(
                "`{own}` may not know `{name}`: let the lower of the two be told what it needs, by an argument or a callback"
            )
        } else {
            continue;
        };
        found.push((tokens.line(at), advice));
    }
    found
}

/// Whether `module` stands on `other`, if only by way of third ones.
pub fn knows(module: &str, other: &str) -> bool {
    let direct = LAW.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, known)| known);
    direct.iter().any(|known| *known == other || knows(known, other))
}

/// `sched/idle.rs` is `["sched", "idle"]`, and `sched/mod.rs` is `["sched"]`.
fn module_path(path: &str) -> Vec<&str> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    stem.strip_suffix("/mod").unwrap_or(stem).split('/').collect()
}

/// Where a path names something at the crate's root, in a file that is `depth` modules below it.
fn root_names(tokens: &Tokens, depth: usize) -> Vec<usize> {
    let mut names = Vec::new();
    for at in 0..tokens.len() {
        let is_start = at == 0 || tokens.text(at - 1) != "::";
        if tokens.says(at, &["crate", "::"]) {
            names_after(tokens, at + 2, &mut names);
        } else if is_start && tokens.says(at, &["super", "::"]) {
            let mut ups = 1;
            while tokens.says(at + 2 * ups, &["super", "::"]) {
                ups += 1;
            }
            if ups == depth + tokens.modules_around(at) {
                names_after(tokens, at + 2 * ups, &mut names);
            }
        }
    }
    names
}

/// The name at `at`, or the first name of each path between the braces there.
fn names_after(tokens: &Tokens, at: usize, names: &mut Vec<usize>) {
    if tokens.text(at) != "{" {
        let is_macro = tokens.text(at + 1) == "!";
        names.extend((!is_macro).then_some(at));
        return;
    }
    let starts = tokens.between(at).filter(|&i| matches!(tokens.text(i - 1), "{" | ",") && tokens.anchor(i) == i);
    names.extend(starts.filter(|&i| tokens.are_siblings(i, at + 1)));
}
