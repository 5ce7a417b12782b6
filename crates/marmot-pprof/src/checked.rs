//! `Checked`: a reader or writer of somebody else's, whose counts are compared with what it was given.
//!
//! Both traits are safe to implement, and the loops of `std` panic at a count that is too large, and go on for ever if a call
//! is always interrupted. Here either is an error.

use std::io::{self, ErrorKind, Read, Write};

/// How many interrupted calls in a row are made again.
const MOST_RETRIES: u32 = 1000;

/// See the module.
pub(crate) struct Checked<T> {
    inner: T,
    interrupted: u32,
}

impl<T> Checked<T> {
    pub(crate) fn new(inner: T) -> Checked<T> {
        Checked { inner, interrupted: 0 }
    }

    fn told(&mut self, result: io::Result<usize>, room: usize) -> io::Result<usize> {
        match result {
            Ok(count) if count > room => Err(io::Error::other(format!(
                "a reader or writer reported {count} bytes for a buffer of {room}: its implementation is wrong"
            ))),
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                self.interrupted += 1;
                if self.interrupted < MOST_RETRIES {
                    return Err(error);
                }
                self.interrupted = 0;
                Err(io::Error::other(
                    "a reader or writer was interrupted too many times in a row: its implementation is wrong",
                ))
            }
            result => {
                self.interrupted = 0;
                result
            }
        }
    }
}

impl<T: Read> Read for Checked<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buf);
        self.told(result, buf.len())
    }
}

impl<T: Write> Write for Checked<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(buf);
        self.told(result, buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Endpoints;
    use crate::proto::Profile;

    /// Claims more than it was given, or is always interrupted.
    struct Liar(Option<ErrorKind>);

    impl Liar {
        fn told(&self, room: usize) -> io::Result<usize> {
            self.0.map_or(Ok(room * 20 + 1), |kind| Err(kind.into()))
        }
    }

    impl Read for Liar {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.told(buf.len())
        }
    }

    impl Write for Liar {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.told(buf.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Asks, and takes the answer in its own way.
    struct Asks(&'static [u8], Liar);

    impl Read for Asks {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.read(buf)
        }
    }

    impl Write for Asks {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            self.1.write(buf)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_is_believed_and_nobody_is_asked_for_ever() {
        for how in [None, Some(ErrorKind::Interrupted)] {
            let endpoints = Endpoints::new(|_| Ok(()));
            let request = b"GET /debug/pprof/ HTTP/1.1\r\nhost: x\r\n\r\n";
            let errors = [
                endpoints.handle(&mut Liar(how)).unwrap_err(),
                endpoints.handle(&mut Asks(request, Liar(how))).unwrap_err(),
                Profile::read_from(Liar(how)).unwrap_err(),
                Profile::default().write_to(Liar(how)).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::Other, "{error}");
            }
        }
    }
}
