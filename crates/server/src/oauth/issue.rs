//! From a grant to a token response: access token, ID token, refresh token.

use std::sync::Arc;

use assent_protocol::application::{Application, GrantType};
use assent_protocol::ciba::authentication::{Approval, Authentication};
use assent_protocol::claims::StandardClaims;
use assent_protocol::decision::Change;
use assent_protocol::grant::Grant;
use assent_protocol::id::{GrantId, UserId};
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Write};
use assent_protocol::refresh::{RefreshToken, token_expires_at};
use assent_protocol::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use assent_protocol::scope_policy::{self, Granted, Missing};
use assent_protocol::time::Timestamp;
use assent_protocol::token::{
    ACCESS_TOKEN_TYPE, AccessTokenClaims, ID_TOKEN_TYPE, IdTokenClaims, Pushed, Subject,
};
use assent_protocol::user::User;
use serde::Serialize;

use crate::app::App;
use crate::call::Call;
use crate::failure::{Broken, Failure};
use crate::oauth::resources;
use crate::registry::Tenant;

/// The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// What a person said yes to.
pub struct Consent<'a> {
    /// Names the grant.
    pub grant: GrantId,
    /// Who.
    pub person: &'a User,
    /// What.
    pub scope: ScopeSet,
    /// `authorization_details` as they were approved: a JSON array.
    pub authorization_details: Option<String>,
    /// `resource`s that were asked for.
    pub resource: &'a [Box<str>],
    /// `claims` that were asked for: a JSON object.
    pub claims: Option<&'a str>,
    /// Of a push: the `auth_req_id` that its ID token names.
    pub pushed: Option<&'a str>,
    /// Authentication context.
    pub acr: &'a str,
    /// Methods.
    pub amr: &'a [String],
    /// The moment of approval.
    pub auth_time: Timestamp,
}

impl<'a> Consent<'a> {
    /// What `person` said yes to when they approved this request.
    ///
    /// # Errors
    /// There is no randomness, or the request was not stored whole.
    pub fn new(
        app: &App,
        call: &Call,
        authentication: &'a Authentication,
        approval: &'a Approval,
        person: &'a User,
    ) -> Result<Self, Failure> {
        let asked = authentication.asked.as_deref();
        Ok(Self {
            grant: app.entropy.id(call.now)?,
            person,
            scope: ScopeSet::parse(&authentication.scope)?,
            authorization_details: asked.and_then(|it| it.approved_details(approval)),
            resource: asked.map_or(&[], |asked| &asked.resource),
            claims: asked.and_then(|asked| asked.claims.as_deref()),
            pushed: None,
            acr: &approval.acr,
            amr: &approval.amr,
            auth_time: approval.at,
        })
    }
}

/// The first tokens of a grant, and the grant's record when it can be refreshed.
pub struct First {
    /// What to answer once all is durable.
    pub response: TokenResponse,
    /// The change that makes the grant refreshable.
    pub grant: Option<Change>,
}

/// Tokens for a fresh consent.
///
/// # Errors
/// A fault; nothing was used up.
pub async fn first(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    consent: &Consent<'_>,
) -> Result<First, Failure> {
    let granted = granted(app, tenant, application, &consent.scope).await?;
    let stays =
        granted.scope.contains(OFFLINE_ACCESS) && application.may_use(GrantType::RefreshToken);
    let token = RefreshToken { grant: consent.grant, generation: 0 };
    let refresh_token = stays.then_some(token);
    let response =
        respond(app, tenant, call, application, consent, &granted, refresh_token).await?;
    let grant = stays.then(|| {
        let expires_at = call.now.plus(application.refresh.rolling_duration);
        let record = Grant {
            env: tenant.id(),
            id: consent.grant,
            application: application.id,
            user: consent.person.id,
            scope: granted.scope.as_str().to_owned(),
            authorization_details: consent.authorization_details.as_deref().map(Into::into),
            resource: consent.resource.to_vec(),
            claims: consent.claims.map(Into::into),
            acr: consent.acr.to_owned(),
            amr: consent.amr.to_vec(),
            auth_time: consent.auth_time,
            generation: 0,
            rotated_at: call.now,
            token_expires_at: token_expires_at(application.refresh, expires_at, call.now),
            expires_at,
            revoked_at: None,
            created_at: call.now,
        };
        Change::new(Write::insert(record), Reason::AuthReqIdRedeemed)
    });
    Ok(First { response, grant })
}

/// The person, if tokens may be given for them: looked at again at redemption and at each refresh
/// (T-27).
///
/// # Errors
/// The store cannot be read.
pub async fn usable_person(
    app: &App,
    tenant: &Tenant,
    user: UserId,
) -> Result<Option<Arc<User>>, Failure> {
    let found = app.store.find::<User>(&Key::user(tenant.id(), user)).await?;
    Ok(found.map(|found| found.record).filter(|user| user.can_authenticate()))
}

/// What of the consented scope the application may still have (T-28).
///
/// # Errors
/// The store cannot be read; or the resources no longer fit together.
pub async fn granted(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    scope: &ScopeSet,
) -> Result<Granted, Failure> {
    let resources = resources::of(app, tenant, application).await?;
    Ok(scope_policy::resolve(scope, application, &resources, Missing::Drop)?)
}

/// Signs the tokens of one response. An RSA signature takes as long as twenty polls, so whatever
/// else is ready goes first, and again before the commit: on a busy core requests are read
/// together, signed together and committed together, each from warm caches.
///
/// # Errors
/// Signing failed.
pub async fn respond(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    consent: &Consent<'_>,
    granted: &Granted,
    refresh_token: Option<RefreshToken>,
) -> Result<TokenResponse, Failure> {
    tokio::task::yield_now().await;
    let key = tenant.signer(application.token_signing_alg, call.now)?;
    let subject = Subject {
        issuer: &tenant.issuer,
        env: tenant.id(),
        user: consent.person.id,
        client: application.id,
        grant: consent.grant,
        acr: consent.acr,
        amr: consent.amr,
        auth_time: consent.auth_time,
    };
    let jti = uuid::Builder::from_random_bytes(app.entropy.octets()?).into_uuid().to_string();
    let scope = granted.scope.as_str();
    let claims =
        AccessTokenClaims::new(subject, &granted.audience, scope, &jti, granted.lifetime, call.now);
    let access_token =
        assent_jose::sign_jwt(key, ACCESS_TOKEN_TYPE, &claims).map_err(Broken::from)?;
    let refresh_token = refresh_token.map(|token| {
        let token = token.render(tenant.id(), tenant.keys.refresh_tokens());
        token.expose().to_owned()
    });
    let id_token = if granted.scope.contains(OPENID) {
        let at_hash = assent_jose::half_hash(key.algorithm(), &access_token);
        let person = StandardClaims::of(consent.person, &granted.scope);
        let rt_hash =
            refresh_token.as_deref().map(|it| assent_jose::half_hash(key.algorithm(), it));
        let pushed = match consent.pushed {
            Some(auth_req_id) => {
                Pushed { auth_req_id: Some(auth_req_id), rt_hash: rt_hash.as_deref() }
            }
            None => Pushed::default(),
        };
        let claims = IdTokenClaims::new(subject, person, &at_hash, pushed, call.now);
        Some(assent_jose::sign_jwt(key, ID_TOKEN_TYPE, &claims).map_err(Broken::from)?)
    } else {
        None
    };
    tokio::task::yield_now().await;
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer",
        expires_in: granted.lifetime.get(),
        scope: scope.to_owned(),
        id_token,
        refresh_token,
    })
}
