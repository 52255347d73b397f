//! Client authentication (RFC 6749 §2.3, RFC 7521, RFC 7523, OIDC Core §9).
//!
//! 1. [`Presented::collect`] finds what the request presents; two credentials are an error.
//! 2. [`Presented::client_id`] says who it claims to be.
//! 3. [`authenticate`] checks it against the registered method and no other.
//!
//! Every failure reads the same to the client; the log knows the reason.

use assent_jose::{Algorithm, CompactJws, Jwks};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::application::{Application, TokenEndpointAuthMethod as Method};
use crate::assertion::SpentAssertion;
use crate::environment::AssertionAudience;
use crate::id::ApplicationId;
use crate::keys::EnvironmentKeys;
use crate::params::{Params, form_decode};
use crate::reason::Reason;
use crate::sealing::Unsealable;
use crate::secret::{Digest, Purpose, Secret};
use crate::time::{Seconds, Timestamp};

/// `client_assertion_type` of RFC 7523 §2.2.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion may live this long (`pingone.md` §6).
pub const ASSERTION_LIFETIME_MAX: Seconds = Seconds::new(3600);
/// Clocks may differ by this much.
pub const SKEW: Seconds = Seconds::new(10);

/// Basic credentials come padded or, from some clients, not.
const BASIC: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request presents to authenticate its client.
#[derive(Clone, Debug)]
pub enum Presented {
    /// HTTP Basic.
    Basic {
        /// Who it claims to be.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
    /// Secret in the body.
    Post {
        /// Who it claims to be.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
    /// A JWT in the body.
    Assertion {
        /// Who it claims to be: the unverified `sub`.
        client_id: String,
        /// Which key it claims to be signed with: the unverified `kid`.
        key_id: Option<String>,
        /// The JWT.
        jwt: Secret,
    },
    /// The certificate of the connection (RFC 8705 §2).
    Certificate {
        /// Who it claims to be.
        client_id: String,
        /// The certificate, as DER; that the client holds its key is proven.
        der: Box<[u8]>,
    },
}

impl Presented {
    /// Finds the one credential of a request. `authorization` are the values of all
    /// `Authorization` headers. The `certificate` of the connection is a credential only where
    /// there is no other: with it, it binds tokens.
    ///
    /// # Errors
    /// None, several, or a malformed one.
    pub fn collect(
        authorization: &[&str],
        params: &Params,
        certificate: Option<&[u8]>,
    ) -> Result<Self, Reason> {
        let header = match authorization {
            [] => None,
            [one] => Some(*one),
            _ => return Err(Reason::AuthorizationHeaderRepeated),
        };
        let secret = params.find("client_secret");
        let assertion = params.find("client_assertion");
        let assertion_type = params.find("client_assertion_type");
        let uses_assertion = assertion.is_some() || assertion_type.is_some();
        // RFC 6749 §2.3: one method per request; RFC 7521 §4.2.1 names its own error.
        match (header.is_some(), secret.is_some(), uses_assertion) {
            (true, _, true) | (_, true, true) => Err(Reason::CredentialsMultipleWithAssertion),
            (true, true, false) => Err(Reason::CredentialsMultiple),
            (true, false, false) => basic(header.unwrap_or_default(), params),
            (false, true, false) => post(secret.unwrap_or_default(), params),
            (false, false, true) => jwt_bearer(assertion, assertion_type, params),
            (false, false, false) => by_certificate(certificate, params),
        }
    }

    /// Who the client claims to be.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Certificate { client_id, .. } => client_id,
        }
    }
}

/// RFC 6749 §2.3.1: base64, split at the first colon, form-decode both halves.
fn basic(header: &str, params: &Params) -> Result<Presented, Reason> {
    let malformed = Reason::AuthorizationHeaderMalformed;
    let (scheme, encoded) = header.split_once(' ').ok_or(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed);
    }
    let octets = BASIC.decode(encoded.trim()).map_err(|_| malformed)?;
    let colon = octets.iter().position(|byte| *byte == b':').ok_or(malformed)?;
    let (client_id, secret) = octets.split_at_checked(colon).ok_or(malformed)?;
    let client_id = form_decode(client_id).ok_or(malformed)?;
    let secret = form_decode(secret.get(1..).unwrap_or_default()).ok_or(malformed)?;
    same_client(params, &client_id)?;
    Ok(Presented::Basic { client_id, secret: Secret::new(secret) })
}

