//! Figures as people read them.

/// A whole number with a comma before every three digits.
pub fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0.0 && digits != "0" {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, or all that are before the point.
pub fn significant(number: f64) -> String {
    match number.abs() {
        size if size >= 99.95 => thousands(number),
        size if size >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// A time that is given in microseconds, in the unit that fits it.
pub fn micros(micros: f64) -> String {
    match micros {
        us if us >= 999_500.0 => format!("{} s", significant(us / 1e6)),
        us if us >= 999.5 => format!("{} ms", significant(us / 1e3)),
        us => format!("{} µs", significant(us)),
    }
}

/// A number of bytes, in the binary unit that fits it.
pub fn bytes(bytes: f64) -> String {
    match bytes.abs() {
        size if size >= 1024.0 * 1023.5 => format!("{} MiB", significant(bytes / (1024.0 * 1024.0))),
        size if size >= 1023.5 => format!("{} KiB", significant(bytes / 1024.0)),
        _ => format!("{} B", thousands(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_before_every_three_digits() {
        assert_eq!(thousands(0.4), "0");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(thousands(1_000.0), "1,000");
        assert_eq!(thousands(-1_234_567.0), "-1,234,567");
    }

    #[test]
    fn units_change_where_three_digits_end() {
        assert_eq!(micros(7.254), "7.25 µs");
        assert_eq!(micros(999.4), "999 µs");
        assert_eq!(micros(999.6), "1.00 ms");
        assert_eq!(micros(31_000.0), "31.0 ms");
        assert_eq!(micros(2_500_000.0), "2.50 s");
        assert_eq!(bytes(312.4), "312 B");
        assert_eq!(bytes(4096.0), "4.00 KiB");
        assert_eq!(bytes(-2048.0), "-2.00 KiB");
        assert_eq!(bytes(5.0 * 1024.0 * 1024.0), "5.00 MiB");
    }
}
