//! The demonstration's throw-away authority: it signs the server's certificate and one for a
//! client, and nobody keeps its key.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use assent_server::listen::tls::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

use crate::demo::files::{self, Values};

/// Subject of the client's certificate, as an application registers it.
pub const CLIENT_SUBJECT: &str = "CN=demo-client,O=Assent demonstration";

/// Makes everything in `data`, names the files in `values`, and answers with the authority as PEM.
pub fn make(data: &Path, values: &mut Values) -> Result<String> {
    let authority = {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = name("Assent demonstration authority", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)?
    };
    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned).to_vec();
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name = name("Assent demonstration", None);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let mut client = CertificateParams::new(Vec::new())?;
    client.distinguished_name = name("demo-client", Some("Assent demonstration"));
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut write = |name: &str, file: &str, pem: &str| -> Result<()> {
        let path = std::path::absolute(data.join(file))?;
        files::write_whole(&path, pem.as_bytes())?;
        values.push((name.to_owned(), path.display().to_string()));
        Ok(())
    };
    let sign = |params: CertificateParams| -> Result<_> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok((params.signed_by(&key, &authority)?.pem(), key.serialize_pem()))
    };
    write("tlsAuthorityFile", "demo-authority.pem", &authority.pem())?;
    for (params, name, file) in [(server, "tls", "server"), (client, "client", "client")] {
        let (certificate, key) = sign(params)?;
        write(&format!("{name}CertFile"), &format!("demo-{file}.pem"), &certificate)?;
        write(&format!("{name}KeyFile"), &format!("demo-{file}-key.pem"), &key)?;
    }
    Ok(authority.pem())
}

/// What the server shows, of what was made.
pub fn files(values: &Values) -> Result<TlsFiles> {
    let find = |name: &str| {
        let found = values.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| PathBuf::from(value)).context(
            "the data directory was made by an earlier release and has no certificates; \
             choose another --data",
        )
    };
    Ok(TlsFiles { certificate: find("tlsCertFile")?, key: find("tlsKeyFile")? })
}

fn name(common: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common);
    name
}
