//! `select!`: the arms of a select, written down.

/// Waits for the first of several operations with channels, and does it, and no other.
///
/// | arm | comes when | gets |
/// |---|---|---|
/// | `recv(receiver) -> pattern => …` | there is a message, or all senders are gone | `Result<T, RecvError>` |
/// | `send(sender, message) -> pattern => …` | there is room, or all receivers are gone | `Result<(), SendError<T>>` |
/// | `send_from(sender, option) -> pattern => …` | the same; never if the `&mut Option<T>` is `None` | `Result<(), SendError<T>>` |
/// | `default => …` | no other can come without waiting | |
/// | `default(limit) => …` | the time is over: a `Duration` from now, or an `Instant` | |
/// | `cancelled(pattern) => …` | the caller's context ends | [`context::Error`](crate::context::Error) |
///
/// If several can come, one of them is chosen by chance, each as likely as the others: none is kept waiting for long by others that
/// can always come. A channel without its other side can always come, with an error.
///
/// Expressions are evaluated once, in the order of the arms, whichever is chosen. So the message of a `send` is there before it is
/// known whether it is sent; it is dropped if another arm is chosen. `send_from` takes it out of its option only if it is
/// sent (or the other side is gone: then the error has it). Where several arms set a limit, the earliest counts.
///
/// What comes behind `=>` is part of the function around it: `break`, `continue`, `return` and `?` work, and the channels can be
/// used. Between arms stands a comma, unless the arm ends with a block. All arms have the same type, which is that of the whole.
///
/// Receivers and senders may be those of [`chan`](crate::sync::chan) and [`mpsc`](crate::sync::mpsc), references to them, and whatever
/// implements [`Selectable`](crate::sync::chan::Selectable) or [`SelectableSender`](crate::sync::chan::SelectableSender). In an
/// `Option`, `None` switches the arm off, as `nil` does in Go.
///
/// Up to some forty arms can be written down; [`Select`](crate::sync::chan::Select) has as many as there are.
///
/// # Blocking
///
/// G (a plain thread blocks), until an arm comes; with `default`, it does not wait.
///
/// # Cancellation
///
/// When the caller's context ends while it waits, nothing is sent or received. The arm `cancelled` comes; if there is none,
/// the first of those that send or receive, which gets `Err(RecvError::Cancelled)` or `Err(SendError::Cancelled(message))`, as the
/// operation alone would; and if there are only limits, the earliest. What can come without waiting comes all the same.
///
/// # Panics
///
/// When the context ends and all arms are switched off.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use marmot_runtime as marmot;
/// use marmot::sync::chan;
///
/// let (jobs, to_do) = chan::bounded(8);
/// let (quit, is_over) = chan::rendezvous::<()>();
/// let sums = marmot::go(move || {
///     let mut sum = 0;
///     loop {
///         marmot::select! {
///             recv(to_do) -> job => match job {
///                 Ok(job) => sum += job,
///                 Err(_) => break sum,
///             },
///             recv(is_over) -> _ => break sum,
///             default(Duration::from_secs(60)) => panic!("nothing to do for a minute"),
///         }
///     }
/// });
/// for job in 0..100 {
///     jobs.send(job).unwrap();
/// }
/// drop(jobs);
/// assert_eq!(sums.join().unwrap(), 4950);
/// drop(quit);
/// ```
///
/// Sending what comes, one at a time, without holding up who sends it:
///
/// ```
/// use marmot_runtime as marmot;
/// use marmot::sync::chan;
///
/// let (source, incoming) = chan::unbounded();
/// let (outgoing, sink) = chan::rendezvous();
/// marmot::go(move || {
///     let mut pending = None;
///     loop {
///         marmot::select! {
///             // The newest of those that came while nobody took one.
///             recv(incoming) -> message => match message {
///                 Ok(message) => pending = Some(message),
///                 Err(_) => break,
///             },
///             send_from(outgoing, &mut pending) -> sent => if sent.is_err() { break },
///         }
///     }
/// });
/// source.send(1).unwrap();
/// assert_eq!(sink.recv(), Ok(1));
/// ```
#[macro_export]
macro_rules! select {
    ($($arms:tt)+) => { $crate::__select_arms!(@arms [] $($arms)+) };
}

