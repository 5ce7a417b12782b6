//! `thread_local!`, which is sound when its initialisers park.
//!
//! The value is in a thread-local of `std`'s. Beside it is a mark, which says whose initialiser runs; it has a constant initialiser and no
//! destructor, so it is always there. `std` would let a second initialiser run while the first is parked, and then drop the
//! value of one while others borrow it. Here every initialiser sets the mark before it does anything else, and panics if that
//! is set. So does what would put a value there without an initialiser, [`LocalKey::set`]. So `std` never sees more than one.
//!
//! A value that is there is found as `std` finds it: the mark is only looked at while there is none, and by `set`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::thread::{AccessError, LocalKey as StdKey};

use crate::sched::{self, budget, initializers};

/// Declares thread-locals, as [`std::thread_local!`], and is sound when an initialiser parks.
///
/// The goroutines of one thread share its thread-locals. While an initialiser is parked, others of the thread may use the same
/// thread-local. With `std`'s macro **that is undefined behaviour**: a second initialiser runs, and when the first one goes on, the
/// value that others may have borrowed is replaced. With this macro, accessing a thread-local while its initialiser runs panics,
/// also from the initialiser itself.
///
/// The syntax is `std`'s: several declarations, attributes, visibility, and `const { … }` for a value that is known when the program is
/// compiled. The key is a [`LocalKey`], which has the methods of `std`'s. A key with a constant value has no initialiser that could
/// park, and behaves exactly as `std`'s.
///
/// In builds with debug assertions, a goroutine that parks inside an initialiser is reported on standard error, whether or not
/// another goroutine accesses the thread-local in the meantime. [`go`](crate::go) lists what must not be held across a call that parks.
///
/// # Panics
///
/// The macro itself never. See [`LocalKey::with`].
///
/// # Examples
///
/// ```
/// use std::cell::{Cell, RefCell};
/// use marmot_runtime as marmot;
///
/// marmot::thread_local! {
///     static LINES: RefCell<Vec<String>> = RefCell::new(Vec::with_capacity(16));
///     /// How often this thread has been here.
///     pub static COUNT: Cell<u32> = const { Cell::new(0) };
/// }
///
/// COUNT.set(COUNT.get() + 1);
/// LINES.with_borrow_mut(|lines| lines.push("one".to_owned()));
/// assert_eq!((COUNT.get(), LINES.take().len()), (1, 1));
/// ```
#[macro_export]
macro_rules! thread_local {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = const $init:block $(; $($rest:tt)*)?) => {
        $(#[$attr])*
        $vis const $name: $crate::local::LocalKey<$t> = {
            ::std::thread_local!(static __MARMOT_VALUE: $t = const $init);
            $crate::local::LocalKey::__constant(&__MARMOT_VALUE)
        };
        $($crate::thread_local! { $($rest)* })?
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$attr])*
        $vis const $name: $crate::local::LocalKey<$t> = {
            ::std::thread_local! {
                static __MARMOT_MARK: $crate::local::Mark = const { $crate::local::Mark::new() };
                static __MARMOT_VALUE: $t = $crate::local::initialize(
                    &__MARMOT_MARK,
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!($name)),
                    || -> $t { $init },
                );
            }
            $crate::local::LocalKey::__lazy(&__MARMOT_VALUE, &__MARMOT_MARK)
        };
        $($crate::thread_local! { $($rest)* })?
    };
}

/// The key of a thread-local that [`thread_local!`](crate::thread_local) has declared: as [`std::thread::LocalKey`].
///
/// A reference that is borrowed inside [`with`](LocalKey::with) may be held across calls that park, for a goroutine stays on its
/// thread. The other goroutines of the thread find the same value.
///
/// # Examples
///
/// ```
/// use marmot_runtime as marmot;
///
/// marmot::thread_local!(static NAME: String = "marmot".repeat(2));
///
/// assert_eq!(NAME.with(|name| name.len()), 12);
/// ```
pub struct LocalKey<T: 'static> {
    value: &'static StdKey<T>,
    /// None if the value is a constant: then there is no initialiser that could run twice.
    mark: Option<&'static StdKey<Mark>>,
}

