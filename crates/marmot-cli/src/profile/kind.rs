//! What a file looks like that is not a profile: its first bytes tell.

/// The beginnings of files that are easily taken for profiles, or lie where profiles do.
const BEGINNINGS: [(&[u8], &str); 17] = [
    (b"\x7fELF", "a program or a library (ELF)"),
    (b"MZ", "a Windows program"),
    (b"\x1f\x8b", "a gzip file that contains no profile"),
    (b"\x28\xb5\x2f\xfd", "a zstd file: decompress it first"),
    (b"BZh", "a bzip2 file: decompress it first"),
    (b"\xfd7zXZ", "an xz file: decompress it first"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PERFILE2", "a Linux perf recording: this command needs an allocation profile"),
    (b"go 1.", "a Go execution trace: fetch `allocs` or `heap` instead"),
    (b"\x89PNG", "an image"),
    (b"%PDF", "a PDF file"),
    (b"SQLite format 3", "a database"),
    (b"<svg", "an image (SVG)"),
    (b"<", "a page of HTML or XML: fetch the profile itself, as with curl -o FILE"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"HTTP/", "an HTTP response with its headers: save only the body"),
];

/// How a profile as text begins.
const TEXTS: [&str; 5] = ["heap profile:", "goroutine profile:", "goroutine ", "threadcreate profile:", "--- "];

/// What the bytes look like, if that is known.
pub fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        return Some(if bytes.is_empty() { "an empty file" } else { "blank text" });
    }
    if TEXTS.iter().any(|beginning| text.starts_with(beginning.as_bytes())) {
        return Some("a profile as text: fetch it without debug=1");
    }
    if let Some((_, what)) = BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning)) {
        return Some(what);
    }
    // Characters may be cut in the middle at the end.
    let head = &bytes[..bytes.len().min(512)];
    let is_text = match str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_plain = is_text && !head.iter().any(|&byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    is_plain.then_some("text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_beginning() {
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b" \n", "blank text"),
            (b"hello", "text"),
            ("caf\u{e9}".as_bytes(), "text"),
            (b"\x7fELF\x02\x01", "a program or a library (ELF)"),
            (b"\n<!doctype html>", "a page of HTML or XML: fetch the profile itself, as with curl -o FILE"),
            (b"{\"a\": 1}", "JSON"),
            (b"heap profile: 1: 2 [3: 4] @ heap/1", "a profile as text: fetch it without debug=1"),
        ] {
            assert_eq!(looks_like(bytes), Some(what), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(looks_like(b"\x01\x02\x03\xff"), None);
    }
}
