//! Plots as inline SVG. Colours come from the page's style sheet by class, so that they follow its light and dark themes.

use super::Era;
use super::figures::Report;
use crate::format;
use std::fmt::Write;

/// The space that a bar of full length takes, and where bars begin, in units of the drawing.
const BAR_LENGTH: f64 = 132.0;
const BAR_START: f64 = 78.0;
const ROW: f64 = 30.0;

/// One bar: whose it is, how long it is, and what is written behind it. Without a value there is only the text.
pub struct Bar {
    /// The era.
    pub era: Era,
    /// The value; nothing is drawn below zero.
    pub value: Option<f64>,
    /// The value in words.
    pub text: String,
}

/// A bar for each era, on a scale that begins at zero.
pub fn bars(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().filter_map(|bar| bar.value).fold(0.0, f64::max);
    let height = ROW * bars.len() as f64;
    let mut svg = format!(r#"<svg viewBox="0 0 300 {height}" role="img" aria-label="{title}">"#);
    for (index, bar) in bars.iter().enumerate() {
        let top = ROW * index as f64;
        let middle = top + ROW / 2.0 + 4.5;
        let name = bar.era.name();
        let share = bar.value.filter(|_| longest > 0.0).map_or(0.0, |value| value.max(0.0) / longest);
        // A value that is too small for its bar to be seen still shows where the bar would be.
        let length = (share * BAR_LENGTH).max(1.5);
        let bar_top = top + 5.0;
        let bar_height = ROW - 10.0;
        let after = BAR_START + length + 7.0;
        let text = &bar.text;
        let _ = write!(
            svg,
            r#"<text class="name" x="{}" y="{middle}" text-anchor="end">{name}</text><rect class="fill {name}" x="{BAR_START}" y="{bar_top}" width="{length:.1}" height="{bar_height}" rx="3"><title>{name}: {text}</title></rect><text class="value" x="{after:.1}" y="{middle}">{text}</text>"#,
            BAR_START - 9.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The plane of the latency plot, in units of the drawing.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 640.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 290.0;
/// The number of nines at the right end: 99.99 %.
const NINES: f64 = 4.0;

/// The distribution of latencies: one line for each era, the share of requests by its nines, the latency on a logarithmic
/// scale.
pub fn latencies(report: &Report) -> String {
    let all = || report.eras.iter().flat_map(|figures| &figures.latency.curve).map(|&(_, us)| us.max(0.1));
    let lowest = all().fold(f64::INFINITY, f64::min);
    let highest = all().fold(0.1, f64::max);
    let (first, last) = (lowest.min(highest).log10().floor(), highest.log10().ceil());
    let decades = (last - first).max(1.0);
    let x = |nines: f64| LEFT + (RIGHT - LEFT) * nines / NINES;
    let y = |us: f64| BOTTOM - (BOTTOM - TOP) * (us.max(0.1).log10() - first) / decades;

    let mut svg = String::from(
        r#"<svg class="wide" viewBox="0 0 780 330" role="img" aria-label="Latency by share of requests">"#,
    );
    for step in 0..=decades as i32 {
        let us = 10_f64.powf(first + f64::from(step));
        let level = y(us);
        let text = format::micros(us).replace(".00", "").replace(".0", "");
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{level:.1}" y2="{level:.1}"/><text class="axis" x="{}" y="{:.1}" text-anchor="end">{text}</text>"#,
            LEFT - 8.0,
            level + 4.0,
        );
    }
    for (share, text) in [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")] {
        let place = x(nines(share));
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{place:.1}" x2="{place:.1}" y1="{TOP}" y2="{BOTTOM}"/><text class="axis" x="{place:.1}" y="{}" text-anchor="middle">{text}</text>"#,
            BOTTOM + 20.0,
        );
    }
    let ends = report.eras.iter().map(|figures| figures.latency.curve.last().map_or(BOTTOM, |&(_, us)| y(us)));
    let labels = spread(ends.collect());
    for (figures, label) in report.eras.iter().zip(labels) {
        let name = figures.era.name();
        let points: Vec<String> =
            figures.latency.curve.iter().map(|&(share, us)| format!("{:.1},{:.1}", x(nines(share)), y(us))).collect();
        let _ = write!(
            svg,
            r#"<polyline class="line {name}" points="{}"><title>{name}</title></polyline><text class="label {name}" x="{}" y="{:.1}">{name}</text>"#,
            points.join(" "),
            RIGHT + 10.0,
            label + 4.0,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// How many nines a share has: 0.9 has one, 0.99 two, and so on in between.
fn nines(share: f64) -> f64 {
    (-(1.0 - share).log10()).clamp(0.0, NINES)
}

/// Moves labels apart that would overlap, keeping their order and staying as close to their places as that allows.
fn spread(places: Vec<f64>) -> Vec<f64> {
    const APART: f64 = 16.0;
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let mut moved = places;
    for pair in 1..order.len() {
        let least = moved[order[pair - 1]] + APART;
        moved[order[pair]] = moved[order[pair]].max(least);
    }
    // What was pushed below the plane goes back up, and what is in its way with it.
    let mut bound = BOTTOM;
    for &index in order.iter().rev() {
        moved[index] = moved[index].min(bound);
        bound = moved[index] - APART;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_has_the_full_length() {
        let drawn = bars(
            "t",
            &[
                Bar { era: Era::Thread, value: Some(5.0), text: "5".into() },
                Bar { era: Era::Epoll, value: Some(10.0), text: "10".into() },
                Bar { era: Era::Process, value: None, text: "n/a".into() },
            ],
        );
        assert!(
            drawn.contains(r#"width="132.0""#) && drawn.contains(r#"width="66.0""#) && drawn.contains("n/a"),
            "{drawn}"
        );
    }

    #[test]
    fn nines_are_counted() {
        assert!((nines(0.99) - 2.0).abs() < 1e-9);
        assert_eq!(nines(0.0), 0.0);
        assert_eq!(nines(1.0), NINES);
    }

    #[test]
    fn labels_do_not_overlap() {
        let moved = spread(vec![280.0, 284.0, 290.0, 100.0]);
        assert_eq!(moved, [258.0, 274.0, 290.0, 100.0]);
    }
}
