//! What `sync::raw` tells the profile: nothing, for the model has none.

use std::time::Duration;

pub fn watches_contention() -> bool {
    false
}

pub fn contended(_delay: Duration) {}
