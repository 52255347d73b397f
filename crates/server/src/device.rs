//! A person's authentication device: who it is, what waits, and the answer. The JSON API, the
//! pages and the simulator are three mouths of what is decided here.

pub mod api;
pub mod events;
pub mod pairing;
pub mod simulator;

use std::sync::Arc;

use assent_protocol::application::{Application, GrantType};
use assent_protocol::audit::Actor;
use assent_protocol::authorization_details::Details;
use assent_protocol::ciba::answer::{self, Answer, Answered, Answerer, Said};
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::decision::Change;
use assent_protocol::device::{Credential, Device};
use assent_protocol::id::RequestId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{InboxKey, Key, Versioned, Write};
use assent_protocol::resource::Resource;
use assent_protocol::scope_policy;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::Timestamp;
use assent_protocol::user::User;
use assent_store::Fault;

use crate::app::{self, App};
use crate::call::Call;
use crate::delivery;
use crate::details::{self, Line};
use crate::failure::{Broken, Failure};
use crate::oauth::resources;
use crate::registry::Tenant;

/// Waiting requests shown at once.
pub const WAITING_SHOWN_MAX: usize = 50;

/// A paired device and its person.
pub struct Holder {
    /// The person.
    pub user: Arc<User>,
    /// The device.
    pub device: Arc<Device>,
    /// The credential it showed.
    pub credential: Versioned<Credential>,
}

/// A waiting request, in the words of the device.
pub struct Waiting {
    /// What waits.
    pub authentication: Arc<Authentication>,
    /// The registered name of who asks.
    pub application: String,
    /// What is asked for: scope and words.
    pub scopes: Vec<(String, String)>,
    /// What else is asked for, in full (RFC 9396 §3.1).
    pub details: Vec<Line>,
}

impl Holder {
    /// Who answers.
    pub fn answerer(&self) -> Answerer<'_> {
        Answerer::Device { id: self.device.id, reaches: &self.device.acr_values }
    }
}

/// Who holds this credential, if the person may still answer.
///
/// # Errors
/// Nobody; or the account is locked or disabled.
pub async fn identify(app: &App, tenant: &Tenant, credential: &str) -> Result<Holder, Failure> {
    let unknown = Reason::DeviceCredentialUnknown;
    let digest = Digest::of(Purpose::DeviceCredential, tenant.id(), credential.as_bytes());
    let key = Key::credential(tenant.id(), digest);
    let credential = app.store.find::<Credential>(&key).await?.ok_or(unknown)?;
    let (user, device) = (credential.record.user, credential.record.device);
    let device = app.store.find::<Device>(&Key::device(tenant.id(), user, device)).await?;
    let device = device.ok_or(unknown)?.record;
    let user = app.store.find::<User>(&Key::user(tenant.id(), user)).await?.ok_or(unknown)?.record;
    if !user.can_authenticate() {
        return Err(Reason::DeviceUserNotUsable.into());
    }
    Ok(Holder { user, device, credential })
}

