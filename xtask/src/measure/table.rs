//! Tables in Markdown, with columns that line up.

use crate::verdict::number;
use std::fmt;

/// Rows under a head.
#[derive(Debug)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// No rows yet.
    pub fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Table {
        Table(vec![head.into_iter().map(Into::into).collect()])
    }

    /// Adds a row, which is as long as the head.
    pub fn add(&mut self, row: impl IntoIterator<Item = impl Into<String>>) {
        self.0.push(row.into_iter().map(Into::into).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0[0].len();
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.0.iter().enumerate() {
            for (text, width) in row.iter().zip(&widths) {
                write!(f, "| {text:width$} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                for width in &widths {
                    write!(f, "|{}", "-".repeat(width + 2))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// A figure, or a dash where there is none.
pub fn cell(figure: Option<f64>) -> String {
    figure.map_or_else(|| "–".to_owned(), number)
}
