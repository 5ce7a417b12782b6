//! Taking characters off the front of bytes that may end in the middle of one.

/// The most bytes that a character has.
pub(crate) const MAX_WIDTH: usize = 4;

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// A character, and how many bytes it has.
    Char(char, usize),
    /// The beginning of a character, or nothing.
    Part,
    /// A byte that no character begins with, as it is followed here.
    Invalid,
}

#[inline]
pub(crate) fn first(bytes: &[u8]) -> First {
    match bytes {
        [] => First::Part,
        [byte, ..] if byte.is_ascii() => First::Char(char::from(*byte), 1),
        bytes => first_wide(bytes),
    }
}

fn first_wide(bytes: &[u8]) -> First {
    let bytes = &bytes[..bytes.len().min(MAX_WIDTH)];
    let valid = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => match (error.valid_up_to(), error.error_len()) {
            (0, None) => return First::Part,
            (0, Some(_)) => return First::Invalid,
            (valid, _) => str::from_utf8(&bytes[..valid]).unwrap_or_default(),
        },
    };
    valid.chars().next().map_or(First::Part, |c| First::Char(c, c.len_utf8()))
}

/// The first character of bytes that nothing follows, and its width; none if there are no bytes. What is not UTF-8 is
/// U+FFFD with a width of 1, and so is a beginning that has no end.
pub(crate) fn first_of_all(bytes: &[u8]) -> Option<(char, usize)> {
    match first(bytes) {
        First::Char(c, width) => Some((c, width)),
        First::Part if bytes.is_empty() => None,
        First::Part | First::Invalid => Some((char::REPLACEMENT_CHARACTER, 1)),
    }
}
