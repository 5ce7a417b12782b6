//! The house rules as a check: each rule is a module of its own, whose head says what the rule is and why.
//!
//! A rule looks at one file at a time, as text or as [`Tokens`](tokens::Tokens), and returns what it found. None of them
//! compiles anything. So all platforms' code is seen wherever the check runs, and so is what stands inside of macros.

mod container;
mod crates;
mod files;
mod head;
mod modules;
mod neutral;
mod platform;
mod safety;
mod size;
mod sleep;
mod tokens;
mod unfinished;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;

use files::File;

/// A line of a file that breaks a rule, and what to do about it.
type Found = (usize, String);

/// Finds what in a file breaks one rule.
type Check = fn(&File) -> Vec<Found>;

/// The rules, by the names under which they report.
const RULES: [(&str, Check); 11] = [
    ("cfg", platform::check),
    ("container", container::check),
    ("crates", crates::check),
    ("head", head::check),
    ("modules", modules::check),
    ("neutral", neutral::check),
    ("safety", safety::check),
    ("size", size::check),
    ("sleep", sleep::check),
    ("unfinished", unfinished::check),
    ("words", words::check),
];

/// What was found in the whole workspace. Its text is a line for each finding, and a closing line with the counts.
pub struct Report {
    files: usize,
    findings: Vec<String>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        writeln!(f, "tidy: {} rules, {} files, {} findings", RULES.len(), self.files, self.findings.len())
    }
}

/// Holds every file of the workspace at `root` to every rule.
///
/// # Errors
///
/// When a file cannot be read.
pub fn run(root: &Path) -> io::Result<Report> {
    let files = files::read(root)?;
    let findings = files.iter().flat_map(examine).collect();
    Ok(Report { files: files.len(), findings })
}

/// All findings in `file`, by rule and line: `path:line: rule: what to do`.
fn examine(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    for (rule, check) in RULES {
        let mut found = check(file);
        found.sort();
        found.dedup();
        findings.extend(found.into_iter().map(|(line, advice)| format!("{}:{line}: {rule}: {advice}", file.path)));
    }
    findings
}
