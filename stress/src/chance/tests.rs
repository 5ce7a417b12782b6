//! Tests of chance.

use super::Chance;

#[test]
fn the_same_seed_makes_the_same_numbers() {
    let numbers = |seed| {
        let mut chance = Chance::of(seed, "somebody", &[3, 4]);
        [(); 8].map(|()| chance.next())
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
}

#[test]
fn names_and_numbers_make_a_difference() {
    let firsts = [("a", [1, 2]), ("b", [1, 2]), ("a", [2, 1]), ("a", [1, 3])].map(|(n, i)| Chance::of(7, n, &i).next());
    for (i, first) in firsts.iter().enumerate() {
        assert!(!firsts[..i].contains(first));
    }
}

#[test]
fn numbers_are_within_their_bounds_and_reach_them() {
    let mut chance = Chance::of(0, "bounds", &[]);
    let mut seen = [false; 5];
    for _ in 0..1000 {
        seen[chance.below(5) as usize] = true;
        assert!((1..=3).contains(&chance.up_to(3)));
    }
    assert_eq!(seen, [true; 5]);
}
