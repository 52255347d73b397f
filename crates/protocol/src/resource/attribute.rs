//! What the access tokens of a resource say beside the standard claims (`pingone.md` §17): a fixed
//! text, or something of the person.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::AttributeId;
use crate::reason::Reason;
use crate::resource::Resource;
use crate::time::Timestamp;
use crate::user::User;

/// Most attributes of one resource.
pub const ATTRIBUTES_PER_RESOURCE_MAX: usize = 16;
/// Longest value in characters: all values of a token must fit into a header of a request.
pub const ATTRIBUTE_VALUE_CHARS_MAX: usize = 256;

/// Claims that mean something already: PingOne's list (`pingone.md` §8.3), then what our tokens
/// and the answers about them say.
const RESERVED: [&str; 27] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "client_id",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "org",
    "scope",
    "sid",
    "sub",
    "act",
    "active",
    "authorization_details",
    "cnf",
    "env",
    "may_act",
    "token_introspection",
    "token_type",
    "userinfo",
    "username",
];
/// With what no name may begin.
const RESERVED_PREFIXES: [&str; 2] = ["p1.", "urn:openid:params:jwt:claim:"];

/// A claim of the access tokens of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its place in the management API.
    pub id: AttributeId,
    /// The claim.
    pub name: String,
    /// A fixed text, or `${user.…}`.
    pub value: String,
    /// Without a value no token is issued.
    pub required: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Attribute {
    /// What a token about `person` says; `None`: nothing is known, or there is no person.
    fn value_for<'a>(&'a self, person: Option<Named<'a>>) -> Option<Cow<'a, str>> {
        match path(&self.value) {
            None => Some(Cow::Borrowed(&self.value)),
            Some(path) => lookup(path, person?),
        }
    }
}

/// A person, and what the token calls them.
pub type Named<'a> = (&'a User, &'a str);

/// What a token for `resources` about `person` says beside the standard claims. Of two attributes
/// of one name the first counts.
///
/// # Errors
/// A required one has no value.
pub fn claims<'a>(
    resources: &'a [Arc<Resource>],
    person: Option<Named<'a>>,
) -> Result<BTreeMap<&'a str, Cow<'a, str>>, Reason> {
    let mut claims = BTreeMap::new();
    for attribute in resources.iter().flat_map(|resource| &resource.attributes) {
        match attribute.value_for(person) {
            Some(value) => {
                claims.entry(attribute.name.as_str()).or_insert(value);
            }
            None if attribute.required => return Err(Reason::AttributeWithoutValue),
            None => {}
        }
    }
    Ok(claims)
}

/// Whether the value can be told: a text, or one path that we know.
pub fn is_value(value: &str) -> bool {
    match path(value) {
        Some(path) => PATHS.contains(&path),
        // Text with a path inside is a template, and we have none.
        None => !value.contains("${"),
    }
}

/// Whether a claim of this name means something already.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What a value can name of a person.
pub const PATHS: [&str; 8] = [
    "user.id",
    "user.username",
    "user.email",
    "user.mobilePhone",
    "user.name.formatted",
    "user.name.given",
    "user.name.middle",
    "user.name.family",
];

fn path(value: &str) -> Option<&str> {
    value.strip_prefix("${")?.strip_suffix('}')
}

/// The identifier is what the token calls the person anyway: where that is a name for one sector,
/// another one would undo it.
fn lookup<'a>(path: &str, (person, subject): Named<'a>) -> Option<Cow<'a, str>> {
    let name = &person.name;
    let found = match path {
        "user.id" => return Some(Cow::Borrowed(subject)),
        "user.username" => Some(&person.username),
        "user.email" => Some(&person.email),
        "user.mobilePhone" => person.mobile_phone.as_ref(),
        "user.name.formatted" => name.formatted.as_ref(),
        "user.name.given" => name.given.as_ref(),
        "user.name.middle" => name.middle.as_ref(),
        "user.name.family" => name.family.as_ref(),
        _ => None,
    };
    found.filter(|text| !text.is_empty()).map(|text| Cow::Borrowed(text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_value_is_a_text_or_a_path_that_we_know() {
        for (value, fits) in [
            ("eu-1", true),
            ("${user.email}", true),
            ("$5 {or} more", true),
            ("${user.password}", false),
            ("${user.email} ", false),
            ("x ${user.email}", false),
            ("${}", false),
        ] {
            assert_eq!(is_value(value), fits, "{value}");
        }
    }

    #[test]
    fn a_path_tells_what_is_known_of_the_person() {
        let person = testing::person();
        for (value, expected) in [
            ("eu-1", Some("eu-1")),
            ("${user.id}", Some("named")),
            ("${user.username}", Some("alice")),
            ("${user.email}", Some("alice@example.com")),
            ("${user.name.given}", Some("Alice")),
            ("${user.name.middle}", None),
            ("${user.mobilePhone}", None),
        ] {
            let attribute = Attribute {
                id: AttributeId::NIL,
                name: String::from("x"),
                value: value.to_owned(),
                required: false,
                created_at: Timestamp::default(),
                updated_at: Timestamp::default(),
            };
            assert_eq!(
                attribute.value_for(Some((&person, "named"))).as_deref(),
                expected,
                "{value}"
            );
            let alone = attribute.value_for(None);
            assert_eq!(alone.is_some(), !value.starts_with("${"), "{value} of nobody");
        }
        for path in PATHS {
            assert!(is_value(&format!("${{{path}}}")));
        }
    }

    #[test]
    fn names_that_mean_something_are_reserved() {
        for name in ["sub", "env", "p1.region", "urn:openid:params:jwt:claim:rt_hash", "active"] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("tier") && !is_reserved("https://example.com/sub"));
    }
}
