//! A bounded store that counts what happened, and for how long, by where it happened.

use std::collections::HashMap;
use std::hash::Hash;

/// How much happened at a place. Sampled events stand for several, so that the counts are no whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) count: f64,
    pub(super) nanos: f64,
}

/// Tallies by key. It takes at most `limit` keys: what comes after these is counted as lost.
pub(super) struct Store<K> {
    tallies: Option<HashMap<K, Tally>>,
    limit: usize,
    lost: Tally,
}

impl<K: Hash + Eq + Clone> Store<K> {
    pub(super) const fn new(limit: usize) -> Store<K> {
        Store { tallies: None, limit, lost: Tally { count: 0.0, nanos: 0.0 } }
    }

    pub(super) fn add(&mut self, key: K, more: Tally) {
        let tallies = self.tallies.get_or_insert_default();
        let tally = match tallies.len() < self.limit {
            true => tallies.entry(key).or_default(),
            false => tallies.get_mut(&key).unwrap_or(&mut self.lost),
        };
        tally.count += more.count;
        tally.nanos += more.nanos;
    }

    /// All that is in it.
    pub(super) fn all(&self) -> Vec<(K, Tally)> {
        self.tallies.iter().flatten().map(|(key, tally)| (key.clone(), *tally)).collect()
    }

    /// What found no room.
    pub(super) fn lost(&self) -> Tally {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_as_lost() {
        let mut store = Store::new(2);
        let one = Tally { count: 1.0, nanos: 10.0 };
        for key in ["a", "b", "c", "a", "d"] {
            store.add(key, one);
        }
        let mut all = store.all();
        all.sort_by_key(|(key, _)| *key);
        assert_eq!(all, [("a", Tally { count: 2.0, nanos: 20.0 }), ("b", one)]);
        assert_eq!(store.lost(), Tally { count: 2.0, nanos: 20.0 });
    }
}
