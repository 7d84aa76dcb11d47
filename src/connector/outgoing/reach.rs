//! What an IP address reaches: the Internet, the operator's own networks, or neither.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anybody: a unicast address of the Internet.
    Public,
    /// This machine, or the operator's own networks: loopback, private, carrier-grade NAT, link-local,
    /// unique-local.
    Private,
    /// Nothing that a call should go to by itself: unspecified, multicast, broadcast, reserved and
    /// documentation addresses, and IPv6 forms that hide an IPv4 address.
    Special,
}

/// Tells what an address reaches, by the IANA special-purpose registries (RFC 6890).
#[must_use]
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        // RFC 1918, 6598 (carrier-grade NAT), 1122 (loopback), 3927 (link-local).
        [10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => {
            Reach::Private
        }
        // This network; IETF assignments; documentation; 6to4 relays; benchmarks; multicast and above.
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Special,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        return Reach::Private;
    }
    match address.segments() {
        // Unique-local (RFC 4193), link-local (RFC 4291), site-local (RFC 3879).
        [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] => Reach::Private,
        // NAT64 (RFC 6052): as public as the IPv4 address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => match reach_v4(joined(high, low)) {
            Reach::Public => Reach::Public,
            Reach::Private | Reach::Special => Reach::Special,
        },
        // IETF assignments with Teredo (2001::/23), documentation, 6to4.
        [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Special,
        // Global unicast (RFC 4291).
        [0x2000..=0x3fff, ..] => Reach::Public,
        // Everything else, among it IPv4-mapped and IPv4-compatible addresses.
        _ => Reach::Special,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reach_of(text: &str) -> Reach {
        reach(text.parse().expect("an address"))
    }

    #[test]
    fn addresses_are_told_apart_at_the_edges_of_their_blocks() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "64:ff9b::1.1.1.1",
        ] {
            assert_eq!(reach_of(public), Reach::Public, "{public}");
        }
        for private in [
            "10.0.0.0",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "fec0::1",
        ] {
            assert_eq!(reach_of(private), Reach::Private, "{private}");
        }
        for special in [
            "0.0.0.0",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "ff02::1",
        ] {
            assert_eq!(reach_of(special), Reach::Special, "{special}");
        }
    }

    proptest! {
        #[test]
        fn the_standard_library_agrees_on_ipv4(bits: u32) {
            let address = Ipv4Addr::from_bits(bits);
            let private = address.is_private() || address.is_loopback() || address.is_link_local()
                || (bits >> 22) == (0x6440_0000 >> 22);
            prop_assert_eq!(reach_v4(address) == Reach::Private, private);
            if address.is_multicast() || address.is_broadcast() || address.is_documentation()
                || address.is_unspecified() {
                prop_assert_eq!(reach_v4(address), Reach::Special);
            }
        }

        #[test]
        fn an_ipv4_address_never_becomes_public_or_private_by_being_mapped(bits: u32) {
            let mapped = Ipv4Addr::from_bits(bits).to_ipv6_mapped();
            prop_assert_eq!(reach_v6(mapped), Reach::Special);
        }
    }
}
