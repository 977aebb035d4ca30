//! `private-endpoint`: an address of RFC 1918 with a port, each number in its range.

use std::net::SocketAddrV4;

use super::{Seen, number};

pub(super) fn accepts(seen: &Seen) -> bool {
    let parsed = std::str::from_utf8(seen.value)
        .ok()
        .and_then(|t| t.parse::<SocketAddrV4>().ok());
    parsed.is_some_and(|a| a.ip().is_private() && a.port() != 0) && !number::is_part(seen)
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn only_private_addresses_with_a_port() {
        for (value, is) in [
            ("10.20.30.40:5432", true),
            ("172.16.0.9:80", true),
            ("192.168.1.20:8080", true),
            ("172.32.0.9:80", false),
            ("10.20.300.40:5432", false),
            ("10.20.30.40:99999", false),
        ] {
            let value = value.as_bytes();
            assert_eq!(
                accepts(&Seen {
                    value,
                    ..Seen::default()
                }),
                is
            );
        }
    }
}
