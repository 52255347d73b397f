//! What `assent ask` needs to catch notifications: an address, a key, and a certificate by an
//! authority that the demonstration trusts and whose key nobody keeps.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
};

use super::files::{self, Values};

/// What the demonstration's environment knows of the catcher.
pub struct Catcher {
    /// Where notifications go.
    pub endpoint: String,
    /// The authority to trust, as PEM.
    pub authority: String,
}

/// Makes the files of the catcher in `data` and names them in `values`. Port 0 stands for one
/// that is free now.
pub fn make(address: SocketAddr, data: &Path, values: &mut Values) -> Result<Catcher> {
    let address = if address.port() == 0 { free(address)? } else { address };
    let authority = {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?
    };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let params = CertificateParams::new(vec![address.ip().to_string()])?;
    let certificate = params.signed_by(&key, &authority)?;
    let endpoint = format!("https://{address}/callback");
    values.push((String::from("notificationEndpoint"), endpoint.clone()));
    for (name, file, pem) in [
        ("catcherCertFile", "demo-catcher.pem", certificate.pem()),
        ("catcherKeyFile", "demo-catcher-key.pem", key.serialize_pem()),
    ] {
        let path = std::path::absolute(data.join(file))?;
        files::write_whole(&path, pem.as_bytes())?;
        values.push((name.to_owned(), path.display().to_string()));
    }
    Ok(Catcher { endpoint, authority: authority.pem() })
}

fn free(address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address);
    let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.local_addr()?)
}
