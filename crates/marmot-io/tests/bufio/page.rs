//! The page that sets ours beside Go's and `std`'s.

const PAGE: &str = include_str!("../../docs/bufio.md");

/// What Go 1.27's package `bufio` exports.
const GO: [&str; 57] = [
    "ErrAdvanceTooFar",
    "ErrBadReadCount",
    "ErrBufferFull",
    "ErrFinalToken",
    "ErrInvalidUnreadByte",
    "ErrInvalidUnreadRune",
    "ErrNegativeAdvance",
    "ErrNegativeCount",
    "ErrTooLong",
    "MaxScanTokenSize",
    "NewReadWriter",
    "NewReader",
    "NewReaderSize",
    "NewScanner",
    "NewWriter",
    "NewWriterSize",
    "ReadWriter",
    "Reader",
    "Reader.Buffered",
    "Reader.Discard",
    "Reader.Peek",
    "Reader.Read",
    "Reader.ReadByte",
    "Reader.ReadBytes",
    "Reader.ReadLine",
    "Reader.ReadRune",
    "Reader.ReadSlice",
    "Reader.ReadString",
    "Reader.Reset",
    "Reader.Size",
    "Reader.UnreadByte",
    "Reader.UnreadRune",
    "Reader.WriteTo",
    "ScanBytes",
    "ScanLines",
    "ScanRunes",
    "ScanWords",
    "Scanner",
    "Scanner.Buffer",
    "Scanner.Bytes",
    "Scanner.Err",
    "Scanner.Scan",
    "Scanner.Split",
    "Scanner.Text",
    "SplitFunc",
    "Writer",
    "Writer.Available",
    "Writer.AvailableBuffer",
    "Writer.Buffered",
    "Writer.Flush",
    "Writer.ReadFrom",
    "Writer.Reset",
    "Writer.Size",
    "Writer.Write",
    "Writer.WriteByte",
    "Writer.WriteRune",
    "Writer.WriteString",
];

const STD: [&str; 8] =
    ["BufRead", "BufReader", "BufWriter", "IntoInnerError", "LineWriter", "Lines", "Split", "WriterPanicked"];

/// The first cells of the page's rows.
fn rows() -> Vec<&'static str> {
    PAGE.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next()).map(str::trim).collect()
}

#[test]
fn everything_that_go_exports_has_a_row() {
    for name in GO {
        assert!(rows().contains(&format!("`{name}`").as_str()), "`{name}` is missing");
    }
}

#[test]
fn every_buffered_item_of_std_has_a_row() {
    for name in STD {
        assert!(rows().iter().any(|row| row.starts_with(&format!("[`{name}`]"))), "`{name}` is missing");
    }
}

#[test]
fn nothing_is_set_beside_what_does_not_exist() {
    // Two heads and two rules, and then a row for each name.
    assert_eq!(rows().len(), 4 + GO.len() + STD.len());
}
