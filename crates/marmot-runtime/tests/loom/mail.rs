//! The inbox: several who push, one who takes.

use loom::sync::Arc;
use loom::thread;

use crate::inbox::Inbox;
use crate::support::{Item, Items, explore};

struct Mail {
    items: Items,
    inbox: Inbox<Item>,
}

impl Mail {
    fn new(items: usize) -> Arc<Mail> {
        Arc::new(Mail { items: Items::new(items), inbox: Inbox::new() })
    }

    fn push(&self, i: usize) {
        // SAFETY: the elements live as long as the inbox, and this one is in no queue yet.
        unsafe { self.inbox.push(self.items.make(i)) }
    }

    fn take(&self) -> Vec<usize> {
        self.inbox.take_all().map(|item| self.items.number(item)).collect()
    }
}

/// The elements of one who pushed are taken in the order in which it pushed them.
fn assert_in_order(taken: &[usize], of: &[usize]) {
    assert!(taken.iter().filter(|i| of.contains(i)).is_sorted());
}

#[test]
fn everything_is_taken_once_in_the_order_of_each() {
    explore(3, || {
        let mail = Mail::new(4);
        let pushers = [[0, 1], [2, 3]].map(|mine| {
            let mail = Arc::clone(&mail);
            thread::spawn(move || mine.into_iter().for_each(|i| mail.push(i)))
        });
        let mut taken = mail.take();
        taken.extend(mail.take());
        for pusher in pushers {
            pusher.join().unwrap();
        }
        taken.extend(mail.take());
        assert!(mail.inbox.is_empty());
        assert_in_order(&taken, &[0, 1]);
        assert_in_order(&taken, &[2, 3]);
        mail.items.assert_each_once(taken);
    });
}

#[test]
fn an_element_may_be_pushed_again_as_soon_as_it_is_handed_out() {
    explore(3, || {
        let mail = Mail::new(2);
        let pusher = {
            let mail = Arc::clone(&mail);
            thread::spawn(move || (0..2).for_each(|i| mail.push(i)))
        };
        for item in mail.inbox.take_all() {
            mail.items.number(item);
            // SAFETY: as in `push`: the element has just been taken out.
            unsafe { mail.inbox.push(item) };
        }
        pusher.join().unwrap();
        mail.items.assert_each_once(mail.take());
    });
}
