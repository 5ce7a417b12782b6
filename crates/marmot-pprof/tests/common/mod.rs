//! What tests share: profiles and their frames, and `go tool pprof` where there is one.
// Each test takes what it needs.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

use marmot_pprof::proto;
use marmot_pprof::raw::{Profile, Sample, ValueType};

/// The command `go`: what `MARMOT_GO` names, or the one in `PATH`. If there is none the test goes on without, except that
/// `MARMOT_REQUIRE_GO=1` makes that a failure.
pub fn go() -> Option<PathBuf> {
    let program = std::env::var_os("MARMOT_GO").map_or_else(|| PathBuf::from("go"), PathBuf::from);
    let version = Command::new(&program).arg("version").env("GOTOOLCHAIN", "local").output();
    if version.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    let required = std::env::var("MARMOT_REQUIRE_GO").is_ok_and(|value| value == "1");
    assert!(!required, "MARMOT_REQUIRE_GO is set, but `{}` is not to be had", program.display());
    println!("`{}` is not to be had: its tool pprof was not run", program.display());
    None
}

/// What `go tool pprof` prints for a file; `None` if there is no `go`.
pub fn pprof(file: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(go()?)
        .args(["tool", "pprof"])
        .args(arguments)
        .arg(file)
        .env("GOTOOLCHAIN", "local")
        // It looks for binaries there, and a profile is to need none.
        .env("PPROF_BINARY_PATH", "/nowhere")
        .output()
        .expect("go was started before");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {errors}");
    assert!(!errors.contains("warning") && !errors.contains("rror"), "{arguments:?}: {errors}");
    Some(text.into_owned())
}

/// A folder of this test's own, which is empty.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the folder is the test's own");
    }
    std::fs::create_dir_all(&folder).expect("there is room in the target folder");
    folder
}

/// Writes a profile into a file.
pub fn write(profile: &Profile, folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    profile.write_to(std::fs::File::create(&path).expect("the folder is there")).expect("there is room");
    path
}

/// The types of a heap profile.
pub fn heap_types() -> Vec<ValueType> {
    vec![
        ValueType::new("alloc_objects", "count"),
        ValueType::new("alloc_space", "bytes"),
        ValueType::new("inuse_objects", "count"),
        ValueType::new("inuse_space", "bytes"),
        ValueType::new("lifetime", "nanoseconds"),
    ]
}

/// A sample without labels.
pub fn sample(stack: &[usize], values: &[i64]) -> Sample {
    Sample { stack: stack.to_vec(), values: values.to_vec(), labels: Vec::new() }
}

/// The frames of each sample, innermost first: function, file and line.
pub fn frames(profile: &proto::Profile, sample: &proto::Sample) -> Vec<(String, String, i64)> {
    let location = |id: &u64| profile.location.iter().find(|location| location.id == *id).expect("it is in the table");
    let lines = sample.location_id.iter().flat_map(|id| location(id).line.iter());
    lines
        .map(|line| {
            let function = profile.function.iter().find(|function| function.id == line.function_id);
            let function = function.expect("it is in the table");
            (profile.text(function.name).to_owned(), profile.text(function.filename).to_owned(), line.line)
        })
        .collect()
}
