//! The two ends of a copy, recognised by their types.
//!
//! Rust has no way yet to ask a generic reader what it is, so its type's identity is compared with those of the known
//! ones, with all lifetimes left out ([`typeid`]): where it is the same, the reader is such a one, and a pointer
//! to it is cast. The lifetimes that a cast gives to what it finds are that of the call. They were at least so long; and
//! shortening them is sound although the reference is exclusive, because nothing that the traits here can do stores a
//! reference in what they are called on.
//!
//! A new type that is an end gets a place in the list of `ends!`, which implements [`Source`] and [`Sink`] for it and has both
//! looked for. A new wrapper of readers gets an implementation of `Source` that asks what it wraps, and its lines in
//! [`wrapped_source`].

use std::any::TypeId;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Take, Write};
use std::ptr;
use std::sync::Arc;

use crate::net::TcpStream;
use marmot_io::{LimitReader, bufio};

/// Where bytes come from, or go to, in the end.
#[derive(Debug, Clone, Copy)]
pub(super) enum End<'a> {
    Tcp(&'a TcpStream),
    File(&'a File),
}

/// A reader whose bytes the kernel can take from under it. A spare thread may read what it has buffered.
pub(super) trait Source: Read + Send {
    /// Where its bytes come from.
    fn origin(&self) -> End<'_>;

    /// How many bytes have come from there already and may be read.
    fn buffered(&self) -> usize {
        0
    }

    /// How many bytes of the origin may be read, when none is buffered.
    fn limit(&self) -> u64 {
        u64::MAX
    }

    /// Counts bytes that were taken from the origin, when none was buffered.
    fn took(&mut self, _count: u64) {}
}

/// A writer to which the kernel can give bytes under it. A spare thread may write to it, if it is a file.
pub(super) trait Sink: Write + Send {
    /// Where its bytes go, if none has to go there before.
    fn target(&self) -> Option<End<'_>>;

    /// The connection that it is itself, with nothing around it.
    fn connection(&self) -> Option<&TcpStream> {
        None
    }
}

/// What is at `at`, if it is an `S` or an `S` in wrappers.
///
/// # Safety
///
/// At `at` is a value of the type with this identity, exclusively borrowed for 'a.
unsafe fn wrapped_source<'a, S: Source + 'a>(id: TypeId, at: *mut ()) -> Option<&'a mut (dyn Source + 'a)> {
    // SAFETY: the caller's word.
    unsafe {
        seen::<S>(id, at)
            .map(|found| found as _)
            .or_else(|| seen::<Take<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<BufReader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<Take<BufReader<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<BufReader<Take<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut Take<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut BufReader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<Take<&'a mut BufReader<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<LimitReader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<bufio::Reader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<LimitReader<bufio::Reader<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<Take<bufio::Reader<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut LimitReader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut bufio::Reader<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<Take<&'a mut bufio::Reader<S>>>(id, at).map(|found| found as _))
            .or_else(|| seen::<LimitReader<&'a mut bufio::Reader<S>>>(id, at).map(|found| found as _))
    }
}

/// As [`wrapped_source`].
///
/// # Safety
///
/// As there.
unsafe fn wrapped_sink<'a, S: Sink + 'a>(id: TypeId, at: *mut ()) -> Option<&'a mut (dyn Sink + 'a)> {
    // SAFETY: the caller's word.
    unsafe {
        seen::<S>(id, at)
            .map(|found| found as _)
            .or_else(|| seen::<BufWriter<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut BufWriter<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<bufio::Writer<S>>(id, at).map(|found| found as _))
            .or_else(|| seen::<&'a mut bufio::Writer<S>>(id, at).map(|found| found as _))
    }
}

/// What is at `at`, if it is a `T`.
///
/// # Safety
///
/// At `at` is a value of the type with this identity, exclusively borrowed for 'a. It may be that `T` has shorter lifetimes
/// in it than the value: nothing with such a lifetime is stored there.
unsafe fn seen<'a, T: 'a>(id: TypeId, at: *mut ()) -> Option<&'a mut T> {
    // SAFETY: the identities are equal, so it is a `T` but for lifetimes, for which the caller vouches.
    (id == typeid::of::<T>()).then(|| unsafe { &mut *at.cast::<T>() })
}

