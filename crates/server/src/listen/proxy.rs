//! Proxies that we believe: what they say of the connection behind them, its address and the
//! certificate that was shown on it (R-297, R-337, RFC 9440). From everybody else such words are
//! not even looked at.

use std::net::IpAddr;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use percent_encoding::percent_decode;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::listen::certificate::ClientCertificate;
use crate::outbound::address::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Certificates that lead to an authority, beside that of the client (RFC 9440 §2.3).
const CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");
/// Certificates taken from one request.
const CHAIN_MAX: usize = 8;

/// Whom to believe, and what.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    networks: Vec<Network>,
    certificate: Option<HeaderName>,
}

impl Proxies {
    /// Believes proxies in `networks`. They say in `certificate`, if that is named, which
    /// certificate their client showed: as RFC 9440 writes it, or as percent-encoded PEM.
    pub const fn new(networks: Vec<Network>, certificate: Option<HeaderName>) -> Self {
        Self { networks, certificate }
    }

    /// Whether what comes from this address is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.holds(address))
    }

    /// Whether they say which certificates their clients show.
    pub const fn tell_certificates(&self) -> bool {
        self.certificate.is_some() && !self.networks.is_empty()
    }

    /// Where a request really comes from, and with it the certificate of its client. Words about
    /// that are taken out of the request, whoever said them.
    ///
    /// # Errors
    /// A proxy that we believe said what cannot be read.
    pub fn unwrap(
        &self,
        request: &mut Request<Body>,
        peer: IpAddr,
    ) -> Result<IpAddr, &'static str> {
        let trusted = self.trusts(peer);
        if let Some(name) = &self.certificate {
            let told = request.headers_mut().remove(name);
            let chain = request.headers_mut().remove(CHAIN);
            if trusted {
                // What the proxy shows of itself is not its client's.
                request.extensions_mut().remove::<ClientCertificate>();
                if let Some(certificate) = certificate(told.as_ref(), chain.as_ref())? {
                    request.extensions_mut().insert(certificate);
                }
            }
        }
        if trusted { self.source(request.headers(), peer) } else { Ok(peer) }
    }

    /// The last address on the way that is no proxy of ours.
    fn source(&self, headers: &HeaderMap, peer: IpAddr) -> Result<IpAddr, &'static str> {
        const MALFORMED: &str = "X-Forwarded-For is not a list of addresses";
        let mut way = Vec::new();
        for value in headers.get_all(FORWARDED_FOR) {
            for hop in value.to_str().map_err(|_| MALFORMED)?.split(',') {
                way.push(hop.trim().parse::<IpAddr>().map_err(|_| MALFORMED)?);
            }
        }
        Ok(way.into_iter().rev().find(|hop| !self.trusts(*hop)).unwrap_or(peer))
    }
}

fn certificate(
    told: Option<&HeaderValue>,
    chain: Option<&HeaderValue>,
) -> Result<Option<ClientCertificate>, &'static str> {
    const MALFORMED: &str = "The proxy's header with the client's certificate cannot be read";
    let text = told.map(HeaderValue::to_str).transpose().map_err(|_| MALFORMED)?;
    // Proxies send an empty one for clients without a certificate.
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let own = byte_sequence(text).or_else(|| escaped_pem(text)).ok_or(MALFORMED)?;
    let mut all = vec![own];
    if let Some(chain) = chain {
        for item in chain.to_str().map_err(|_| MALFORMED)?.split(',').take(CHAIN_MAX) {
            all.push(byte_sequence(item.trim()).ok_or(MALFORMED)?);
        }
    }
    Ok(ClientCertificate::new(all))
}

/// `:…:` with base64 inside (RFC 8941 §3.3.5).
fn byte_sequence(text: &str) -> Option<CertificateDer<'static>> {
    let inside = text.strip_prefix(':')?.strip_suffix(':')?;
    Some(CertificateDer::from(STANDARD.decode(inside).ok()?))
}

/// PEM with everything escaped that a header cannot hold.
fn escaped_pem(text: &str) -> Option<CertificateDer<'static>> {
    let pem: Vec<u8> = percent_decode(text.as_bytes()).collect();
    CertificateDer::from_pem_slice(&pem).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    fn check(peer: IpAddr, headers: &[(&str, &str)]) -> Result<(IpAddr, bool), &'static str> {
        let proxies = Proxies::new(
            vec![Network::parse("10.0.0.0/8").unwrap()],
            Some(HeaderName::from_static("client-cert")),
        );
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let source = proxies.unwrap(&mut request, peer)?;
        assert!(!request.headers().contains_key("client-cert"), "it goes no further");
        Ok((source, request.extensions().get::<ClientCertificate>().is_some()))
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        let told = [("client-cert", ":AAAA:"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(check(STRANGER, &told), Ok((STRANGER, false)));
        assert_eq!(check(PROXY, &told), Ok((IpAddr::from([192, 0, 2, 7]), true)));
        assert_eq!(check(PROXY, &[]), Ok((PROXY, false)));
        assert_eq!(check(PROXY, &[("client-cert", "")]), Ok((PROXY, false)));
    }

    #[test]
    fn the_source_is_the_last_address_that_is_no_proxy() {
        for (told, source) in [
            ("192.0.2.7", [192, 0, 2, 7]),
            ("198.51.100.1, 192.0.2.7", [192, 0, 2, 7]),
            ("192.0.2.7, 10.2.3.4", [192, 0, 2, 7]),
            ("10.2.3.4", [10, 0, 0, 1]),
        ] {
            let found = check(PROXY, &[("x-forwarded-for", told)]).unwrap();
            assert_eq!(found.0, IpAddr::from(source), "{told}");
        }
    }

    #[test]
    fn what_a_proxy_says_badly_is_refused_and_never_skipped() {
        for (name, value) in [
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", "192.0.2.7, "),
            ("x-forwarded-for", "192.0.2.7:80"),
            ("client-cert", "AAAA"),
            ("client-cert", ":AA!A:"),
            ("client-cert", "-----BEGIN%20CERTIFICATE-----"),
        ] {
            assert!(check(PROXY, &[(name, value)]).is_err(), "{name}: {value}");
            assert!(check(STRANGER, &[(name, value)]).is_ok(), "{name}: {value}");
        }
        let escaped = "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A";
        assert_eq!(check(PROXY, &[("client-cert", escaped)]), Ok((PROXY, true)));
    }
}
