//! The demonstration's throw-away authority: it signs the server's certificate and one for a
//! client, and nobody keeps its key.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Result;
use assent_server::listen::tls::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

use crate::demo::files::{self, Values};

/// Subject of the client's certificate, as an application registers it.
pub const CLIENT_SUBJECT: &str = "CN=demo-client,O=Assent demonstration";

/// What was made.
pub struct Made {
    /// What the server shows.
    pub files: TlsFiles,
    /// What to trust and what to come with, for scripts.
    pub values: Values,
}

/// Makes everything in `data`; the server is reached at `addresses` and as `localhost`.
pub fn make(addresses: &[IpAddr], data: &Path) -> Result<Made> {
    let authority = {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name("Assent demonstration authority", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?
    };
    let mut names: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    names.push(String::from("localhost"));
    names.dedup();
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name = name("Assent demonstration", None);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut client = CertificateParams::new(Vec::new())?;
    client.distinguished_name = name("demo-client", Some("Assent demonstration"));
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut values = Values::new();
    let mut write = |name: &str, file: &str, pem: &str| -> Result<_> {
        let path = std::path::absolute(data.join(file))?;
        files::write_whole(&path, pem.as_bytes())?;
        values.push((name.to_owned(), path.display().to_string()));
        Ok(path)
    };
    let sign = |params: CertificateParams| -> Result<_> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok((params.signed_by(&key, &authority)?.pem(), key.serialize_pem()))
    };
    write("tlsAuthorityFile", "demo-authority.pem", &authority.pem())?;
    let (certificate, key) = sign(server)?;
    let files = TlsFiles {
        certificate: write("tlsCertFile", "demo-server.pem", &certificate)?,
        key: write("tlsKeyFile", "demo-server-key.pem", &key)?,
    };
    let (certificate, key) = sign(client)?;
    write("clientCertFile", "demo-client.pem", &certificate)?;
    write("clientKeyFile", "demo-client-key.pem", &key)?;
    Ok(Made { files, values })
}

fn name(common: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common);
    name
}
