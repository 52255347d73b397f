//! The claims of access tokens and ID tokens (`pingone.md` §8; OIDC Core §2; RFC 9068).

use serde::Serialize;

use crate::claims::StandardClaims;
use crate::id::{ApplicationId, EnvironmentId, GrantId, UserId};
use crate::time::{Seconds, Timestamp};

/// JOSE `typ` of access tokens (RFC 9068 §2.1): no other token passes for one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// JOSE `typ` of ID tokens.
pub const ID_TOKEN_TYPE: &str = "JWT";
/// Life of ID tokens (`pingone.md` §8.1).
pub const ID_TOKEN_LIFETIME: Seconds = Seconds::new(3600);

/// What both tokens say about the grant they come from.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Issuer.
    pub issuer: &'a str,
    /// Environment.
    pub env: EnvironmentId,
    /// The person.
    pub user: UserId,
    /// The client.
    pub client: ApplicationId,
    /// The grant; `sid` of the tokens.
    pub grant: GrantId,
    /// Authentication context.
    pub acr: &'a str,
    /// Methods.
    pub amr: &'a [String],
    /// The moment of approval.
    pub auth_time: Timestamp,
}

/// Claims of an access token.
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    iss: &'a str,
    sub: UserId,
    aud: &'a [String],
    client_id: ApplicationId,
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    sid: GrantId,
    auth_time: i64,
    acr: &'a str,
    amr: &'a [String],
    env: EnvironmentId,
}

impl<'a> AccessTokenClaims<'a> {
    /// The claims of a token for `audience`, valid from `now` for `lifetime`.
    pub fn new(
        subject: Subject<'a>,
        audience: &'a [String],
        scope: &'a str,
        jti: &'a str,
        lifetime: Seconds,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: subject.issuer,
            sub: subject.user,
            aud: audience,
            client_id: subject.client,
            scope,
            iat: now.as_seconds(),
            exp: now.plus(lifetime).as_seconds(),
            jti,
            sid: subject.grant,
            auth_time: subject.auth_time.as_seconds(),
            acr: subject.acr,
            amr: subject.amr,
            env: subject.env,
        }
    }
}

/// Claims of an ID token. No `nonce` (none is sent in CIBA), no `azp`, no `c_hash`.
#[derive(Clone, Debug, Serialize)]
pub struct IdTokenClaims<'a> {
    iss: &'a str,
    sub: UserId,
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
        person: StandardClaims<'a>,
        at_hash: &'a str,
        pushed: Pushed<'a>,
        now: Timestamp,
    ) -> Self {
        Self {
            iss: subject.issuer,
            sub: subject.user,
            aud: subject.client,
            iat: now.as_seconds(),
            exp: now.plus(ID_TOKEN_LIFETIME).as_seconds(),
            auth_time: subject.auth_time.as_seconds(),
            acr: subject.acr,
            amr: subject.amr,
            at_hash,
            sid: subject.grant,
            env: subject.env,
            pushed,
            person,
        }
    }
}
