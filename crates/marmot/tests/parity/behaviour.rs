//! What `std` does not have, and so cannot be held against it.

use marmot::context::Context;
use marmot::sync::mpsc::{self, TryRecvError, TrySendError};

#[test]
fn a_wait_that_was_cancelled_has_found_the_channel_empty_or_full() {
    let (ctx, cancel) = Context::background().with_cancel();
    cancel.cancel();
    ctx.run(|| {
        let (sender, receiver) = mpsc::sync_channel(1);
        let nothing = receiver.recv().unwrap_err();
        assert_eq!(nothing, mpsc::RecvError::Cancelled);
        assert_eq!(TryRecvError::from(nothing), TryRecvError::Empty);
        sender.send(1).unwrap();
        let unsent = sender.send(2).unwrap_err();
        assert_eq!(unsent, mpsc::SendError::Cancelled(2));
        assert_eq!(TrySendError::from(unsent), TrySendError::Full(2));
    });
}

#[test]
fn a_name_with_a_null_byte_panics_with_the_other_builder_too() {
    for spawn_local in [false, true] {
        let spawned = std::panic::catch_unwind(|| {
            let named = marmot::Builder::new().name("two\0words");
            if spawn_local { drop(named.spawn_local(|| ())) } else { drop(named.spawn(|| ())) }
        });
        let payload = spawned.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"thread name may not contain interior null bytes"));
    }
}
