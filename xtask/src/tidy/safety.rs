//! The rule `safety`: who claims that something is sound says why, and who asks for a promise says which.
//!
//! A `// SAFETY:` comment stands above each unsafe block, `unsafe impl` and `unsafe extern`, or above the statement that it
//! is part of; attributes and the comment's own further lines may stand between. The documentation of each `unsafe fn` and
//! `unsafe trait` has a section `# Safety`, except for the methods of a trait's implementation, which the trait documents.
//!
//! clippy knows these rules, too, but not for what a macro expands to nor for code of other platforms.

use super::Found;
use super::files::File;
use super::tokens::Tokens;

pub fn check(file: &File) -> Vec<Found> {
    let Some(tokens) = file.tokens() else { return Vec::new() };
    let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
    let mut found = Vec::new();
    for at in tokens.find(&["unsafe"]) {
        let line = tokens.line(at);
        match tokens.text(at + 1) {
            "{" | "impl" if !is_argued(tokens, &lines, at) => {
                found.push((line, "say in a `// SAFETY:` comment above it which invariant makes it hold".to_owned()));
            }
            "extern" if tokens.text(at + 3) == "{" && !is_argued(tokens, &lines, at) => {
                found.push((line, "say in a `// SAFETY:` comment above it where the signatures are from".to_owned()));
            }
            "fn" | "extern" | "trait" if declares(tokens, at) && !is_documented(tokens, at) => {
                found.push((
                    line,
                    "say in a section `# Safety` of its documentation what the caller promises".to_owned(),
                ));
            }
            _ => {}
        }
    }
    found
}

/// Whether a `// SAFETY:` comment ends above the `unsafe` at `at`, or above what that is part of.
fn is_argued(tokens: &Tokens, lines: &[&str], at: usize) -> bool {
    tokens.commented_lines(at).into_iter().any(|line| {
        let above = lines[..line - 1].iter().rev();
        above
            .take_while(|line| line.starts_with("//") || line.starts_with("#["))
            .any(|line| line.starts_with("// ") && line.contains("SAFETY:"))
    })
}

/// Whether the `unsafe` at `at` declares a function or a trait, and is not part of a type or a trait's implementation.
fn declares(tokens: &Tokens, at: usize) -> bool {
    // `fn name`, `trait Name`, `extern "C" fn name`; in a type, a parenthesis follows `fn`.
    let word = if tokens.text(at + 1) == "extern" { at + 3 } else { at + 1 };
    let is_named =
        ["fn", "trait"].contains(&tokens.text(word)) && tokens.get(word + 1).is_some_and(|t| t.is_identifier);
    is_named && tokens.is_in_body(at) && !tokens.is_of_trait_impl(at)
}

/// Whether the item that the token at `at` is part of has a section on safety in its documentation.
fn is_documented(tokens: &Tokens, at: usize) -> bool {
    (tokens.anchor(at)..at).any(|i| tokens.says(i, &["doc", "="]) && tokens.text(i + 2).contains("# Safety"))
}
