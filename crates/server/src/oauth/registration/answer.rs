//! A registration on the wire (RFC 7591 §3.2.1, RFC 7592 §3).

use assent_protocol::application::Application;
use assent_protocol::registration::metadata::Metadata;
use assent_protocol::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use assent_protocol::secret::Secret;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::app::App;
use crate::failure::{self, Failure};
use crate::oauth::resources;
use crate::registry::Tenant;

#[derive(Serialize)]
struct Body<'a> {
    client_id: String,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// Never; needed beside a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    registration_access_token: &'a str,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: Metadata,
}

/// The registration, with the token that manages it.
///
/// # Errors
/// The store cannot be read, or the secret does not open.
pub async fn client(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    token: &Secret,
    status: StatusCode,
) -> Result<Response, Failure> {
    let shows_secret = application.auth_method.has_secret();
    let secret = tenant.keys.open_client_secret(application.id, &application.secret)?;
    let scope = scope(app, tenant, application).await?;
    let body = Body {
        client_id: application.id.to_string(),
        client_id_issued_at: application.created_at.as_seconds(),
        client_secret: shows_secret.then(|| secret.expose()),
        client_secret_expires_at: shows_secret.then_some(0),
        registration_access_token: token.expose(),
        registration_client_uri: format!("{}/register/{}", tenant.issuer, application.id),
        metadata: Metadata::of(application, &scope),
    };
    let mut response = failure::json(&body)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Everything the application may ask for.
async fn scope(app: &App, tenant: &Tenant, application: &Application) -> Result<ScopeSet, Failure> {
    let mut scope = ScopeSet::default();
    scope.add(OPENID);
    scope.add(OFFLINE_ACCESS);
    for resource in resources::of(app, tenant, application).await? {
        let granted = application.grants.iter().filter(|grant| grant.resource == resource.id);
        for id in granted.flat_map(|grant| &grant.scopes) {
            if let Some(known) = resource.scopes.iter().find(|it| it.id == *id) {
                scope.add(&known.name);
            }
        }
    }
    Ok(scope)
}
