//! The `client_credentials` grant (RFC 6749 §4.4): an application acts for itself, at resources of
//! its environment or in the management API. No person, no ID token, no refresh token.

use assent_protocol::application::Application;
use assent_protocol::audit::trail::Told;
use assent_protocol::audit::{Act, Actor};
use assent_protocol::decision::Decision;
use assent_protocol::granted_details::GrantedDetails;
use assent_protocol::reason::Reason;
use assent_protocol::resource::ResourceType;
use assent_protocol::scope::ScopeSet;
use assent_protocol::scope_policy::{self, Granted, Missing};
use axum::response::Response;

use crate::app::App;
use crate::call::Call;
use crate::failure::{self, Failure};
use crate::oauth::authenticate_client::Client;
use crate::oauth::issue::TokenResponse;
use crate::oauth::mint::{self, Ingredients};
use crate::oauth::resources;
use crate::registry::Tenant;

/// A token for the application itself. Nothing is stored but the assertion that was presented, and
/// that it was given.
///
/// # Errors
/// It may not have what it asks for; or a fault.
pub async fn exchange(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    scope: Option<&ScopeSet>,
    resource: &[Box<str>],
) -> Result<Response, Failure> {
    match issue(app, tenant, call, client, scope, resource).await {
        Ok(response) => {
            let spend = client.spend(app, None).await?;
            let act = Decision::accept(()).and_maybe(client.shown.spend());
            app.settle_telling(call, spend, act, vec![told(client)]).await?;
            failure::json(&response)
        }
        Err(Failure::Refused(reason)) => {
            client.remember(app, None).await?;
            Err(reason.into())
        }
        // Our fault uses nothing up.
        Err(broken) => Err(broken),
    }
}

/// Nothing that is written says that there is a token, so this does.
fn told(client: &Client) -> Told {
    let application = &client.application;
    Told {
        actor: Actor::application(application.id),
        application: Some(application.id),
        ..Told::new(application.env, Act::TokensIssued)
    }
}

async fn issue(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    client: &Client,
    scope: Option<&ScopeSet>,
    resource: &[Box<str>],
) -> Result<TokenResponse, Failure> {
    let application = &client.application;
    let bound_to = client.shown.confirmation(application)?;
    let granted = match scope {
        Some(scope) => granted(app, tenant, application, scope, resource).await?,
        None => management(app, application, resource)?,
    };
    let key = tenant.signer(application.token_signing_alg, call.now)?;
    let details = GrantedDetails::default();
    let of = Ingredients {
        by: None,
        granted: &granted,
        details: &details,
        bound_to: &bound_to,
        userinfo: &[],
    };
    let token = mint::access_token(app, tenant, call, application, key, &of)?;
    Ok(TokenResponse::alone(token, &granted, &bound_to))
}

/// Scopes of custom resources: those of OpenID Connect are about people.
async fn granted(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    scope: &ScopeSet,
    resource: &[Box<str>],
) -> Result<Granted, Failure> {
    let mut resources = resources::of(app, tenant, application).await?;
    resources.retain(|it| it.kind == ResourceType::Custom);
    let granted =
        scope_policy::resolve_at(scope, resource, application, &resources, Missing::Refuse)?;
    if granted.scope.is_empty() { Err(Reason::ScopeEmpty.into()) } else { Ok(granted) }
}

/// Without a scope: the management API, if the application has a role there. What the roles are
/// is looked up at each call, so the token does not say.
fn management(
    app: &App,
    application: &Application,
    resource: &[Box<str>],
) -> Result<Granted, Reason> {
    let audience = &app.settings.api_path;
    if application.roles.is_empty() {
        return Err(Reason::ScopeEmpty);
    }
    if !resource.iter().all(|target| target.as_ref() == audience.as_str()) {
        return Err(Reason::ResourceUnknown);
    }
    Ok(Granted {
        scope: ScopeSet::default(),
        resources: Vec::new(),
        audience: vec![audience.clone()],
        elsewhere: Vec::new(),
    })
}
