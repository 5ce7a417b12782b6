//! The HTTP/1.1 server: it says "Hello, World!" to every GET, and is strict with everything else.
//!
//! A connection alternates between two states. While it waits for a request it holds no buffer. From the first byte on it
//! has one for input and one for answers ([`Exchange`]); complete requests are answered from the input as long as there
//! are any, and the answers are sent before the next read, so pipelined requests get one write.
//!
//! | limit | value | when it is exceeded |
//! |---|---|---|
//! | head (request line and fields) | 16 KiB, 100 fields | 431, or 414 if the request line alone is longer |
//! | body | 16 MiB, with 8 KiB of chunk extensions and trailer fields | 413, 431 |
//! | waiting for a request | 75 s | the connection is closed |
//! | the rest of a head | 10 s | 408 |
//! | the rest of a body | 120 s | 408 |
//! | the client taking an answer | 30 s | the connection is closed |
//!
//! Anything that could be understood in two ways is refused with 400 ([`head`], [`body`]), and after a refusal
//! of that kind the connection is closed, because it is not known where the next request begins. Other methods than GET and HEAD
//! get 405 after their body was read, and the connection stays. `Upgrade` is ignored, as RFC 9110 allows.

mod answer;
mod body;
mod date;
mod head;
mod input;
mod status;

use super::BUFFER;
use super::drain::Session;
use answer::{After, Answers};
use body::Body;
use head::{Head, MAX_HEAD, Method};
use input::Input;
use marmot::buf::Lease;
use marmot::net::TcpStream;
use status::Status;
use std::io::{self, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

const IDLE_TIME: Duration = Duration::from_secs(75);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(120);
const SEND_TIME: Duration = Duration::from_secs(30);
/// The idle deadline is set anew when it is off by more than this: setting it for each request would change the timers
/// each time.
const SLACK: Duration = Duration::from_secs(5);
/// How long, and for how many bytes, a closing connection is read on, so that the client gets to see its answer.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 256 * 1024;

/// Serves a connection until it is closed.
///
/// # Errors
///
/// When the connection fails, or nothing comes for too long.
pub fn serve(session: Session) -> io::Result<()> {
    let stream = session.stream();
    stream.set_write_timeout(Some(SEND_TIME))?;
    let mut deadline = Deadline(None);
    loop {
        deadline.idle(stream)?;
        stream.wait_readable()?;
        if !session.begin() {
            return Ok(());
        }
        match Exchange::new(&session, &mut deadline).run()? {
            Outcome::Idle if session.end() => {}
            Outcome::Idle | Outcome::End => return Ok(()),
            Outcome::Close => return linger(stream),
        }
    }
}

/// How an exchange ended.
enum Outcome {
    /// All requests are answered, and nothing else has come.
    Idle,
    /// The client has closed the connection.
    End,
    /// The last answer is sent.
    Close,
}

/// A run of requests and answers, up to the point where the client has nothing more to say.
struct Exchange<'a> {
    session: &'a Session,
    stream: &'a TcpStream,
    deadline: &'a mut Deadline,
    input: Input,
    answers: Answers,
}

/// What ends an exchange before its time.
enum Failure {
    /// The request is refused, and the connection is closed.
    Refused(Status),
    /// The connection failed.
    Broken(io::Error),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Refused(status)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Broken(error)
    }
}

