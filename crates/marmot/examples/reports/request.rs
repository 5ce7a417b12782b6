//! What both servers make of a request.

/// The rows that a request's first line, such as `GET /1000 HTTP/1.1`, asks for: ten, if it gives no number; ten thousand at most.
pub fn rows(line: &[u8]) -> u32 {
    let path = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let number = path.strip_prefix(b"/").and_then(|number| str::from_utf8(number).ok());
    number.and_then(|number| number.parse().ok()).unwrap_or(10).min(10_000)
}
