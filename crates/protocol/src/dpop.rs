//! Proofs that a caller holds a key (RFC 9449 §4): what a proof has to say, and that it counts
//! once.
//!
//! 1. [`Proof::parse`] takes the one `DPoP` header, verifies the signature with the key inside, and
//!    reads the claims.
//! 2. [`Proof::check`] compares them with the call: method, URL, time, the access token.
//! 3. [`nonce`] compares its nonce with those of the environment, where one is required.
//! 4. What is accepted is remembered as long as it would be accepted (§11.1). The memory is of its
//!    own: a `jti` of an assertion or of a signed request is another one (T-38).

use assent_jose::{Algorithm, Claims, KeyProof, base64url_encode, verify_key_proof};
use aws_lc_rs::digest::{SHA256, digest};
use url::Url;

use crate::assertion::SpentAssertion;
use crate::client_authentication::SKEW;
use crate::decision::Change;
use crate::environment::Profile;
use crate::fapi;
use crate::id::{ApplicationId, EnvironmentId};
use crate::reason::Reason;
use crate::record::Write;
use crate::secret::{Digest, Purpose};
use crate::time::{Seconds, Timestamp};

pub mod nonce;

/// JOSE `typ` of proofs: nothing else passes for one, and a proof for nothing else.
pub const PROOF_TYPE: &str = "dpop+jwt";
/// What proofs may be signed with in every environment.
pub const ALGORITHMS: [Algorithm; 3] = fapi::ALGORITHMS;
/// A proof counts for so long after its `iat`.
pub const LIFETIME: Seconds = Seconds::new(60);
/// Longest `jti` in octets.
pub const JTI_BYTES_MAX: usize = 256;

/// A proof whose signature is right; whether it is for this call is not yet known.
#[derive(Debug)]
pub struct Proof {
    key: Box<str>,
    claims: Claims,
    jti: String,
    issued_at: Timestamp,
}

/// The call that a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The URLs by which the endpoint is known; never what the request says of itself (T-67).
    pub urls: &'a [String],
    /// The access token that comes with the proof.
    pub access_token: Option<&'a str>,
}

impl Proof {
    /// Takes the values of all `DPoP` headers; `None`: there are none.
    ///
    /// # Errors
    /// More than one, or not such a JWT (RFC 9449 §4.3, 1 to 7).
    pub fn parse(headers: &[&str], profile: Profile) -> Result<Option<Self>, Reason> {
        let text = match headers {
            [] => return Ok(None),
            [one] => *one,
            _ => return Err(Reason::DpopProofRepeated),
        };
        let malformed = |_| Reason::DpopProofMalformed;
        let proof = verify_key_proof(text, PROOF_TYPE, algorithms(profile));
        let KeyProof { claims, thumbprint } = proof.map_err(|error| match error {
            assent_jose::Error::SignatureInvalid => Reason::DpopProofSignatureWrong,
            _ => Reason::DpopProofMalformed,
        })?;
        let jti = claims.text("jti").map_err(malformed)?;
        let jti = jti.filter(|jti| (1..=JTI_BYTES_MAX).contains(&jti.len()));
        let jti = jti.ok_or(Reason::DpopProofMalformed)?.to_owned();
        let issued_at = claims.time("iat").map_err(malformed)?.ok_or(Reason::DpopProofMalformed)?;
        let issued_at = Timestamp::from_seconds(issued_at);
        Ok(Some(Self { key: thumbprint.into(), claims, jti, issued_at }))
    }

    /// The thumbprint of the key that its maker holds: `jkt`.
    pub const fn key(&self) -> &str {
        &self.key
    }

    /// The nonce that it was made with.
    ///
    /// # Errors
    /// It is no text.
    pub fn nonce(&self) -> Result<Option<&str>, Reason> {
        self.claims.text("nonce").map_err(|_| Reason::DpopProofMalformed)
    }

    /// Whether it was made for this call, just now, and since `epoch`: of what was used before that
    /// nothing may be known any more (F-31).
    ///
    /// # Errors
    /// It was not (RFC 9449 §4.3, 8, 9, 11 and 12).
    pub fn check(&self, call: Call<'_>, epoch: Timestamp, now: Timestamp) -> Result<(), Reason> {
        let text = |name| self.claims.text(name).map_err(|_| Reason::DpopProofMalformed);
        if text("htm")? != Some(call.method) {
            return Err(Reason::DpopProofOtherCall);
        }
        let url = text("htu")?.and_then(normalised).ok_or(Reason::DpopProofOtherCall)?;
        if !call.urls.iter().any(|known| normalised(known).as_ref() == Some(&url)) {
            return Err(Reason::DpopProofOtherCall);
        }
        if self.issued_at.plus(LIFETIME) <= now || self.issued_at > now.plus(SKEW) {
            return Err(Reason::DpopProofNotFresh);
        }
        if epoch != Timestamp::default() && self.issued_at < epoch.plus(SKEW) {
            return Err(Reason::DpopProofNotFresh);
        }
        match (call.access_token, text("ath")?) {
            (Some(token), Some(hash)) if hash == hash_of(token) => Ok(()),
            (None, None) => Ok(()),
            // Made for a call with an access token, so for another one.
            (Some(_) | None, _) => Err(Reason::DpopProofOtherToken),
        }
    }

    /// What is remembered of it: this `jti` of this key, among the proofs of one client.
    pub fn spent(&self, env: EnvironmentId, client: ApplicationId) -> SpentAssertion {
        // A thumbprint has one length, so nothing runs together.
        let name = [self.key.as_bytes(), self.jti.as_bytes()].concat();
        SpentAssertion {
            env,
            client,
            digest: Digest::of(Purpose::DpopProof, env, &name),
            bound_to: None,
            expires_at: self.issued_at.plus(LIFETIME),
        }
    }
}

/// What proofs may be signed with in an environment of this profile.
pub const fn algorithms(profile: Profile) -> &'static [Algorithm] {
    match profile {
        Profile::Ciba => &Algorithm::ASYMMETRIC,
        Profile::FapiCiba => &ALGORITHMS,
    }
}

/// The change that remembers a proof durably; losing it is a replay.
pub fn spend(spent: SpentAssertion) -> Change {
    Change::new(Write::insert(spent), Reason::DpopProofReplayed)
}

/// `ath` of a token (RFC 9449 §4.2).
fn hash_of(token: &str) -> String {
    base64url_encode(digest(&SHA256, token.as_bytes()).as_ref())
}

/// A URL without query and fragment, in the one spelling of RFC 3986 §6.2.2 and §6.2.3; `None`: it
/// is none, or says more than where.
fn normalised(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let plain = url.has_host() && url.username().is_empty() && url.password().is_none();
    url.set_query(None);
    url.set_fragment(None);
    plain.then_some(url)
}

#[cfg(test)]
mod tests;
