//! Access tokens: what they say, and what one that comes back says.

use std::borrow::Cow;
use std::collections::BTreeMap;

use assent_jose::{Claims, CompactJws};
use serde::Serialize;
use serde_json::Value;

use crate::confirmation::Confirmation;
use crate::granted_details::GrantedDetails;
use crate::id::{ApplicationId, EnvironmentId, GrantId, Id, UserId};
use crate::keys::EnvironmentKeys;
use crate::scope::ScopeSet;
use crate::time::{Seconds, Timestamp};
use crate::token::{ACCESS_TOKEN_TYPE, Authenticated, Subject};

/// Claims of an access token (`pingone.md` §8.2, RFC 9068 §2.2).
#[derive(Clone, Debug, Serialize)]
pub struct AccessTokenClaims<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    aud: &'a [String],
    client_id: ApplicationId,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<GrantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a [String]>,
    env: EnvironmentId,
    #[serde(flatten)]
    more: Additional<'a>,
}

/// What only some access tokens say.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Additional<'a> {
    /// To whose keys the token is bound (RFC 7800).
    #[serde(rename = "cnf", skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<&'a Confirmation>,
    /// What of `authorization_details` the token is for (RFC 9396 §9.1).
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    pub authorization_details: &'a [Value],
    /// Claims that userinfo is to tell beside those of the scopes (OIDC Core §5.5).
    #[serde(skip_serializing_if = "<[Box<str>]>::is_empty")]
    pub userinfo: &'a [Box<str>],
    /// Attributes of the resources.
    #[serde(flatten)]
    pub attributes: BTreeMap<&'a str, Cow<'a, str>>,
}

impl<'a> AccessTokenClaims<'a> {
    /// The claims of a token for `audience` and `scope` that lives from `now` for `lifetime`. An
    /// application that acts for itself has nobody behind it (`pingone.md` §8.2).
    pub fn new(
        subject: Subject<'a>,
        by: Option<Authenticated<'a>>,
        (audience, scope): (&'a [String], &'a ScopeSet),
        jti: &'a str,
        (now, lifetime): (Timestamp, Seconds),
        more: Additional<'a>,
    ) -> Self {
        Self {
            iss: subject.issuer,
            sub: by.map(|it| it.subject),
            aud: audience,
            client_id: subject.client,
            scope: scope.as_str(),
            iat: now.as_seconds(),
            exp: now.plus(lifetime).as_seconds(),
            jti,
            sid: by.map(|it| it.grant),
            auth_time: by.map(|it| it.auth_time.as_seconds()),
            acr: by.map(|it| it.acr),
            amr: by.map(|it| it.amr),
            env: subject.env,
            more,
        }
    }
}

/// An access token of this environment that has not expired. Whether it was revoked, and whether
/// its application and person still are what they were, is not yet known.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// To whom it was issued.
    pub client: ApplicationId,
    /// Whose it is; `None`: the application acts for itself.
    pub user: Option<UserId>,
    /// What it calls them.
    pub subject: Option<String>,
    /// The grant behind it.
    pub grant: Option<GrantId>,
    /// What it permits.
    pub scope: ScopeSet,
    /// Where.
    pub audience: Vec<String>,
    /// What of `authorization_details` it is for.
    pub details: GrantedDetails,
    /// Claims that userinfo is to tell beside those of the scopes.
    pub userinfo: Vec<Box<str>>,
    /// To whose keys it is bound.
    pub confirmation: Confirmation,
    /// Its name among access tokens.
    pub jti: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
    /// Everything it says.
    pub claims: Claims,
}

impl AccessToken {
    /// Whether a JWT says that it is an access token, or does not say what it is: older clients
    /// have theirs without `typ`. Every other kind of ours says so (T-55).
    pub fn may_be(jws: &CompactJws<'_>) -> bool {
        jws.typ().is_none() || jws.typ_is(ACCESS_TOKEN_TYPE)
    }

