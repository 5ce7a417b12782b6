//! Programs in Go that lie beside the measurements, built with the Go of this machine.

use crate::{program, tools};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program `name` and says where it is; none where there is no Go.
///
/// # Errors
///
/// When it cannot be built.
pub fn build(root: &Path, name: &str, text: &str) -> io::Result<Option<PathBuf>> {
    if !tools::works("go", &["version"]) {
        eprintln!("measure: there is no Go here, so the comparison goes without it");
        return Ok(None);
    }
    let folder = program::target_folder(root)?.join(format!("measure-{name}"));
    fs::create_dir_all(&folder)?;
    let source = folder.join(format!("{name}.go"));
    fs::write(&source, text)?;
    let built = folder.join(format!("go_{name}"));
    // What is on this machine is what is compared with, so nothing is downloaded.
    tools::run(Command::new("go").env("GOTOOLCHAIN", "local").args(["build", "-o"]).arg(&built).arg(&source))?;
    Ok(Some(built))
}
