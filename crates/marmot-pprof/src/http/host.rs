//! Whether a request is for this machine, by the name that it gives it.
//!
//! A page of some site can make a browser send requests to an address of this machine: its own name leads there for a moment
//! ("DNS rebinding"), so that the browser takes the answer for the site's, and shows it to the page. What gives it away is the
//! field `Host`, which still has the site's name.

use std::net::{IpAddr, Ipv6Addr};

/// Whether the value of a field `Host` is `localhost` or an address of the loopback interface, with a port or without.
pub fn is_loopback(host: &str) -> bool {
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return port && address.parse::<Ipv6Addr>().is_ok_and(|address| address.to_canonical().is_loopback());
    }
    let name = match host.split_once(':') {
        Some((_, port)) if !is_port(port) => return false,
        Some((name, _)) => name,
        None => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_some_names_and_numbers() {
        for host in [
            "localhost",
            "LocalHost:6060",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.9.8.7:1",
            "[::1]",
            "[::1]:6060",
            "[::ffff:127.0.0.1]:1",
            "localhost:",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "example.com:6060",
            "localhost.example.com",
            "localhost@example.com",
            "localhost:x",
            "127.0.0.1.example.com",
            "128.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::2]:1",
            "::1",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "10.0.0.1:6060",
            "127.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
