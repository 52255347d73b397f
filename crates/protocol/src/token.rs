//! The claims of access tokens and ID tokens (`pingone.md` §8; OIDC Core §2; RFC 9068).

use serde::Serialize;

use crate::claims::StandardClaims;
use crate::id::{ApplicationId, EnvironmentId, GrantId};
use crate::time::{Seconds, Timestamp};

pub use access::{AccessToken, AccessTokenClaims, Additional};
pub use id::IdToken;

mod access;
mod id;

/// JOSE `typ` of access tokens (RFC 9068 §2.1): no other token passes for one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// JOSE `typ` of ID tokens.
pub const ID_TOKEN_TYPE: &str = "JWT";
/// JOSE `typ` of signed introspection (RFC 9701 §5).
pub const INTROSPECTION_TYPE: &str = "token-introspection+jwt";
/// Life of ID tokens (`pingone.md` §8.1).
pub const ID_TOKEN_LIFETIME: Seconds = Seconds::new(3600);

/// What all tokens say about where they come from.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Issuer.
    pub issuer: &'a str,
    /// Environment.
    pub env: EnvironmentId,
    /// The client.
    pub client: ApplicationId,
}

/// How a person said yes.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated<'a> {
    /// What the application calls the person.
    pub subject: &'a str,
    /// The grant; `sid` of the tokens.
    pub grant: GrantId,
    /// Authentication context.
    pub acr: &'a str,
    /// Methods.
    pub amr: &'a [String],
    /// The moment of approval.
    pub auth_time: Timestamp,
}

/// Claims of an ID token. No `nonce` (none is sent in CIBA), no `azp`, no `c_hash`.
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: ApplicationId,
    iat: i64,
    exp: i64,
    auth_time: i64,
    acr: &'a str,
    amr: &'a [String],
    at_hash: &'a str,
    sid: GrantId,
    env: EnvironmentId,
    #[serde(flatten)]
    pushed: Pushed<'a>,
    #[serde(flatten)]
    person: StandardClaims<'a>,
}

/// What an ID token says only when it is pushed (CIBA §10.3.1).
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Pushed<'a> {
    /// The request it answers.
    #[serde(
        rename = "urn:openid:params:jwt:claim:auth_req_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_req_id: Option<&'a str>,
    /// Left half of the hash of the refresh token beside it.
    #[serde(
        rename = "urn:openid:params:jwt:claim:rt_hash",
        skip_serializing_if = "Option::is_none"
    )]
    pub rt_hash: Option<&'a str>,
}

impl<'a> IdTokenClaims<'a> {
    /// The claims of an ID token that comes with an access token of this `at_hash`
    /// (OIDC Core §3.1.3.6). PingOne delivers standard claims here too unless told otherwise.
    pub fn new(
        subject: Subject<'a>,
        by: Authenticated<'a>,
        person: StandardClaims<'a>,
        at_hash: &'a str,
        pushed: Pushed<'a>,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: subject.issuer,
            sub: by.subject,
            aud: subject.client,
            iat: now.as_seconds(),
            exp: now.plus(ID_TOKEN_LIFETIME).as_seconds(),
            auth_time: by.auth_time.as_seconds(),
            acr: by.acr,
            amr: by.amr,
            at_hash,
            sid: by.grant,
            env: subject.env,
            pushed,
            person,
        }
    }
}
