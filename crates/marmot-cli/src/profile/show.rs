//! The advice as a table, with a paragraph for each line that something is to be said about.

use crate::format;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use marmot::pprof::advise::{Report, Site, Verdict};
use std::fmt::Write;

/// The whole text. The rest are lines that are not shown one by one.
pub fn render(report: &Report, rest: &[Site]) -> String {
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
    if report.sites.is_empty() {
        text.push_str("No allocation was sampled.\n");
        return text;
    }
    let _ = writeln!(text, "\n{}", table(report));
    if !rest.is_empty() {
        let bytes: i64 = rest.iter().fold(0, |sum, site| sum.saturating_add(site.bytes));
        let _ = writeln!(text, "{} more lines: {}.", rest.len(), format::bytes(bytes as f64));
    }
    for (index, site) in report.sites.iter().enumerate().filter(|(_, site)| site.verdict != Verdict::Minor) {
        let _ = writeln!(text, "\n{}. {} ({}:{})", index + 1, site.function, site.file, site.line);
        if let Some(via) = &site.via {
            let _ = writeln!(text, "   by way of {via}");
        }
        let _ = writeln!(text, "   {}", site.advice);
        if let Some(saving) = &site.saving {
            let _ = writeln!(
                text,
                "   Saves {}{} in {}{} objects: {} of all bytes.",
                rate(report, saving.bytes, format::bytes),
                per_second(report),
                rate(report, saving.objects, format::thousands),
                per_second(report),
                percent(saving.share),
            );
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

fn table(report: &Report) -> Table {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    let style = presets::NOTHING.top_border(rule).header_separator(rule).bottom_border(rule);
    let unit = per_second(report);
    let header = [
        String::new(),
        "line".to_owned(),
        "verdict".to_owned(),
        "share".to_owned(),
        format!("bytes{unit}"),
        format!("objects{unit}"),
        "size".to_owned(),
        "lifetime".to_owned(),
        "in use".to_owned(),
    ];
    table.load_style(style).set_header(header);
    for (index, site) in report.sites.iter().enumerate() {
        table.add_row([
            (index + 1).to_string(),
            format!("{}:{}", site.file.rsplit('/').next().unwrap_or_default(), site.line),
            site.verdict.name().to_owned(),
            percent(site.share),
            rate(report, site.bytes, format::bytes),
            rate(report, site.objects, format::thousands),
            format::bytes(site.mean_size()),
            site.mean_lifetime.map_or_else(|| "n/a".to_owned(), |mean| format::micros(mean.as_secs_f64() * 1e6)),
            format::bytes(site.used_bytes as f64),
        ]);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index > 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
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
