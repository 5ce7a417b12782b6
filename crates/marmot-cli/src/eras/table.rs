//! The table on standard output, with its footnotes and its conclusion.

use super::Era;
use super::figures::{Figures, Report, SystemCalls};
use super::measure::TRACED_CONNECTIONS;
use crate::format;
use crate::terminal;
use std::fmt::Write;

/// The titles of the columns, in order.
const HEADER: [&str; 10] =
    ["", "requests/s", "p50", "p99", "max", "CPU/request", "threads", "memory/conn", "syscalls/req", "lines"];

/// The same, each in two lines.
const FOLDED: [&str; 10] =
    ["", "requests\n/s", "p50", "p99", "max", "CPU/\nrequest", "threads", "memory/\nconn", "syscalls\n/req", "lines"];

/// The whole text for a terminal of so many columns, ready to be printed.
pub fn render(report: &Report, width: usize) -> String {
    let lead = format!(
        "Echo on loopback: {} connections, one request of {} bytes under way on each, {} s per era, {} CPUs.",
        report.conns, report.size, report.seconds, report.cpus
    );
    let mut text = format!("{}\n\n{}\n", terminal::wrap(&lead, width, 0), grid(report, width));
    if !report.conclusion.is_empty() {
        let _ = write!(text, "{}\n\n", terminal::wrap(&report.conclusion, width, 0));
    }
    for note in notes(report) {
        let _ = writeln!(text, "{}", terminal::wrap(&note, width, 2));
    }
    text
}

/// The table, in the first of its forms that fits: with a row for each era, and their titles or their names; or with a column
/// for each, as many beside each other as there is room for.
fn grid(report: &Report, width: usize) -> String {
    let header = |titles: &[&str]| titles.iter().map(|&title| title.to_owned()).collect();
    let titled: Vec<Vec<String>> = report.eras.iter().map(|figures| row(figures).to_vec()).collect();
    let named = report.eras.iter().map(|figures| {
        let mut row = row(figures).to_vec();
        row[0] = figures.era.name().to_owned();
        row
    });
    let named: Vec<Vec<String>> = named.collect();
    let forms = [(&HEADER, &titled), (&FOLDED, &titled), (&FOLDED, &named)];
    let rows = forms.map(|(titles, rows)| terminal::table(header(titles), rows.clone(), 1).to_string());
    if let Some(table) = rows.into_iter().find(|table| terminal::columns(table) <= width) {
        return table;
    }
    let upright = |eras: &[Vec<String>]| {
        let column = |index: usize| eras.iter().map(move |row| row[index].clone());
        let line = |index: usize| std::iter::once(HEADER[index].to_owned()).chain(column(index)).collect();
        terminal::table(line(0), (1..HEADER.len()).map(line).collect(), 1).to_string()
    };
    let beside = (1..=named.len()).rev().find(|&count| {
        let tables = named.chunks(count).map(|eras| terminal::columns(&upright(eras)));
        tables.max().is_none_or(|widest| widest <= width)
    });
    let tables: Vec<String> = named.chunks(beside.unwrap_or(1)).map(upright).collect();
    tables.join("\n")
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

    /// Figures as wide as they come.
    fn report() -> Report {
        let mut report = Report::new(20_000, 64, Duration::from_secs(5), 64);
        for era in Era::ALL {
            report.eras.push(Figures {
                era,
                title: era.title(),
                requests: 1000,
                seconds: 1.0,
                requests_per_second: 1_234_567.0,
                latency: Latency {
                    p50_us: 812.5,
                    p99_us: 10_312.5,
                    max_us: 250_312.5,
                    ..Latency::of(&Histogram::new(3).unwrap())
                },
                cpu_us_per_request: 12.5,
                processes: 20_001,
                threads: 20_001,
                bytes_per_connection: 300.0 * 1024.0,
                system_calls: SystemCalls::Unknown("ptrace: Operation not permitted".into()),
                handler_lines: 124,
            });
        }
        report.conclude();
        report
    }

    #[test]
    fn a_refused_ptrace_is_explained() {
        let text = render(&report(), 200);
        for part in ["process per connection", "20001 procs", "300 KiB", "n/a", "Operation not permitted", "12.5 µs"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }

    #[test]
    fn it_fits_the_terminal_and_leaves_nothing_out() {
        let report = report();
        for width in [30, 40, 60, 80, 100, 120, 200] {
            let text = render(&report, width);
            let widest = terminal::columns(&text);
            assert!(widest <= width, "{widest} columns of {width}:\n{text}");
            let table = grid(&report, width);
            for figures in &report.eras {
                let [title, cells @ ..] = row(figures);
                assert!(table.contains(&title) || table.contains(figures.era.name()), "{table}");
                for cell in cells {
                    let least = if cell.ends_with(" procs") { 1 } else { report.eras.len() };
                    assert!(table.matches(&cell).count() >= least, "{cell} is not there in each era:\n{table}");
                }
            }
            for title in HEADER {
                let folded = title.split('/').all(|part| table.contains(part));
                assert!(table.contains(title) || folded, "{title} is missing:\n{table}");
            }
        }
    }
}