impl<'a> Exchange<'a> {
    fn new(session: &'a Session, deadline: &'a mut Deadline) -> Exchange<'a> {
        Exchange { session, stream: session.stream(), deadline, input: Input::new(), answers: Answers::new() }
    }

    fn run(mut self) -> io::Result<Outcome> {
        let outcome = match self.requests() {
            Ok(outcome) => outcome,
            Err(Failure::Broken(error)) => return Err(error),
            Err(Failure::Refused(status)) => {
                self.answers.refuse(self.stream, status, After::Close)?;
                Outcome::Close
            }
        };
        self.answers.send(self.stream)?;
        Ok(outcome)
    }

    /// Answers what comes until nothing is left in the input.
    fn requests(&mut self) -> Result<Outcome, Failure> {
        if !self.fill()? {
            return Ok(Outcome::End);
        }
        loop {
            // Some clients end a body with an empty line that belongs to nothing (RFC 9112, section 2.2).
            self.input.skip_empty_lines();
            if self.input.bytes().is_empty() {
                return Ok(Outcome::Idle);
            }
            let Some(head) = self.head()? else { return Ok(Outcome::End) };
            self.discard_body(&head)?;
            let after = match (head.keep_alive && !self.session.is_last(), head.is_old) {
                (true, false) => After::Open,
                (true, true) => After::KeepAlive,
                (false, _) => After::Close,
            };
            match head.method {
                Method::Get => self.answers.ok(self.stream, false, after)?,
                Method::Head => self.answers.ok(self.stream, true, after)?,
                Method::Other => self.answers.refuse(self.stream, Status::MethodNotAllowed, after)?,
            }
            if after == After::Close {
                return Ok(Outcome::Close);
            }
        }
    }

    /// The next head, of which there is at least one byte; `None` if the client closes the connection within it.
    fn head(&mut self) -> Result<Option<Head>, Failure> {
        let mut seen = 0;
        loop {
            let bytes = self.input.bytes();
            // A head that came in small pieces is not read anew for each of them, but only when a line is complete. The
            // first piece is read in any case, so that what is not HTTP at all is refused at once.
            let is_worth_it = seen == 0 || bytes[seen..].contains(&b'\n');
            if is_worth_it && let Some(head) = head::parse(bytes)? {
                self.input.consume(head.length);
                return Ok(Some(head));
            }
            if bytes.len() >= MAX_HEAD {
                let in_request_line = !bytes.contains(&b'\n');
                return Err(if in_request_line { Status::UriTooLong } else { Status::FieldsTooLarge }.into());
            }
            if seen == 0 {
                self.deadline.limit(self.stream, HEADER_TIMEOUT)?;
            }
            seen = bytes.len();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn discard_body(&mut self, head: &Head) -> Result<(), Failure> {
        let mut body = Body::new(head.framing)?;
        // A client that has begun to send does not wait any more.
        if head.expects_continue && !body.is_done() && self.input.bytes().is_empty() {
            self.answers.go_on(self.stream)?;
        }
        let mut is_limited = false;
        loop {
            let taken = body.take(self.input.bytes())?;
            self.input.consume(taken);
            if body.is_done() {
                return Ok(());
            }
            if !std::mem::replace(&mut is_limited, true) {
                self.deadline.limit(self.stream, BODY_TIME)?;
            }
            if !self.fill()? {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// Reads more, after sending the answers so far: the client may wait for them. `false` at the end of the stream.
    fn fill(&mut self) -> Result<bool, Failure> {
        self.answers.send(self.stream)?;
        match self.input.read(self.stream) {
            Ok(count) => Ok(count > 0),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Status::RequestTimeout.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// When reading is given up.
struct Deadline(Option<Instant>);

impl Deadline {
    /// The time for the next request begins, if it has not just begun.
    fn idle(&mut self, stream: &TcpStream) -> io::Result<()> {
        let latest = Instant::now() + IDLE_TIME;
        match self.0 {
            Some(at) if at + SLACK >= latest => Ok(()),
            _ => self.set(stream, latest),
        }
    }

    /// There is this much time from now, however many reads it takes.
    fn limit(&mut self, stream: &TcpStream, time: Duration) -> io::Result<()> {
        self.set(stream, Instant::now() + time)
    }

    fn set(&mut self, stream: &TcpStream, at: Instant) -> io::Result<()> {
        self.0 = Some(at);
        stream.set_read_deadline(Some(at))
    }
}

/// Closes a connection so that the last answer arrives: a socket that is closed with unread bytes is reset, and the client may
/// lose what it has not read (RFC 9112, section 9.6).
fn linger(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_deadline(Some(Instant::now() + LINGER_TIME))?;
    let mut buffer = Lease::new(BUFFER);
    let mut left = LINGER_BYTES;
    while left > 0 {
        match stream.read(&mut buffer)? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}
