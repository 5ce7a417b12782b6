//! The answers other than 200.

/// Why a request is not answered with 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The request is not HTTP, or its framing is ambiguous.
    BadRequest,
    /// The method is neither GET nor HEAD.
    MethodNotAllowed,
    /// The client took too long to send its request.
    RequestTimeout,
    /// The body is longer than is read.
    ContentTooLarge,
    /// The request line is longer than the head may be.
    UriTooLong,
    /// An expectation other than `100-continue`.
    ExpectationFailed,
    /// The head is longer than it may be, or has too many fields.
    FieldsTooLarge,
    /// A transfer coding other than `chunked`.
    NotImplemented,
    /// Neither HTTP/1.1 nor HTTP/1.0.
    VersionNotSupported,
}

impl Status {
    /// The number and the phrase of the status line.
    pub fn line(self) -> &'static str {
        match self {
            Status::BadRequest => "400 Bad Request",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::RequestTimeout => "408 Request Timeout",
            Status::ContentTooLarge => "413 Content Too Large",
            Status::UriTooLong => "414 URI Too Long",
            Status::ExpectationFailed => "417 Expectation Failed",
            Status::FieldsTooLarge => "431 Request Header Fields Too Large",
            Status::NotImplemented => "501 Not Implemented",
            Status::VersionNotSupported => "505 HTTP Version Not Supported",
        }
    }
}
