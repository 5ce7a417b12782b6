//! Addresses: `std`'s `ToSocketAddrs`, without blocking an M.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::panic::resume_unwind;
use std::vec;

use super::explain::{Operation, failed};
use crate::blocking::blocking;
use crate::context::{self, Context};
use crate::rt;

/// What can be made into socket addresses: the same types as with [`std::net::ToSocketAddrs`].
///
/// It is a trait of its own because resolving a host name blocks: the goroutine is parked while a
/// spare thread asks the system's resolver. Literal addresses are parsed on the spot.
///
/// # Errors
///
/// As [`std::net::ToSocketAddrs`].
///
/// # Cancellation
///
/// The end of the caller's [context](crate::context) ends the wait. The system's resolver cannot be interrupted: it comes to its
/// end on its spare thread, with a name of its own, and nobody hears of what it finds.
pub trait ToSocketAddrs {
    /// The addresses, in the order in which they should be tried.
    ///
    /// # Errors
    ///
    /// What the resolver says, with the host that it was asked for.
    ///
    /// # Blocking
    ///
    /// G, while a host name is resolved.
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>>;
}

fn one(addr: SocketAddr) -> io::Result<vec::IntoIter<SocketAddr>> {
    Ok(vec![addr].into_iter())
}

/// Asks the resolver. `name` is for its error.
fn resolve<A>(addr: A, name: impl FnOnce() -> String) -> io::Result<vec::IntoIter<SocketAddr>>
where
    A: std::net::ToSocketAddrs + Send + 'static,
{
    let found = unless_cancelled(move || addr.to_socket_addrs().map(|found| found.collect::<Vec<_>>()));
    found.flatten().map(Vec::into_iter).map_err(|e| failed(Operation::LookUp(name()), e))
}

/// What `f` returns, which blocks, unless the caller's context ends first. Then `f` goes on by itself.
fn unless_cancelled<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    context::check_io()?;
    if context::current().node().is_none() {
        return Ok(blocking(f));
    }
    // The one who waits for `f` in any case is another goroutine.
    let asks = Context::current().without_cancel().run(|| rt::go(|| blocking(f)));
    asks.join().map_err(|payload| match payload.downcast::<context::Error>() {
        Ok(ended) => io::Error::from(*ended),
        Err(payload) => resume_unwind(payload),
    })
}

macro_rules! literal {
    ($($t:ty),*) => {$(
        impl ToSocketAddrs for $t {
            fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
                one(SocketAddr::from(*self))
            }
        }
    )*};
}

literal!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for str {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        match self.parse() {
            Ok(addr) => one(addr),
            Err(_) => resolve(self.to_owned(), || self.to_owned()),
        }
    }
}

impl ToSocketAddrs for String {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        self.as_str().to_socket_addrs()
    }
}

impl ToSocketAddrs for (&str, u16) {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => one(SocketAddr::new(ip, self.1)),
            Err(_) => resolve((self.0.to_owned(), self.1), || format!("{}:{}", self.0, self.1)),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        (self.0.as_str(), self.1).to_socket_addrs()
    }
}

impl ToSocketAddrs for &[SocketAddr] {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        Ok(Vec::from(*self).into_iter())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        (**self).to_socket_addrs()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A resolver that does not answer before it is let go.
    fn asks_in_vain(ctx: Context) -> (io::Result<u32>, mpsc::Receiver<()>) {
        let (let_go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let result = ctx.run(|| {
            unless_cancelled(move || {
                let _ = wait.recv();
                tell.send(()).unwrap();
                7
            })
        });
        drop(let_go);
        (result, told)
    }

    #[test]
    fn a_resolver_that_does_not_answer_is_left_alone() {
        for on_goroutine in [true, false] {
            let test = || {
                let (ctx, _cancel) = Context::background().with_timeout(Duration::from_millis(5));
                let (result, told) = asks_in_vain(ctx);
                assert!(context::Error::of(&result.unwrap_err()).unwrap().is_deadline_exceeded());
                // It comes to its end by itself.
                told.recv_timeout(Duration::from_secs(60)).unwrap();
            };
            if on_goroutine { rt::go(test).join().unwrap() } else { test() }
        }
    }

    #[test]
    fn an_answer_in_time_is_given() {
        let (ctx, _cancel) = Context::background().with_timeout(Duration::from_secs(3600));
        for ctx in [ctx, Context::background()] {
            assert_eq!(ctx.run(|| unless_cancelled(|| 7)).unwrap(), 7);
            let found: Vec<_> = ctx.run(|| "localhost:80".to_socket_addrs()).unwrap().collect();
            assert!(!found.is_empty() && found.iter().all(|addr| addr.port() == 80));
        }
    }
}
