//! TLS of our own (RFC 9325; FAPI 1.0 Baseline §7.1, Advanced §8.5): 1.3, and 1.2 with ECDHE and
//! AES-GCM alone. A door for clients with certificates asks for one and takes any: that the
//! client holds its key is proven here, whether it is the right one is the application's question
//! (RFC 8705 §2.2, §7.4).

mod any_certificate;
mod files;

use std::sync::Arc;

use http::Version;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoClientAuth, ResolvesServerCert};
use rustls::{CipherSuite, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::listen::certificate::ClientCertificate;
use crate::listen::tls::any_certificate::AnyCertificate;
pub use crate::listen::tls::files::{Identity, TlsFault, TlsFiles};

/// What a door needs to speak TLS. Cheap to clone.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// A connection whose TLS stands.
pub struct Secured {
    /// The octets.
    pub stream: TlsStream<TcpStream>,
    /// Which version of HTTP both sides chose.
    pub version: Version,
    /// What the client showed of itself.
    pub certificate: Option<ClientCertificate>,
}

impl Tls {
    /// TLS with this identity; `asks` for the certificates of clients or not.
    ///
    /// # Errors
    /// The cryptographic library cannot do what is needed.
    pub fn new(identity: Arc<Identity>, asks: bool) -> Result<Self, TlsFault> {
        let provider = Arc::new(provider());
        let verifier =
            if asks { AnyCertificate::verifier(&provider) } else { Arc::new(NoClientAuth) };
        let resolver: Arc<dyn ResolvesServerCert> = identity;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsFault::Library)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(TlsFault::Library)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Greets a client.
    ///
    /// # Errors
    /// It does not speak TLS as we do.
    pub async fn greet(&self, stream: TcpStream) -> std::io::Result<Secured> {
        let stream = self.0.accept(stream).await?;
        let (_, session) = stream.get_ref();
        let version = match session.alpn_protocol() {
            Some(b"h2") => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        let chain = session.peer_certificates().unwrap_or_default();
        let chain = chain.iter().map(|it| it.clone().into_owned()).collect();
        Ok(Secured { version, certificate: ClientCertificate::new(chain), stream })
    }
}

/// The one cryptographic library, without what RFC 9325 §4.2 does not recommend.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        suite.version() == &rustls::version::TLS13
            || matches!(
                suite.suite(),
                CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                    | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
                    | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
            )
    });
    provider
}
