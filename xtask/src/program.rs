//! The program `marmot`, built in release, which is what guards and measurements run.

use crate::tools;
use serde_json::Value;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo puts what it builds of the workspace at `root`.
///
/// # Errors
///
/// When cargo cannot be asked.
pub fn target_folder(root: &Path) -> io::Result<PathBuf> {
    let output = tools::output(cargo().current_dir(root).args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let folder =
        metadata["target_directory"].as_str().ok_or_else(|| io::Error::other("cargo named no target folder"))?;
    Ok(PathBuf::from(folder))
}

/// Builds the program and says where it is.
///
/// # Errors
///
/// When it cannot be built.
pub fn build(root: &Path) -> io::Result<PathBuf> {
    tools::run(cargo().current_dir(root).args(["build", "--release", "--package", "marmot-cli"]))?;
    Ok(target_folder(root)?.join("release/marmot"))
}

/// As [`build`], without the allocator that takes samples; in a target folder of its own.
///
/// # Errors
///
/// As [`build`].
pub fn build_unsampled(root: &Path) -> io::Result<PathBuf> {
    let folder = target_folder(root)?.join("unsampled");
    let mut command = cargo();
    command.current_dir(root).args(["build", "--release", "--package", "marmot-cli", "--no-default-features"]);
    tools::run(command.arg("--target-dir").arg(&folder))?;
    Ok(folder.join("release/marmot"))
}

/// The cargo that runs this, or the one on the path.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
