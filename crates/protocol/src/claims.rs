//! What a scope tells about a person (OIDC Core §5.1, §5.4; `pingone.md` §8.4). What is not known
//! is left out.

use serde::Serialize;

use crate::scope::ScopeSet;
use crate::user::User;

/// The standard claims that some scopes release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StandardClaims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middle_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    family_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
}

impl<'a> StandardClaims<'a> {
    /// The claims about `user` that `scope` releases.
    pub fn of(user: &'a User, scope: &ScopeSet) -> Self {
        let mut claims = Self::default();
        if scope.contains("profile") {
            claims.name = full_name(user);
            claims.given_name = user.name.given.as_deref();
            claims.middle_name = user.name.middle.as_deref();
            claims.family_name = user.name.family.as_deref();
            claims.preferred_username = Some(&user.username);
            claims.updated_at = Some(user.updated_at.as_seconds());
        }
        if scope.contains("email") {
            claims.email = Some(&user.email);
        }
        if scope.contains("phone") {
            claims.phone_number = user.mobile_phone.as_deref();
        }
        claims
    }
}

fn full_name(user: &User) -> Option<String> {
    if let Some(formatted) = &user.name.formatted {
        return Some(formatted.clone());
    }
    let parts = [&user.name.given, &user.name.middle, &user.name.family];
    let parts: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{EnvironmentId, UserId};
    use crate::time::Timestamp;
    use crate::user::Name;

    #[test]
    fn a_scope_tells_what_it_says_and_nothing_that_is_not_known() {
        let user = User {
            user_code: None,
            blocked: Vec::new(),
            env: EnvironmentId::NIL,
            id: UserId::NIL,
            username: String::from("alice"),
            email: String::from("alice@example.com"),
            mobile_phone: None,
            name: Name {
                given: Some(String::from("Alice")),
                family: Some(String::from("Ex")),
                ..Name::default()
            },
            enabled: true,
            locked_at: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::from_seconds(7),
        };
        let profile = serde_json::json!({
            "name": "Alice Ex", "given_name": "Alice", "family_name": "Ex",
            "preferred_username": "alice", "updated_at": 7,
        });
        for (scope, expected) in [
            ("openid", serde_json::json!({})),
            ("openid phone address", serde_json::json!({})),
            ("openid email", serde_json::json!({ "email": "alice@example.com" })),
            ("openid profile", profile),
        ] {
            let claims = StandardClaims::of(&user, &ScopeSet::parse(scope).unwrap());
            assert_eq!(serde_json::to_value(&claims).unwrap(), expected, "{scope}");
        }
    }
}
