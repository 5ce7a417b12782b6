//! A figure over rounds, and comparing two of them.

use std::collections::BTreeMap;

/// A figure of one server, by round. A round that failed is not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series(BTreeMap<u64, f64>);

impl Series {
    /// How many rounds there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The median, if there was any round.
    pub fn median(&self) -> Option<f64> {
        median(self.0.values().copied())
    }

    /// The sum over the rounds.
    pub fn sum(&self) -> f64 {
        self.0.values().sum()
    }

    /// The median of the ratios within each round that both have.
    pub fn ratio_to(&self, base: &Series) -> Option<f64> {
        median(self.pairs(base).map(|(_, own, base)| own / base))
    }

    /// What is left in each round that both have.
    pub fn minus(&self, other: &Series) -> Series {
        self.pairs(other).map(|(round, own, other)| (round, own - other)).collect()
    }

    /// The same in another unit.
    pub fn times(&self, factor: f64) -> Series {
        self.0.iter().map(|(round, figure)| (*round, figure * factor)).collect()
    }

    fn pairs<'a>(&'a self, other: &'a Series) -> impl Iterator<Item = (u64, f64, f64)> + 'a {
        self.0.iter().filter_map(|(round, own)| Some((*round, *own, *other.0.get(round)?)))
    }
}

impl FromIterator<(u64, f64)> for Series {
    fn from_iter<I: IntoIterator<Item = (u64, f64)>>(rounds: I) -> Series {
        Series(rounds.into_iter().collect())
    }
}

fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        count if count % 2 == 1 => Some(figures[middle]),
        _ => Some((figures[middle - 1] + figures[middle]) / 2.0),
    }
}
