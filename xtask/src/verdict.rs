//! A figure beside its limit.

use std::fmt;

/// How large a figure may be.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// So large, and no larger.
    AtMost(f64),
    /// Less than that.
    Below(f64),
    /// So small, and no smaller.
    AtLeast(f64),
    /// It is told, and not judged.
    Unknown,
}

/// What was found, and what it may be.
#[derive(Debug)]
pub struct Verdict {
    pub what: String,
    /// `None` if it could not be found out, which is no better than too much.
    pub figure: Option<f64>,
    pub bound: Bound,
    pub unit: &'static str,
}

impl Verdict {
    /// Whether the figure is within its limit.
    pub fn is_met(&self) -> bool {
        match (self.figure, self.bound) {
            (_, Bound::Unknown) => true,
            (None, _) => false,
            (Some(figure), Bound::AtMost(limit)) => figure <= limit,
            (Some(figure), Bound::Below(limit)) => figure < limit,
            (Some(figure), Bound::AtLeast(limit)) => figure >= limit,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.bound {
            Bound::Unknown => "told",
            _ if self.is_met() => "met",
            _ => "missed",
        };
        write!(f, "{word:<7} {}: ", self.what)?;
        match self.figure {
            Some(figure) => write!(f, "{}", number(figure))?,
            None => f.write_str("no figure")?,
        }
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        match self.bound {
            Bound::AtMost(limit) => write!(f, "{unit} (at most {})", number(limit)),
            Bound::Below(limit) => write!(f, "{unit} (less than {})", number(limit)),
            Bound::AtLeast(limit) => write!(f, "{unit} (at least {})", number(limit)),
            Bound::Unknown => write!(f, "{unit} (no limit here)"),
        }
    }
}

/// Prints the verdicts, a line each, and says whether all are met.
pub fn print(verdicts: &[Verdict]) -> bool {
    for verdict in verdicts {
        println!("{verdict}");
    }
    verdicts.iter().all(Verdict::is_met)
}

/// As many digits as a figure of this kind deserves.
pub fn number(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(figure: Option<f64>, bound: Bound) -> Verdict {
        Verdict { what: "calls".into(), figure, bound, unit: "a request" }
    }

    #[test]
    fn a_limit_is_met_up_to_itself() {
        assert!(verdict(Some(2.1), Bound::AtMost(2.1)).is_met());
        assert!(!verdict(Some(2.11), Bound::AtMost(2.1)).is_met());
        assert!(!verdict(Some(2.1), Bound::Below(2.1)).is_met());
        assert!(verdict(Some(1e9), Bound::Unknown).is_met());
    }

    #[test]
    fn what_could_not_be_found_out_is_not_met() {
        assert!(!verdict(None, Bound::AtMost(2.1)).is_met());
        assert!(!verdict(Some(f64::NAN), Bound::AtMost(2.1)).is_met());
    }

    #[test]
    fn the_line_has_the_figure_and_its_limit() {
        let line = verdict(Some(2.5), Bound::AtMost(2.1)).to_string();
        assert_eq!(line, "missed  calls: 2.500 a request (at most 2.100)");
        let line = verdict(None, Bound::Below(60.0)).to_string();
        assert_eq!(line, "missed  calls: no figure a request (less than 60.0)");
    }
}