fn post(secret: &str, params: &Params) -> Result<Presented, Reason> {
    let client_id = params.find("client_id").ok_or(Reason::CredentialsMissing)?.to_owned();
    Ok(Presented::Post { client_id, secret: Secret::new(secret.to_owned()) })
}

/// RFC 8705 §2: the request names its client beside the certificate.
fn by_certificate(certificate: Option<&[u8]>, params: &Params) -> Result<Presented, Reason> {
    let missing = Reason::CredentialsMissing;
    let der = certificate.ok_or(missing)?.into();
    let client_id = params.find("client_id").ok_or(missing)?.to_owned();
    Ok(Presented::Certificate { client_id, der })
}

/// RFC 7523 §2.2: type and assertion come together.
fn jwt_bearer(
    assertion: Option<&str>,
    assertion_type: Option<&str>,
    params: &Params,
) -> Result<Presented, Reason> {
    if assertion_type != Some(JWT_BEARER) {
        return Err(Reason::AssertionTypeWrong);
    }
    let malformed = Reason::AssertionMalformed;
    let jwt = assertion.ok_or(malformed)?;
    let jws = CompactJws::parse(jwt).map_err(|_| malformed)?;
    let claims = jws.unverified_claims().map_err(|_| malformed)?;
    let client_id = claims.text("sub").map_err(|_| malformed)?.ok_or(malformed)?.to_owned();
    same_client(params, &client_id)?;
    let key_id = jws.key_id().map(str::to_owned);
    Ok(Presented::Assertion { client_id, key_id, jwt: Secret::new(jwt.to_owned()) })
}

/// a `client_id` in the body names the same client.
fn same_client(params: &Params, client_id: &str) -> Result<(), Reason> {
    match params.find("client_id") {
        Some(other) if other != client_id => Err(Reason::ClientIdMismatch),
        _ => Ok(()),
    }
}

/// The URLs of the environment that an assertion may be meant for.
#[derive(Clone, Copy, Debug)]
pub struct Audiences<'a> {
    /// The issuer; what clients should use.
    pub issuer: &'a str,
    /// The token endpoint and the endpoint that is being called, at every door.
    pub endpoints: &'a [&'a str],
    /// Which of them count.
    pub rule: AssertionAudience,
}

impl Audiences<'_> {
    /// Exactly one audience, and one of ours (T-40).
    fn accept(&self, audience: &[&str]) -> bool {
        let [one] = audience else { return false };
        match self.rule {
            AssertionAudience::Strict => *one == self.issuer,
            AssertionAudience::Pingone => *one == self.issuer || self.endpoints.contains(one),
        }
    }
}

/// Why a client could not be authenticated: it is refused, or we cannot read its secret.
#[derive(Debug)]
pub enum Failure {
    /// The client is refused.
    Refused(Reason),
    /// Its stored secret does not open: a fault of ours.
    Fault(Unsealable),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

/// An accepted assertion, for the replay memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedAssertion {
    /// Digest of its `jti`, or of what was signed when it has none.
    pub digest: Digest,
    /// Its `exp`.
    pub expires_at: Timestamp,
    /// The earliest moment at which it can have been signed.
    issued_at: Timestamp,
}

impl AcceptedAssertion {
    /// Refuses what may have been used before `epoch`, in a time of which the store knows nothing
    /// any more (F-31, F-32): whether it is a replay cannot be told, so it counts as one.
    ///
    /// # Errors
    /// It was signed before the epoch, or does not say that it was not.
    pub fn require_since(&self, epoch: Timestamp) -> Result<(), Reason> {
        // A client's clock may be ahead of ours by the skew, and its assertion was accepted.
        if epoch == Timestamp::default() || self.issued_at >= epoch.plus(SKEW) {
            return Ok(());
        }
        Err(Reason::AssertionReplayed)
    }

