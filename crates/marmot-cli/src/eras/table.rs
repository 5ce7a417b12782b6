//! The table on standard output, with its footnotes and its conclusion.

use super::Era;
use super::figures::{Figures, Report, SystemCalls};
use super::measure::TRACED_CONNECTIONS;
use crate::format;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use std::fmt::Write;

/// The titles of the columns, in order.
const HEADER: [&str; 10] =
    ["", "requests/s", "p50", "p99", "max", "CPU/request", "threads", "memory/conn", "syscalls/req", "lines"];

/// The whole text, ready to be printed.
pub fn render(report: &Report) -> String {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    let style = presets::NOTHING.top_border(rule).header_separator(rule).bottom_border(rule);
    table.load_style(style).set_header(HEADER);
    for figures in &report.eras {
        table.add_row(row(figures));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }

    let mut text = format!(
        "Echo on loopback: {} connections, one request of {} bytes under way on each, {} s per era, {} CPUs.\n\n{table}\n",
        report.conns, report.size, report.seconds, report.cpus
    );
    if !report.conclusion.is_empty() {
        let _ = write!(text, "{}\n\n", report.conclusion);
    }
    for note in notes(report) {
        let _ = writeln!(text, "{note}");
    }
    text
}

/// One era's cells. The page has the same.
pub fn row(figures: &Figures) -> [String; 10] {
    let crowd = match figures.era {
        Era::Process => format!("{} procs", figures.processes),
        _ => figures.threads.to_string(),
    };
    let calls = match &figures.system_calls {
        SystemCalls::PerRequest(calls) => format::significant(*calls),
        SystemCalls::Unknown(_) => "n/a".into(),
    };
    [
        figures.title.into(),
        format::thousands(figures.requests_per_second),
        format::micros(figures.latency.p50_us),
        format::micros(figures.latency.p99_us),
        format::micros(figures.latency.max_us),
        format::micros(figures.cpu_us_per_request),
        crowd,
        format::bytes(figures.bytes_per_connection),
        calls,
        figures.handler_lines.to_string(),
    ]
}

/// The column titles for the page.
pub fn header() -> [&'static str; 10] {
    HEADER
}

/// What a reader has to know about the figures. The page has the same.
pub fn notes(report: &Report) -> Vec<String> {
    let mut notes = vec![
        "CPU/request: user and system time of the server's processes. With the load in a process of its own on the same \
         CPUs, it says more than requests/s."
            .to_string(),
        "memory/conn: growth of the processes' anonymous memory (proportional set size); the kernel's share (sockets, kernel stacks, page tables) comes on top.".to_string(),
        format!(
            "syscalls/req: counted in a separate pass under ptrace with {} connections; slowed down by it, event loops find \
             more connections ready at once than they otherwise do.",
            report.conns.min(TRACED_CONNECTIONS)
        ),
        "lines: code of the handler, without blank lines and comments.".to_string(),
        "One run on one machine: differences of a tenth or so are noise.".to_string(),
    ];
    for figures in &report.eras {
        if let SystemCalls::Unknown(reason) = &figures.system_calls {
            notes.push(format!("n/a ({}): {reason}.", figures.title));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::figures::Latency;
    use super::*;
    use hdrhistogram::Histogram;
    use std::time::Duration;

    #[test]
    fn a_refused_ptrace_is_explained() {
        let figures = Figures {
            era: Era::Process,
            title: Era::Process.title(),
            requests: 1000,
            seconds: 1.0,
            requests_per_second: 1000.0,
            latency: Latency::of(&Histogram::new(3).unwrap()),
            cpu_us_per_request: 12.5,
            processes: 11,
            threads: 11,
            bytes_per_connection: 300.0 * 1024.0,
            system_calls: SystemCalls::Unknown("ptrace: Operation not permitted".into()),
            handler_lines: 24,
        };
        let mut report = Report::new(10, 64, Duration::from_secs(1), 2);
        report.eras.push(figures);
        let text = render(&report);
        for part in ["process per connection", "11 procs", "300 KiB", "n/a", "Operation not permitted", "12.5 µs"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
