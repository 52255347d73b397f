//! The server's own certificate and key, from files that something else renews.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, then those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// Its private key, as PEM.
    pub key: PathBuf,
}

/// Why there can be no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// A file holds something else.
    #[error("{0} {1}")]
    Content(PathBuf, &'static str),
    /// Certificate and key do not belong together.
    #[error("the key in {0} is not that of the certificate in {1}")]
    Mismatch(PathBuf, PathBuf),
    /// The cryptographic library does not want to.
    #[error("TLS cannot be set up: {0}")]
    Library(rustls::Error),
}

/// What the server shows of itself. It can change while connections stand: those keep what they
/// began with, new ones get the new.
#[derive(Debug)]
pub struct Identity {
    files: TlsFiles,
    shown: RwLock<Shown>,
}

#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    /// What was read, to see whether it changed.
    read: Read,
}

#[derive(PartialEq, Eq)]
struct Read {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Read(…)")
    }
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read or do not fit.
    pub fn load(files: TlsFiles) -> Result<Self, TlsFault> {
        let read = read(&files)?;
        let key = certified(&files, &read)?;
        Ok(Self { files, shown: RwLock::new(Shown { key, read }) })
    }

    /// Looks at the files again; answers whether they are others now. What does not fit together
    /// changes nothing: half of a renewal may be written.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn reload(&self) -> Result<bool, TlsFault> {
        let read = read(&self.files)?;
        if read == self.shown.read().read {
            return Ok(false);
        }
        let key = certified(&self.files, &read)?;
        *self.shown.write() = Shown { key, read };
        Ok(true)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().key))
    }
}

fn read(files: &TlsFiles) -> Result<Read, TlsFault> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| TlsFault::Unreadable(path.clone(), error))
    };
    Ok(Read { certificate: read(&files.certificate)?, key: Zeroizing::new(read(&files.key)?) })
}

fn certified(files: &TlsFiles, read: &Read) -> Result<Arc<CertifiedKey>, TlsFault> {
    let content = |path: &PathBuf, what| TlsFault::Content(path.clone(), what);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read.certificate).collect();
    let chain = chain.map_err(|_| content(&files.certificate, "is no PEM file of certificates"))?;
    if chain.is_empty() {
        return Err(content(&files.certificate, "holds no PEM certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&read.key)
        .map_err(|_| content(&files.key, "holds no PEM private key"))?;
    let key = any_supported_type(&key)
        .map_err(|_| content(&files.key, "holds a private key of a kind that TLS does not use"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(certified)),
        Err(_) => Err(TlsFault::Mismatch(files.key.clone(), files.certificate.clone())),
    }
}
