//! A file that is opened before the measuring, so that a name that will not do is refused at once, and written after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// An open file that has kept its contents. Dropped without having been written, it is removed if it is new.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl ReportFile {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    ///
    /// When it cannot be written, with its name.
    pub fn open(path: &Path) -> io::Result<ReportFile> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let (file, is_new) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // It keeps what is in it until there is something better.
                (OpenOptions::new().write(true).open(path).map_err(named)?, false)
            }
            Err(error) => return Err(named(error)),
        };
        Ok(ReportFile { path: path.to_owned(), file, is_new })
    }

    /// Replaces the contents.
    ///
    /// # Errors
    ///
    /// When that fails, with the file's name.
    pub fn write(mut self, text: &str) -> io::Result<()> {
        let written = self.file.metadata().and_then(|metadata| {
            // A pipe or a terminal has no length.
            if metadata.is_file() {
                self.file.set_len(0)?;
            }
            self.file.write_all(text.as_bytes())
        });
        self.is_new = false;
        written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.is_new {
            // Whoever removed it meanwhile has done the same.
            let _ = fs::remove_file(&self.path);
        }
    }
}
