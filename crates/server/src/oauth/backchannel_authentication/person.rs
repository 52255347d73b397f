//! Whom a request is about (CIBA §7.2-4, -5), and whether they may be asked by this application.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::audit::Actor;
use assent_protocol::audit::trail::Told;
use assent_protocol::ciba::hint;
use assent_protocol::ciba::request::{Hint, Request};
use assent_protocol::decision::{Change, Decision};
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

/// Whom a request is about.
pub enum Person {
    /// Somebody who can be asked.
    Known(Versioned<User>),
    /// Nobody, of whom the application is not to know that (T-05).
    Nobody(UserId),
}

impl Person {
    /// Whose request it is.
    pub fn id(&self) -> UserId {
        match self {
            Self::Known(found) => found.record.id,
            Self::Nobody(id) => *id,
        }
    }
}

/// The person whom the hint names, or nobody in their place where that is not to be told.
///
/// # Errors
/// The hint is malformed or names nobody; too many of this application did.
pub async fn find(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    hint: &Hint,
) -> Result<Person, Failure> {
    let conceals = application.ciba.conceal_unknown_user;
    // T-05: who asks for strangers again and again is not told any more who exists.
    let guess = Guess::UnknownUser(tenant.id(), application.id);
    let most = tenant.environment.ciba.unknown_users_per_minute;
    if !conceals && app.limits.is_exceeded(guess, most, call.now) {
        return Err(Reason::EndUserThrottled.into());
    }
    let named = name(tenant, call, application, hint)?;
    let refused = match find_usable(app, tenant, application, &named).await {
        // That somebody does not want to be asked says that there is somebody.
        Ok(found) if conceals && found.record.blocked.contains(&application.id) => {
            Failure::from(Reason::EndUserBlocksApplication)
        }
        Ok(found) => return Ok(Person::Known(found)),
        Err(refused) if !is_unknown(&refused) => return Err(refused),
        Err(refused) => refused,
    };
    if !conceals {
        app.limits.count(guess, call.now);
        return Err(refused);
    }
    app.audit.refusals.note(tenant, Some(application), &refused);
    let correlation = call.correlation.as_str();
    tracing::info!(correlation, why = ?refused, "a request for nobody begins");
    Ok(Person::Nobody(tenant.keys.nobody(named.folded())))
}

fn is_unknown(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(reason) if reason.code() == ErrorCode::UnknownUserId)
}

/// What names a person.
enum Named {
    /// The `sub` of a token of ours.
    Subject(String),
    /// Any of their names.
    Login(LoginHint, String),
}

impl Named {
    /// In one spelling, however it is spelt.
    fn folded(&self) -> &str {
        match self {
            Self::Subject(subject) => subject,
            Self::Login(hint, _) => hint.phone.as_deref().unwrap_or(&hint.name),
        }
    }
}

fn name(
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    hint: &Hint,
) -> Result<Named, Failure> {
    let login = |name: String| Ok(Named::Login(LoginHint::parse(&name)?, name));
    match hint {
        Hint::LoginHint(hint) => login(hint.clone()),
        Hint::IdTokenHint(token) => {
            let subject =
                hint::id_token_hint(token, &tenant.jwks, &tenant.issuer, application, call.now)?;
            Ok(Named::Subject(subject))
        }
        Hint::LoginHintToken(token) => {
            let key = tenant.keys.client_secret_key(application.id, &application.secret)?;
            login(hint::login_hint_token(token, &key, &tenant.issuer, application, call.now)?)
        }
    }
}

/// Unknown, ambiguous and unusable people get one answer (T-06).
async fn find_usable(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    named: &Named,
) -> Result<Versioned<User>, Failure> {
    let id = match named {
        Named::Subject(subject) => tenant.keys.person(subject).ok_or(Reason::EndUserUnknown)?,
        Named::Login(hint, name) => find_by_name(app, tenant, application, (hint, name)).await?,
    };
    let user = app.store.find::<User>(&Key::user(tenant.id(), id)).await?;
    let user = user.ok_or(Reason::EndUserUnknown)?;
    if user.record.can_authenticate() { Ok(user) } else { Err(Reason::EndUserNotUsable.into()) }
}

async fn find_by_name(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    (hint, name): (&LoginHint, &str),
) -> Result<UserId, Failure> {
    // What the application calls the person, as everybody may use the identifier.
    let sector = application.sector.as_deref();
    if let Some(id) = sector.and_then(|sector| tenant.keys.person_in(sector, name)) {
        return Ok(id);
    }
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
    (request, person): (&Request, &Person),
) -> Result<Vec<Change>, Failure> {
    let subject = tenant.keys.subject(application.sector.as_deref(), person.id());
    if request.claims.as_ref().is_some_and(|claims| !claims.permits_subject(&subject)) {
        return Err(Reason::ClaimsOtherUser.into());
    }
    if let Person::Known(person) = person
        && person.record.blocked.contains(&application.id)
    {
        return Err(Reason::EndUserBlocksApplication.into());
    }
    let Some(code) = &request.user_code else { return Ok(Vec::new()) };
    let guess = Guess::UserCode(tenant.id(), application.id);
    if app.limits.is_exceeded(guess, USER_CODE_FAILURES_PER_MINUTE, call.now) {
        return Err(Reason::UserCodesThrottled.into());
    }
    let digest = tenant.keys.user_code_digest(person.id(), code.expose());
    let decision = match person {
        Person::Known(person) => user::check_user_code(person, &digest, call.now),
        // No code is the right one of nobody. It takes as long to say so.
        Person::Nobody(id) => {
            let record = Arc::new(User::nobody(tenant.id(), *id, call.now));
            user::check_user_code(&Versioned { record, version: 0 }, &digest, call.now)
        }
    };
    if decision.verdict.is_ok() {
        return Ok(decision.changes);
    }
    app.limits.count(guess, call.now);
    let told = app::told(&decision.changes, decision.verdict.err());
    let told = told.into_iter().map(|it| Told { application: Some(application.id), ..it });
    let call = &call.by(Actor::application(application.id));
    let decision = match person {
        Person::Known(_) => decision,
        Person::Nobody(_) => Decision { verdict: decision.verdict, changes: Vec::new() },
    };
    app.settle_telling(call, None, decision, told.collect()).await?;
    Ok(Vec::new())
}
