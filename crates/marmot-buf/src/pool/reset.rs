//! How an object becomes as good as new.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;

/// What can be made as good as new, without giving back the memory that makes it worth keeping.
///
/// # Examples
///
/// ```
/// use marmot_buf::pool::{Pool, Reset};
///
/// #[derive(Default)]
/// struct Request {
///     path: String,
///     body: Vec<u8>,
/// }
///
/// impl Reset for Request {
///     fn reset(&mut self) {
///         self.path.reset();
///         self.body.reset();
///     }
///
///     fn is_reset(&self) -> bool {
///         self.path.is_reset() && self.body.is_reset()
///     }
///
///     fn size(&self) -> usize {
///         self.path.size() + self.body.size()
///     }
/// }
///
/// static REQUESTS: Pool<Request> = Pool::new(Request::default).named("requests").max_size(64 * 1024);
///
/// let mut request = REQUESTS.get();
/// request.path.push_str("/index.html");
/// ```
pub trait Reset {
    /// Makes it as good as new.
    fn reset(&mut self);

    /// Whether it is as good as new. Pools ask after each [`reset`](Reset::reset) in debug builds, so that one that
    /// forgets something is noticed. The answer may be `true` where looking would cost too much.
    fn is_reset(&self) -> bool {
        true
    }

    /// How many bytes it holds, for [`Pool::max_size`](super::Pool::max_size).
    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The collections, whose memory is what `$entry` takes for each entry that there is room for.
macro_rules! reset_collections {
    ($($type:ty, [$($generics:tt)*], $entry:ty;)*) => {$(
        impl<$($generics)*> Reset for $type {
            fn reset(&mut self) {
                self.clear();
            }

            fn is_reset(&self) -> bool {
                self.is_empty()
            }

            fn size(&self) -> usize {
                self.capacity() * size_of::<$entry>()
            }
        }
    )*};
}

reset_collections! {
    Vec<T>, [T], T;
    VecDeque<T>, [T], T;
    BinaryHeap<T>, [T: Ord], T;
    HashMap<K, V, S>, [K, V, S], (K, V);
    HashSet<T, S>, [T, S], T;
    String, [], u8;
    OsString, [], u8;
    PathBuf, [], u8;
}

/// A `PathBuf` has no `is_empty` of its own.
trait IsEmpty {
    fn is_empty(&self) -> bool;
}

impl IsEmpty for PathBuf {
    fn is_empty(&self) -> bool {
        self.as_os_str().is_empty()
    }
}

/// Trees keep nothing when they are cleared; they are here as parts of what does.
macro_rules! reset_trees {
    ($($type:ty, [$($generics:tt)*];)*) => {$(
        impl<$($generics)*> Reset for $type {
            fn reset(&mut self) {
                self.clear();
            }

            fn is_reset(&self) -> bool {
                self.is_empty()
            }
        }
    )*};
}

reset_trees! {
    BTreeMap<K, V>, [K, V];
    BTreeSet<T>, [T];
}

impl<T: Reset + ?Sized> Reset for Box<T> {
    fn reset(&mut self) {
        (**self).reset();
    }

    fn is_reset(&self) -> bool {
        (**self).is_reset()
    }

    fn size(&self) -> usize {
        (**self).size()
    }
}

/// `None` stays, and what is in a `Some` is reset.
impl<T: Reset> Reset for Option<T> {
    fn reset(&mut self) {
        if let Some(value) = self {
            value.reset();
        }
    }

    fn is_reset(&self) -> bool {
        self.as_ref().is_none_or(Reset::is_reset)
    }

    fn size(&self) -> usize {
        self.as_ref().map_or(0, Reset::size)
    }
}

/// Each part is reset.
macro_rules! reset_tuples {
    ($($name:ident)*) => {
        impl<$($name: Reset),*> Reset for ($($name,)*) {
            fn reset(&mut self) {
                #[expect(non_snake_case, reason = "the names are the types'")]
                let ($($name,)*) = self;
                $($name.reset();)*
            }

            fn is_reset(&self) -> bool {
                #[expect(non_snake_case, reason = "the names are the types'")]
                let ($($name,)*) = self;
                $($name.is_reset())&&*
            }

            fn size(&self) -> usize {
                #[expect(non_snake_case, reason = "the names are the types'")]
                let ($($name,)*) = self;
                0 $(+ $name.size())*
            }
        }
    };
}

reset_tuples! { A }
reset_tuples! { A B }
reset_tuples! { A B C }
reset_tuples! { A B C D }
