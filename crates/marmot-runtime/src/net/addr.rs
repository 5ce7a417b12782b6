//! Addresses: `std`'s `ToSocketAddrs`, without blocking an M.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::panic::{Location, resume_unwind};
use std::sync::{Arc, LazyLock};
use std::{iter, option, slice, vec};

use super::explain::{Operation, failed};
use crate::blocking::blocking_in;
use crate::context::{self, Context};
use crate::netpoll;
use crate::rt;
use crate::sched::{About, BlockingPool, Spec};

/// How many names are resolved at a time in the whole process: all runtimes share the system's resolver.
const LOOKUPS: usize = 128;

/// The threads that resolve names. They are separate from those of `blocking`, so that a program can connect while all threads of
/// `blocking` are busy, and a resolver that does not answer delays nothing else.
static NAMES: LazyLock<BlockingPool> = LazyLock::new(|| {
    let about = About {
        threads: "marmot-resolver",
        what: "host name resolution",
        advice: "the system's resolver does not answer: check its servers and timeouts, see resolv.conf(5)",
    };
    BlockingPool::new(about, LOOKUPS)
});

/// What can be made into socket addresses: the same types as with [`std::net::ToSocketAddrs`].
///
/// It is a trait of its own because resolving a host name blocks: the goroutine is parked while a
/// spare thread asks the system's resolver. Literal addresses are parsed on the spot.
///
/// At most 128 threads resolve names, and they do nothing else: names are resolved even when all threads for
/// [`blocking`](crate::blocking()) are busy.
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
    /// What yields the addresses.
    type Iter: Iterator<Item = SocketAddr>;

    /// The addresses, in the order in which they should be tried.
    ///
    /// # Errors
    ///
    /// What the resolver says, with the host that it was asked for.
    ///
    /// # Blocking
    ///
    /// G, while a host name is resolved.
    #[track_caller]
    fn to_socket_addrs(&self) -> io::Result<Self::Iter>;
}

/// Asks the resolver. `name` is for its error.
#[track_caller]
fn resolve<A>(addr: A, name: impl FnOnce() -> String) -> io::Result<vec::IntoIter<SocketAddr>>
where
    A: std::net::ToSocketAddrs + Send + 'static,
{
    let found = unless_cancelled(move || addr.to_socket_addrs().map(|found| found.collect::<Vec<_>>()));
    found.flatten().map(Vec::into_iter).map_err(|e| failed(Operation::LookUp(name()), e))
}

/// What `f` returns, which blocks, unless the caller's context ends first. Then `f` goes on by itself, or is not called if it has
/// not been yet.
#[track_caller]
fn unless_cancelled<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    context::check_io()?;
    if context::current().node().is_none() {
        return Ok(blocking_in(Some(&NAMES), f));
    }
    let wanted = Arc::new(());
    let is_wanted = Arc::downgrade(&wanted);
    // Nobody waits any more for a name whose turn comes after the end of the context.
    let f = move || (is_wanted.strong_count() > 0).then(f);
    // The one who waits for `f` in any case is another goroutine.
    let spec = Spec { name: Some("name lookup".into()), stack_size: None, site: Location::caller() };
    let context = Context::current().without_cancel();
    let asks = rt::go_under(netpoll::sched_here()?, spec, context, || blocking_in(Some(&NAMES), f));
    match asks.join() {
        // The caller has kept `wanted` until here.
        Ok(found) => Ok(found.expect("what is wanted is done")),
        Err(payload) => match payload.downcast::<context::Error>() {
            Ok(ended) => Err(io::Error::from(*ended)),
            Err(payload) => resume_unwind(payload),
        },
    }
}

macro_rules! literal {
    ($($t:ty),*) => {$(
        impl ToSocketAddrs for $t {
            type Iter = option::IntoIter<SocketAddr>;

            fn to_socket_addrs(&self) -> io::Result<option::IntoIter<SocketAddr>> {
                Ok(Some(SocketAddr::from(*self)).into_iter())
            }
        }
    )*};
}

literal!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToSocketAddrs for str {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        match self.parse() {
            Ok(addr) => Ok(vec![addr].into_iter()),
            Err(_) => resolve(self.to_owned(), || self.to_owned()),
        }
    }
}

impl ToSocketAddrs for String {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        self.as_str().to_socket_addrs()
    }
}

impl ToSocketAddrs for (&str, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        match self.0.parse::<IpAddr>() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, self.1)].into_iter()),
            Err(_) => resolve((self.0.to_owned(), self.1), || format!("{}:{}", self.0, self.1)),
        }
    }
}

impl ToSocketAddrs for (String, u16) {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<vec::IntoIter<SocketAddr>> {
        (self.0.as_str(), self.1).to_socket_addrs()
    }
}

impl<'a> ToSocketAddrs for &'a [SocketAddr] {
    type Iter = iter::Cloned<slice::Iter<'a, SocketAddr>>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(self.iter().cloned())
    }
}

impl<T: ToSocketAddrs + ?Sized> ToSocketAddrs for &T {
    type Iter = T::Iter;

    fn to_socket_addrs(&self) -> io::Result<T::Iter> {
        (**self).to_socket_addrs()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use super::*;

    /// A resolver that is asked, and does not answer before it is let go. The context ends meanwhile.
    fn asks_in_vain() -> (io::Result<u32>, mpsc::Receiver<()>) {
        let (let_go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let (ctx, cancel) = Context::background().with_cancel();
        let result = ctx.run(|| {
            unless_cancelled(move || {
                cancel.cancel();
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
                let (result, told) = asks_in_vain();
                assert!(context::Error::of(&result.unwrap_err()).unwrap().is_cancelled());
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
    #[test]
    fn a_name_whose_turn_comes_too_late_is_not_looked_up() {
        let (let_go, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let (tell, busy) = mpsc::channel();
        let others: Vec<_> = (0..LOOKUPS)
            .map(|_| {
                let (tell, wait) = (tell.clone(), Arc::clone(&wait));
                rt::go(move || {
                    blocking_in(Some(&NAMES), move || {
                        tell.send(()).unwrap();
                        let _ = wait.lock().map(|wait| wait.recv());
                    });
                })
            })
            .collect();
        for _ in &others {
            busy.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        let was_called = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&was_called);
        let (ctx, _cancel) = Context::background().with_timeout(Duration::from_millis(5));
        let result = rt::go(move || ctx.run(|| unless_cancelled(move || told.store(true, Relaxed)))).join().unwrap();
        assert!(context::Error::of(&result.unwrap_err()).unwrap().is_deadline_exceeded());
        drop(let_go);
        others.into_iter().for_each(|other| other.join().unwrap());
        // The queue is in order, so what was in it before this has had its turn.
        rt::go(|| blocking_in(Some(&NAMES), || ())).join().unwrap();
        let begun = std::time::Instant::now();
        while Arc::strong_count(&was_called) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        assert!(!was_called.load(Relaxed));
    }
}
