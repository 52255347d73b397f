//! Proofs that a caller holds a key (RFC 9449), as requests carry them: one header, looked at
//! before anything is done for it, and remembered so that it counts once.
//!
//! What an accepted proof leads to is remembered by this node. Where tokens are given, the same
//! commit remembers it for all nodes and beyond a restart: [`Accepted::spend`].

use assent_protocol::assertion::SpentAssertion;
use assent_protocol::decision::Change;
use assent_protocol::dpop::nonce::{self, NonceRule};
use assent_protocol::dpop::{self as protocol, ALGORITHMS, Proof};
use assent_protocol::environment::AssertionReplay;
use assent_protocol::id::ApplicationId;
use assent_protocol::reason::Reason;
use assent_protocol::time::Timestamp;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::registry::Tenant;
use crate::replay::Remembered;

/// The header that holds a proof.
pub const HEADER: HeaderName = HeaderName::from_static("dpop");
/// The header that tells the nonce of the next proof.
pub const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A proof that was accepted.
pub struct Accepted {
    /// The thumbprint of the key: `jkt`.
    pub key: Box<str>,
    /// What is to be remembered durably; `None`: it is.
    spent: Option<SpentAssertion>,
}

impl Accepted {
    /// The change that remembers the proof with what is done for it.
    pub fn spend(&self) -> Option<Change> {
        self.spent.clone().map(protocol::spend)
    }
}

/// The proof of a request, if it has one, made for this call and with a nonce that serves.
///
/// # Errors
/// There are several; or it is not as it has to be.
pub fn read(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    headers: &HeaderMap,
    made_for: protocol::Call<'_>,
) -> Result<Option<Proof>, Reason> {
    let texts: Result<Vec<&str>, _> =
        headers.get_all(HEADER).iter().map(HeaderValue::to_str).collect();
    let texts = texts.map_err(|_| Reason::DpopProofMalformed)?;
    let profile = tenant.environment.security.profile;
    let Some(proof) = Proof::parse(&texts, profile)? else { return Ok(None) };
    proof.check(made_for, app.store.epoch(), call.now)?;
    let rule = tenant.environment.ciba.dpop_nonce;
    nonce::check(proof.nonce()?, rule, tenant.keys.dpop_nonces(), call.now)?;
    Ok(Some(proof))
}

/// Remembers a proof of `client`, so that it is accepted once.
///
/// # Errors
/// It was used before; or a fault.
pub async fn accept(
    app: &App,
    tenant: &Tenant,
    client: ApplicationId,
    proof: &Proof,
) -> Result<Accepted, Failure> {
    let spent = proof.spent(tenant.id(), client);
    let remembered = app.replay.remember(spent.clone(), AssertionReplay::SingleUse);
    let spent = match remembered.map_err(|_| Reason::DpopProofReplayed)? {
        Remembered::Yes => Some(spent),
        Remembered::Full => {
            app.spend(protocol::spend(spent)).await?;
            None
        }
    };
    Ok(Accepted { key: proof.key().into(), spent })
}

/// The nonce for the next proof of whoever sends proofs, where one is needed (RFC 9449 §8.2).
pub fn nonce(tenant: &Tenant, call: &Call, now: Timestamp) -> Option<HeaderValue> {
    let required = tenant.environment.ciba.dpop_nonce == NonceRule::Required;
    let nonce = || nonce::current(tenant.keys.dpop_nonces(), now);
    (required && call.proof_used).then(nonce).and_then(|nonce| HeaderValue::try_from(nonce).ok())
}

/// Tells that nonce with an answer that is given `now`.
pub fn announce_nonce(response: &mut Response, tenant: &Tenant, call: &Call, now: Timestamp) {
    if let Some(nonce) = nonce(tenant, call, now) {
        response.headers_mut().insert(NONCE, nonce);
    }
}

/// What whoever should have shown a proof is told beside the body (RFC 9449 §7.1).
pub fn challenge(error: Option<&str>) -> Option<HeaderValue> {
    let names: Vec<&str> = ALGORITHMS.iter().map(|algorithm| algorithm.name()).collect();
    let error = error.map(|error| format!(" error=\"{error}\",")).unwrap_or_default();
    let text = format!("DPoP realm=\"assent\",{error} algs=\"{}\"", names.join(" "));
    HeaderValue::try_from(text).ok()
}
