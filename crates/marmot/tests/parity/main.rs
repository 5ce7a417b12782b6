//! The modules that have `std`'s names beside `std`'s own: what is there, under which names, with which traits.
//!
//! Most of it is checked when this is compiled. `names` and `same` are compiled twice, with the modules of `std` and with ours, so
//! that what they say of ours is true of `std`'s, too. `traits` has a line for each type.
#![allow(clippy::duplicate_mod, reason = "it is the same file, twice")]

mod behaviour;
mod of_marmot;
mod of_std;
mod traits;

/// Runs the same with the modules of `std` and with ours.
macro_rules! same_under_both_names {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                of_std::same::$name();
                of_marmot::same::$name();
            }
        )*
    };
}

same_under_both_names! {
    a_cell_may_hold_what_does_not_outlive_it
    ids_and_handles_have_a_niche
    a_name_with_a_null_byte_panics_when_the_thread_starts
    poison_says_what_was_poisoned
    errors_become_others
    errors_say_the_same
    what_is_deprecated_is_there
    addresses_are_made_by_types_of_ones_own
    states_are_shown
    keys_do_what_they_are_asked
    thread_locals_are_destroyed_when_the_thread_ends
}
