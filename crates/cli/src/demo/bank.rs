//! Applications of the demonstration's environment that is held to the FAPI-CIBA profile.

use std::path::Path;

use anyhow::Result;
use assent_jose::{Algorithm, Jwks, SigningKey};
use assent_protocol::application::{
    Application, CibaRegistration, TokenEndpointAuthMethod as Method,
};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::client_certificate::CertificateSubject;
use assent_protocol::record::Write;

use crate::demo::files::{self, Values};
use crate::demo::seed::Seeder;
use crate::demo::tls;

/// One that signs and polls, one that comes with a certificate and is pinged.
pub fn applications(
    bank: &Seeder,
    data: &Path,
    endpoint: &str,
    writes: &mut Vec<Write>,
) -> Result<Values> {
    let mut values = Values::new();
    for (prefix, name, method, mode) in [
        ("fapi", "Budget Planner", Method::PrivateKeyJwt, DeliveryMode::Poll),
        ("fapiMtls", "Payment Initiator", Method::TlsClientAuth, DeliveryMode::Ping),
    ] {
        let key = SigningKey::generate(Algorithm::PS256)?;
        let path = std::path::absolute(data.join(format!("demo-{prefix}.pem")))?;
        files::write_pem(&path, &key.to_pkcs8()?)?;
        let (plain, _) = bank.plain(name)?;
        let mut put = |key: &str, value: String| values.push((format!("{prefix}{key}"), value));
        put("AppID", plain.id.to_string());
        put("KeyFile", path.display().to_string());
        put("KeyKid", key.key_id().to_owned());
        let pinged = mode == DeliveryMode::Ping;
        writes.push(Write::insert(Application {
            auth_method: method,
            certificate_subject: (method == Method::TlsClientAuth)
                .then(|| CertificateSubject::SubjectDn(tls::CLIENT_SUBJECT.to_owned())),
            jwks: Some(Jwks::from_keys(vec![key.public_key().clone()])),
            token_signing_alg: Algorithm::PS256,
            ciba: CibaRegistration {
                delivery_mode: mode,
                notification_endpoint: pinged.then(|| endpoint.to_owned()),
                request_signing_alg: Some(Algorithm::PS256),
                ..plain.ciba.clone()
            },
            ..plain
        }));
    }
    Ok(values)
}
