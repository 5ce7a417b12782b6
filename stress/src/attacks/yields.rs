//! Storms of goroutines that do nothing but let each other run. None of them starves, and none of them moves.

use std::sync::Arc;

use marmot::{go, yield_now};

use crate::counts::What;
use crate::ground::{Ground, Home};

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "yields", |chance| {
        let (goroutines, yields) = chance.pick(&[(2, 500), (40, 50), (300, 5)]);
        let storm: Vec<_> = (0..goroutines)
            .map(|_| {
                go(move || {
                    let home = Home::here();
                    (0..yields).for_each(|_| yield_now());
                    home.check();
                    yields
                })
            })
            .collect();
        let total: u64 = storm.into_iter().map(|one| one.join().expect("a storm has no panic")).sum();
        assert_eq!(total, goroutines * yields);
        ground.count(What::Yields, total);
    });
}