    /// The record that spends it for `auth_req_id`.
    pub const fn spent(&self, client: &Application, auth_req_id: Option<Digest>) -> SpentAssertion {
        SpentAssertion {
            env: client.env,
            client: client.id,
            digest: self.digest,
            bound_to: auth_req_id,
            expires_at: self.expires_at,
        }
    }
}

/// What is known beside what was presented.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The client's public keys and certificates, as far as they can be had.
    pub jwks: Option<&'a Jwks>,
    /// Whether the certificate presented is by an authority of the environment.
    pub certificate_is_trusted: bool,
}

/// Checks what was presented against what is registered. `Ok(None)`: without an assertion.
///
/// # Errors
/// The client is unknown, disabled, registered for another method, or its credential is wrong.
pub fn authenticate(
    presented: &Presented,
    client: Option<&Application>,
    evidence: Evidence<'_>,
    keys: &EnvironmentKeys,
    audiences: Audiences<'_>,
    now: Timestamp,
) -> Result<Option<AcceptedAssertion>, Failure> {
    let Some(client) = client else {
        // The same work as for a known client, so that time does not tell them apart (T-58).
        if let Presented::Basic { secret, .. } | Presented::Post { secret, .. } = presented {
            let digest = keys.client_secret_digest(ApplicationId::NIL, secret.expose());
            let _ = digest.matches(&Digest::from_bytes([0; 32]));
        }
        return Err(Reason::ClientUnknown.into());
    };
    if !client.profile.allows_method(client.auth_method) {
        return Err(Reason::ClientMethodNotOfProfile.into());
    }
    let accepted = match (presented, client.auth_method) {
        (Presented::Basic { secret, .. }, Method::ClientSecretBasic)
        | (Presented::Post { secret, .. }, Method::ClientSecretPost) => {
            check_secret(client, secret, keys, now)?;
            None
        }
        (Presented::Assertion { jwt, .. }, Method::ClientSecretJwt | Method::PrivateKeyJwt) => {
            Some(check_assertion(client, jwt.expose(), (evidence.jwks, keys), audiences, now)?)
        }
        (
            Presented::Certificate { der, .. },
            Method::TlsClientAuth | Method::SelfSignedTlsClientAuth,
        ) => {
            check_certificate(client, der, evidence)?;
            None
        }
        _ => return Err(Reason::ClientMethodMismatch.into()),
    };
    // Said only to who proved to be the client; the answer is the same all the same.
    if client.enabled { Ok(accepted) } else { Err(Reason::ClientDisabled.into()) }
}

fn check_secret(
    client: &Application,
    secret: &Secret,
    keys: &EnvironmentKeys,
    now: Timestamp,
) -> Result<(), Reason> {
    let digest = keys.client_secret_digest(client.id, secret.expose());
    let previous = client.previous_secret.as_ref().filter(|previous| now < previous.expires_at);
    let current_matches = digest.matches(&client.secret.digest);
    let previous_matches = previous.is_some_and(|it| digest.matches(&it.secret.digest));
    if current_matches || previous_matches { Ok(()) } else { Err(Reason::ClientSecretWrong) }
}

/// RFC 8705 §2.1: by an authority, and naming the one subject that is registered; §2.2: the very
/// certificate that is registered, whoever issued it.
fn check_certificate(
    client: &Application,
    der: &[u8],
    evidence: Evidence<'_>,
) -> Result<(), Reason> {
    if client.auth_method == Method::SelfSignedTlsClientAuth {
        let jwks = evidence.jwks.ok_or(Reason::AssertionKeysUnavailable)?;
        let known = jwks.certificates().iter().any(|known| **known == *der);
        return if known { Ok(()) } else { Err(Reason::CertificateUnknown) };
    }
    if !evidence.certificate_is_trusted {
        return Err(Reason::CertificateUntrusted);
    }
    let subject = client.certificate_subject.as_ref();
    let named = subject.is_some_and(|subject| subject.is_named_by(der));
    if named { Ok(()) } else { Err(Reason::CertificateUnknown) }
}

/// The client's public keys, and the environment's, which open its secrets.
type Keys<'a> = (Option<&'a Jwks>, &'a EnvironmentKeys);

