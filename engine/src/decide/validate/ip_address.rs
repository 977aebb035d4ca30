//! `ip-address`: addresses that lead to somebody, IPv4 and IPv6.
//!
//! Those that stand for nobody stay: unspecified, loopback, link-local IPv4, multicast, broadcast and masks, and what
//! RFC 5737, RFC 3849 and RFC 9637 set aside for documents. IANA's special-purpose registries have the list.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Seen;

pub(super) fn accepts(seen: &Seen) -> bool {
    let Ok(text) = std::str::from_utf8(seen.value) else {
        return false;
    };
    match (text.parse::<Ipv4Addr>(), text.parse::<Ipv6Addr>()) {
        (Ok(v4), _) => leads_to_somebody(v4) && !is_version(seen, v4),
        (_, Ok(v6)) => {
            let documents = matches!(v6.segments(), [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..]);
            !v6.is_unspecified() && !v6.is_loopback() && !v6.is_multicast() && !documents
        }
        _ => false,
    }
}

/// `private-address`: the same, of a private network (RFC 1918).
pub(super) fn is_private(seen: &Seen) -> bool {
    let ip = std::str::from_utf8(seen.value)
        .ok()
        .and_then(|t| t.parse::<Ipv4Addr>().ok());
    ip.is_some_and(|ip| ip.is_private()) && accepts(seen)
}

fn leads_to_somebody(ip: Ipv4Addr) -> bool {
    let [first, .., third, last] = ip.octets();
    // With two zeros at the end it is a network, or a version.
    (1..224).contains(&first)
        && (third, last) != (0, 0)
        && !ip.is_loopback()
        && !ip.is_link_local()
        && !ip.is_documentation()
}

/// Four numbers with dots that are no address.
fn is_version(seen: &Seen, ip: Ipv4Addr) -> bool {
    let front = seen.front_text().to_ascii_lowercase();
    let named = front.windows(4).any(|w| w == b"vers" || w == b"buil" || w == b"revi");
    let joined = match front.as_slice() {
        [.., b'.' | b'^' | b'~' | b'+' | b'$' | b'#'] => true,
        // A product and its version; behind `//` it is a host.
        [.., b, b'/'] => *b != b'/',
        [range @ .., b'-'] => {
            let end = range.iter().rev().take_while(|b| b.is_ascii_digit() || **b == b'.');
            end.filter(|b| **b == b'.').count() != 3
        }
        _ => false,
    };
    // Four single digits are a version or an example, unless a word before them says otherwise.
    let said = [
        &b"ip"[..],
        b"addr",
        b"host",
        b"client",
        b"remote",
        b"from",
        b"dns",
        b"server",
        b"//",
    ];
    let small = ip.octets().iter().all(|o| *o < 10);
    let said = || said.iter().any(|w| front.windows(w.len()).any(|f| f == *w));
    named || joined || !seen.behind.is_empty() || (small && !said())
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts, is_private};

    fn check(front: &str, value: &str) -> bool {
        accepts(&Seen::between(front, value, ""))
    }

    #[test]
    fn addresses_of_somebody() {
        for (front, value) in [
            ("client ", "81.2.69.142"),
            ("http://", "81.2.69.142"),
            ("81.2.69.1-", "81.2.69.142"),
            ("", "10.20.30.40"),
            ("dns=", "8.8.4.4"),
            ("[", "2a01:4f8:0:1::53"),
            ("", "fd12:3456:789a::1"),
        ] {
            assert!(check(front, value), "{value}");
        }
    }

    #[test]
    fn private_addresses() {
        for (front, value, is) in [
            ("realm=\"", "10.1.2.3", true),
            ("http://", "192.168.7.20", true),
            ("", "172.16.5.9", true),
            ("", "172.32.5.9", false),
            ("", "81.2.69.142", false),
            ("version ", "10.1.2.3", false),
            ("Chrome/", "10.1.2.3", false),
            ("", "10.0.0.0", false),
        ] {
            assert_eq!(is_private(&Seen::between(front, value, "")), is, "{front}{value}");
        }
    }

    #[test]
    fn addresses_of_nobody_and_versions() {
        for (front, value, why) in [
            ("", "127.0.0.1", "loopback"),
            ("", "0.0.0.0", "unspecified"),
            ("", "255.255.255.0", "a mask"),
            ("", "239.1.2.3", "multicast"),
            ("", "192.0.2.44", "documentation"),
            ("", "203.0.113.44", "documentation"),
            ("", "2001:db8::44", "documentation"),
            ("", "ff02::1", "multicast"),
            ("", "1.2.3.4", "a version or an example"),
            ("\"version\": \"", "10.4.22.3", "a version"),
            ("Chrome/", "120.0.6.109", "a product's version"),
            ("", "10.0.256.1", "no octet"),
            ("", "01.02.03.44", "leading zeros"),
            ("c-", "11.25.30.12", "coordinates"),
        ] {
            assert!(!check(front, value), "{why}");
        }
    }
}
