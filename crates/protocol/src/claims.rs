//! What a scope tells about a person (OIDC Core §5.1, §5.4; `pingone.md` §8.4). What is not known
//! is left out.

use serde::Serialize;

use crate::scope::ScopeSet;
use crate::user::User;

/// What we can know of a person, and the scope that releases it (OIDC Core §5.4).
pub const RELEASED_BY: [(&str, &str); 8] = [
    ("name", "profile"),
    ("given_name", "profile"),
    ("middle_name", "profile"),
    ("family_name", "profile"),
    ("preferred_username", "profile"),
    ("updated_at", "profile"),
    ("email", "email"),
    ("phone_number", "phone"),
];

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
    /// The claims about `user` that `scope` releases, and those in `asked`, which were asked for
    /// one by one (OIDC Core §5.5).
    pub fn of(user: &'a User, scope: &ScopeSet, asked: &[Box<str>]) -> Self {
        let told = |name: &str| {
            asked.iter().any(|it| it.as_ref() == name)
                || RELEASED_BY.iter().any(|(claim, by)| *claim == name && scope.contains(by))
        };
        let only = |name: &str, value: Option<&'a str>| value.filter(|_| told(name));
        Self {
            name: full_name(user).filter(|_| told("name")),
            given_name: only("given_name", user.name.given.as_deref()),
            middle_name: only("middle_name", user.name.middle.as_deref()),
            family_name: only("family_name", user.name.family.as_deref()),
            preferred_username: only("preferred_username", Some(&user.username)),
            updated_at: told("updated_at").then(|| user.updated_at.as_seconds()),
            email: only("email", Some(&user.email)),
            phone_number: only("phone_number", user.mobile_phone.as_deref()),
        }
    }
}

/// Of claims that were asked for by name, those that can be told of a person.
pub fn known<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Box<str>> {
    names
        .filter(|name| RELEASED_BY.iter().any(|(claim, _)| claim == name))
        .map(Into::into)
        .collect()
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

    #[test]
    fn a_scope_tells_what_it_says_and_nothing_that_is_not_known() {
        let user = crate::testing::person();
        let profile = serde_json::json!({
            "name": "Alice Ex", "given_name": "Alice", "family_name": "Ex",
            "preferred_username": "alice", "updated_at": 7,
        });
        let asked = ["email", "phone_number", "birthdate"];
        for (scope, asked, expected) in [
            ("openid", &[][..], serde_json::json!({})),
            ("openid phone address", &[], serde_json::json!({})),
            ("openid email", &[], serde_json::json!({ "email": "alice@example.com" })),
            ("openid", &asked, serde_json::json!({ "email": "alice@example.com" })),
            ("openid profile", &[], profile),
        ] {
            let asked = known(asked.iter().copied());
            let claims = StandardClaims::of(&user, &ScopeSet::parse(scope).unwrap(), &asked);
            assert_eq!(serde_json::to_value(&claims).unwrap(), expected, "{scope}");
        }
    }
}
