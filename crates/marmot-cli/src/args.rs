//! Values of options that several subcommands take: each says what it expects when it gets something else.

use marmot::net::ToSocketAddrs;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// A parser of whole numbers in a range.
pub fn whole<T>(range: RangeInclusive<u64>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: TryFrom<u64> + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let fitting = number.and_then(|number| T::try_from(number).ok());
        fitting.ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A parser of seconds, with or without a fraction.
pub fn seconds(range: RangeInclusive<f64>) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| match text.parse::<f64>() {
        Ok(seconds) if range.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected a number of seconds from {} to {}", range.start(), range.end())),
    }
}

/// An address on the command line: `HOST:PORT`, or `:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    /// A name or an address, without brackets; empty if there is none.
    host: String,
    port: u16,
}

impl HostPort {
    /// Where to listen: without a host, on all interfaces.
    ///
    /// # Errors
    ///
    /// When the host's name has no address.
    pub fn to_listen(&self) -> io::Result<Vec<SocketAddr>> {
        if self.is_any() {
            // The first takes connections of IPv4, too; the second is for systems without IPv6.
            let any = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            return Ok(any.map(|host| SocketAddr::new(host, self.port)).to_vec());
        }
        self.resolve(&self.host)
    }

    /// Where to connect to: without a host, to this one.
    ///
    /// # Errors
    ///
    /// When the host's name has no address.
    pub fn to_connect(&self) -> io::Result<Vec<SocketAddr>> {
        self.resolve(if self.is_any() { "localhost" } else { &self.host })
    }

    /// Whether it has no host.
    pub fn is_any(&self) -> bool {
        self.host.is_empty()
    }

    fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        (host, self.port).to_socket_addrs().map(Iterator::collect)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<HostPort, String> {
        let wrong = |why: &str| Err(format!("expected HOST:PORT, as in 127.0.0.1:8080, [::1]:8080 or :8080{why}"));
        let Some((host, port)) = text.rsplit_once(':') else {
            return wrong(if text.parse::<u16>().is_ok() { "; there is no colon" } else { "; there is no port" });
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match bare {
            Some(bare) if bare.parse::<Ipv6Addr>().is_err() => return wrong("; only an IPv6 address goes in brackets"),
            None if host.contains(':') => return wrong("; put an IPv6 address in brackets"),
            None if host.contains(['[', ']', '/', '@', ' ']) => {
                return wrong("; the host contains an invalid character");
            }
            _ => {}
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits => Ok(HostPort { host: bare.unwrap_or(host).to_owned(), port }),
            _ => wrong("; a port is a number from 0 to 65535"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostPort { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_or_none_and_a_port() {
        for text in ["127.0.0.1:0", "localhost:65535", "[::1]:8080", ":7001"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        for text in
            ["foo", "7001", "127.0.0.1", "::1", "[::1]", "::1:80", "[x]:1", "a:", "a:http", "a:65536", "a:-1", "a:+1"]
        {
            let said = text.parse::<HostPort>().unwrap_err();
            assert!(said.starts_with("expected HOST:PORT, as in"), "{text}: {said}");
        }
    }

    #[test]
    fn without_a_host_it_listens_everywhere_and_connects_here() {
        let addr: HostPort = ":7001".parse().unwrap();
        assert_eq!(addr.to_listen().unwrap(), ["[::]:7001", "0.0.0.0:7001"].map(|addr| addr.parse().unwrap()));
        assert!(addr.to_connect().unwrap().iter().all(|addr| addr.ip().is_loopback() && addr.port() == 7001));
        let own: HostPort = "[::1]:80".parse().unwrap();
        assert_eq!(own.to_listen().unwrap(), ["[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn numbers_are_in_their_range() {
        let number = whole::<u16>(1..=1024);
        assert_eq!(number("1024"), Ok(1024));
        for text in ["0", "-1", "1025", "99999999999999999999999", "x", "", "1.5"] {
            assert_eq!(number(text).unwrap_err(), "expected a whole number from 1 to 1024", "{text}");
        }
        let time = seconds(0.0..=86400.0);
        assert_eq!(time("0.5"), Ok(Duration::from_millis(500)));
        for text in ["-1", "nan", "inf", "1e9", "soon"] {
            assert_eq!(time(text).unwrap_err(), "expected a number of seconds from 0 to 86400", "{text}");
        }
    }
}
