//! The certificate that a client showed on its connection (RFC 8705). The TLS layer only proves
//! that the client holds its private key; whom it names, and whether that is enough, is decided
//! where it matters.

use std::fmt;
use std::sync::Arc;

use assent_jose::base64url_encode;
use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;

/// A certificate of which the client proved that it holds the key. Cheap to clone.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Shown>);

struct Shown {
    chain: Vec<CertificateDer<'static>>,
    thumbprint: String,
}

impl ClientCertificate {
    /// What was shown: the client's own certificate first. `None`: nothing was.
    pub fn new(chain: Vec<CertificateDer<'static>>) -> Option<Self> {
        let thumbprint = base64url_encode(digest(&SHA256, chain.first()?).as_ref());
        Some(Self(Arc::new(Shown { chain, thumbprint })))
    }

    /// The client's own certificate, and those it sent to lead to an authority.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// `x5t#S256`: base64url of the SHA-256 over the client's own certificate (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientCertificate({})", self.thumbprint())
    }
}
