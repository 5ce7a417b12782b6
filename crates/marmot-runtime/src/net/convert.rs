//! What every type over a socket has in common: conversions from and into `std`'s type and the
//! owned descriptor, and borrowing the descriptor.

use std::io;

/// Implements them for `$ours`, a struct whose field `fd` is an `Fd<$std>`.
macro_rules! conversions {
    ($ours:ty, $std:ty) => {
        impl $ours {
            /// Gives the `std` object back.
            fn into_std(self) -> ::std::io::Result<$std> {
                let nonblocking = self.fd.is_nonblocking();
                match self.fd.into_io() {
                    Ok(io) => {
                        io.set_nonblocking(nonblocking)?;
                        Ok(io)
                    }
                    // The duplicate stays non-blocking: the setting belongs to the open file
                    // (fcntl(2)), so the others would block their Ms.
                    Err(shared) => shared.io().try_clone(),
                }
            }
        }

        // All that can change is behind atomics and locks of the runtime's, under which no program's code runs: a panic
        // leaves nothing half done there.
        impl ::std::panic::UnwindSafe for $ours {}
        impl ::std::panic::RefUnwindSafe for $ours {}

        /// Takes the `std` object over. It becomes non-blocking underneath; the new type waits.
        ///
        /// # Panics
        ///
        /// If the descriptor cannot be made non-blocking, which means that it is not open: the
        /// conversion cannot fail otherwise.
        impl From<$std> for $ours {
            fn from(io: $std) -> $ours {
                $crate::net::convert::must_succeed(io.set_nonblocking(true));
                Self { fd: $crate::fd::Fd::new(io) }
            }
        }

        /// Gives the `std` object back, blocking again unless `set_nonblocking` said otherwise. If
        /// other handles share it, the descriptor is duplicated, and the `std` object is
        /// non-blocking, because duplicates share that setting.
        ///
        /// # Panics
        ///
        /// If that duplicate cannot be had.
        impl From<$ours> for $std {
            fn from(ours: $ours) -> $std {
                $crate::net::convert::must_succeed(ours.into_std())
            }
        }

        impl From<::std::os::fd::OwnedFd> for $ours {
            fn from(fd: ::std::os::fd::OwnedFd) -> $ours {
                <$std>::from(fd).into()
            }
        }

        impl From<$ours> for ::std::os::fd::OwnedFd {
            fn from(ours: $ours) -> ::std::os::fd::OwnedFd {
                <$std>::from(ours).into()
            }
        }

        impl ::std::os::fd::FromRawFd for $ours {
            unsafe fn from_raw_fd(fd: ::std::os::fd::RawFd) -> $ours {
                // SAFETY: the caller's word, which is the same.
                unsafe { <$std>::from_raw_fd(fd) }.into()
            }
        }

        impl ::std::os::fd::IntoRawFd for $ours {
            fn into_raw_fd(self) -> ::std::os::fd::RawFd {
                ::std::os::fd::OwnedFd::from(self).into_raw_fd()
            }
        }

        impl ::std::os::fd::AsFd for $ours {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                self.fd.io().as_fd()
            }
        }

        impl ::std::os::fd::AsRawFd for $ours {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                self.fd.io().as_raw_fd()
            }
        }

        impl ::std::fmt::Debug for $ours {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.fd.io().fmt(f)
            }
        }
    };
}

pub(super) use conversions;

/// For conversions, which have no way to say that the descriptor was not open, or that no duplicate
/// could be had.
pub(super) fn must_succeed<T>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|e| panic!("the descriptor cannot be converted: {}", super::explain::explain(e)))
}
