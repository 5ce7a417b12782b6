//! Trees of goroutines: each node starts its children, joins them and adds up what they say. Some leaves panic, and the
//! panic is what their joiner gets.

use std::sync::Arc;

use marmot::go;

use crate::chance::Chance;
use crate::counts::What;
use crate::ground::{Ground, Home};
use crate::watch::PLANNED;

/// A bout in so many makes a panic, while there are any left.
const BOUTS_A_PANIC: u64 = 20;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "trees", |chance| {
        let (depth, width) = chance.pick(&[(9, 2_u64), (5, 3), (3, 8), (2, 20), (1, 600), (60, 1)]);
        let leaves = width.pow(depth);
        assert_eq!(grow(ground, 0, depth, width), leaves * (leaves - 1) / 2, "the tree's sum");
        if chance.one_in(BOUTS_A_PANIC) && ground.may_panic() {
            fall(ground, chance);
        }
    });
}

/// The sum of the leaves' numbers, which begin at `first * leaves`.
fn grow(ground: &Arc<Ground>, first: u64, depth: u32, width: u64) -> u64 {
    if depth == 0 {
        return first;
    }
    let home = Home::here();
    let children: Vec<_> = (0..width)
        .map(|i| {
            let ground = Arc::clone(ground);
            go(move || grow(&ground, first * width + i, depth - 1, width))
        })
        .collect();
    let sum = children.into_iter().map(|child| child.join().expect("a child has not panicked")).sum();
    home.check();
    ground.count(What::Joins, width);
    sum
}

/// A goroutine panics deep in its calls, and its joiner gets the payload; what it owned is dropped.
fn fall(ground: &Arc<Ground>, chance: &mut Chance) {
    let (number, owned) = (chance.below(1000), Arc::new(()));
    let theirs = Arc::clone(&owned);
    let falls = go(move || {
        let _theirs = theirs;
        marmot::yield_now();
        dive(20, number)
    });
    let payload = falls.join().expect_err("it has panicked");
    let text = payload.downcast_ref::<String>().expect("the payload is the panic's text");
    assert_eq!(*text, format!("{PLANNED} {number}"));
    assert_eq!(Arc::strong_count(&owned), 1, "what a goroutine owned that panicked was not dropped");
    ground.count(What::Panics, 1);
}

fn dive(depth: u32, number: u64) {
    let _dropped_on_the_way_up = Box::new(depth);
    if depth == 0 {
        panic!("{PLANNED} {number}");
    }
    dive(depth - 1, number);
}