impl<T: 'static> LocalKey<T> {
    /// What the macro makes of a constant value.
    #[doc(hidden)]
    pub const fn __constant(value: &'static StdKey<T>) -> LocalKey<T> {
        LocalKey { value, mark: None }
    }

    /// What the macro makes of a value with an initialiser.
    #[doc(hidden)]
    pub const fn __lazy(value: &'static StdKey<T>, mark: &'static StdKey<Mark>) -> LocalKey<T> {
        LocalKey { value, mark: Some(mark) }
    }

    /// Calls `f` with the thread's value. The initialiser runs first if there is no value yet.
    ///
    /// # Panics
    ///
    /// If the value has been destroyed because the thread is ending. If the value's initialiser is running, because the initialiser
    /// itself calls this, or because another goroutine of the thread is parked in it. If the initialiser panics; the thread-local
    /// then stays uninitialised, and the next call runs the initialiser again.
    ///
    /// # Blocking
    ///
    /// As the initialiser, and as `f`.
    pub fn with<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.value.with(f)
    }

    /// As [`with`](LocalKey::with), for code that may run while the thread ends, such as a destructor.
    ///
    /// # Errors
    ///
    /// If the value has been destroyed.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with), but not for a value that has been destroyed.
    pub fn try_with<F, R>(&'static self, f: F) -> Result<R, AccessError>
    where
        F: FnOnce(&T) -> R,
    {
        self.value.try_with(f)
    }

    /// Panics if an initialiser runs.
    fn check(&self) {
        if let Some(mark) = self.mark {
            mark.with(Mark::check);
        }
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the value. The initialiser does not run if there is none yet.
    ///
    /// # Panics
    ///
    /// If the value has been destroyed, or its initialiser is running.
    pub fn set(&'static self, value: T) {
        self.check();
        self.value.set(value);
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with).
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.value.get()
    }

    /// Takes the value, and leaves the default value in its place.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with).
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.value.take()
    }

    /// Replaces the value by `value`, and returns the old one.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with).
    pub fn replace(&'static self, value: T) -> T {
        self.value.replace(value)
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with), and if the value is borrowed exclusively, by this or another goroutine of the thread.
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.value.with_borrow(f)
    }

    /// Calls `f` with the value, exclusively.
    ///
    /// # Panics
    ///
    /// As [`with`](LocalKey::with), and if the value is borrowed, by this or another goroutine of the thread.
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.value.with_borrow_mut(f)
    }

    /// Sets the value. The initialiser does not run if there is none yet.
    ///
    /// # Panics
    ///
    /// If the value is borrowed, or has been destroyed, or its initialiser is running.
    pub fn set(&'static self, value: T) {
        self.check();
        self.value.set(value);
    }

    /// Takes the value, and leaves the default value in its place.
    ///
    /// # Panics
    ///
    /// As [`with_borrow_mut`](LocalKey::with_borrow_mut).
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.value.take()
    }

    /// Replaces the value by `value`, and returns the old one.
    ///
    /// # Panics
    ///
    /// As [`with_borrow_mut`](LocalKey::with_borrow_mut).
    pub fn replace(&'static self, value: T) -> T {
        self.value.replace(value)
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}

/// Whose initialiser of one thread-local runs on this thread.
#[doc(hidden)]
#[derive(Debug)]
pub struct Mark(Cell<Option<Runner>>);

#[derive(Clone, Copy, Debug)]
struct Runner {
    /// The goroutine's number; 0 for a plain thread, which has no other.
    goroutine: u64,
    thread_local: &'static str,
}

impl Mark {
    /// One that says that none runs.
    #[expect(clippy::new_without_default, reason = "it is no type of the program's")]
    pub const fn new() -> Mark {
        Mark(Cell::new(None))
    }

    fn check(&self) {
        if let Some(runner) = self.0.get() {
            runner.refuse();
        }
    }
}

impl Runner {
    #[cold]
    fn refuse(self) -> ! {
        let Runner { goroutine, thread_local } = self;
        if goroutine == sched::own_number() {
            panic!("the initialiser of the thread-local `{thread_local}` accesses that thread-local");
        }
        panic!(
            "the thread-local `{thread_local}` is used while goroutine {goroutine} of the same thread is parked in its initialiser: \
             the initialiser of a thread-local that several goroutines use must not park"
        );
    }
}

/// Runs the initialiser `f` of a thread-local, unless one runs on this thread already.
#[doc(hidden)]
pub fn initialize<T>(mark: &'static StdKey<Mark>, thread_local: &'static str, f: impl FnOnce() -> T) -> T {
    /// Takes the mark back, also if the initialiser panics.
    struct Unmark(&'static StdKey<Mark>);

    impl Drop for Unmark {
        fn drop(&mut self) {
            self.0.with(|mark| mark.0.set(None));
        }
    }

    mark.with(|mark| {
        mark.check();
        mark.0.set(Some(Runner { goroutine: sched::own_number(), thread_local }));
    });
    let _unmark = Unmark(mark);
    let _here = initializers::enter(thread_local);
    let _unlimited = budget::unlimited();
    f()
}
