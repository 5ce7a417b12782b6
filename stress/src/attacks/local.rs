//! Local goroutines, which share what may not be sent with who started them, among others that move before they start.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use marmot::{go, go_local, yield_now};

use crate::counts::What;
use crate::ground::{Ground, Home};

const FAMILIES: u64 = 4;
const CHILDREN: u64 = 10;

pub fn run(ground: &Arc<Ground>) {
    super::bouts(ground, "local", |_| {
        let families: Vec<_> = (0..FAMILIES).map(|_| go(raise)).collect();
        families.into_iter().for_each(|family| family.join().expect("a family has not panicked"));
        ground.count(What::Local, FAMILIES * CHILDREN);
    });
}

fn raise() {
    let (home, sum) = (Rc::new(Home::here()), Rc::new(Cell::new(0)));
    let children: Vec<_> = (0..CHILDREN)
        .map(|i| {
            let (home, sum, moves) = (Rc::clone(&home), Rc::clone(&sum), go(yield_now));
            go_local(move || {
                let before = sum.get();
                sum.set(before + i);
                moves.join().expect("a yield does not panic");
                home.check();
                Rc::clone(&sum)
            })
        })
        .collect();
    for child in children {
        assert!(Rc::ptr_eq(&sum, &child.join().expect("a child has not panicked")));
    }
    assert_eq!(sum.get(), CHILDREN * (CHILDREN - 1) / 2, "the local goroutines' sum");
    assert_eq!((Rc::strong_count(&sum), Rc::strong_count(&home)), (1, 1));
}
