//! From a grant to a token response: access token, ID token, refresh token.

use std::sync::Arc;

use assent_protocol::application::{Application, GrantType};
use assent_protocol::ciba::authentication::{Approval, Authentication};
use assent_protocol::claims::{self, StandardClaims};
use assent_protocol::claims_request::ClaimsRequest;
use assent_protocol::confirmation::Confirmation;
use assent_protocol::cut_off;
use assent_protocol::decision::Change;
use assent_protocol::grant::Grant;
use assent_protocol::granted_details::GrantedDetails;
use assent_protocol::id::{GrantId, UserId};
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Write};
use assent_protocol::refresh::{RefreshToken, token_expires_at};
use assent_protocol::scope::{OFFLINE_ACCESS, OPENID, ScopeSet};
use assent_protocol::scope_policy::{self, Granted, Missing};
use assent_protocol::time::Timestamp;
use assent_protocol::token::{Authenticated, ID_TOKEN_TYPE, IdTokenClaims, Pushed};
use assent_protocol::token_request::Narrower;
use assent_protocol::user::User;
use assent_store::Fault;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::call::Call;
use crate::failure::{Broken, Failure};
use crate::oauth::mint::{self, Ingredients};
use crate::oauth::resources;
use crate::registry::Tenant;

/// The token response (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    /// Life of the access token in seconds.
    pub expires_in: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    /// As the access token has them (RFC 9396 §7).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl TokenResponse {
    /// The answer to who gets an access token alone.
    pub fn alone(access_token: String, granted: &Granted, bound_to: &Confirmation) -> Self {
        Self {
            access_token,
            token_type: bound_to.token_type(),
            expires_in: granted.lifetime().get(),
            scope: granted.scope.as_str().to_owned(),
            authorization_details: None,
            id_token: None,
            refresh_token: None,
        }
    }
}

