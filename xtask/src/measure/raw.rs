//! What the harness's scripts write: one JSON object on each line, for one server or test in one round.

use super::series::Series;
use serde_json::Value;
use std::fs;
use std::io;
use std::path::Path;

/// The lines of a file.
#[derive(Debug)]
pub struct Raw(Vec<Value>);

impl Raw {
    /// Reads a file; one that a script did not even begin to write has no lines.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is not JSON.
    pub fn read(path: &Path) -> io::Result<Raw> {
        match fs::read_to_string(path) {
            Ok(text) => Raw::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Raw(Vec::new())),
            Err(error) => Err(error),
        }
    }

    /// Reads lines.
    ///
    /// # Errors
    ///
    /// When one is not JSON.
    pub fn parse(text: &str) -> io::Result<Raw> {
        let lines: Result<_, _> = text.lines().map(serde_json::from_str).collect();
        Ok(Raw(lines?))
    }

    /// The figure `of` in each round, out of the lines that have all those values.
    pub fn series(&self, with: &[(&str, &str)], of: &str) -> Series {
        let lines = self.0.iter().filter(|line| fits(line, with));
        lines.filter_map(|line| Some((line["round"].as_u64()?, line[of].as_f64()?))).collect()
    }

    /// The different texts under `key`, in the order in which they first come, of the lines that have all those values.
    pub fn texts(&self, key: &str, with: &[(&str, &str)]) -> Vec<&str> {
        let mut texts = Vec::new();
        for text in self.0.iter().filter(|line| fits(line, with)).filter_map(|line| line[key].as_str()) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

fn fits(line: &Value, with: &[(&str, &str)]) -> bool {
    with.iter().all(|(key, value)| line[*key].as_str() == Some(*value))
}
