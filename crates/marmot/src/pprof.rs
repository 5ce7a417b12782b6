//! Labels for profiles: what a goroutine works for, so that what it costs can be told apart.

pub use marmot_runtime::profile::labels::{labels, with_labels, without_labels};
