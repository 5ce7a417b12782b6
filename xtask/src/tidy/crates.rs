//! The rule `crates`: imports between the workspace's crates point one way.
//!
//! What knows of goroutines stands above what does not, and a crate can be understood from itself and those below it.
//! [`LAW`] is read from the manifests, for every kind of dependency and every platform: what a test needs from above
//! belongs into a test up there.

use toml::{Table, Value};

use super::Found;
use super::files::{File, Kind};

/// Each crate, and which others of the workspace it may name.
pub const LAW: [(&str, &[&str]); 12] = [
    ("marmot-cli", &["marmot"]),
    (
        "marmot",
        &["marmot-pprof", "marmot-runtime", "marmot-coro", "marmot-poll", "marmot-buf", "marmot-io", "marmot-macros"],
    ),
    ("marmot-pprof", &["marmot-coro", "marmot-poll", "marmot-buf", "marmot-io"]),
    ("marmot-runtime", &["marmot-coro", "marmot-poll", "marmot-buf", "marmot-io"]),
    ("marmot-coro", &[]),
    ("marmot-poll", &[]),
    ("marmot-buf", &[]),
    ("marmot-buf-fuzz", &["marmot-buf"]),
    ("marmot-io", &["marmot-buf"]),
    ("marmot-macros", &[]),
    ("marmot-stress", &["marmot", "marmot-coro"]),
    ("xtask", &[]),
];

/// Who may name whom in tests besides: what an attribute expands to needs the crate that it names.
const IN_TESTS: [(&str, &str); 1] = [("marmot-macros", "marmot")];

pub fn check(file: &File) -> Vec<Found> {
    let Kind::Manifest = file.kind else { return Vec::new() };
    let manifest = match file.text.parse::<Table>() {
        Ok(manifest) => manifest,
        Err(e) => return vec![(1, format!("this is not TOML: {}", e.message()))],
    };
    let Some(name) = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str) else {
        return vec![(1, "the package needs a name".to_owned())];
    };
    let Some((_, known)) = LAW.iter().find(|(member, _)| *member == name) else {
        return vec![(
            line_of(file, "name"),
            format!("`{name}` has no place yet: give it one in the table of xtask/src/tidy/crates.rs"),
        )];
    };
    let mut found = Vec::new();
    for (kind, key, target) in dependencies(&manifest) {
        let is_member = LAW.iter().any(|(member, _)| *member == target);
        let is_for_tests = kind == "dev-dependencies" && IN_TESTS.contains(&(name, target));
        if is_member && !known.contains(&target) && !is_for_tests {
            let advice = format!("`{name}` may not know `{target}`: move what needs both to the upper of the two");
            found.push((line_of(file, key), advice));
        }
    }
    found
}

/// All dependencies in a manifest: the name of the table, the key there, and the name of the package.
fn dependencies(manifest: &Table) -> Vec<(&'static str, &str, &str)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let per_target = targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table);
    let mut all = Vec::new();
    for table in std::iter::once(manifest).chain(per_target) {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                all.push((kind, key.as_str(), package));
            }
        }
    }
    all
}

/// The first line that begins with `key`, or ends a table's name with it.
fn line_of(file: &File, key: &str) -> usize {
    let is_key = |line: &str| {
        let line = line.trim();
        let after = line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
        after || line.strip_suffix(']').is_some_and(|table| table.ends_with(&format!(".{key}")))
    };
    file.text.lines().position(is_key).map_or(1, |index| index + 1)
}
