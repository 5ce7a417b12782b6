//! The benchmark harness: where it is, building it, and which of its servers there are.
//!
//! It lies outside of the repository and is only read. What is built of it goes to `target/harness`, unless the
//! environment names a folder of programs that are built already (`BENCH_BIN`, and `BENCH_GO` for those in Go).

use super::options::Options;
use crate::{program, tools};
use serde_json::Value;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where it lies if nobody says so, from the repository's root.
const BESIDE: &str = "../shared/bench";

/// The harness, built, and Marmot's program.
pub struct Harness {
    folder: PathBuf,
    /// Programs in Rust, and in Go.
    pub bin: PathBuf,
    pub go: PathBuf,
    /// `marmot`.
    pub program: PathBuf,
    /// For what a measurement writes.
    pub scratch: PathBuf,
    servers: Value,
}

/// How a server of the harness is started.
pub struct Spec {
    /// The program and its arguments; `{port}` stands for the port.
    pub command: Vec<String>,
    /// Its environment when it has one CPU.
    pub environment: Vec<(String, String)>,
}

impl Spec {
    /// The command with a name, as the scripts take it: in one line, which they divide as a shell would.
    pub fn named(&self, name: &str) -> String {
        let quoted: Vec<String> = self.command.iter().map(|part| format!("'{part}'")).collect();
        format!("{name}={}", quoted.join(" "))
    }
}

impl Harness {
    /// Finds it and builds what is not built yet.
    ///
    /// # Errors
    ///
    /// When it is not there, a program is missing that it needs, or it cannot be built: the error says what to do.
    pub fn open(root: &Path, options: &Options) -> io::Result<Harness> {
        let named = options.harness.clone().or_else(|| env::var_os("MARMOT_BENCH").map(PathBuf::from));
        let folder = named.unwrap_or_else(|| root.join(BESIDE));
        if !folder.join("measure.py").is_file() {
            let text = "has no measure.py: name the folder of the benchmark harness with --harness DIR or MARMOT_BENCH";
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} {text}", folder.display())));
        }
        let folder = folder.canonicalize()?;
        for (needed, what_for) in
            [("python3", "the harness's scripts"), ("taskset", "giving server and load a CPU each")]
        {
            if !tools::works(needed, &["--version"]) {
                let text = format!("{needed} does not run here, and is needed for {what_for}: install it");
                return Err(io::Error::new(io::ErrorKind::NotFound, text));
            }
        }
        let output = program::target_folder(root)?.join("harness");
        let scratch = output.join("out");
        fs::create_dir_all(&scratch)?;
        let (bin, go) = match env::var_os("BENCH_BIN").map(PathBuf::from) {
            Some(bin) => {
                let go = env::var_os("BENCH_GO").map(PathBuf::from);
                let beside = bin.with_file_name("go");
                (bin, go.unwrap_or(beside))
            }
            None => build(&folder, &output)?,
        };
        let servers = serde_json::from_str(&fs::read_to_string(folder.join("servers.json"))?)?;
        Ok(Harness { folder, bin, go, program: program::build(root)?, scratch, servers })
    }

    /// A script of the harness, to be given its arguments, and the name of the file that is to have its raw results.
    ///
    /// # Errors
    ///
    /// When the results of an earlier run cannot be removed.
    pub fn script(&self, name: &str, raw: &str) -> io::Result<(Command, PathBuf)> {
        let raw = self.scratch.join(raw);
        // The scripts add to the file.
        match fs::remove_file(&raw) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut command = Command::new("python3");
        command.arg(self.folder.join(name)).arg("--raw").arg(&raw);
        command.env("BENCH_BIN", &self.bin).env("BENCH_GO", &self.go).env("PYTHONDONTWRITEBYTECODE", "1");
        // Its tables are not shown, for ours have the same figures; what it complains of is.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok((command, raw))
    }

    /// How the server `name` is started.
    pub fn server(&self, name: &str) -> Option<Spec> {
        let entry = self.servers["echo"].get(name)?;
        let command = entry["cmd"].as_str()?;
        let (bin, go) = (self.bin.to_string_lossy(), self.go.to_string_lossy());
        let command = command.split(' ').map(|part| part.replace("{bin}", &bin).replace("{go}", &go)).collect();
        let environment = entry["env1"].as_object()?;
        let pair = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Some(Spec { command, environment: environment.iter().filter_map(pair).collect() })
    }

    /// Those of the peers whose programs exist; of the others it says so.
    pub fn present(&self, peers: &[String]) -> Vec<String> {
        let exists = |peer: &&String| {
            let program = self.server(peer).and_then(|spec| Some(PathBuf::from(spec.command.first()?)));
            let exists = program.is_some_and(|program| program.is_file());
            if !exists {
                eprintln!("measure: {peer} is left out, for the harness has no such program");
            }
            exists
        };
        peers.iter().filter(exists).cloned().collect()
    }

    /// Where micro-benchmarks in Go are to be found. The script wants them all: if there are none, others stand in that print
    /// nothing.
    ///
    /// # Errors
    ///
    /// When those cannot be made.
    pub fn go_or_nothing(&self) -> io::Result<PathBuf> {
        if self.go.join("go_micro").is_file() {
            return Ok(self.go.clone());
        }
        eprintln!("measure: go is left out, for the harness has no such program");
        let folder = self.scratch.join("nothing");
        fs::create_dir_all(&folder)?;
        match std::os::unix::fs::symlink("/bin/true", folder.join("go_micro")) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(folder),
        }
    }

    /// How a server of Marmot's, such as `echo`, is started on so many Ps.
    pub fn marmot(&self, service: &str, procs: u32) -> Spec {
        marmot(&self.program, service, procs)
    }
}

/// A service of the program at `program`.
pub fn marmot(program: &Path, service: &str, procs: u32) -> Spec {
    let arguments = ["serve", service, "--procs", &procs.to_string(), "--addr", "127.0.0.1:{port}"].map(str::to_owned);
    let program = program.to_string_lossy().into_owned();
    Spec { command: [&[program], &arguments[..]].concat(), environment: Vec::new() }
}

/// Builds the harness into `output`, which takes minutes the first time, and says where its programs are.
fn build(folder: &Path, output: &Path) -> io::Result<(PathBuf, PathBuf)> {
    if tools::works("go", &["version"]) {
        let mut script = Command::new("bash");
        tools::run(script.arg(folder.join("build.sh")).env("CARGO_TARGET_DIR", output))?;
    } else {
        eprintln!("measure: there is no Go here, so the comparison goes without it");
        let mut command = program::cargo();
        command.args(["build", "--release", "--workspace", "--manifest-path"]).arg(folder.join("Cargo.toml"));
        tools::run(command.env("CARGO_TARGET_DIR", output))?;
    }
    Ok((output.join("release"), output.join("go")))
}
