//! Which addresses may be called (T-74): the public Internet, and nothing that only looks like it.

use std::net::IpAddr;

/// What an address is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Anybody's: it may be called.
    Public,
    /// Inside some network: it may be called where an environment's rules allow that network.
    Private,
    /// Never called, whatever the rules say.
    Never(&'static str),
}

/// A range of addresses. IPv4 lies in it as its IPv4-mapped form, so that both spellings of an
/// address are one (RFC 4291 §2.5.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    length: u32,
}

const MAPPED: u128 = 0xffff << 32;
/// The part of an IPv6 address in which an IPv4 address begins.
const MAPPED_LENGTH: u32 = 96;

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u32) -> Network {
    let [first, second, third, fourth] = [a as u128, b as u128, c as u128, d as u128];
    let first = MAPPED | (first << 24) | (second << 16) | (third << 8) | fourth;
    Network { first, length: MAPPED_LENGTH + length }
}

const fn v6(first: u128, length: u32) -> Network {
    Network { first, length }
}

/// Networks that an environment's rules may allow.
const PRIVATE: [Network; 7] = [
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    v6(1, 128),
    v6(0xfc00 << 112, 7),
];

/// Where machines of a cloud learn their credentials. Some lie in private networks, one in a
/// public one.
const METADATA: [Network; 4] = [
    v4(100, 100, 100, 200, 32),
    v4(168, 63, 129, 16, 32),
    v6(0xfd00_0ec2 << 96, 32),
    v6((0xfd20_00ce << 96) | 0x254, 128),
];

const RESERVED: [(Network, &str); 14] = [
    (v4(0, 0, 0, 0, 8), "it is in 0.0.0.0/8"),
    (v4(169, 254, 0, 0, 16), "it is a link-local address"),
    (v4(192, 0, 0, 0, 24), "it is reserved for protocols"),
    (v4(192, 0, 2, 0, 24), "it is reserved for documentation"),
    (v4(192, 88, 99, 0, 24), "it is a relay of 6to4"),
    (v4(198, 18, 0, 0, 15), "it is reserved for benchmarks"),
    (v4(198, 51, 100, 0, 24), "it is reserved for documentation"),
    (v4(203, 0, 113, 0, 24), "it is reserved for documentation"),
    (v4(224, 0, 0, 0, 4), "it is a multicast address"),
    (v4(240, 0, 0, 0, 4), "it is reserved"),
    // Teredo, ORCHID, benchmarks and more: nobody's web server (RFC 2928).
    (v6(0x2001 << 112, 23), "it is reserved for protocols"),
    (v6(0x2001_0db8 << 96, 32), "it is reserved for documentation"),
    // 6to4 leads to the IPv4 address inside (RFC 3056).
    (v6(0x2002 << 112, 16), "it is a 6to4 address"),
    (v6(0x3fff << 112, 20), "it is reserved for documentation"),
];

/// What IANA hands out as global unicast.
const GLOBAL: Network = v6(0x2000 << 112, 3);
const EVERY_V4: Network = v4(0, 0, 0, 0, 0);
/// What a translator of the network makes of IPv4 (RFC 6052 §2.1).
const NAT64: Network = v6(0x0064_ff9b << 96, 96);
/// The middle of an ISATAP address, whose last part is an IPv4 address (RFC 5214 §6.1).
const ISATAP: [u128; 2] = [0x0000_5efe, 0x0200_5efe];

impl Network {
    /// Reads `10.1.0.0/16` or `fd00::/8`.
    ///
    /// # Errors
    /// Why not, in words for an administrator.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let malformed = "a network is written as 10.1.0.0/16 or fd12:3456::/32";
        let (address, length) = text.split_once('/').ok_or(malformed)?;
        let address: IpAddr = address.parse().map_err(|_| malformed)?;
        let is_number = !length.is_empty() && length.bytes().all(|octet| octet.is_ascii_digit());
        let length: u32 = length.parse().ok().filter(|_| is_number).ok_or(malformed)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        if length > most {
            return Err(malformed);
        }
        let length = length + (128 - most);
        let network = Self { first: bits(address), length };
        if network.first != network.first & network.mask() {
            return Err("a network begins with its first address");
        }
        Ok(network)
    }

    /// Whether the address lies in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.covers(Self { first: bits(address), length: 128 })
    }

    /// Whether all of `other` lies in it.
    pub fn covers(&self, other: Self) -> bool {
        self.length <= other.length && (self.first ^ other.first) & self.mask() == 0
    }

    /// Whether rules may allow it: it is private as a whole.
    pub fn is_private(self) -> bool {
        PRIVATE.iter().any(|private| private.covers(self))
    }

    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - self.length).unwrap_or(0)
    }
}

/// What `address` is to us.
pub fn standing(address: IpAddr) -> Standing {
    let within = |networks: &[Network]| networks.iter().any(|it| it.holds(address));
    if within(&METADATA) {
        return Standing::Never("it belongs to the cloud's own services");
    }
    if within(&PRIVATE) {
        return Standing::Private;
    }
    if let Some((_, why)) = RESERVED.iter().find(|(network, _)| network.holds(address)) {
        return Standing::Never(why);
    }
    let bits = bits(address);
    if NAT64.holds(address) {
        // Only towards what could be called directly.
        let inner = IpAddr::from((MAPPED | (bits & u128::from(u32::MAX))).to_be_bytes());
        return match standing(inner) {
            Standing::Public => Standing::Public,
            Standing::Private | Standing::Never(_) => {
                Standing::Never("it leads to an IPv4 address that may not be called")
            }
        };
    }
    if ISATAP.contains(&((bits >> 32) & u128::from(u32::MAX))) && GLOBAL.holds(address) {
        return Standing::Never("it leads to an IPv4 address");
    }
    if EVERY_V4.holds(address) || GLOBAL.holds(address) {
        return Standing::Public;
    }
    // The old forms of IPv4 in IPv6, link-local, site-local, multicast, and what is nobody's yet.
    Standing::Never("it is not an address of the public Internet")
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests;
