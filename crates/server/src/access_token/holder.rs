//! Whether who sends an access token holds the keys that it is bound to (RFC 8705 §3, RFC 9449 §7).

use assent_protocol::dpop as protocol;
use assent_protocol::reason::Reason;
use assent_protocol::token::AccessToken;
use http::{HeaderMap, Method};

use crate::app::App;
use crate::call::Call;
use crate::dpop::{self, Accepted};
use crate::extract::credentials::Scheme;
use crate::failure::Failure;
use crate::registry::Tenant;

/// An access token as it was sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// As what.
    pub scheme: Scheme,
    /// The token.
    pub token: &'a str,
    /// What else stood in the head.
    pub headers: &'a HeaderMap,
    /// The method of the call.
    pub method: &'a Method,
    /// The URLs by which the endpoint is known.
    pub urls: &'a [String],
}

/// Whether it was sent by its holder; answers the proof, if it needed one. A token that is bound to
/// nobody is anybody's, but not under the scheme of those that are.
///
/// # Errors
/// It was not; or a fault.
pub async fn check(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    token: &AccessToken,
    sent: Sent<'_>,
) -> Result<Option<Accepted>, Failure> {
    let bound = &token.confirmation;
    if let Some(certificate) = bound.certificate.as_deref() {
        let shown = call.certificate.as_ref().map(|it| it.thumbprint());
        if shown != Some(certificate) {
            return Err(Reason::AccessTokenOtherHolder.into());
        }
    }
    match (bound.proof_key.as_deref(), sent.scheme) {
        (None, Scheme::Bearer) => Ok(None),
        (Some(_), Scheme::Bearer) => Err(Reason::AccessTokenNotBearer.into()),
        (None, Scheme::Dpop) => Err(Reason::AccessTokenOtherHolder.into()),
        (Some(key), Scheme::Dpop) => {
            let method = sent.method.as_str();
            let made_for =
                protocol::Call { method, urls: sent.urls, access_token: Some(sent.token) };
            let proof = dpop::read(app, tenant, call, sent.headers, made_for)?;
            let proof = proof.ok_or(Reason::DpopProofMissing)?;
            // Before it is remembered: who stole a token could fill the memory.
            if proof.key() != key {
                return Err(Reason::AccessTokenOtherHolder.into());
            }
            dpop::accept(app, tenant, token.client, &proof).await.map(Some)
        }
    }
}
