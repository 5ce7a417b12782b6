//! What selects need of contexts: the error, which no model looks at.

#[derive(Debug)]
pub struct Error;

impl Error {
    pub fn cancelled(_cause: Option<()>) -> Error {
        Error
    }
}

pub fn ended() -> Result<(), Error> {
    Err(Error)
}
