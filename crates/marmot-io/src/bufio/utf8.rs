//! Taking characters off the front of bytes that may end in the middle of one.

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A character, and how many bytes it has.
    Char(char, usize),
    /// The beginning of a character, or nothing.
    Part,
    /// A byte that no character begins with, as it is followed here.
    Invalid,
}

#[inline]
pub(super) fn first(bytes: &[u8]) -> First {
    match bytes {
        [] => First::Part,
        [byte, ..] if byte.is_ascii() => First::Char(char::from(*byte), 1),
        bytes => first_wide(bytes),
    }
}

fn first_wide(bytes: &[u8]) -> First {
    let bytes = &bytes[..bytes.len().min(4)];
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
