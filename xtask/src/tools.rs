//! Other programs: whether they are there, and running one with a bound on its time.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Output, Stdio};

/// Whether a command runs and succeeds, with its output thrown away.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let quiet =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// A command that is ended when it takes longer. It stays in the foreground, so that an interrupt from the terminal ends it too.
pub fn bounded(seconds: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--foreground", "--kill-after=5", &seconds.to_string()]).arg(program).stdin(Stdio::null());
    command
}

/// What a command prints.
///
/// # Errors
///
/// When it does not run or fails: the error has what it said.
pub fn output(command: &mut Command) -> io::Result<Output> {
    let output = command.output().map_err(|error| named(command, &error.to_string()))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(named(command, &format!("{}\n{}", output.status, said.trim_end())))
}

/// Runs a command whose output goes where ours goes.
///
/// # Errors
///
/// When it does not run or fails.
pub fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status().map_err(|error| named(command, &error.to_string()))?;
    if status.success() { Ok(()) } else { Err(named(command, &status.to_string())) }
}

fn named(command: &Command, text: &str) -> io::Error {
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    io::Error::other(format!("{} {}: {text}", command.get_program().to_string_lossy(), arguments.join(" ")))
}
