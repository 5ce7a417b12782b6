//! The traits of each type beside those of `std`'s.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::io::{Read, Write};
use std::iter::FusedIterator;
use std::marker::{PhantomData, PhantomPinned};
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard as StdGuard;

/// What is true of every type.
trait Otherwise {
    const HAS: bool = false;
}

impl<T: ?Sized> Otherwise for T {}

/// Whether a type has a trait. Inherent constants are found before those of traits.
macro_rules! has {
    ($t:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "it is only named")]
        struct If<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code, reason = "if the type does not have the trait, nobody names it")]
        impl<T: ?Sized + $($bound)+> If<T> {
            const HAS: bool = true;
        }
        <If<$t>>::HAS
    }};
}

/// What one type has: the names of the traits.
macro_rules! all_of {
    ($t:ty, [$($name:literal: [$($bound:tt)+],)*]) => {
        [$(($name, has!($t: $($bound)+))),*]
    };
}

macro_rules! auto_traits {
    ($t:ty) => {
        all_of!($t, [
            "Send": [Send], "Sync": [Sync], "Unpin": [Unpin], "UnwindSafe": [UnwindSafe], "RefUnwindSafe": [RefUnwindSafe],
        ])
    };
}

macro_rules! other_traits {
    ($t:ty) => {
        all_of!($t, [
            "Debug": [Debug], "Display": [Display], "Error": [Error],
            "Clone": [Clone], "Copy": [Copy], "Default": [Default], "PartialEq": [PartialEq], "Eq": [Eq], "Hash": [Hash],
            "Deref": [Deref], "DerefMut": [DerefMut], "Iterator": [Iterator], "FusedIterator": [FusedIterator],
            "IntoIterator": [IntoIterator], "Read": [Read], "Write": [Write],
            "AsFd": [AsFd], "AsRawFd": [AsRawFd], "FromRawFd": [FromRawFd], "IntoRawFd": [IntoRawFd],
            "From<OwnedFd>": [From<OwnedFd>], "Into<OwnedFd>": [Into<OwnedFd>], "From<u8>": [From<u8>],
        ])
    };
}

/// Where ours has an auto trait that `std`'s has not, and why that holds.
const MORE: [(&str, &str, &str); 5] = [
    ("sync::mpsc::Receiver<", "Sync", "our channels have many receivers"),
    ("sync::mpsc::Iter<", "Send Sync", "as their receiver"),
    ("sync::mpsc::TryIter<", "Send Sync", "as their receiver"),
    ("sync::mpsc::IntoIter<", "Sync", "as its receiver"),
    ("thread::JoinHandle<", "UnwindSafe RefUnwindSafe", "it has atomics only, and no result before that is taken"),
];

/// Says what ours lacks of what `std`'s has, and what it has beyond `MORE`. What is in `MORE` begins with a `+`.
fn compare(name: &str, auto: bool, theirs: &[(&str, bool)], ours: &[(&str, bool)]) -> Vec<String> {
    let mut found = Vec::new();
    for ((of, theirs), (_, ours)) in theirs.iter().zip(ours) {
        let is_known = MORE.iter().any(|(names, more, _)| name.starts_with(names) && more.split(' ').any(|m| m == *of));
        if *theirs && !ours {
            found.push(format!("{name} is not {of}"));
        } else if auto && *ours && !theirs {
            let sign = if is_known { "+" } else { "" };
            found.push(format!("{sign}{name} is {of}, and `std`'s is not"));
        }
    }
    found
}

/// Compares a type of `std` with ours of the same path.
macro_rules! compared {
    ($found:ident; $($path:ident)::+ $(<$($argument:lifetime),*>)?) => {{
        type Theirs = std::$($path)::+ $(<$($argument),*>)?;
        type Ours = marmot::$($path)::+ $(<$($argument),*>)?;
        let name = stringify!($($path)::+ $(<$($argument),*>)?).replace(' ', "");
        $found.extend(compare(&name, true, &auto_traits!(Theirs), &auto_traits!(Ours)));
        $found.extend(compare(&name, false, &other_traits!(Theirs), &other_traits!(Ours)));
    }};
}

/// The same for types with a parameter, with arguments that have all of the traits, and that lack one each.
macro_rules! compared_with {
    ($found:ident; $($path:ident)::+ <$($lifetime:lifetime,)? _ $(, $more:ty)?>) => {
        compared_with!(@each $found; [$($path)::+] [$($lifetime,)?] [$(, $more)?];
            u8, String, Rc<u8>, Cell<u8>, *mut u8, &'static Cell<u8>, StdGuard<'static, u8>, PhantomPinned)
    };
    (@each $found:ident; $path:tt $before:tt $after:tt; $($t:ty),*) => {
        $(compared_with!(@one $found; $path $before $after $t);)*
    };
    (@one $found:ident; [$($path:ident)::+] [$($before:tt)*] [$($after:tt)*] $t:ty) => {{
        type Theirs = std::$($path)::+<$($before)* $t $($after)*>;
        type Ours = marmot::$($path)::+<$($before)* $t $($after)*>;
        let name = format!("{}<{}>", stringify!($($path)::+).replace(' ', ""), stringify!($t));
        $found.extend(compare(&name, true, &auto_traits!(Theirs), &auto_traits!(Ours)));
        $found.extend(compare(&name, false, &other_traits!(Theirs), &other_traits!(Ours)));
    }};
}

