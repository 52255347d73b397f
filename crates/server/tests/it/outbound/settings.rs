//! Rules that cannot be applied are refused when they are made, by the name of their member.

use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::{check_settings, check_url};

use crate::receiver::{Behaviour, Receiver};

#[tokio::test]
async fn each_member_is_checked() {
    let pem = Receiver::start(Behaviour::Silent).await.pem.clone();
    let hosts = |text: &str| OutboundSettings {
        allowed_hosts: vec![String::from("fine.example"), text.to_owned()],
        ..OutboundSettings::default()
    };
    let networks = |text: &str| OutboundSettings {
        allowed_networks: vec![String::from("10.1.0.0/16"), text.to_owned()],
        ..OutboundSettings::default()
    };
    let trusted = |text: &str| OutboundSettings {
        trusted_certificates: text.to_owned(),
        ..OutboundSettings::default()
    };
    let ports = |port| OutboundSettings { allowed_ports: vec![port], ..Default::default() };
    for settings in [
        OutboundSettings::default(),
        hosts("shop.example.com"),
        hosts("*.example.com"),
        hosts("*.com"),
        hosts("Bücher.example"),
        hosts("192.0.2.1"),
        hosts("[2001:db8::1]"),
        networks("127.0.0.0/8"),
        networks("192.168.7.0/24"),
        networks("fd12:3456::/32"),
        networks("::1/128"),
        ports(8443),
        trusted(&pem),
        trusted(&format!("Our authority\n{pem}\n{pem}")),
        trusted(" \n"),
    ] {
        assert_eq!(check_settings(&settings), Ok(()), "{settings:?}");
    }
    let half = &pem[..pem.len() / 2];
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (member, settings) in [
        ("allowedHosts", hosts("")),
        ("allowedHosts", hosts("*")),
        ("allowedHosts", hosts("*.")),
        ("allowedHosts", hosts("*.*.example.com")),
        ("allowedHosts", hosts("shop.*.com")),
        ("allowedHosts", hosts("https://shop.example.com")),
        ("allowedHosts", hosts("shop.example.com:443")),
        ("allowedHosts", hosts("shop.example.com/path")),
        ("allowedHosts", hosts("shop.example.com.")),
        ("allowedHosts", hosts("*.192.0.2.1")),
        ("allowedNetworks", networks("")),
        ("allowedNetworks", networks("10.0.0.0")),
        ("allowedNetworks", networks("10.0.0.1/8")),
        ("allowedNetworks", networks("0.0.0.0/0")),
        ("allowedNetworks", networks("::/0")),
        ("allowedNetworks", networks("8.8.8.0/24")),
        ("allowedNetworks", networks("169.254.0.0/16")),
        ("allowedNetworks", networks("fe80::/10")),
        ("allowedPorts", ports(0)),
        ("trustedCertificates", trusted("x")),
        ("trustedCertificates", trusted(half)),
        ("trustedCertificates", trusted(key)),
        ("trustedCertificates", trusted(&format!("{pem}{key}"))),
        ("trustedCertificates", trusted(nonsense)),
        ("trustedCertificates", trusted(&pem.repeat(33))),
    ] {
        let refused = check_settings(&settings).map_err(|(member, _)| member);
        assert_eq!(refused, Err(member), "{settings:?}");
    }
}

#[test]
fn a_url_is_checked_when_it_is_registered() {
    for url in [
        "https://shop.example.com/ciba/callback?tenant=7",
        "https://shop.example.com:8443",
        "https://127.0.0.1:9402/callback",
        "https://[::1]/callback",
        "https://Bücher.example/",
    ] {
        assert!(check_url(url).is_ok(), "{url}");
    }
    for (url, why) in [
        ("shop.example.com", "it is not a URL"),
        ("http://shop.example.com/", "it must be an https URL"),
        ("https://a@shop.example.com/", "it must have neither credentials nor a fragment"),
        ("https://shop.example.com/#x", "it must have neither credentials nor a fragment"),
        ("https://localhost:9402/", "its host must not be localhost"),
        ("https://x.LOCALHOST/", "its host must not be localhost"),
        ("https://localhost./", "its host must not end in a dot"),
        ("https://shop.example.com:0/", "there is no port 0"),
    ] {
        assert_eq!(check_url(url).unwrap_err(), why, "{url}");
    }
}
