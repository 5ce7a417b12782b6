//! Finding the next token: cutting, reading, ending.

use std::io::{self, Read};

use super::{Place, Scanner, Split, State, Step};
use crate::bufio::Error;
use crate::checked::Retries;

/// How many tokens in a row may be found at one place.
const MOST_AT_ONE_PLACE: usize = 100;

impl<R: Read, S: Split> Scanner<R, S> {
    /// Finds the next token, and says whether there is one.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.token = Place::Nowhere;
        loop {
            let at_end = match self.state {
                State::Reading => false,
                State::Ended(_) => true,
                // The last token may have been lent from the buffer.
                State::Over(_) => return self.finish(),
            };
            if (!self.buffer.is_empty() || at_end)
                && let Some(result) = self.cut(at_end)
            {
                return result;
            }
            if at_end {
                return self.finish();
            }
            if let Err(error) = self.read() {
                return self.fail(error);
            }
        }
    }

    /// Has the split function look at the buffer. `None` is for more bytes.
    fn cut(&mut self, at_end: bool) -> Option<io::Result<bool>> {
        let shown = self.buffer.len();
        let (advance, token, is_last) = match self.split.split(self.buffer.bytes(), at_end) {
            Ok(Step::More) => (0, None, false),
            Ok(Step::Skip(advance)) => (advance, None, false),
            Ok(Step::Token { advance, token }) => (advance, Some(token), false),
            Ok(Step::Last(token)) => (0, Some(token), true),
            Ok(Step::Stop) => return Some(self.finish()),
            Err(error) => return Some(self.fail(error)),
        };
        if advance > shown {
            return Some(self.fail(Error::AdvanceTooFar { advance, shown }.into()));
        }
        if let Some(token) = token {
            self.token = match self.buffer.place_of(token) {
                Some(place) => Place::Buffer(place),
                None => {
                    self.own.clear();
                    self.own.extend_from_slice(token);
                    Place::Own
                }
            };
        }
        self.buffer.take(advance);
        match self.token {
            Place::Nowhere => return None,
            _ if is_last => self.state = State::Over(self.result()),
            _ if advance > 0 => self.at_one_place = 0,
            _ => {
                self.at_one_place += 1;
                if self.at_one_place > MOST_AT_ONE_PLACE {
                    return Some(self.fail(Error::NoProgress.into()));
                }
            }
        }
        Some(Ok(true))
    }

    /// Ends the scan with `error`, or with the one that the source had before.
    fn fail(&mut self, error: io::Error) -> io::Result<bool> {
        self.finish().and(Err(error))
    }

    /// Reads more bytes into the buffer, for which it grows, or notes that there are none.
    fn read(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() && (self.wait.is_some() || !self.buffer.is_leased()) {
            self.buffer.clear();
            self.shape();
        }
        if self.buffer.room() == 0 {
            let capacity = self.buffer.capacity();
            if capacity >= self.limit {
                return Err(Error::TokenTooLong { limit: self.limit }.into());
            }
            self.buffer.set_capacity(capacity.saturating_mul(2).min(self.limit));
        }
        let mut retries = Retries::default();
        let result = loop {
            let ready = match self.wait {
                Some(wait) if !self.buffer.is_leased() => wait(&self.inner),
                _ => Ok(()),
            };
            match ready.and_then(|()| self.buffer.fill(|spare| self.inner.read(spare))) {
                Ok(count) => break Ok(count),
                Err(error) => {
                    if let Err(error) = retries.again(error) {
                        break Err(error);
                    }
                }
            }
        };
        match result {
            Ok(0) => self.state = State::Ended(Ok(())),
            Ok(_) => self.at_one_place = 0,
            Err(error) => self.state = State::Ended(Err(error)),
        }
        Ok(())
    }
}

impl<R, S> Scanner<R, S> {
    /// Ends the scan with what the source has ended with.
    fn finish(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        self.token = Place::Nowhere;
        self.result().map(|()| false)
    }

    /// Takes what the source has ended with, which is told once; nothing is cut after that.
    fn result(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Over(Ok(()))) {
            State::Reading => Ok(()),
            State::Ended(result) | State::Over(result) => result,
        }
    }

    /// Gives the buffer, if it has not been taken yet, the size that was asked for.
    pub(super) fn shape(&mut self) {
        if !self.buffer.is_leased() {
            self.buffer.set_capacity(self.first.min(self.limit));
        }
    }
}
