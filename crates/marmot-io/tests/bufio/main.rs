//! The module `bufio`: case by case, and by laws over whatever a source or a sink may do.

mod common;
mod laws;
mod page;
mod reader;
mod scanner;
mod writer;