/// The ends themselves: of each kind a type that is also known behind `&` and `&mut`, and others that are known as they are.
macro_rules! ends {
    ($($variant:ident: $owned:ty $(, $other:ty)*;)*) => {
        /// The reader as a source, if it is one.
        pub(super) fn source<'a, R: Read + ?Sized>(reader: &'a mut R) -> Option<&'a mut (dyn Source + 'a)> {
            let (id, at) = (typeid::of::<R>(), ptr::from_mut(reader).cast());
            // SAFETY: `at` points to an `R`, which is borrowed for 'a.
            unsafe {
                None$(
                    .or_else(|| wrapped_source::<$owned>(id, at))
                    .or_else(|| wrapped_source::<&'a $owned>(id, at))
                    .or_else(|| wrapped_source::<&'a mut $owned>(id, at))
                    $(.or_else(|| wrapped_source::<$other>(id, at)))*
                )*
            }
        }

        /// The writer as a sink, if it is one.
        pub(super) fn sink<'a, W: Write + ?Sized>(writer: &'a mut W) -> Option<&'a mut (dyn Sink + 'a)> {
            let (id, at) = (typeid::of::<W>(), ptr::from_mut(writer).cast());
            // SAFETY: `at` points to a `W`, which is borrowed for 'a.
            unsafe {
                None$(
                    .or_else(|| wrapped_sink::<$owned>(id, at))
                    .or_else(|| wrapped_sink::<&'a $owned>(id, at))
                    .or_else(|| wrapped_sink::<&'a mut $owned>(id, at))
                    $(.or_else(|| wrapped_sink::<$other>(id, at)))*
                )*
            }
        }

        // Behind `&mut`, whatever is one stays one: that is implemented below.
        $(is_end! { $variant: $owned, &$owned $(, $other)* })*
    };
}

/// The writer, if it is a connection itself.
pub(super) fn connection<W: Write + ?Sized>(writer: &mut W) -> Option<&TcpStream> {
    let sink: &dyn Sink = sink(writer)?;
    sink.connection()
}

/// What an end is.
macro_rules! is_end {
    ($variant:ident: $($of:ty),*) => {$(
        impl Source for $of {
            fn origin(&self) -> End<'_> {
                End::$variant(self)
            }
        }

        impl Sink for $of {
            fn target(&self) -> Option<End<'_>> {
                Some(End::$variant(self))
            }

            fn connection(&self) -> Option<&TcpStream> {
                match End::$variant(self) {
                    End::Tcp(connection) => Some(connection),
                    End::File(_) => None,
                }
            }
        }
    )*};
}

ends! {
    Tcp: TcpStream;
    File: File, Arc<File>;
}

impl<S: Source> Source for &mut S {
    fn origin(&self) -> End<'_> {
        (**self).origin()
    }

    fn buffered(&self) -> usize {
        (**self).buffered()
    }

    fn limit(&self) -> u64 {
        (**self).limit()
    }

    fn took(&mut self, count: u64) {
        (**self).took(count);
    }
}

/// Wrappers that limit how much may be read.
macro_rules! limits {
    ($($of:ident, $limit:ident, $took:expr;)*) => {$(
        impl<S: Source> Source for $of<S> {
            fn origin(&self) -> End<'_> {
                self.get_ref().origin()
            }

            fn buffered(&self) -> usize {
                let buffered = self.get_ref().buffered();
                usize::try_from(self.$limit()).map_or(buffered, |limit| limit.min(buffered))
            }

            fn limit(&self) -> u64 {
                // The type's own method comes before the trait's.
                self.$limit().min(self.get_ref().limit())
            }

            fn took(&mut self, count: u64) {
                $took(self, count);
                self.get_mut().took(count);
            }
        }
    )*};
}

limits! {
    // Its position begins anew, for it has nothing else that lowers the limit.
    Take, limit, |take: &mut Self, count| take.set_limit(take.limit() - count);
    LimitReader, remaining, LimitReader::advance;
}

/// Wrappers that read ahead into a buffer.
macro_rules! buffers {
    ($($of:ty;)*) => {$(
        impl<S: Source> Source for $of {
            fn origin(&self) -> End<'_> {
                self.get_ref().origin()
            }

            fn buffered(&self) -> usize {
                self.buffer().len() + self.get_ref().buffered()
            }

            fn limit(&self) -> u64 {
                self.get_ref().limit()
            }

            fn took(&mut self, count: u64) {
                self.get_mut().took(count);
            }
        }
    )*};
}

buffers! {
    BufReader<S>;
    bufio::Reader<S>;
}

impl<S: Sink> Sink for &mut S {
    fn target(&self) -> Option<End<'_>> {
        (**self).target()
    }

    fn connection(&self) -> Option<&TcpStream> {
        (**self).connection()
    }
}

impl<S: Sink> Sink for BufWriter<S> {
    fn target(&self) -> Option<End<'_>> {
        if self.buffer().is_empty() { self.get_ref().target() } else { None }
    }
}

impl<S: Sink> Sink for bufio::Writer<S> {
    fn target(&self) -> Option<End<'_>> {
        if self.buffer().is_empty() { self.get_ref().target() } else { None }
    }
}
