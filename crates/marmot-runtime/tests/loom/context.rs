//! What stands for the error of a context.

#[derive(Debug)]
pub struct Error;
