//! The page that compares Go, `std` and this crate: nothing is left out of it.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../docs/io.md");

/// What Go 1.27 exports from `io`: `go doc -all io`.
const GO: &[&str] = &[
    "ByteReader",
    "ByteScanner",
    "ByteWriter",
    "Closer",
    "Copy",
    "CopyBuffer",
    "CopyN",
    "Discard",
    "EOF",
    "ErrClosedPipe",
    "ErrNoProgress",
    "ErrShortBuffer",
    "ErrShortWrite",
    "ErrUnexpectedEOF",
    "LimitReader",
    "LimitedReader",
    "LimitedReader.N",
    "LimitedReader.R",
    "LimitedReader.Read",
    "MultiReader",
    "MultiWriter",
    "NewOffsetWriter",
    "NewSectionReader",
    "NopCloser",
    "OffsetWriter",
    "OffsetWriter.Seek",
    "OffsetWriter.Write",
    "OffsetWriter.WriteAt",
    "Pipe",
    "PipeReader",
    "PipeReader.Close",
    "PipeReader.CloseWithError",
    "PipeReader.Read",
    "PipeWriter",
    "PipeWriter.Close",
    "PipeWriter.CloseWithError",
    "PipeWriter.Write",
    "ReadAll",
    "ReadAtLeast",
    "ReadCloser",
    "ReadFull",
    "ReadSeekCloser",
    "ReadSeeker",
    "ReadWriteCloser",
    "ReadWriteSeeker",
    "ReadWriter",
    "Reader",
    "ReaderAt",
    "ReaderFrom",
    "RuneReader",
    "RuneScanner",
    "SectionReader",
    "SectionReader.Outer",
    "SectionReader.Read",
    "SectionReader.ReadAt",
    "SectionReader.Seek",
    "SectionReader.Size",
    "SeekCurrent",
    "SeekEnd",
    "SeekStart",
    "Seeker",
    "StringWriter",
    "TeeReader",
    "WriteCloser",
    "WriteSeeker",
    "WriteString",
    "Writer",
    "WriterAt",
    "WriterTo",
    "ioutil.Discard",
    "ioutil.NopCloser",
    "ioutil.ReadAll",
    "ioutil.ReadDir",
    "ioutil.ReadFile",
    "ioutil.TempDir",
    "ioutil.TempFile",
    "ioutil.WriteFile",
];

/// What Rust 1.95 has in `std::io` that is stable, and the macros that write.
const STD: &[&str] = &[
    "BufRead",
    "BufReader",
    "BufWriter",
    "Bytes",
    "Chain",
    "Cursor",
    "Empty",
    "Error",
    "ErrorKind",
    "IntoInnerError",
    "IoSlice",
    "IoSliceMut",
    "IsTerminal",
    "LineWriter",
    "Lines",
    "PipeReader",
    "PipeWriter",
    "Read",
    "Repeat",
    "Result",
    "Seek",
    "SeekFrom",
    "Sink",
    "Split",
    "Stderr",
    "StderrLock",
    "Stdin",
    "StdinLock",
    "Stdout",
    "StdoutLock",
    "Take",
    "Write",
    "WriterPanicked",
    "copy",
    "empty",
    "eprint!",
    "eprintln!",
    "pipe",
    "prelude",
    "print!",
    "println!",
    "read_to_string",
    "repeat",
    "sink",
    "stderr",
    "stdin",
    "stdout",
    "write!",
    "writeln!",
];

/// The rows of the tables under a heading, without the tables' own headings.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, after) = PAGE.split_once(&format!("\n# {heading}\n")).expect("the page has the heading");
    let section = after.split("\n# ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `std::io` |"));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

/// The names in the first column, each once.
fn names(heading: &str) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for row in rows(heading) {
        for name in row[0].split(", ") {
            let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')).expect("it is a name in code");
            assert!(names.insert(name), "`{name}` is there twice");
        }
    }
    names
}

#[test]
fn every_name_of_go_is_in_the_page_once_and_no_other() {
    assert_eq!(names("Go's `io`"), GO.iter().copied().collect());
}

#[test]
fn every_name_of_std_is_in_the_page_once_and_no_other() {
    assert_eq!(names("`std::io`"), STD.iter().copied().collect());
}

#[test]
fn every_row_says_what_is_here_and_where_to_look() {
    for row in rows("Go's `io`").into_iter().chain(rows("`std::io`")) {
        assert!(row.len() == 3 && row.iter().all(|cell| !cell.is_empty()), "{row:?}");
        // Where it says "there", there has to be a place.
        assert!(!row[2].starts_with("there") || row[1].contains("](crate::"), "{row:?}");
    }
}

#[test]
fn every_example_that_is_named_is_there() {
    let headings: BTreeSet<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|line| line.to_lowercase().replace(' ', "-").replace('\'', ""))
        .collect();
    let named: BTreeSet<String> =
        PAGE.split("](#").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect();
    assert_eq!(named, headings);
}
