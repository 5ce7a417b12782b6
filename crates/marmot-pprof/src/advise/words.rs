//! The judgement of a line, in sentences.

use std::time::Duration;

use super::{Report, Site, Verdict};
use crate::cut;

/// Why a line is judged as it is, and what to do.
pub fn advice(site: &Site, report: &Report, is_go: bool) -> String {
    match site.verdict {
        Verdict::Pool => format!("{} {}", turnover(site, report), pool(site, is_go)),
        Verdict::Presize => {
            let reserve =
                if is_go { "make it with its capacity" } else { "reserve what it will need, by `with_capacity`" };
            let grown = percent(site.grown_bytes as f64 / site.bytes as f64);
            format!(
                "Buffers are outgrown here: {grown} of the bytes replaced smaller ones. If the size is known, {reserve}; if not, \
                 use the buffer again, for it stays as large as it has become. {}",
                pool(site, is_go)
            )
        }
        Verdict::LongLived => {
            let used = site.used_bytes as f64 / site.bytes as f64;
            match site.mean_lifetime {
                Some(mean) if mean > super::SHORT_LIFE => {
                    format!("Not for a pool: objects live {} on average, so there is little to use again.", time(mean))
                }
                _ => format!("Not for a pool: {} of it is in use, so there is nothing to use again.", percent(used)),
            }
        }
        Verdict::Minor if site.objects < super::LEAST_OBJECTS && site.share >= super::LEAST_SHARE => {
            format!("Not for a pool: these are {} only, which are not made over and over.", objects(site.objects))
        }
        Verdict::Minor => format!("Not worth a pool: it is {} of all bytes.", percent(site.share)),
    }
}

/// How much comes and goes.
fn turnover(site: &Site, report: &Report) -> String {
    let rate = match report.per_second(site.objects) {
        Some(rate) => format!("{rate:.0} objects a second"),
        None => objects(site.objects),
    };
    let life = match site.mean_lifetime {
        Some(mean) => format!("are dropped after {} on average", time(mean)),
        None => "are dropped soon".to_owned(),
    };
    format!("{rate} of {} each are made here and {life}.", size(site.mean_size()))
}

/// How to use objects again.
fn pool(site: &Site, is_go: bool) -> String {
    if is_go {
        return "Keep them in a `sync.Pool`: `Get` one here instead of making it, and `Put` it back, reset, when it is done with."
            .to_owned();
    }
    let limit = (site.mean_size().max(1.0) * 8.0) as u64;
    let limit = limit.checked_next_power_of_two().unwrap_or(limit).max(1024);
    let name = name(&site.function);
    format!(
        "Keep them in a `Pool`, for example `static {}: Pool<Vec<u8>> = Pool::new(Vec::new).named(\"{}\").max_size({limit});`, and \
         call `get()` here instead of making one: the guard resets it and gives it back. Plain bytes of a known size are lent by \
         `Lease::new`.",
        name.to_uppercase(),
        name.to_lowercase()
    )
}

/// A name for a pool, after the function that it is for.
fn name(mut function: &str) -> String {
    // A closure has the name of what it is in.
    while let Some((outer, _)) = function.rsplit_once("::{") {
        function = outer;
    }
    let name = cut::last_name(function);
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_name { name.to_owned() } else { "buffers".to_owned() }
}

fn objects(count: i64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

fn percent(part: f64) -> String {
    match part * 100.0 {
        percent if percent < 0.05 => "nearly nothing".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// A number of bytes in the unit that fits it.
fn size(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A time in the unit that fits it.
fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 0.9995 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.000_999_5 => format!("{:.1} ms", seconds * 1e3),
        seconds => format!("{:.1} µs", seconds * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_named_after_functions() {
        for (function, expected) in [
            ("server::answer", "answer"),
            ("server::answer::{{closure}}", "answer"),
            ("<server::Conn>::read_head", "read_head"),
            ("<server::Conn as std::io::Read>::read", "read"),
            ("server::pick<core::option::Option<u8>>", "pick"),
            ("server::answer::<u8>", "answer"),
            ("0x1234", "buffers"),
            ("", "buffers"),
        ] {
            assert_eq!(name(function), expected, "{function}");
        }
    }

    #[test]
    fn figures_have_their_units() {
        assert_eq!([size(12.0), size(1000.0), size(4096.0), size(3e7)], ["12 B", "1.0 KiB", "4.0 KiB", "29 MiB"]);
        let micros = Duration::from_micros;
        assert_eq!([time(micros(2)), time(micros(2_500)), time(micros(61_000_000))], ["2.0 µs", "2.5 ms", "61.0 s"]);
        assert_eq!([percent(0.0), percent(0.015), percent(0.5)], ["nearly nothing", "1.5 %", "50 %"]);
    }
}
