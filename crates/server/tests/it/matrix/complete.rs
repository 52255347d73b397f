//! Whether the table knows everything that it should: a kind of token or a parameter that is added
//! without a row fails here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use assent_protocol::secret::Purpose;
use http::Method;

use super::{identifiers, slots};
use crate::harness::World;

/// The kind in the table whose values are digested for this purpose; `None`: nobody presents them.
const fn kind_of(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::AuthReqId => Some("auth_req_id"),
        Purpose::DeviceCredential => Some("device credential"),
        Purpose::Pairing => Some("pairing code"),
        Purpose::AdministratorToken => Some("administrator token"),
        Purpose::Assertion => Some("client assertion"),
        Purpose::RequestObject => Some("signed request"),
        Purpose::RevokedToken => Some("access token"),
        Purpose::RevokedGrant => Some("refresh token"),
        Purpose::InitialAccessToken => Some("initial access token"),
        Purpose::RegistrationToken => Some("registration token"),
        Purpose::DpopProof => Some("dpop proof"),
        Purpose::NotificationEndpoint | Purpose::RoleAssignment => None,
    }
}

/// The kind in the table whose JWTs say that they are of this type.
fn kind_of_type(typ: &str) -> &'static str {
    match typ {
        "at+jwt" => "access token",
        "oauth-authz-req+jwt" => "signed request",
        "token-introspection+jwt" => "signed introspection",
        "client-authentication+jwt" => "client assertion",
        "login-hint+jwt" => "login_hint_token",
        "dpop+jwt" => "dpop proof",
        other => panic!("a kind of JWT without a row in the matrix: {other}"),
    }
}

/// Where a parameter is presented in the table; `None`: it names nothing that was given out.
fn door_of(parameter: &str) -> Option<&'static str> {
    match parameter {
        "auth_req_id" | "refresh_token" | "client_assertion" | "client_id" | "client_secret"
        | "login_hint" | "id_token_hint" | "login_hint_token" | "request" | "token" | "code" => {
            slots().into_iter().map(|slot| slot.name).find(|name| *name == parameter)
        }
        // Tokens of forms; `inbox/forms.rs` has a table of its own.
        "csrf" => None,
        // What a client tells us for later, or a person says; not looked up.
        "client_notification_token" | "user_code" | "number" | "reported" => None,
        "acr_values"
        | "authorization_details"
        | "binding_message"
        | "claims"
        | "client_assertion_type"
        | "dpop_jkt"
        | "grant_type"
        | "requested_expiry"
        | "request_uri"
        | "resource"
        | "scope" => None,
        other => panic!("a parameter without a row in the matrix: {other}"),
    }
}

const TAKES_TOKENS: [&str; 11] = [
    "auth_req_id",
    "refresh_token",
    "client_assertion",
    "client_id",
    "client_secret",
    "login_hint",
    "id_token_hint",
    "login_hint_token",
    "request",
    "token",
    "code",
];

#[tokio::test]
async fn every_kind_of_token_has_a_row() {
    let world = World::new().await;
    let kinds = identifiers(&world, &world.main).await;
    // A purpose that is added does not compile above, and one that is not listed is not tried.
    for purpose in Purpose::ALL {
        let Some(kind) = kind_of(purpose) else { continue };
        assert!(kinds.contains_key(kind), "{purpose:?}: {kind}");
    }
    let types = literals(|text| text.ends_with("+jwt") && !text.contains('/'));
    assert!(types.len() >= 5, "{types:?}");
    for typ in types {
        let kind = kind_of_type(&typ);
        assert!(kinds.contains_key(kind), "{typ}: {kind}");
    }
}

#[test]
fn every_parameter_that_takes_a_token_has_a_row() {
    let asked = ["find(\"", "find_bounded(\"", "bounded(\""];
    let mut seen = BTreeSet::new();
    for source in sources() {
        for how in asked {
            for rest in source.split(how).skip(1) {
                let name = rest.split('"').next().unwrap_or_default();
                seen.insert(name.to_owned());
            }
        }
    }
    for name in &seen {
        assert_eq!(door_of(name).is_some(), TAKES_TOKENS.contains(&name.as_str()), "{name}");
    }
    for name in TAKES_TOKENS {
        assert!(seen.contains(name), "nobody reads {name} any more");
    }
}

/// The doors of the management API take two kinds: of administrators and of worker applications.
#[tokio::test]
async fn no_other_kind_opens_the_management_api() {
    let world = World::new().await;
    let kinds = identifiers(&world, &world.main).await;
    let path = format!("/v1/environments/{}", world.main.id);
    let mut refused = 0;
    for (kind, value) in kinds {
        let bearer = format!("Bearer {value}");
        let answer = world.call(Method::GET, &path, &[("authorization", &bearer)]).await;
        let opens = ["administrator token", "worker token"].contains(&kind);
        assert_eq!(answer.status == 200, opens, "{kind}: {answer:?}");
        assert!(opens || answer.status == 401, "{kind}: {answer:?}");
        refused += usize::from(!opens);
    }
    assert!(refused > 15, "{refused}");
}

/// Texts in the sources of what decides and what serves that are as wanted.
fn literals(wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    sources()
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| wanted(text))
        .map(str::to_owned)
        .collect()
}

/// The sources, their tests left out.
fn sources() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![here.join("src"), here.join("../protocol/src")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|it| it == "rs") && !is_test(&path) {
            let whole = std::fs::read_to_string(&path).unwrap();
            found.push(whole.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
    assert!(found.len() > 100, "{}", found.len());
    found
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| ["tests", "tests.rs"].iter().any(|it| part.as_os_str() == *it))
}