/// What a person said yes to.
pub struct Consent<'a> {
    /// Names the grant.
    pub grant: GrantId,
    /// Who.
    pub person: &'a User,
    /// The sector within which the application knows them by a name of its own.
    pub sector: Option<&'a str>,
    /// What.
    pub scope: ScopeSet,
    /// `authorization_details` as they were approved: a JSON array.
    pub authorization_details: Option<String>,
    /// `resource`s that were asked for.
    pub resource: &'a [Box<str>],
    /// `claims` that were asked for: a JSON object.
    pub claims: Option<&'a str>,
    /// What the access token is to be for, when that is less.
    pub narrower: Option<&'a Narrower>,
    /// To whose keys the access token is bound.
    pub bound_to: Confirmation,
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
    /// What `person` said yes to when they approved this request of `application`.
    ///
    /// # Errors
    /// The request was not stored whole.
    pub fn new(
        grant: GrantId,
        application: &'a Application,
        authentication: &'a Authentication,
        approval: &'a Approval,
        person: &'a User,
    ) -> Result<Self, Failure> {
        let asked = authentication.asked.as_deref();
        Ok(Self {
            grant,
            person,
            sector: application.sector.as_deref(),
            scope: ScopeSet::parse(&authentication.scope)?,
            authorization_details: asked.and_then(|it| it.approved_details(approval)),
            resource: asked.map_or(&[], |asked| &asked.resource),
            claims: asked.and_then(|asked| asked.claims.as_deref()),
            narrower: None,
            bound_to: asked.map(|asked| asked.bound_to.clone()).unwrap_or_default(),
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
    let (scope, granted) = granted(app, tenant, application, consent).await?;
    let stays = scope.contains(OFFLINE_ACCESS) && application.may_use(GrantType::RefreshToken);
    let token = RefreshToken { grant: consent.grant, generation: 0 };
    let refresh_token = stays.then_some(token);
    let response =
        respond(app, tenant, call, application, consent, (&granted, refresh_token)).await?;
    let grant = stays.then(|| {
        let expires_at = call.now.plus(application.refresh.rolling_duration);
        let record = Grant {
            env: tenant.id(),
            id: consent.grant,
            application: application.id,
            user: consent.person.id,
            sector: consent.sector.map(Into::into),
            // The access token may be for less; the grant stays whole (RFC 8707 §2.2).
            scope: scope.as_str().to_owned(),
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

/// The person, if tokens may be given to `application` for what they approved at `approved_at`:
/// looked at again at redemption and at each refresh (T-27, T-92).
///
/// # Errors
/// The store cannot be read.
pub async fn usable_person(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    (user, approved_at): (UserId, Timestamp),
) -> Result<Option<Arc<User>>, Broken> {
    let cut_offs = |user: &User| [tenant.environment.cut_off, application.cut_off, user.cut_off];
    let found = app.store.find::<User>(&Key::user(tenant.id(), user)).await?;
    Ok(found.map(|found| found.record).filter(|user| {
        let counts = cut_off::counts(approved_at, cut_offs(user));
        counts && user.can_authenticate()
    }))
}

/// What of the consented scope the application may still have (T-28), and what of that the access
/// token is for.
///
/// # Errors
/// The store cannot be read; the resources no longer fit together; or the token is to be for more
/// than was granted.
pub async fn granted(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    consent: &Consent<'_>,
) -> Result<(ScopeSet, Granted), Failure> {
    let resources = resources::of(app, tenant, application).await?;
    let resolve = |targets: &[Box<str>]| {
        scope_policy::resolve_at(&consent.scope, targets, application, &resources, Missing::Drop)
    };
    let whole = resolve(consent.resource)?;
    let targets = consent.narrower.map_or(&[][..], |narrower| &narrower.resource);
    if targets.iter().any(|target| !whole.audience.iter().any(|it| **it == **target)) {
        return Err(Reason::ResourceUnknown.into());
    }
    let (scope, granted) = match targets {
        [] => (whole.scope.clone(), whole),
        targets => (whole.scope, resolve(targets)?),
    };
    if granted.scope.is_empty() { Err(Reason::ScopeEmpty.into()) } else { Ok((scope, granted)) }
}

/// Signs the tokens of one response. An RSA signature takes as long as twenty polls, so whatever
/// else is ready goes first, and again before the commit: on a busy core requests are read
/// together, signed together and committed together, each from warm caches.
///
/// # Errors
/// Signing failed; a required attribute has no value, or there is too much to say; or more is asked
/// for than was granted.
pub async fn respond(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    consent: &Consent<'_>,
    (granted, refresh_token): (&Granted, Option<RefreshToken>),
) -> Result<TokenResponse, Failure> {
    tokio::task::yield_now().await;
    let key = tenant.signer(application.token_signing_alg, call.now)?;
    let details = details(consent, granted)?;
    let carried = details.clone().unwrap_or_default();
    let asked = asked(consent)?;
    let subject = tenant.keys.subject(consent.sector, consent.person.id);
    let by = authenticated(consent, &subject);
    let of = Ingredients {
        by: Some((by, consent.person)),
        granted,
        details: &carried,
        bound_to: &consent.bound_to,
        userinfo: &asked.in_userinfo,
    };
    let access_token = mint::access_token(app, tenant, call, application, key, &of)?;
    let refresh_token = refresh_token.map(|token| {
        let token = token.render(tenant.id(), tenant.keys.refresh_tokens());
        token.expose().to_owned()
    });
    let id_token = if granted.scope.contains(OPENID) {
        let at_hash = assent_jose::half_hash(key.algorithm(), &access_token);
        let person = StandardClaims::of(consent.person, &granted.scope, &asked.in_id_token);
        let rt_hash =
            refresh_token.as_deref().map(|it| assent_jose::half_hash(key.algorithm(), it));
        let pushed = match consent.pushed {
            Some(auth_req_id) => {
                Pushed { auth_req_id: Some(auth_req_id), rt_hash: rt_hash.as_deref() }
            }
            None => Pushed::default(),
        };
        let subject = mint::subject(tenant, application);
        let claims = IdTokenClaims::new(subject, by, person, &at_hash, pushed, call.now);
        Some(assent_jose::sign_jwt(key, ID_TOKEN_TYPE, &claims).map_err(Broken::from)?)
    } else {
        None
    };
    tokio::task::yield_now().await;
    Ok(TokenResponse {
        authorization_details: details.map(|it| it.as_slice().to_vec()),
        id_token,
        refresh_token,
        ..TokenResponse::alone(access_token, granted, &consent.bound_to)
    })
}

const fn authenticated<'a>(consent: &Consent<'a>, subject: &'a str) -> Authenticated<'a> {
    Authenticated {
        subject,
        grant: consent.grant,
        acr: consent.acr,
        amr: consent.amr,
        auth_time: consent.auth_time,
    }
}

/// What of the approved details the access token is for; `None`: there never were any.
fn details(consent: &Consent<'_>, granted: &Granted) -> Result<Option<GrantedDetails>, Failure> {
    let approved = consent.authorization_details.as_deref();
    let approved = approved.map(GrantedDetails::parse).transpose().map_err(|_| DAMAGED)?;
    let asked = consent.narrower.and_then(|it| it.authorization_details.clone());
    let details = match asked {
        Some(asked) => Some(approved.unwrap_or_default().narrowed(asked)?),
        None => approved,
    };
    Ok(details.map(|details| details.without(&granted.elsewhere)))
}

/// The claims that were asked for one by one.
#[derive(Default)]
struct Asked {
    in_id_token: Vec<Box<str>>,
    in_userinfo: Vec<Box<str>>,
}

fn asked(consent: &Consent<'_>) -> Result<Asked, Failure> {
    let Some(text) = consent.claims else { return Ok(Asked::default()) };
    let asked = ClaimsRequest::parse(text).map_err(|_| DAMAGED)?;
    Ok(Asked {
        in_id_token: claims::known(asked.requested_id_token()),
        in_userinfo: claims::known(asked.requested_userinfo()),
    })
}

/// What was checked before it was stored cannot be read any more.
const DAMAGED: Broken = Broken::Store(Fault::Corrupt("a consent that cannot be read"));