/// What waits for the person, oldest first.
///
/// # Errors
/// The store cannot be read.
pub async fn list_waiting(
    app: &App,
    tenant: &Tenant,
    user: &User,
    now: Timestamp,
) -> Result<Vec<Waiting>, Failure> {
    let found = app.store.list_inbox(tenant.id(), user.id, now, WAITING_SHOWN_MAX).await?;
    let mut waiting = Vec::with_capacity(found.len());
    for found in found {
        // Whom the person blocked does not ask any more.
        if user.blocked.contains(&found.record.application) {
            continue;
        }
        match describe(app, tenant, found.record).await {
            Ok(shown) => waiting.push(shown),
            // It cannot be approved, so it is not shown.
            Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(waiting)
}

/// One request in the person's inbox, whatever its state.
///
/// # Errors
/// There is none of that name for this person.
pub async fn find(
    app: &App,
    tenant: &Tenant,
    user: &User,
    request: &str,
) -> Result<Versioned<Authentication>, Failure> {
    let unknown = Reason::RequestUnknown;
    let request = RequestId::parse(request).ok_or(unknown)?;
    let key = InboxKey { env: tenant.id(), user: user.id, request };
    Ok(app.store.find_in_inbox(key).await?.ok_or(unknown)?)
}

/// A request in words.
///
/// # Errors
/// Its application may not ask any more, or not for this; or the store cannot be read.
pub async fn describe(
    app: &App,
    tenant: &Tenant,
    authentication: Arc<Authentication>,
) -> Result<Waiting, Failure> {
    let application = usable_application(app, tenant, &authentication).await?;
    let details = details_of(app, tenant, &application, &authentication).await?;
    let resources: Vec<Arc<Resource>> = resources::of(app, tenant, &application).await?;
    let scopes = authentication
        .scope
        .split(' ')
        .map(|name| (name.to_owned(), scope_policy::words(name, &resources)))
        .collect();
    Ok(Waiting { authentication, application: application.name.clone(), scopes, details })
}

async fn usable_application(
    app: &App,
    tenant: &Tenant,
    authentication: &Authentication,
) -> Result<Arc<Application>, Failure> {
    let key = Key::application(tenant.id(), authentication.application);
    let found = app.store.find::<Application>(&key).await?.map(|found| found.record);
    let usable = found.filter(|it| it.enabled && it.may_use(GrantType::Ciba));
    Ok(usable.ok_or(Reason::RequestApplicationDisabled)?)
}

/// The `authorization_details` of a request in words, as long as they can be asked for.
async fn details_of(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    authentication: &Authentication,
) -> Result<Vec<Line>, Failure> {
    let asked = authentication.asked.as_ref();
    let Some(text) = asked.and_then(|asked| asked.authorization_details.as_deref()) else {
        return Ok(Vec::new());
    };
    let corrupt = |_| Broken::Store(Fault::Corrupt("authorization details that do not read"));
    let asked = Details::parse(text).map_err(corrupt)?;
    match details::lines(app, tenant, application, asked).await {
        // They fitted when they were asked for: a type is gone or was changed.
        Err(Failure::Refused(_)) => Err(Reason::RequestDetailsGone.into()),
        lines => lines,
    }
}

/// The person's answer. Person, application and types are looked at again (T-27, T-28); the first
/// committed decision wins.
///
/// # Errors
/// The request is decided or expired; it cannot be answered so, or not any more.
pub async fn decide(
    app: &App,
    tenant: &Tenant,
    found: &Versioned<Authentication>,
    said: &Said,
    by: Answerer<'_>,
    call: &Call,
) -> Result<(), Failure> {
    let application = usable_application(app, tenant, &found.record).await?;
    let person = usable_person(app, tenant, &found.record).await?;
    // Who declines, or comes too late, need not know what could be left out.
    let optional = if said.answer == Answer::Approve && found.record.is_waiting(call.now) {
        let lines = details_of(app, tenant, &application, &found.record).await?;
        lines.iter().map(|line| line.optional).collect()
    } else {
        Vec::new()
    };
    let answered = answer::answer(&found.record, said, by, &optional, call.now)?;
    if said.answer == Answer::Approve && person.record.blocked.contains(&application.id) {
        return Err(Reason::EndUserBlocksApplication.into());
    }
    let told = delivery::tell(app, tenant, call, found, answered.state).await?;
    let verdict = told.refused.map_or(answered.verdict, Err);
    let answered = Answered { state: told.state, verdict };
    let mut decision = answered.decide(found);
    decision.changes.extend(told.changes);
    let reported = said.reported && said.answer == Answer::Deny;
    if reported {
        let blocking = person.record.blocking(application.id, call.now);
        let block = Write::replace(blocking, person.version);
        decision.changes.push(Change::new(block, Reason::RequestDecided));
    }
    let verdict = std::mem::replace(&mut decision.verdict, Ok(()));
    let acts = app::told(&decision.changes, verdict.err());
    let call = &call.by(actor(&person.record, by));
    let settled = app.settle_telling(call, None, decision, acts).await;
    if reported && settled.is_err() && still_waits(app, found, call.now).await? {
        // Not the request but the person's record was changed meanwhile: nothing was said yet.
        return Err(Fault::Overloaded.into());
    }
    settled?;
    // Nothing is sent before it is durable.
    if let Some(claimed) = told.claimed {
        app.outbox.offer(claimed, call.now);
    }
    Ok(verdict?)
}

async fn still_waits(
    app: &App,
    found: &Versioned<Authentication>,
    now: Timestamp,
) -> Result<bool, Failure> {
    let found = app.store.find_in_inbox(found.record.inbox).await?;
    Ok(found.is_some_and(|found| found.record.is_waiting(now)))
}

async fn usable_person(
    app: &App,
    tenant: &Tenant,
    authentication: &Authentication,
) -> Result<Versioned<User>, Failure> {
    let key = Key::user(tenant.id(), authentication.inbox.user);
    let found = app.store.find::<User>(&key).await?;
    let usable = found.filter(|found| found.record.can_authenticate());
    Ok(usable.ok_or(Reason::DeviceUserNotUsable)?)
}

/// Who answers, for the audit log.
fn actor(person: &User, by: Answerer<'_>) -> Actor {
    match by {
        Answerer::Device { id, .. } => Actor::person(person.id, id),
        Answerer::Simulator => Actor::SIMULATOR,
    }
}
