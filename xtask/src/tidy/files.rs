//! The files that the rules look at: the sources, manifests and prose of the workspace.

use std::fs;
use std::io;
use std::path::Path;

use super::tokens::Tokens;

/// The folders at the workspace's root that are looked into. Of what lies beside them, the prose is looked at.
const FOLDERS: [&str; 4] = ["crates", "docs", "stress", "xtask"];

/// A file of the workspace.
pub struct File {
    /// From the workspace's root, with `/` on every platform.
    pub path: String,
    pub text: String,
    pub kind: Kind,
}

/// What a file is written in.
pub enum Kind {
    /// Rust, or what claims to be: else the line and the reason.
    Rust(Result<Tokens, (usize, String)>),
    Manifest,
    Prose,
}

impl File {
    /// Takes a file in, if the rules look at its kind.
    pub fn new(path: String, text: String) -> Option<File> {
        let kind = match path.rsplit_once('.')?.1 {
            "rs" => Kind::Rust(Tokens::of(&text)),
            "toml" if path.ends_with("/Cargo.toml") => Kind::Manifest,
            "md" => Kind::Prose,
            _ => return None,
        };
        Some(File { path, text, kind })
    }

    /// The tokens of a Rust file.
    pub fn tokens(&self) -> Option<&Tokens> {
        match &self.kind {
            Kind::Rust(tokens) => tokens.as_ref().ok(),
            _ => None,
        }
    }

    /// Its name without folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it lies in a folder of that name, at any depth.
    pub fn is_in(&self, folder: &str) -> bool {
        self.path.split('/').rev().skip(1).any(|name| name == folder)
    }

    /// Whether all of it is test code.
    pub fn is_test(&self) -> bool {
        self.is_in("tests") || self.name() == "tests.rs"
    }

    /// Whether it belongs to a test, a benchmark or an example, and not to a library or a program.
    pub fn is_aside(&self) -> bool {
        ["tests", "benches", "examples"].iter().any(|folder| self.is_in(folder)) && !self.is_in("src")
    }
}

/// Reads the workspace at `root`, in the order of the paths.
///
/// # Errors
///
/// When a file or folder cannot be read.
pub fn read(root: &Path) -> io::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() {
            take(&entry.path(), name, &mut files)?;
        } else if FOLDERS.contains(&name.as_str()) {
            walk(&entry.path(), &name, &mut files)?;
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, path: &str, files: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else {
            take(&entry.path(), path, files)?;
        }
    }
    Ok(())
}

fn take(file: &Path, path: String, files: &mut Vec<File>) -> io::Result<()> {
    // Others may not be text at all.
    if [".rs", ".toml", ".md"].iter().any(|end| path.ends_with(end)) {
        files.extend(File::new(path, fs::read_to_string(file)?));
    }
    Ok(())
}
