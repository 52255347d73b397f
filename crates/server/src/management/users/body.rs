//! A person on the wire.

use assent_protocol::id::UserId;
use assent_protocol::user::{Name, User};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links};
use crate::registry::Tenant;

/// A person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBody<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    id: String,
    username: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_phone: Option<&'a str>,
    name: &'a Name,
    enabled: bool,
    account: AccountBody,
    lifecycle: LifecycleBody,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked_applications: Vec<Reference>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountBody {
    can_authenticate: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_at: Option<String>,
}

#[derive(Serialize)]
struct LifecycleBody {
    status: &'static str,
}

impl<'a> UserBody<'a> {
    /// How `user` looks.
    pub fn new(ask: &Ask<Tenant>, user: &'a User) -> Self {
        let href = href(ask, user.id);
        Self {
            links: links([
                ("account.lock", href.clone()),
                ("account.unlock", href.clone()),
                ("devices", format!("{href}/devices")),
                ("enabled", format!("{href}/enabled")),
                ("environment", ask.env_href()),
                ("userCode", format!("{href}/userCode")),
                ("self", href),
            ]),
            environment: Reference::new(user.env),
            id: user.id.to_string(),
            username: &user.username,
            email: &user.email,
            mobile_phone: user.mobile_phone.as_deref(),
            name: &user.name,
            enabled: user.enabled,
            account: AccountBody {
                can_authenticate: user.can_authenticate(),
                status: if user.locked_at.is_some() { "LOCKED" } else { "OK" },
                locked_at: user.locked_at.map(|at| at.to_rfc3339()),
            },
            lifecycle: LifecycleBody { status: "ACCOUNT_OK" },
            blocked_applications: user.blocked.iter().copied().map(Reference::new).collect(),
            created_at: user.created_at.to_rfc3339(),
            updated_at: user.updated_at.to_rfc3339(),
        }
    }
}

/// Where the person is.
pub fn href(ask: &Ask<Tenant>, user: UserId) -> String {
    format!("{}/users/{user}", ask.env_href())
}
