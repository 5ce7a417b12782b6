//! Advice on programs whose allocations are known.

mod common;

use std::process::Command;
use std::time::Duration;

use common::{folder, go};
use marmot_pprof::advise::{Site, Verdict, advise};
use marmot_pprof::proto::{Function, Label, Line, Location, Profile, Sample, ValueType};

/// A frame: function, file, line.
type Frame = (&'static str, &'static str, i64);

const HANDLE: Frame = ("server::handle", "/home/me/server/src/main.rs", 17);
const TABLE: Frame = ("server::Table::insert", "/home/me/server/src/table.rs", 30);
const LIBRARY: Frame = ("json::to_vec", "/home/me/.cargo/registry/src/index-0/json-1.0.0/src/lib.rs", 5);
const MAIN: Frame = ("server::main", "/home/me/server/src/main.rs", 90);

/// A profile in the making, with the five types of Marmot's.
struct Maker(Profile);

impl Maker {
    fn new(kinds: &[&str]) -> Maker {
        let mut maker = Maker(Profile { string_table: vec![String::new()], ..Profile::default() });
        for kind in kinds {
            let r#type = maker.string(kind);
            maker.0.sample_type.push(ValueType { r#type, unit: 0 });
        }
        maker
    }

    fn string(&mut self, text: &str) -> i64 {
        self.0.string_table.push(text.to_owned());
        self.0.string_table.len() as i64 - 1
    }

    fn sample(&mut self, frames: &[Frame], value: &[i64], grows: bool) {
        let mut location_id = Vec::new();
        for (function, file, line) in frames {
            let id = self.0.location.len() as u64 + 1;
            let (name, filename) = (self.string(function), self.string(file));
            self.0.function.push(Function { id, name, filename, ..Function::default() });
            let line = vec![Line { function_id: id, line: *line, column: 0 }];
            self.0.location.push(Location { id, line, ..Location::default() });
            location_id.push(id);
        }
        let mut label = Vec::new();
        if grows {
            label.push(Label { key: self.string("alloc"), str: self.string("growth"), num: 0, num_unit: 0 });
        }
        self.0.sample.push(Sample { location_id, value: value.to_vec(), label });
    }
}

const KINDS: [&str; 5] = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space", "lifetime"];

/// The judgement of the line, alone in a profile.
fn alone(value: [i64; 5], grows: bool) -> Site {
    let mut maker = Maker::new(&KINDS);
    maker.sample(&[HANDLE, MAIN], &value, grows);
    advise(&maker.0).unwrap().sites.remove(0)
}

#[test]
fn lines_are_judged_by_what_becomes_of_their_objects() {
    let ms = 1_000_000;
    let churn = alone([10_000, 40_960_000, 10, 40_960, 9_990 * 2 * ms], false);
    assert_eq!((churn.verdict, churn.mean_lifetime), (Verdict::Pool, Some(Duration::from_millis(2))));
    assert_eq!(churn.saving.unwrap().objects, 9_990);
    for part in ["4.0 KiB", "2.0 ms", "static HANDLE: Pool<Vec<u8>>", ".named(\"handle\")", "max_size(32768)", "get()"]
    {
        assert!(churn.advice.contains(part), "{part}: {}", churn.advice);
    }
    let kept = alone([10_000, 40_960_000, 9_000, 36_864_000, 0], false);
    assert_eq!((kept.verdict, kept.saving), (Verdict::LongLived, None));
    assert!(kept.advice.contains("90 %"), "{}", kept.advice);
    let old = alone([10_000, 40_960_000, 0, 0, 10_000 * 60_000 * ms], false);
    assert_eq!((old.verdict, old.saving), (Verdict::LongLived, None));
    assert!(old.advice.contains("60.0 s"), "{}", old.advice);
    let grown = alone([10_000, 40_960_000, 10, 40_960, 9_990 * ms], true);
    assert_eq!(grown.verdict, Verdict::Presize);
    assert!(grown.advice.contains("with_capacity") && grown.advice.contains("Pool"), "{}", grown.advice);
    let once = alone([1, 40_960_000, 0, 0, ms], false);
    assert_eq!((once.verdict, once.saving), (Verdict::Minor, None));
    assert!(once.advice.contains("1 object only"), "{}", once.advice);
}

#[test]
fn lines_of_the_programs_own_answer_for_libraries() {
    let mut maker = Maker::new(&KINDS);
    maker.0.duration_nanos = 4_000_000_000;
    maker.sample(&[LIBRARY, HANDLE, MAIN], &[1000, 600_000, 0, 0, 0], false);
    maker.sample(&[("json::escape", LIBRARY.1, 9), LIBRARY, HANDLE, MAIN], &[3000, 300_000, 0, 0, 0], false);
    maker.sample(&[TABLE, HANDLE, MAIN], &[500, 100_000, 0, 0, 0], false);
    // A thread of a library's own.
    maker.sample(&[LIBRARY], &[5, 5_000, 0, 0, 0], false);
    let report = advise(&maker.0).unwrap();
    let sites: Vec<_> = report.sites.iter().map(|site| (site.function.as_str(), site.line, site.bytes)).collect();
    assert_eq!(sites, [(HANDLE.0, 17, 900_000), (TABLE.0, 30, 100_000), (LIBRARY.0, 5, 5_000)]);
    assert_eq!(report.sites[0].via.as_deref(), Some("json::to_vec"));
    assert_eq!(report.sites[1].via, None);
    assert_eq!(report.per_second(report.sites[0].objects), Some(1000.0));
    assert!(report.sites[0].advice.contains("1000 objects a second"), "{}", report.sites[0].advice);
    assert_eq!((report.objects, report.bytes), (4505, 1_005_000));
    let saving = report.saving();
    assert_eq!((saving.objects, saving.bytes), (4500, 1_000_000));
    assert!((saving.share - 1_000_000.0 / 1_005_000.0).abs() < 1e-9);
}

#[test]
fn little_is_not_worth_the_trouble() {
    let mut maker = Maker::new(&KINDS);
    maker.sample(&[HANDLE, MAIN], &[100_000, 100_000_000, 0, 0, 0], false);
    maker.sample(&[TABLE, MAIN], &[100, 100_000, 0, 0, 0], false);
    let report = advise(&maker.0).unwrap();
    assert_eq!(report.sites.iter().map(|site| site.verdict).collect::<Vec<_>>(), [Verdict::Pool, Verdict::Minor]);
    assert!(report.sites[1].advice.contains("0.1 %"), "{}", report.sites[1].advice);
}

#[test]
fn other_profiles_are_refused() {
    let error = advise(&Maker::new(&["samples", "cpu"]).0).unwrap_err().to_string();
    assert!(error.contains("samples, cpu") && error.contains("allocs"), "{error}");
    let empty = advise(&Maker::new(&KINDS[..4]).0).unwrap();
    assert_eq!((empty.sites.len(), empty.bytes, empty.duration), (0, 0, None));
}

#[test]
fn a_profile_of_gos_is_read() {
    let Some(go) = go() else { return };
    let file = folder("go_heap").join("heap.pb.gz");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/heap.go");
    let status = Command::new(go).arg("run").arg(source).arg(&file).env("GOTOOLCHAIN", "local").status();
    assert!(status.expect("go was started before").success());
    let report = advise(&Profile::read_from(std::fs::File::open(file).unwrap()).unwrap()).unwrap();
    let site = |function: &str| report.sites.iter().find(|site| site.function == function).expect("it allocates");
    let churn = site("main.churn");
    assert_eq!(churn.verdict, Verdict::Pool);
    let expected = 20_000.0 * 4096.0;
    assert!((churn.bytes as f64 / expected - 1.0).abs() < 0.1, "{} of {expected} bytes", churn.bytes);
    assert!(churn.file.ends_with("tests/go/heap.go") && churn.advice.contains("sync.Pool"), "{churn:?}");
    assert_eq!(site("main.hold").verdict, Verdict::LongLived);
    let grow = site("main.grow");
    assert_eq!((grow.verdict, grow.via.as_deref()), (Verdict::Presize, Some("bytes.growSlice")));
    assert_eq!(report.sites[0], *churn);
}

#[test]
fn names_are_bounded_and_obeyed_by_no_terminal() {
    let long: &'static str = "x".repeat(1 << 20).leak();
    let mut maker = Maker::new(&KINDS);
    for line in 0..100 {
        maker.sample(&[(long, "/home/me/\x1b[2Jmain.rs", line)], &[1000, 100_000, 0, 0, 0], false);
    }
    let report = advise(&maker.0).unwrap();
    assert_eq!(report.sites.len(), 100);
    for site in &report.sites {
        assert_eq!(site.function.chars().count(), 1001);
        assert_eq!(site.file, "/home/me/\u{fffd}[2Jmain.rs");
        assert!(site.via.is_none() && !site.advice.contains(char::is_control), "{}", site.advice);
    }
}
