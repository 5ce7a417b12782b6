//! Tests of orders.

use super::{Kind, Order, Then};

#[test]
fn what_is_sent_is_what_is_read() {
    for kind in Kind::ALL {
        for then in [Then::End, Then::Torn, Then::HalfClose { more: 1 << 40 }, Then::Reset, Then::Close] {
            for snug in [false, true] {
                let order = Order { key: u64::MAX - 5, kind, snug, then, bytes: 1 << 33 };
                assert_eq!(Order::decode(&order.encode()), order);
            }
        }
    }
}