/// The steps of [`select!`]. First the arms are read one by one, into a list of `[{how it is made} {its pattern} {its end}]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_arms {
    (@arms $known:tt recv($from:expr $(,)?) -> $pattern:pat => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::receive(&$from)} {$pattern} $($rest)+)
    };
    (@arms $known:tt send($to:expr, $message:expr $(,)?) -> $pattern:pat => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::send(&$to, $message)} {$pattern} $($rest)+)
    };
    (@arms $known:tt send_from($to:expr, $message:expr $(,)?) -> $pattern:pat => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::send_from(&$to, $message)} {$pattern} $($rest)+)
    };
    (@arms $known:tt default($limit:expr $(,)?) => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::at($limit)} {()} $($rest)+)
    };
    (@arms $known:tt default => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::at_once()} {()} $($rest)+)
    };
    (@arms $known:tt cancelled($pattern:pat) => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::Cancelled} {$pattern} $($rest)+)
    };
    (@arms $known:tt cancelled => $($rest:tt)+) => {
        $crate::__select_arms!(@end $known {$crate::sync::chan::arms::Cancelled} {_} $($rest)+)
    };

    (@end [$($known:tt)*] $make:tt $pattern:tt $end:block, $($rest:tt)*) => {
        $crate::__select_arms!(@arms [$($known)* [$make $pattern {$end}]] $($rest)*)
    };
    (@end [$($known:tt)*] $make:tt $pattern:tt $end:block $($rest:tt)*) => {
        $crate::__select_arms!(@arms [$($known)* [$make $pattern {$end}]] $($rest)*)
    };
    (@end [$($known:tt)*] $make:tt $pattern:tt $end:expr, $($rest:tt)*) => {
        $crate::__select_arms!(@arms [$($known)* [$make $pattern {$end}]] $($rest)*)
    };
    (@end [$($known:tt)*] $make:tt $pattern:tt $end:expr) => {
        $crate::__select_arms!(@arms [$($known)* [$make $pattern {$end}]])
    };

    // All are known: they are chosen from, and gone, before the end of the chosen one begins.
    (@arms [$([$make:tt $pattern:tt $end:tt])+]) => {{
        let chosen = $crate::sync::chan::arms::choose::<{ <[()]>::len(&[$($crate::__select_arms!(@unit $make)),+]) }, _>(
            $crate::__select_arms!(@list $($make)+)
        );
        $crate::__select_arms!(@match chosen $([$pattern $end])+)
    }};
    (@unit $make:tt) => { () };

    (@list) => { $crate::sync::chan::arms::Nil };
    (@list {$make:expr} $($rest:tt)*) => { $crate::sync::chan::arms::Cons($make, $crate::__select_arms!(@list $($rest)*)) };

    (@match $chosen:ident) => { match $chosen {} };
    (@match $chosen:ident [{$pattern:pat} {$end:expr}] $($rest:tt)*) => {
        match $chosen {
            $crate::sync::chan::arms::Either::Here(outcome) => match outcome {
                $pattern => $end,
            },
            $crate::sync::chan::arms::Either::There(others) => $crate::__select_arms!(@match others $($rest)*),
        }
    };

    // What is left over is no arm.
    (@arms $known:tt $($rest:tt)+) => {
        compile_error!(concat!(
            "`select!` has arms `recv(r) -> m => …`, `send(s, m) -> r => …`, `send_from(s, &mut option) -> r => …`, ",
            "`default => …`, `default(limit) => …` and `cancelled(e) => …`; this is none: `", stringify!($($rest)+), "`"
        ))
    };
}
