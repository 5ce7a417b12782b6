//! Unix: `pread` and `pwrite`, and stream sockets with a path.

use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;

use crate::close::unless_gone;
use crate::{CloseWrite, ReaderAt, WriterAt};

impl ReaderAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buf, offset)
    }
}

impl WriterAt for File {
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, buf, offset)
    }
}

impl CloseWrite for UnixStream {
    fn close_write(&self) -> io::Result<()> {
        unless_gone(self.shutdown(Shutdown::Write))
    }

    fn close_both(&self) -> io::Result<()> {
        unless_gone(self.shutdown(Shutdown::Both))
    }
}
