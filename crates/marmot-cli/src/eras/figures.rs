//! What was measured, and what follows from it in one sentence.

use super::Era;
use crate::format;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// Ratios closer to 1 than this are not told apart: single short runs on a shared machine vary by as much.
const NOISE: f64 = 0.10;

/// A run of `marmot eras`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Connections.
    pub conns: u32,
    /// Bytes of a request.
    pub size: u32,
    /// Seconds that each era was measured for.
    pub seconds: f64,
    /// Processors that this process may use.
    pub cpus: usize,
    /// The eras in the order of their history.
    pub eras: Vec<Figures>,
    /// The sentence under the table.
    pub conclusion: String,
}

/// The figures of one era.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Which one.
    pub era: Era,
    /// What it is called.
    pub title: &'static str,
    /// Requests answered in the window.
    pub requests: u64,
    /// The length of the window.
    pub seconds: f64,
    /// The quotient of the two.
    pub requests_per_second: f64,
    /// The time from a request to its answer.
    pub latency: Latency,
    /// User and system time of the server and its descendants, in microseconds.
    pub cpu_us_per_request: f64,
    /// The server's processes with all connections open.
    pub processes: u64,
    /// The threads of all of them.
    pub threads: u64,
    /// What the connections added to the anonymous memory of the processes (proportional set size), by connection.
    pub bytes_per_connection: f64,
    /// System calls of the server.
    pub system_calls: SystemCalls,
    /// Lines of code of the handler.
    pub handler_lines: usize,
}

/// System calls per request, or why they are not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemCalls {
    /// Counted.
    PerRequest(f64),
    /// The reason.
    Unknown(String),
}

/// The distribution of the latencies in microseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Latency {
    /// The median.
    pub p50_us: f64,
    /// 90 in 100 are not above this.
    pub p90_us: f64,
    /// 99 in 100.
    pub p99_us: f64,
    /// 999 in 1000.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Points of the distribution for plotting: the share of requests, and the latency that it is not above.
    pub curve: Vec<(f64, f64)>,
}

impl Latency {
    /// Reads the distribution off a histogram of nanoseconds.
    pub fn of(nanos: &Histogram<u64>) -> Latency {
        let at = |share| nanos.value_at_quantile(share) as f64 / 1e3;
        // Evenly spaced in the number of nines, from 0 to 4, that is from the fastest to 99.99 %.
        let curve = (0..=40).map(|tenth| 1.0 - 10_f64.powf(-f64::from(tenth) / 10.0)).map(|share| (share, at(share)));
        Latency {
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: nanos.max() as f64 / 1e3,
            curve: curve.collect(),
        }
    }
}

impl Report {
    /// A report without any figures yet.
    pub fn new(conns: u32, size: u32, seconds: Duration, cpus: usize) -> Report {
        let seconds = seconds.as_secs_f64();
        Report { conns, size, seconds, cpus, eras: Vec::new(), conclusion: String::new() }
    }

    /// The figures of an era, if it was run.
    pub fn era(&self, era: Era) -> Option<&Figures> {
        self.eras.iter().find(|figures| figures.era == era)
    }

    /// Puts into words how goroutines did against the others; to be called when all figures are there.
    pub fn conclude(&mut self) {
        let Some(goroutine) = self.era(Era::Goroutine) else { return };
        let against: Vec<String> = [Era::Epoll, Era::Thread, Era::Process]
            .iter()
            .filter_map(|&era| self.era(era))
            .map(|other| compare(goroutine, other))
            .collect();
        let Some((last, first)) = against.split_last() else { return };
        let list = if first.is_empty() { last.clone() } else { format!("{} and {last}", first.join(", ")) };
        let memory = self.era(Era::Thread).map(|thread| {
            let (own, other) = (goroutine.bytes_per_connection, thread.bytes_per_connection);
            format!("; a connection took {} of memory, with a thread {}", format::bytes(own), format::bytes(other))
        });
        self.conclusion = format!(
            "With {} lines of handler, a goroutine per connection used {list}{}.",
            goroutine.handler_lines,
            memory.unwrap_or_default()
        );
    }
}

/// How much CPU time goroutines used by comparison with another era.
fn compare(goroutine: &Figures, other: &Figures) -> String {
    let what = match other.era {
        Era::Process => "processes",
        Era::Thread => "threads",
        Era::Epoll => "callbacks on epoll",
        Era::Goroutine => "goroutines",
    };
    let ratio = goroutine.cpu_us_per_request / other.cpu_us_per_request;
    let cpu = if (ratio - 1.0).abs() <= NOISE {
        "about as much CPU time as".to_string()
    } else {
        format!("{} times the CPU time of", format::significant(ratio))
    };
    format!("{cpu} {what} ({} lines)", other.handler_lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(era: Era, cpu: f64, lines: usize) -> Figures {
        let latency = Latency::of(&Histogram::new(3).unwrap());
        Figures {
            era,
            title: era.title(),
            requests: 1,
            seconds: 1.0,
            requests_per_second: 1.0,
            latency,
            cpu_us_per_request: cpu,
            processes: 1,
            threads: 1,
            bytes_per_connection: 0.0,
            system_calls: SystemCalls::PerRequest(2.0),
            handler_lines: lines,
        }
    }

    fn conclusion(eras: Vec<Figures>) -> String {
        let mut report = Report { eras, ..Report::new(1, 1, Duration::from_secs(1), 1) };
        report.conclude();
        report.conclusion
    }

    #[test]
    fn the_conclusion_follows_the_figures() {
        let goroutine = figures(Era::Goroutine, 10.0, 20);
        assert_eq!(
            conclusion(vec![figures(Era::Thread, 20.0, 20), figures(Era::Epoll, 9.5, 130), goroutine.clone()]),
            "With 20 lines of handler, a goroutine per connection used about as much CPU time as callbacks on epoll (130 lines) \
             and 0.50 times the CPU time of threads (20 lines); a connection took 0 B of memory, with a thread 0 B."
        );
        let worse = conclusion(vec![figures(Era::Epoll, 5.0, 130), goroutine]);
        assert!(worse.contains("2.00 times the CPU time of callbacks"), "{worse}");
    }

    #[test]
    fn without_a_comparison_there_is_no_conclusion() {
        assert_eq!(conclusion(vec![figures(Era::Epoll, 9.5, 130)]), "");
        assert_eq!(conclusion(vec![figures(Era::Goroutine, 9.5, 20)]), "");
    }

    #[test]
    fn the_distribution_rises_to_the_maximum() {
        let mut nanos = Histogram::<u64>::new(3).unwrap();
        for value in 1..=1000 {
            nanos.record(value * 1000).unwrap();
        }
        let latency = Latency::of(&nanos);
        assert!((latency.p50_us - 500.0).abs() < 2.0, "{latency:?}");
        assert!(latency.curve.is_sorted_by(|a, b| a.1 <= b.1));
        assert!(latency.curve.last().unwrap().1 <= latency.max_us);
    }
}
