//! A person's authentication device: who it is, what waits, and the answer. The JSON API, the
//! pages and the simulator are three mouths of what is decided here.

pub mod api;
pub mod events;
pub mod pairing;
pub mod simulator;

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::ciba::answer::{self, Answered, Answerer, Said};
use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::device::{Credential, Device};
use assent_protocol::id::RequestId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{InboxKey, Key, Versioned};
use assent_protocol::resource::Resource;
use assent_protocol::scope_policy;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::Timestamp;
use assent_protocol::user::User;

use crate::app::App;
use crate::call::Call;
use crate::delivery;
use crate::failure::Failure;
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
        // What a disabled or deleted application asked is not shown: it cannot be approved.
        if let Some(shown) = describe(app, tenant, found.record).await? {
            waiting.push(shown);
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

/// A request in words; `None` when its application is gone or disabled.
///
/// # Errors
/// The store cannot be read.
pub async fn describe(
    app: &App,
    tenant: &Tenant,
    authentication: Arc<Authentication>,
) -> Result<Option<Waiting>, Failure> {
    let Some(application) = usable_application(app, tenant, &authentication).await? else {
        return Ok(None);
    };
    let resources: Vec<Arc<Resource>> = resources::of(app, tenant, &application).await?;
    let scopes = authentication
        .scope
        .split(' ')
        .map(|name| (name.to_owned(), scope_policy::words(name, &resources)))
        .collect();
    Ok(Some(Waiting { authentication, application: application.name.clone(), scopes }))
}

async fn usable_application(
    app: &App,
    tenant: &Tenant,
    authentication: &Authentication,
) -> Result<Option<Arc<Application>>, Failure> {
    let key = Key::application(tenant.id(), authentication.application);
    let found = app.store.find::<Application>(&key).await?.map(|found| found.record);
    Ok(found.filter(|application| application.enabled))
}

/// The person's answer. Person and application are looked at again (T-27, T-28); the first
/// committed decision wins.
///
/// # Errors
/// The request is unknown, decided, expired, or its application was disabled.
pub async fn decide(
    app: &App,
    tenant: &Tenant,
    found: &Versioned<Authentication>,
    said: &Said,
    by: Answerer,
    call: &Call,
) -> Result<(), Failure> {
    if usable_application(app, tenant, &found.record).await?.is_none() {
        return Err(Reason::RequestApplicationDisabled.into());
    }
    let answered = answer::answer(&found.record, said, by, call.now)?;
    let told = delivery::tell(app, tenant, call, found, answered.state).await?;
    let answered = Answered { state: told.state, verdict: answered.verdict };
    let mut decision = answered.decide(found);
    decision.changes.extend(told.changes);
    app.settle(None, decision).await
}
