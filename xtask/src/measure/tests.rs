//! Reading options and raw results, and the arithmetic on them.

use super::options::{Cell, Measurement, Options};
use super::raw::Raw;
use super::series::Series;
use super::table::Table;
use super::{echo, idle, micro, million, pool, proxy, sync};

fn options(arguments: &str) -> Result<Options, String> {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    Options::parse(&arguments)
}

fn series(figures: &[(u64, f64)]) -> Series {
    figures.iter().copied().collect()
}

/// A line of a cell's raw results, for a round without errors.
fn line(server: &str, round: u64, cpu: f64) -> String {
    format!(r#"{{"server":"{server}","round":{round},"cpu_us":{cpu},"cpu_user_us":0.3,"errors":0}}"#)
}

fn raw(lines: &[String]) -> Raw {
    Raw::parse(&lines.join("\n")).unwrap()
}

#[test]
fn options_are_read() {
    let options =
        options("echo idle --rounds 3 --seconds 0.5 --cells 50x64,1x16384 --peers epoll,go --harness there").unwrap();
    assert_eq!(options.measurements, [Measurement::Echo, Measurement::Idle]);
    assert_eq!((options.rounds, options.seconds), (Some(3), 0.5));
    let cells = [Cell { connections: 50, bytes: 64 }, Cell { connections: 1, bytes: 16384 }];
    assert_eq!(options.cells, cells);
    assert_eq!(options.peers, ["epoll", "go"]);
    assert_eq!(options.harness.unwrap().to_str(), Some("there"));
}

#[test]
fn without_a_name_all_is_measured() {
    assert_eq!(options("").unwrap().measurements.len(), 11);
    assert_eq!(options("all --rounds 1").unwrap().measurements.len(), 11);
}

#[test]
fn what_is_wrong_is_named() {
    for (arguments, name) in [
        ("nothing", "nothing"),
        ("--rounds", "--rounds"),
        ("--rounds 0", "--rounds"),
        ("--cells 50", "--cells"),
        ("--cells 0x64", "--cells"),
        ("--seconds soon", "--seconds"),
    ] {
        let error = options(arguments).unwrap_err();
        assert!(error.starts_with(name) && error.contains("usage"), "{error}");
    }
}

#[test]
fn a_ratio_is_paired_within_rounds() {
    // The machine was three times slower in the second round; the median of each would give 6/2.
    let own = series(&[(0, 2.0), (1, 6.0), (2, 8.0)]);
    let base = series(&[(0, 2.0), (1, 6.0), (2, 2.0)]);
    assert_eq!(own.ratio_to(&base), Some(1.0));
    assert_eq!(own.median(), Some(6.0));
    assert_eq!(base.median(), Some(2.0));
}

#[test]
fn a_round_that_one_of_them_lacks_does_not_count() {
    let own = series(&[(0, 2.0), (1, 9.0)]);
    assert_eq!(own.ratio_to(&series(&[(0, 1.0)])), Some(2.0));
    assert_eq!(own.ratio_to(&series(&[(5, 1.0)])), None);
    assert_eq!(own.minus(&series(&[(1, 4.0)])), series(&[(1, 5.0)]));
    assert_eq!(series(&[]).median(), None);
    assert_eq!(series(&[(0, 1.0), (1, 2.0)]).median(), Some(1.5));
}

#[test]
fn lines_are_chosen_by_what_they_say() {
    let raw = raw(&[line("epoll", 0, 5.0), line("marmot", 0, 5.5), line("epoll", 1, 6.0)]);
    assert_eq!(raw.texts("server", &[]), ["epoll", "marmot"]);
    assert_eq!(raw.series(&[("server", "epoll")], "cpu_us"), series(&[(0, 5.0), (1, 6.0)]));
    assert!(Raw::parse("no json").is_err());
}

#[test]
fn a_cell_is_held_to_its_targets() {
    let lines = [line("epoll", 0, 5.0), line("go", 0, 8.0), line("marmot", 0, 5.2)];
    let judge = |connections, rounds| {
        let verdicts = echo::judge(&raw(&lines), Cell { connections, bytes: 64 }, rounds);
        verdicts.iter().map(|verdict| (verdict.what.clone(), verdict.is_met())).collect::<Vec<_>>()
    };
    let faults = "wrong bytes, lost connections, failed rounds";
    let expected = [("ratio to epoll", true), ("ratio to go", true), ("user time", true), (faults, true)];
    assert_eq!(judge(50, 1), expected.map(|(what, is_met)| (what.to_owned(), is_met)));
    // With many connections the loop itself is the limit; and here a round is missing.
    let expected = [("ratio to epoll", false), ("ratio to go", true), ("user time", true), (faults, false)];
    assert_eq!(judge(1000, 2), expected.map(|(what, is_met)| (what.to_owned(), is_met)));
}

#[test]
fn memory_is_the_growth_by_connection() {
    let raw = Raw::parse(r#"{"server":"marmot","round":0,"base_pss_kb":1000,"idle_pss_kb":61000}"#).unwrap();
    assert_eq!(idle::bytes(&raw, "marmot").median(), Some(4096.0));
}

#[test]
fn a_row_that_is_missing_is_no_success() {
    let raw = Raw::parse(r#"{"peer":"marmot","test":"yield","round":0,"value":12.5}"#).unwrap();
    let met: Vec<bool> = micro::judge(&raw).iter().map(crate::verdict::Verdict::is_met).collect();
    assert_eq!(met, [true, false, false, false]);
}

#[test]
fn a_row_is_found_by_its_whole_name() {
    let rows = "parked_maps 48.00 maps\nparked 4336.14 bytes\n";
    assert_eq!(million::figure(rows, "parked"), Some(4336.14));
    assert_eq!(million::figure(rows, "parked_maps"), Some(48.0));
    assert_eq!(million::figure(rows, "unstarted"), None);
}

#[test]
fn a_report_has_its_figures_or_is_none() {
    let report = r#"{"gib_s":1.5,"cpu_s_per_gib":0.25,"user_s_per_gib":0.0,"sys_s_per_gib":0.25}"#;
    assert_eq!(proxy::figures(report).unwrap(), proxy::Figures { cpu: 0.25, user: 0.0, speed: 1.5 });
    assert!(proxy::figures(r#"{"gib_s":1.5}"#).is_err());
}

#[test]
fn a_table_lines_up() {
    let mut table = Table::new(["server", "µs"]);
    table.add(["go".to_owned(), "12.5".to_owned()]);
    assert_eq!(table.to_string(), "| server | µs   |\n|--------|------|\n| go     | 12.5 |\n");
}

#[test]
fn rows_are_found_in_each_round() {
    let text = |value| format!("chan_cap0_msg {value} cpu_ns\nchan_cap0_msg.wall 90.00 ns\n");
    let texts = vec![(0, text("40.00")), (1, "other 1.00 ns\n".to_owned()), (2, text("42.00"))];
    assert_eq!(sync::series(&texts, "chan_cap0_msg"), series(&[(0, 40.0), (2, 42.0)]));
    assert_eq!(sync::series(&texts, "chan_cap0_msg.wall").median(), Some(90.0));
    assert_eq!(sync::series(&texts, "chan_cap0").median(), None);
}

#[test]
fn the_row_of_a_pool_is_found() {
    assert_eq!(pool::row("pool_get_put.wall 9.00 ns\npool_get_put 7.50 cpu_ns\n"), Some(7.5));
    assert_eq!(pool::row("pool_get_put.wall 9.00 ns\n"), None);
}
