use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, SanType};

use super::*;

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    change(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn named(values: &[(DnType, &str)]) -> Vec<u8> {
    certificate(|params| {
        for (kind, value) in values {
            params.distinguished_name.push(kind.clone(), *value);
        }
    })
}

fn dn(text: &str) -> CertificateSubject {
    CertificateSubject::parse("tls_client_auth_subject_dn", text).unwrap()
}

#[test]
fn a_subject_is_compared_by_distinguished_name_match() {
    let shown = named(&[
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Example  Bank"),
        (DnType::CommonName, "shop, north"),
    ]);
    for same in [
        "CN=shop\\, north,O=Example  Bank,C=DE",
        "cn=SHOP\\, North,o=example bank,c=de",
        "2.5.4.3=shop\\, north,O=Example Bank,C=DE",
    ] {
        assert!(dn(same).is_named_by(&shown), "{same}");
    }
    for other in [
        "CN=shop\\, north,C=DE,O=Example Bank",
        "CN=shop\\, north,O=Example Bank",
        "CN=shop\\, north,O=ExampleBank,C=DE",
        "CN=shop\\, north+O=Example Bank,C=DE",
        "CN=shop\\, north,O=Example Bank,C=DE,L=Berlin",
        "O=shop\\, north,CN=Example Bank,C=DE",
    ] {
        assert!(!dn(other).is_named_by(&shown), "{other}");
    }
}

#[test]
fn the_kind_of_string_does_not_matter() {
    let printable = certificate(|params| {
        let value = DnValue::PrintableString("shop".try_into().unwrap());
        params.distinguished_name.push(DnType::CommonName, value);
    });
    assert!(dn("CN=Shop").is_named_by(&printable));
    assert!(!dn("CN=Shop").is_named_by(b"not a certificate"));
    assert!(!dn("CN=Shop").is_named_by(&[]));
}

#[test]
fn alternative_names_are_compared_by_their_kind() {
    let shown = certificate(|params| {
        params.distinguished_name.push(DnType::CommonName, "shop.example.com");
        params.subject_alt_names = vec![
            SanType::DnsName("shop.example.com".try_into().unwrap()),
            SanType::URI("https://shop.example.com/a".try_into().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
            SanType::Rfc822Name("Ops@shop.example.com".try_into().unwrap()),
        ];
    });
    let check = |kind: &str, text: &str| {
        let member = format!("tls_client_auth_san_{kind}");
        CertificateSubject::parse(&member, text).is_some_and(|it| it.is_named_by(&shown))
    };
    for (kind, text) in [
        ("dns", "SHOP.example.com"),
        ("uri", "https://shop.example.com/a"),
        ("ip", "2001:0db8:0:0::1"),
        ("ip", "192.0.2.1"),
        ("email", "Ops@Shop.Example.com"),
    ] {
        assert!(check(kind, text), "{kind} {text}");
    }
    for (kind, text) in [
        ("dns", "example.com"),
        ("dns", "*.example.com"),
        ("uri", "https://shop.example.com/A"),
        ("uri", "shop.example.com"),
        ("ip", "192.0.2.2"),
        ("ip", "::ffff:192.0.2.1"),
        ("email", "ops@shop.example.com"),
        ("email", "shop.example.com"),
        ("ip", "shop.example.com"),
    ] {
        assert!(!check(kind, text), "{kind} {text}");
    }
}

#[test]
fn what_is_no_subject_is_not_registered() {
    let long = format!("CN={}", "x".repeat(SUBJECT_BYTES_MAX));
    for (member, text) in [
        ("tls_client_auth_subject_dn", ""),
        ("tls_client_auth_subject_dn", "shop"),
        ("tls_client_auth_subject_dn", "NOTHING=shop"),
        ("tls_client_auth_subject_dn", long.as_str()),
        ("tls_client_auth_subject_dn", "CN=a\nb"),
        ("tls_client_auth_san_ip", "192.0.2"),
        ("tls_client_auth_san_dns", ""),
        ("tls_client_auth_san_other", "x"),
    ] {
        assert!(CertificateSubject::parse(member, text).is_none(), "{member} {text}");
    }
    for member in SUBJECT_MEMBERS {
        let text = if member.ends_with("_ip") { "192.0.2.1" } else { "CN=a" };
        let subject = CertificateSubject::parse(member, text).unwrap();
        assert_eq!((subject.member(), subject.text().as_str()), (member, text));
        let stored = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<CertificateSubject>(&stored).unwrap(), subject);
    }
}
