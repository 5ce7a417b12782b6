//! Tables in Markdown, with columns that line up.

use crate::verdict::number;
use std::fmt;

/// Rows under a head.
#[derive(Debug)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Table {
        Table(vec![head.map(str::to_owned).to_vec()])
    }

    pub fn add<const N: usize>(&mut self, row: [String; N]) {
        self.0.push(row.to_vec());
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