#[test]
fn the_macro_tells_what_a_type_has() {
    assert!(has!(u8: Send) && has!(Cell<u8>: Send) && has!(str: Send));
    assert!(
        !has!(Rc<u8>: Send) && !has!(Cell<u8>: Sync) && !has!(PhantomPinned: Unpin) && !has!(&Cell<u8>: UnwindSafe)
    );
    assert!(compare("a", true, &[("Send", true)], &[("Send", false)]) == ["a is not Send"]);
    assert_eq!(compare("a", true, &[("Send", false)], &[("Send", true)]).len(), 1);
}

/// What `std` has had only since a later Rust than the oldest that this is built with.
const LATER: &[&str] = &["sync::LazyLock<u8> is not From<u8>"];

#[test]
fn types_have_the_traits_of_stds() {
    let mut found = Vec::new();
    compared!(found; net::TcpStream);
    compared!(found; net::TcpListener);
    compared!(found; net::Incoming<'static>);
    compared!(found; thread::Builder);
    compared!(found; thread::Thread);
    compared!(found; thread::ThreadId);
    compared!(found; thread::Scope<'static, 'static>);
    compared!(found; thread::AccessError);
    compared_with!(found; thread::JoinHandle<_>);
    compared_with!(found; thread::ScopedJoinHandle<'static, _>);
    compared_with!(found; thread::LocalKey<_>);
    compared!(found; sync::Barrier);
    compared!(found; sync::BarrierWaitResult);
    compared!(found; sync::Condvar);
    compared!(found; sync::WaitTimeoutResult);
    compared!(found; sync::Once);
    compared!(found; sync::OnceState);
    compared_with!(found; sync::OnceLock<_>);
    compared_with!(found; sync::LazyLock<_>);
    compared_with!(found; sync::Mutex<_>);
    compared_with!(found; sync::MutexGuard<'static, _>);
    compared_with!(found; sync::RwLock<_>);
    compared_with!(found; sync::RwLockReadGuard<'static, _>);
    compared_with!(found; sync::RwLockWriteGuard<'static, _>);
    compared_with!(found; sync::mpsc::Sender<_>);
    compared_with!(found; sync::mpsc::SyncSender<_>);
    compared_with!(found; sync::mpsc::Receiver<_>);
    compared_with!(found; sync::mpsc::Iter<'static, _>);
    compared_with!(found; sync::mpsc::TryIter<'static, _>);
    compared_with!(found; sync::mpsc::IntoIter<_>);
    compared!(found; sync::mpsc::RecvError);
    compared!(found; sync::mpsc::TryRecvError);
    compared!(found; sync::mpsc::RecvTimeoutError);
    compared_with!(found; sync::mpsc::SendError<_>);
    compared_with!(found; sync::mpsc::TrySendError<_>);
    let (known, mut found): (Vec<_>, Vec<_>) = found.into_iter().partition(|line| line.starts_with('+'));
    found.retain(|line| !LATER.contains(&&**line));
    assert!(found.is_empty(), "{found:#?}");
    for (names, more, _) in MORE {
        for of in more.split(' ') {
            let is_met = known.iter().any(|line| line[1..].starts_with(names) && line.contains(&format!(" is {of},")));
            assert!(is_met, "{names} is no more than `std`'s: take {of} out of the list");
        }
    }
}

/// References that have traits of their own.
#[test]
fn references_have_the_traits_of_stds() {
    assert!(has!(&std::net::TcpStream: Read) && has!(&marmot::net::TcpStream: Read));
    assert!(has!(&std::net::TcpStream: Write) && has!(&marmot::net::TcpStream: Write));
    assert!(
        has!(&std::sync::mpsc::Receiver<u8>: IntoIterator) && has!(&marmot::sync::mpsc::Receiver<u8>: IntoIterator)
    );
    assert!(has!(std::sync::LazyLock<u8>: Default) && has!(marmot::sync::LazyLock<u8>: Default));
    assert!(has!(std::sync::Mutex<[u8]>: Send) && has!(marmot::sync::Mutex<[u8]>: Send));
    assert!(has!(std::sync::RwLock<dyn Debug>: Debug) && has!(marmot::sync::RwLock<dyn Debug>: Debug));
}
