use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard};

use super::*;

/// The table, for one test.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed has shown that itself.
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn owned(labels: &[(&str, &str)]) -> Vec<(String, String)> {
    labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn id_of(value: &str) -> u64 {
    with_labels(&[("test", value)], current_label_id)
}

fn known() -> usize {
    TABLE.iter().map(|part| lock(part).sets.len()).sum()
}

#[test]
fn labels_are_added_replaced_and_taken_back() {
    let _alone = alone();
    assert!(labels().is_empty());
    assert_eq!(current_label_id(), 0);
    with_labels(&[("b", "1"), ("a", "2")], || {
        assert_eq!(labels(), owned(&[("a", "2"), ("b", "1")]));
        with_labels(&[("c", "3"), ("b", "4"), ("c", "5")], || {
            assert_eq!(labels(), owned(&[("a", "2"), ("b", "4"), ("c", "5")]));
            without_labels(|| assert!(labels().is_empty()));
            assert_eq!(labels(), owned(&[("a", "2"), ("b", "4"), ("c", "5")]));
        });
        assert_eq!(labels(), owned(&[("a", "2"), ("b", "1")]));
    });
    assert!(labels().is_empty());
}

#[test]
fn a_panic_gives_them_back() {
    let _alone = alone();
    with_labels(&[("outer", "1")], || {
        let thrown = catch_unwind(AssertUnwindSafe(|| with_labels(&[("inner", "2")], || panic!("on purpose"))));
        assert!(thrown.is_err());
        assert_eq!(labels(), owned(&[("outer", "1")]));
    });
}

#[test]
fn equal_labels_have_one_number() {
    let _alone = alone();
    let ab = with_labels(&[("a", "1"), ("b", "2")], current_label_id);
    let ba = with_labels(&[("b", "2")], || with_labels(&[("a", "1")], current_label_id));
    assert_eq!(ab, ba);
    assert_ne!(ab, with_labels(&[("a", "1"), ("b", "3")], current_label_id));
    assert_eq!(resolve(ab), owned(&[("a", "1"), ("b", "2")]));
    assert!(resolve(0).is_empty());
}

#[test]
fn more_than_a_few_labels_are_put_together() {
    let _alone = alone();
    let keys: Vec<String> = (0..3 * FEW).map(|i| format!("{i:02}")).collect();
    let many: Vec<(&str, &str)> = keys.iter().rev().map(|key| (&**key, "x")).collect();
    let found = with_labels(&many, labels);
    assert_eq!(found.len(), 3 * FEW);
    assert!(found.is_sorted());
}

#[test]
fn labels_of_requests_do_not_stay_for_ever() {
    let _alone = alone();
    let first = id_of("first");
    with_labels(&[("test", "in use")], || {
        let in_use = current_label_id();
        for request in 0..20 * KEPT {
            id_of(&request.to_string());
        }
        // Parts are filled by chance, and each keeps its share.
        assert!(known() <= KEPT + 1, "{} sets are known", known());
        assert!(resolve(first).is_empty(), "the oldest are forgotten first");
        assert_eq!(resolve(in_use), owned(&[("test", "in use")]));
    });
    // It is not the number that it was: that names what is forgotten, or nothing.
    assert_ne!(id_of("first"), first);
}

#[test]
fn a_profile_keeps_them() {
    let _alone = alone();
    let kept = keep();
    let ids: Vec<u64> = (0..4 * KEPT).map(|request| id_of(&format!("kept {request}"))).collect();
    for (request, &id) in ids.iter().enumerate() {
        assert_eq!(resolve(id), [("test".to_owned(), format!("kept {request}"))]);
    }
    drop(kept);
    assert!(known() <= KEPT);
}
