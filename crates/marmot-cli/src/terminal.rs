//! Standard output and standard error as people read them: how wide they are, and that they may be closed.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, presets};
use rustix::termios::tcgetwinsize;
use std::env;
use std::fmt;
use std::io::{self, Write};

/// The width where there is neither a terminal nor `COLUMNS`.
const WIDTH: usize = 100;
/// Text that is wrapped is no wider than this: longer lines are hard to read.
const WIDEST_TEXT: usize = 120;

/// What stands behind numbers.
const UNITS: [&str; 8] = ["s", "ms", "µs", "ns", "B", "KiB", "MiB", "%"];

/// The columns of standard output: those of its terminal; else what `COLUMNS` says; else 100.
pub fn width() -> usize {
    let terminal = tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    let said = || env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal.filter(|&columns| columns > 0).or_else(|| said().filter(|&columns| columns > 0)).unwrap_or(WIDTH)
}

/// Breaks a paragraph into lines of up to `width` columns between its words; `indent` columns are left free before all lines
/// but the first. A word that is wider than a line has one to itself.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let width = width.min(WIDEST_TEXT);
    let mut wrapped = String::new();
    let mut column = 0;
    let mut words = text.split(' ').peekable();
    let mut index = 0;
    while let Some(first) = words.next() {
        // A number stays with its unit.
        let word = match words.next_if(|next| UNITS.contains(&next.trim_end_matches(['.', ',', ';', ':', ')']))) {
            Some(unit) => format!("{first} {unit}"),
            None => first.to_owned(),
        };
        let length = columns(&word);
        if index > 0 && column + 1 + length > width {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(&word);
        column += length;
        index += 1;
    }
    wrapped
}

/// A table: the cells of the first `left` columns to the left, the others to the right.
pub fn table(header: Vec<String>, rows: Vec<Vec<String>>, left: usize) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(presets::NOTHING.top_border(rule).header_separator(rule).bottom_border(rule));
    // Cells stay as they are: what does not fit is laid out in another way, so that words and numbers stay whole.
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index >= left {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// How wide the text is, of which each character takes one column.
pub fn columns(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Writes a line to standard error. That may be closed, which is no reason to fail.
pub fn complain(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "marmot: {what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("one two three", 7, 0), "one two\nthree");
        assert_eq!(wrap("one two three", 8, 2), "one two\n  three");
        assert_eq!(wrap("a incomprehensible b", 5, 2), "a\n  incomprehensible\n  b");
        assert_eq!(wrap("7 µs each", 9, 0), "7 µs each");
        assert_eq!(wrap("about 7 µs, each", 8, 0), "about\n7 µs,\neach");
        assert_eq!(columns("a\nµµµ\nbb"), 3);
    }
}
