//! Whom a request is about (CIBA §7.2-4, -5), and whether they may be asked by this application.

use assent_protocol::application::Application;
use assent_protocol::audit::Actor;
use assent_protocol::audit::trail::Told;
use assent_protocol::ciba::hint;
use assent_protocol::ciba::request::{Hint, Request};
use assent_protocol::decision::Change;
use assent_protocol::error_code::ErrorCode;
use assent_protocol::id::UserId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Kind, Versioned};
use assent_protocol::user::{self, Login, LoginHint, User};
use assent_store::Range;

use crate::app::{self, App};
use crate::call::Call;
use crate::failure::Failure;
use crate::limits::{Guess, USER_CODE_FAILURES_PER_MINUTE};
use crate::registry::Tenant;

/// Logins that equal a hint: two people are as good as more.
const LOGINS_READ: usize = 4;

/// The person whom the hint names.
///
/// # Errors
/// The hint is malformed or names nobody; too many of this application did.
pub async fn find(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    hint: &Hint,
) -> Result<Versioned<User>, Failure> {
    // T-05: who asks for strangers again and again is not told any more who exists.
    let guess = Guess::UnknownUser(tenant.id(), application.id);
    let most = tenant.environment.ciba.unknown_users_per_minute;
    if app.limits.is_exceeded(guess, most, call.now) {
        return Err(Reason::EndUserThrottled.into());
    }
    let found = find_usable(app, tenant, call, application, hint).await;
    if let Err(Failure::Refused(reason)) = &found
        && reason.code() == ErrorCode::UnknownUserId
    {
        app.limits.count(guess, call.now);
    }
    found
}

/// Unknown, ambiguous and unusable people get one answer (T-06).
async fn find_usable(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    hint: &Hint,
) -> Result<Versioned<User>, Failure> {
    let id = match hint {
        Hint::LoginHint(hint) => find_by_name(app, tenant, application, hint).await?,
        Hint::IdTokenHint(token) => {
            let subject =
                hint::id_token_hint(token, &tenant.jwks, &tenant.issuer, application, call.now)?;
            tenant.keys.person(&subject).ok_or(Reason::EndUserUnknown)?
        }
        Hint::LoginHintToken(token) => {
            let key = tenant.keys.client_secret_key(application.id, &application.secret)?;
            let subject =
                hint::login_hint_token(token, &key, &tenant.issuer, application, call.now)?;
            find_by_name(app, tenant, application, &subject).await?
        }
    };
    let user = app.store.find::<User>(&Key::user(tenant.id(), id)).await?;
    let user = user.ok_or(Reason::EndUserUnknown)?;
    if user.record.can_authenticate() { Ok(user) } else { Err(Reason::EndUserNotUsable.into()) }
}

async fn find_by_name(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    hint: &str,
) -> Result<UserId, Failure> {
    // What the application calls the person, as everybody may use the identifier.
    let sector = application.sector.as_deref();
    if let Some(id) = sector.and_then(|sector| tenant.keys.person_in(sector, hint)) {
        return Ok(id);
    }
    let hint = LoginHint::parse(hint)?;
    if let Some(id) = hint.user_id {
        return Ok(id);
    }
    let mut logins = Vec::new();
    for value in std::iter::once(&hint.name).chain(&hint.phone) {
        let range = Range {
            env: tenant.id(),
            kind: Kind::Login,
            prefix: Key::login_prefix(value),
            after: None,
            limit: LOGINS_READ,
        };
        logins.extend(app.store.list::<Login>(&range).await?.into_iter().map(|it| it.record));
    }
    Ok(user::resolve(&logins)?)
}

/// Whether this application may ask this person; answers what rides in the commit that begins the
/// request.
///
/// # Errors
/// The request names somebody else as well; the person blocked the application; or the
/// `user_code` is wrong, which is counted before it is said.
pub async fn check(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    (request, person): (&Request, &Versioned<User>),
) -> Result<Vec<Change>, Failure> {
    let subject = tenant.keys.subject(application.sector.as_deref(), person.record.id);
    if request.claims.as_ref().is_some_and(|claims| !claims.permits_subject(&subject)) {
        return Err(Reason::ClaimsOtherUser.into());
    }
    if person.record.blocked.contains(&application.id) {
        return Err(Reason::EndUserBlocksApplication.into());
    }
    let Some(code) = &request.user_code else { return Ok(Vec::new()) };
    let guess = Guess::UserCode(tenant.id(), application.id);
    if app.limits.is_exceeded(guess, USER_CODE_FAILURES_PER_MINUTE, call.now) {
        return Err(Reason::UserCodesThrottled.into());
    }
    let digest = tenant.keys.user_code_digest(person.record.id, code.expose());
    let decision = user::check_user_code(person, &digest, call.now);
    if decision.verdict.is_ok() {
        return Ok(decision.changes);
    }
    app.limits.count(guess, call.now);
    let told = app::told(&decision.changes, decision.verdict.err());
    let told = told.into_iter().map(|it| Told { application: Some(application.id), ..it });
    let call = &call.by(Actor::application(application.id));
    app.settle_telling(call, None, decision, told.collect()).await?;
    Ok(Vec::new())
}
