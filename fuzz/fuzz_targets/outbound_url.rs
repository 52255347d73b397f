//! Addresses that may be called. The judgement is compared with one that is written differently.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use assent_fuzz::input::halves;
use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::check_url;
use assent_server::outbound::rules::Rules;
use libfuzzer_sys::fuzz_target;
use rustls::RootCertStore;
use url::{Host, Url};

// A URL; then rules, one a line; then addresses that its name leads to, one a line.
fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, rest) = halves(text);
    let (rules, addresses) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let mut settings = OutboundSettings::default();
    for rule in rules.split('\n').filter(|line| !line.is_empty()) {
        if let Ok(port) = rule.parse() {
            settings.allowed_ports.push(port);
        } else if rule.contains('/') {
            settings.allowed_networks.push(rule.to_owned());
        } else {
            settings.allowed_hosts.push(rule.to_owned());
        }
    }
    let Ok(url) = check_url(url) else { return };
    check(&url);
    let Ok(rules) = Rules::parse(&settings, &RootCertStore::empty()) else { return };
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        panic!("no host: {url}");
    };
    if rules.check_host(&host).is_err() {
        assert!(!settings.allowed_hosts.is_empty(), "without a list every host is on it");
        return;
    }
    let addresses: Vec<IpAddr> = match host {
        Host::Domain(_) => addresses.split('\n').filter_map(|line| line.parse().ok()).collect(),
        Host::Ipv4(address) => vec![IpAddr::V4(address)],
        Host::Ipv6(address) => vec![IpAddr::V6(address)],
    };
    if rules.check_addresses(&addresses, port).is_err() {
        return;
    }
    for address in addresses {
        match plain(address) {
            Err(why) => panic!("{address} is called: {why}"),
            Ok(true) => {
                assert!(!settings.allowed_networks.is_empty(), "{address} is private");
            }
            Ok(false) => assert!(port == 443 || settings.allowed_ports.contains(&port)),
        }
    }
});

/// What holds of every URL that is taken.
fn check(url: &Url) {
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert_eq!(check_url(url.as_str()).as_ref(), Ok(url), "one reading");
    if let Some(Host::Domain(name)) = url.host() {
        assert!(name.parse::<IpAddr>().is_err(), "an address that passes for a name: {name}");
        let last = name.rsplit('.').next().unwrap_or_default();
        let number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        assert!(!number(last), "an address in an old spelling: {name}");
    }
}

/// Whether an address is private (`Ok(true)`), public, or never called.
fn plain(address: IpAddr) -> Result<bool, &'static str> {
    match address {
        IpAddr::V4(address) => plain_v4(address),
        IpAddr::V6(address) => plain_v6(address),
    }
}

fn plain_v4(address: Ipv4Addr) -> Result<bool, &'static str> {
    let [a, b, c, d] = address.octets();
    if (a, b, c, d) == (100, 100, 100, 200) || (a, b, c, d) == (168, 63, 129, 16) {
        return Err("metadata");
    }
    if address.is_private() || address.is_loopback() || (a == 100 && (64..128).contains(&b)) {
        return Ok(true);
    }
    if a == 0 || address.is_link_local() || address.is_multicast() || a >= 240 {
        return Err("no web server's");
    }
    if address.is_documentation() || (a == 198 && (18..20).contains(&b)) {
        return Err("documentation or benchmarks");
    }
    if (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99) {
        return Err("protocols");
    }
    Ok(false)
}

fn plain_v6(address: Ipv6Addr) -> Result<bool, &'static str> {
    if let Some(inner) = address.to_ipv4_mapped() {
        return plain_v4(inner);
    }
    let segments = address.segments();
    if address.is_unicast_link_local() || address.is_multicast() || address.is_unspecified() {
        return Err("link-local, multicast or nobody");
    }
    if segments[..2] == [0xfd00, 0xec2] || segments == [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] {
        return Err("metadata");
    }
    if address.is_loopback() || address.is_unique_local() {
        return Ok(true);
    }
    let inner = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => match plain_v4(inner(high, low)) {
            Ok(false) => Ok(false),
            Ok(true) | Err(_) => Err("translated to what may not be called"),
        },
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Err("protocols"),
        [0x2002, ..] => Err("6to4"),
        [0x3fff, second, ..] if second < 0x1000 => Err("documentation"),
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Err("ISATAP"),
        [first, ..] if first & 0xe000 == 0x2000 => Ok(false),
        _ => Err("not global"),
    }
}
