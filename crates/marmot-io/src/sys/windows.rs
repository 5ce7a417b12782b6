//! Windows: `ReadFile` and `WriteFile` with an offset, which also move the file's position.

use std::fs::File;
use std::io;
use std::os::windows::fs::FileExt;

use crate::{ReaderAt, WriterAt};

impl ReaderAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.seek_read(buf, offset)
    }
}

impl WriterAt for File {
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.seek_write(buf, offset)
    }
}
