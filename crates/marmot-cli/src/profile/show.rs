//! The advice as a table, with a paragraph for each line that something is to be said about.

use crate::format;
use crate::terminal;
use marmot::pprof::advise::{Report, Site, Verdict};
use std::fmt::Write;

/// What is left out of the table, one after the other, until it fits.
const DISPENSABLE: [&str; 4] = ["size", "in use", "lifetime", "objects"];

/// The whole text for a terminal of so many columns. The rest are lines that are not shown one by one.
pub fn render(report: &Report, rest: &[Site], width: usize) -> String {
    let mut text = match report.duration {
        Some(duration) => format!(
            "Allocated in {} s: {} ({} a second) in {} objects ({} a second).\n",
            format::significant(duration.as_secs_f64()),
            format::bytes(report.bytes as f64),
            rate(report, report.bytes, format::bytes),
            format::thousands(report.objects as f64),
            rate(report, report.objects, format::thousands),
        ),
        None => format!(
            "Allocated since the program's start: {} in {} objects. For the rates, fetch with --seconds N.\n",
            format::bytes(report.bytes as f64),
            format::thousands(report.objects as f64),
        ),
    };
    text = format!("{}\n", terminal::wrap(text.trim_end(), width, 0));
    if report.sites.is_empty() {
        text.push_str("No allocation was sampled.\n");
        return text;
    }
    let _ = writeln!(text, "\n{}", table(report, width));
    if !rest.is_empty() {
        let bytes: i64 = rest.iter().fold(0, |sum, site| sum.saturating_add(site.bytes));
        let _ = writeln!(text, "{} more lines: {}.", rest.len(), format::bytes(bytes as f64));
    }
    for (index, site) in report.sites.iter().enumerate().filter(|(_, site)| site.verdict != Verdict::Minor) {
        let _ = writeln!(text, "\n{}. {} ({}:{})", index + 1, site.function, site.file, site.line);
        if let Some(via) = &site.via {
            let _ = writeln!(text, "   by way of {via}");
        }
        let _ = writeln!(text, "   {}", indented(&site.advice, width));
        if let Some(saving) = &site.saving {
            let saves = format!(
                "Saves {}{} in {}{} objects: {} of all bytes.",
                rate(report, saving.bytes, format::bytes),
                per_second(report),
                rate(report, saving.objects, format::thousands),
                per_second(report),
                percent(saving.share),
            );
            let _ = writeln!(text, "   {}", indented(&saves, width));
        }
    }
    let saving = report.saving();
    if saving.bytes > 0 {
        let _ = writeln!(text, "\nAll of this together saves {} of the bytes allocated.", percent(saving.share));
    } else {
        text.push_str("\nNothing here is worth a pool.\n");
    }
    text
}

/// A paragraph behind three blanks, of which the first line is to be written.
fn indented(text: &str, width: usize) -> String {
    terminal::wrap(text, width.saturating_sub(3), 0).replace('\n', "\n   ")
}

/// The table, without what there is no room for.
fn table(report: &Report, width: usize) -> String {
    let unit = per_second(report);
    let columns: [(&str, String); 9] = [
        ("", String::new()),
        ("line", "line".to_owned()),
        ("verdict", "verdict".to_owned()),
        ("share", "share".to_owned()),
        ("bytes", format!("bytes{unit}")),
        ("objects", format!("objects{unit}")),
        ("size", "size".to_owned()),
        ("lifetime", "lifetime".to_owned()),
        ("in use", "in use".to_owned()),
    ];
    let rows: Vec<[String; 9]> =
        report.sites.iter().enumerate().map(|(index, site)| row(report, index, site)).collect();
    let without = |left_out: &[&str]| {
        let shown: Vec<usize> = (0..columns.len()).filter(|&index| !left_out.contains(&columns[index].0)).collect();
        let header = shown.iter().map(|&index| columns[index].1.clone()).collect();
        let rows = rows.iter().map(|row| shown.iter().map(|&index| row[index].clone()).collect()).collect();
        terminal::table(header, rows, 3).to_string()
    };
    let tables = (0..=DISPENSABLE.len()).map(|count| (count, without(&DISPENSABLE[..count])));
    let mut least = None;
    for (count, table) in tables {
        let fits = terminal::columns(&table) <= width;
        least = Some((count, table));
        if fits {
            break;
        }
    }
    match least {
        Some((0, table)) => table,
        Some((count, table)) => {
            let note =
                format!("Omitted for lack of width: {}. --json prints all columns.", DISPENSABLE[..count].join(", "));
            format!("{table}\n{}", terminal::wrap(&note, width, 0))
        }
        None => String::new(),
    }
}

fn row(report: &Report, index: usize, site: &Site) -> [String; 9] {
    [
        (index + 1).to_string(),
        format!("{}:{}", site.file.rsplit('/').next().unwrap_or_default(), site.line),
        site.verdict.name().to_owned(),
        percent(site.share),
        rate(report, site.bytes, format::bytes),
        rate(report, site.objects, format::thousands),
        format::bytes(site.mean_size()),
        site.mean_lifetime.map_or_else(|| "n/a".to_owned(), |mean| format::micros(mean.as_secs_f64() * 1e6)),
        format::bytes(site.used_bytes as f64),
    ]
}

/// A number by the second, or as it is if the time is not known.
fn rate(report: &Report, count: i64, format: fn(f64) -> String) -> String {
    format(report.per_second(count).unwrap_or(count as f64))
}

fn per_second(report: &Report) -> &'static str {
    if report.duration.is_some() { "/s" } else { "" }
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use marmot::pprof::advise::advise;
    use marmot::pprof::raw::{Profile, Sample, ValueType};

    #[test]
    fn the_table_fits_and_says_what_it_leaves_out() {
        let types = [
            ("alloc_objects", "count"),
            ("alloc_space", "bytes"),
            ("inuse_objects", "count"),
            ("inuse_space", "bytes"),
        ];
        let mut profile = Profile::new(types.map(|(kind, unit)| ValueType::new(kind, unit)).to_vec());
        let stack = vec![advise as fn(&_) -> _ as usize];
        profile.samples.push(Sample { stack, values: vec![123_456_789, 505_679_000_000, 2, 8192], labels: vec![] });
        let report = advise(&profile.to_proto()).unwrap();
        for width in [60, 80, 100, 120, 200] {
            let table = table(&report, width);
            assert!(terminal::columns(&table) <= width, "{width}:\n{table}");
            assert!(["line", "verdict", "share", "bytes"].iter().all(|title| table.contains(title)), "{table}");
            for title in DISPENSABLE {
                assert!(table.contains(title), "{title} is neither shown nor named:\n{table}");
            }
        }
        assert!(table(&report, 60).contains("lack of width: size"));
        assert!(!table(&report, 200).contains("lack of width"));
    }
}
