//! Whom an application's certificate names (RFC 8705 §2.1.2).

use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::client_certificate::CertificateSubject;

use crate::management::detail::{Detail, DetailCode};
use crate::management::fields::Fields;

const NAME: &str = "tlsClientAuth";
/// Members of the object, and the client metadata that they are.
const MEMBERS: [(&str, &str); 5] = [
    ("subjectDn", "tls_client_auth_subject_dn"),
    ("sanDns", "tls_client_auth_san_dns"),
    ("sanUri", "tls_client_auth_san_uri"),
    ("sanIp", "tls_client_auth_san_ip"),
    ("sanEmail", "tls_client_auth_san_email"),
];
const CHARS_MAX: usize = 1024;

/// The object `tlsClientAuth`: exactly one name, and only for who authenticates with a certificate
/// by an authority.
pub fn read(
    fields: &mut Fields,
    method: Method,
    kept: Option<CertificateSubject>,
) -> Option<CertificateSubject> {
    let given = fields.is_given(NAME);
    let Some(mut inner) = fields.object(NAME) else {
        let kept = kept.filter(|_| method == Method::TlsClientAuth && !given);
        if method == Method::TlsClientAuth && kept.is_none() {
            let message = "TLS_CLIENT_AUTH needs tlsClientAuth with one of subjectDn, sanDns, \
                           sanUri, sanIp, sanEmail";
            fields.refuse(Detail::new(DetailCode::RequiredValue, Some(NAME), message));
        }
        return kept;
    };
    let mut found = Vec::new();
    for (member, metadata) in MEMBERS {
        let Some(text) = inner.text(member, CHARS_MAX) else { continue };
        match CertificateSubject::parse(metadata, &text) {
            Some(subject) => found.push(subject),
            None => {
                let message = format!("{member} is not of its form");
                inner.refuse(Detail::invalid(&inner.target(member), message));
            }
        }
    }
    if found.len() > 1 {
        inner.refuse(Detail::invalid(NAME, "tlsClientAuth names one subject, not several"));
    }
    if method != Method::TlsClientAuth {
        let message = "tlsClientAuth is for TLS_CLIENT_AUTH";
        inner.refuse(Detail::invalid(NAME, message));
    } else if found.is_empty() {
        let message = "tlsClientAuth names no subject";
        inner.refuse(Detail::invalid(NAME, message));
    }
    fields.absorb(inner);
    found.pop()
}