    /// Reads the claims of a token of which it is known that this environment made it; `None`: it
    /// is no access token, or it has expired.
    pub fn read(
        claims: Claims,
        keys: &EnvironmentKeys,
        issuer: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let time = |name| claims.time(name).ok().flatten().map(Timestamp::from_seconds);
        let text = |name| claims.text(name).ok().flatten();
        let expires_at = time("exp")?;
        let begun = time("nbf").is_none_or(|from| from <= now);
        if text("iss") != Some(issuer) || now >= expires_at || !begun {
            return None;
        }
        let scope = match text("scope") {
            Some(scope) => ScopeSet::parse(scope).ok()?,
            None => ScopeSet::default(),
        };
        let details = match claims.get("authorization_details") {
            Some(details) => GrantedDetails::of(details.as_array()?.clone())?,
            None => GrantedDetails::default(),
        };
        let userinfo = claims.get("userinfo").and_then(Value::as_array);
        let userinfo = userinfo.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            client: Id::parse(text("client_id")?)?,
            user: user(text("sub"), keys)?,
            subject: text("sub").map(str::to_owned),
            grant: optional(text("sid"))?,
            scope,
            audience: claims.audience().ok()?.into_iter().map(str::to_owned).collect(),
            details,
            userinfo: userinfo.map(Into::into).collect(),
            confirmation: Confirmation::read(&claims)?,
            jti: text("jti")?.to_owned(),
            issued_at: time("iat")?,
            expires_at,
            claims,
        })
    }
}

/// An identifier that may be missing but not malformed.
pub(super) fn optional<T>(text: Option<&str>) -> Option<Option<Id<T>>> {
    match text {
        None => Some(None),
        Some(text) => Id::parse(text).map(Some),
    }
}

/// The person of a `sub`, which may be missing but not malformed.
fn user(subject: Option<&str>, keys: &EnvironmentKeys) -> Option<Option<UserId>> {
    match subject {
        None => Some(None),
        Some(subject) => keys.person(subject).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::RootKey;

    const ISSUER: &str = "https://auth.example.com/e/as";

    fn check(change: impl FnOnce(&mut Value)) -> Option<AccessToken> {
        let mut claims = serde_json::json!({
            "iss": ISSUER, "client_id": ApplicationId::NIL, "scope": "openid pay",
            "sub": UserId::NIL, "sid": GrantId::NIL, "aud": ["https://r"], "jti": "j",
            "iat": 100, "exp": 200,
        });
        change(&mut claims);
        let claims = claims.as_object().unwrap().clone();
        let keys = EnvironmentKeys::derive(RootKey::new([0; 32])).unwrap();
        AccessToken::read(Claims::from(claims), &keys, ISSUER, Timestamp::from_seconds(150))
    }

    #[test]
    fn an_access_token_is_read_when_everything_about_it_is_right() {
        let token = check(|_| ()).unwrap();
        assert_eq!((token.user, token.grant), (Some(UserId::NIL), Some(GrantId::NIL)));
        assert_eq!(token.scope.as_str(), "openid pay");
        let alone = check(|it| {
            for name in ["sub", "sid", "scope"] {
                it.as_object_mut().unwrap().remove(name);
            }
        });
        assert_eq!(alone.unwrap().user, None);
        let bound = check(|it| it["cnf"] = serde_json::json!({ "jkt": "k" })).unwrap();
        assert_eq!(bound.confirmation.proof_key.as_deref(), Some("k"));
        assert!(token.confirmation.is_none());
        let wrong: [(&str, Value); 14] = [
            ("iss", Value::from("https://auth.example.com/other/as")),
            ("iss", Value::Null),
            ("exp", Value::from(150)),
            ("exp", Value::from("200")),
            ("nbf", Value::from(151)),
            ("iat", Value::Null),
            ("client_id", Value::from("shop")),
            ("client_id", Value::Null),
            ("jti", Value::Null),
            ("sub", Value::from("alice")),
            ("sid", Value::from("x")),
            ("scope", Value::from("a\"b")),
            ("authorization_details", Value::from("x")),
            ("cnf", Value::from("x")),
        ];
        for (name, value) in wrong {
            let told = format!("{name} = {value}");
            assert!(check(|claims| claims[name] = value).is_none(), "{told}");
        }
    }
}
