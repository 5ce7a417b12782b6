//! The page that `--html` writes: one file that needs no other, with plots as inline SVG and no script.

use super::figures::{Figures, Report, SystemCalls};
use super::plot::{self, Bar};
use super::table;
use crate::format;
use std::fmt::Write;

/// A plot of bars: its title, what to make of it, and the value and the text of an era.
struct Panel {
    title: &'static str,
    hint: &'static str,
    value: fn(&Figures) -> Option<f64>,
    text: fn(f64) -> String,
}

const PANELS: [Panel; 6] = [
    Panel {
        title: "Requests per second",
        hint: "More is better.",
        value: |figures| Some(figures.requests_per_second),
        text: format::thousands,
    },
    Panel {
        title: "CPU time per request",
        hint: "Of the server's processes. Less is better.",
        value: |figures| Some(figures.cpu_us_per_request),
        text: format::micros,
    },
    Panel {
        title: "Latency, 99th percentile",
        hint: "Less is better.",
        value: |figures| Some(figures.latency.p99_us),
        text: format::micros,
    },
    Panel {
        title: "Memory per connection",
        hint: "Without the kernel's share. Less is better.",
        value: |figures| Some(figures.bytes_per_connection),
        text: format::bytes,
    },
    Panel {
        title: "System calls per request",
        hint: "Counted in a separate pass. Less is better.",
        value: |figures| match figures.system_calls {
            SystemCalls::PerRequest(calls) => Some(calls),
            SystemCalls::Unknown(_) => None,
        },
        text: format::significant,
    },
    Panel {
        title: "Lines of the handler",
        hint: "Code only. Less is better.",
        value: |figures| Some(figures.handler_lines as f64),
        text: format::thousands,
    },
];

/// The page.
pub fn render(report: &Report) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    let _ = write!(
        page,
        "<title>Four eras of network programming</title>\n<style>\n{}</style>\n",
        include_str!("page.css")
    );
    page.push_str("</head>\n<body>\n<main>\n<h1>Four eras of network programming</h1>\n");
    let _ = writeln!(
        page,
        "<p class=\"lead\">The same echo service on loopback: {} connections, one request of {} bytes under way on each, \
         {} s per era, {} CPUs.</p>",
        report.conns, report.size, report.seconds, report.cpus
    );
    if !report.conclusion.is_empty() {
        let _ = writeln!(page, "<p class=\"conclusion\">{}</p>", escape(&report.conclusion));
    }
    write_table(&mut page, report);
    page.push_str("<div class=\"grid-of-cards\">\n");
    for panel in &PANELS {
        let bars: Vec<Bar> = report.eras.iter().map(|figures| bar(panel, figures)).collect();
        let (title, hint) = (panel.title, panel.hint);
        let drawing = plot::bars(title, &bars);
        let _ = writeln!(page, "<section class=\"card\"><h2>{title}</h2><p>{hint}</p>{drawing}</section>");
    }
    page.push_str("</div>\n<section class=\"card\"><h2>Latency by share of requests</h2>");
    page.push_str(
        "<p>How long the fastest share of the requests took at most, on logarithmic scales. Lower is better.</p>",
    );
    let _ = writeln!(page, "{}</section>", plot::latencies(report));
    page.push_str("<ul class=\"notes\">\n");
    for note in table::notes(report) {
        let _ = writeln!(page, "<li>{}</li>", escape(&note));
    }
    page.push_str("</ul>\n</main>\n</body>\n</html>\n");
    page
}

fn write_table(page: &mut String, report: &Report) {
    page.push_str("<div class=\"card scroll\"><table>\n<thead><tr>");
    for title in table::header() {
        let _ = write!(page, "<th>{title}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for figures in &report.eras {
        let [title, cells @ ..] = table::row(figures);
        let _ = write!(page, "<tr><td><span class=\"dot {}\"></span>{}</td>", figures.era.name(), escape(&title));
        for cell in cells {
            let _ = write!(page, "<td>{}</td>", escape(&cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

fn bar(panel: &Panel, figures: &Figures) -> Bar {
    let value = (panel.value)(figures);
    Bar { era: figures.era, value, text: value.map_or_else(|| "n/a".into(), panel.text) }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_texts_is_escaped() {
        assert_eq!(escape("a < b & c"), "a &lt; b &amp; c");
    }

    #[test]
    fn an_empty_report_is_still_a_page() {
        let page = render(&Report::new(1, 1, std::time::Duration::from_secs(1), 1));
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    }
}