fn check_assertion(
    client: &Application,
    jwt: &str,
    keys: Keys<'_>,
    audiences: Audiences<'_>,
    now: Timestamp,
) -> Result<AcceptedAssertion, Failure> {
    let jws = CompactJws::parse(jwt).map_err(|_| Reason::AssertionMalformed)?;
    // RFC 8725 §3.11: another kind of JWT cannot stand for an assertion.
    if jws.typ().is_some() && !jws.typ_is("JWT") && !jws.typ_is("client-authentication+jwt") {
        return Err(Reason::AssertionWrongKind.into());
    }
    let algorithm = jws.algorithm();
    let registered = client.auth_signing_alg.is_none_or(|registered| registered == algorithm);
    if !registered || !client.profile.allows(algorithm) {
        return Err(Reason::AssertionAlgorithmNotRegistered.into());
    }
    let claims = verify(client, &jws, keys, now)?;
    let malformed = |_| Reason::AssertionMalformed;
    let client_id = client.id.to_string();
    for name in ["iss", "sub"] {
        if claims.text(name).map_err(malformed)? != Some(client_id.as_str()) {
            return Err(Reason::AssertionIssuerWrong.into());
        }
    }
    if !audiences.accept(&claims.audience().map_err(malformed)?) {
        return Err(Reason::AssertionAudienceWrong.into());
    }
    let time =
        |name| claims.time(name).map(|time| time.map(Timestamp::from_seconds)).map_err(malformed);
    let expires_at = time("exp")?.ok_or(Reason::AssertionMalformed)?;
    let (not_before, issued_at) = (time("nbf")?, time("iat")?);
    check_times(expires_at, not_before, issued_at, now)?;
    // Without a `jti` what was signed is the identity: an ECDSA signature has twins.
    let signed = jwt.rsplit_once('.').map_or(jwt, |(signed, _)| signed);
    let identity = claims.text("jti").map_err(malformed)?.unwrap_or(signed);
    Ok(AcceptedAssertion {
        digest: Digest::of(Purpose::Assertion, client.env, identity.as_bytes()),
        expires_at,
        issued_at: earliest_issue(expires_at, not_before, issued_at),
    })
}

/// What says when it was signed; else the time before which we would not have accepted it.
fn earliest_issue(
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
) -> Timestamp {
    issued_at.or(not_before).unwrap_or_else(|| expires_at.minus(ASSERTION_LIFETIME_MAX))
}

/// `exp` is not past and at most an hour ahead; `nbf` and `iat` are not in the future.
fn check_times(
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Reason> {
    if expires_at <= now {
        return Err(Reason::AssertionExpired);
    }
    if expires_at > now.plus(ASSERTION_LIFETIME_MAX).plus(SKEW) {
        return Err(Reason::AssertionTooLongLived);
    }
    let begun = |moment: Option<Timestamp>| moment.is_none_or(|moment| moment <= now.plus(SKEW));
    if begun(not_before) && begun(issued_at) { Ok(()) } else { Err(Reason::AssertionNotYetValid) }
}

/// The registered method says which keys there are; the token cannot choose (RFC 8725 §3.1).
fn verify(
    client: &Application,
    jws: &CompactJws<'_>,
    (jwks, keys): Keys<'_>,
    now: Timestamp,
) -> Result<assent_jose::Claims, Failure> {
    let wrong = Failure::Refused(Reason::AssertionSignatureWrong);
    if client.auth_method == Method::PrivateKeyJwt {
        let jwks = jwks.ok_or(Reason::AssertionKeysUnavailable)?;
        return jws.verify_with(jwks, &Algorithm::ASYMMETRIC).map_err(|_| wrong);
    }
    let current = keys.client_secret_key(client.id, &client.secret).map_err(Failure::Fault)?;
    if let Ok(claims) = jws.verify_hmac(&current) {
        return Ok(claims);
    }
    let previous = client.previous_secret.as_ref().filter(|previous| now < previous.expires_at);
    let previous = previous.ok_or(Reason::AssertionSignatureWrong)?;
    let key = keys.client_secret_key(client.id, &previous.secret).map_err(Failure::Fault)?;
    jws.verify_hmac(&key).map_err(|_| wrong)
}

#[cfg(test)]
mod tests;
