//! Whose certificates clients may authenticate with (RFC 8705 §2.1): the authorities that an
//! environment names, and no others.

use std::sync::Arc;
use std::time::Duration;

use assent_protocol::environment::SecuritySettings;
use assent_protocol::time::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::listen::certificate::ClientCertificate;
use crate::outbound::rules::add_certificates;

/// The authorities of one environment, ready to judge.
#[derive(Clone, Debug, Default)]
pub struct ClientAuthorities(Option<Arc<dyn ClientCertVerifier>>);

impl ClientAuthorities {
    /// Those that the settings name. They were checked when they were written, so what cannot be
    /// read trusts nobody.
    pub fn of(settings: &SecuritySettings) -> Self {
        Self::parse(&settings.client_authorities).unwrap_or_default()
    }

    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// Why it cannot, in words for an administrator.
    pub fn parse(pem: &str) -> Result<Self, &'static str> {
        let mut roots = RootCertStore::empty();
        add_certificates(pem, &mut roots)?;
        if roots.is_empty() {
            return Ok(Self::default());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|_| "they cannot be used together")?;
        Ok(Self(Some(verifier)))
    }

    /// Whether one of them vouches for a certificate at `now`.
    pub fn vouch_for(&self, certificate: &ClientCertificate, now: Timestamp) -> bool {
        let Some((own, chain)) = certificate.chain().split_first() else { return false };
        let Ok(seconds) = u64::try_from(now.as_seconds()) else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let own = CertificateDer::from(own.as_ref());
        self.0.as_ref().is_some_and(|it| it.verify_client_cert(&own, chain, now).is_ok())
    }
}
