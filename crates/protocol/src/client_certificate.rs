//! Whom a client's certificate names (RFC 8705 §2.1.2).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use x509_cert::Certificate;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::{Decode, Encode, Tag, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

/// Octets of a certificate that is looked at.
const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Octets of a subject that is registered.
const SUBJECT_BYTES_MAX: usize = 1024;

/// The one name by which a certificate is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`: the subject, as RFC 4514 writes it.
    SubjectDn(String),
    /// `tls_client_auth_san_dns`
    SanDns(String),
    /// `tls_client_auth_san_uri`
    SanUri(String),
    /// `tls_client_auth_san_ip`
    SanIp(IpAddr),
    /// `tls_client_auth_san_email`
    SanEmail(String),
}

/// The members of client metadata that name a subject.
pub const SUBJECT_MEMBERS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

impl CertificateSubject {
    /// Reads the member `name` of client metadata; `None`: there is no such member, or the text is
    /// not of its form.
    pub fn parse(name: &str, text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > SUBJECT_BYTES_MAX || text.chars().any(char::is_control) {
            return None;
        }
        let own = || text.to_owned();
        match name {
            "tls_client_auth_subject_dn" => {
                parse_name(text).filter(|name| !name.is_empty()).map(|_| Self::SubjectDn(own()))
            }
            "tls_client_auth_san_dns" => Some(Self::SanDns(own())),
            "tls_client_auth_san_uri" => Some(Self::SanUri(own())),
            "tls_client_auth_san_ip" => text.parse().ok().map(Self::SanIp),
            "tls_client_auth_san_email" => Some(Self::SanEmail(own())),
            _ => None,
        }
    }

    /// The member of client metadata that it is.
    pub const fn member(&self) -> &'static str {
        match self {
            Self::SubjectDn(_) => "tls_client_auth_subject_dn",
            Self::SanDns(_) => "tls_client_auth_san_dns",
            Self::SanUri(_) => "tls_client_auth_san_uri",
            Self::SanIp(_) => "tls_client_auth_san_ip",
            Self::SanEmail(_) => "tls_client_auth_san_email",
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        match self {
            Self::SubjectDn(text)
            | Self::SanDns(text)
            | Self::SanUri(text)
            | Self::SanEmail(text) => text.clone(),
            Self::SanIp(address) => address.to_string(),
        }
    }

    /// Whether the certificate, as DER, names it.
    pub fn is_named_by(&self, certificate: &[u8]) -> bool {
        let Some(certificate) = parse_certificate(certificate) else { return false };
        if let Self::SubjectDn(text) = self {
            let registered = parse_name(text);
            return registered.is_some_and(|it| it == folded(&certificate.tbs_certificate.subject));
        }
        let names = certificate.tbs_certificate.get::<SubjectAltName>();
        let Ok(Some((_, SubjectAltName(names)))) = names else { return false };
        names.iter().any(|name| self.is(name))
    }

    fn is(&self, name: &GeneralName) -> bool {
        match (self, name) {
            // RFC 4343: case says nothing in names of hosts.
            (Self::SanDns(text), GeneralName::DnsName(name)) => {
                name.as_str().eq_ignore_ascii_case(text)
            }
            (Self::SanUri(text), GeneralName::UniformResourceIdentifier(name)) => {
                name.as_str() == text
            }
            // In octets: one address has many spellings.
            (Self::SanIp(IpAddr::V4(it)), GeneralName::IpAddress(octets)) => {
                octets.as_bytes() == it.octets()
            }
            (Self::SanIp(IpAddr::V6(it)), GeneralName::IpAddress(octets)) => {
                octets.as_bytes() == it.octets()
            }
            (Self::SanEmail(text), GeneralName::Rfc822Name(name)) => {
                is_mailbox(name.as_str(), text)
            }
            _ => false,
        }
    }
}

/// The local part as it is, the host in any case (RFC 5280 §7.5).
fn is_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((local, host)), Some((other_local, other_host))) => {
            local == other_local && host.eq_ignore_ascii_case(other_host)
        }
        _ => false,
    }
}

fn parse_certificate(der: &[u8]) -> Option<Certificate> {
    if der.len() > CERTIFICATE_BYTES_MAX {
        return None;
    }
    Certificate::from_der(der).ok()
}

/// A name as sets of attributes in order, ready to be compared (RFC 4517 §4.2.15,
/// distinguishedNameMatch): text without regard to case and runs of spaces, all else in octets.
type Folded = Vec<BTreeSet<(String, Vec<u8>)>>;

fn parse_name(text: &str) -> Option<Folded> {
    Name::from_str(text).ok().map(|name| folded(&name))
}

fn folded(name: &Name) -> Folded {
    let attributes = |it: &x509_cert::name::RelativeDistinguishedName| {
        it.0.iter().map(|it| (it.oid.to_string(), folded_value(it))).collect()
    };
    name.0.iter().map(attributes).collect()
}

fn folded_value(attribute: &AttributeTypeAndValue) -> Vec<u8> {
    let value = &attribute.value;
    let text = match value.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|it| it.as_str().to_owned()),
        Tag::PrintableString => {
            PrintableStringRef::try_from(value).ok().map(|it| it.as_str().to_owned())
        }
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|it| it.as_str().to_owned()),
        Tag::TeletexString => {
            TeletexStringRef::try_from(value).ok().map(|it| it.as_str().to_owned())
        }
        _ => None,
    };
    match text {
        Some(text) => {
            let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").into_bytes()
        }
        None => value.to_der().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
