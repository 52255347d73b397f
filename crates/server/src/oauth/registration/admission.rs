//! Who may register, and what a registered client may ask for.

use std::net::IpAddr;

use assent_protocol::application::{Application, ScopeGrant};
use assent_protocol::decision::Change;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Kind, Write};
use assent_protocol::registration::{InitialAccessToken, RegistrationMode};
use assent_protocol::resource::{Resource, Scope};
use assent_protocol::scope::ScopeSet;
use assent_protocol::secret::{Digest, Purpose};
use assent_store::{LIST_MAX, Range};
use http::HeaderMap;

use crate::app::App;
use crate::call::Call;
use crate::extract::credentials;
use crate::failure::Failure;
use crate::limits::{Guess, REGISTRATIONS_PER_MINUTE, WINDOW};
use crate::registry::Tenant;

/// Whether the caller may register, and the change that uses up one registration of its token.
///
/// # Errors
/// It may not; or it came too often.
pub async fn admit(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<Option<Change>, Failure> {
    let mode = tenant.environment.registration.mode;
    if mode == RegistrationMode::Off {
        return Err(Reason::RegistrationOff.into());
    }
    let attempt = Guess::Registration(tenant.id(), peer);
    if app.limits.is_exceeded(attempt, REGISTRATIONS_PER_MINUTE, call.now) {
        return Err(Failure::Wait(Reason::RegistrationsTooMany, WINDOW));
    }
    app.limits.count(attempt, call.now);
    match (mode, credentials::bearer(headers)) {
        (RegistrationMode::Off, _) => Err(Reason::RegistrationOff.into()),
        (RegistrationMode::Open, None) => Ok(None),
        (RegistrationMode::InitialAccessToken, None) => {
            Err(Reason::RegistrationTokenMissing.into())
        }
        (RegistrationMode::Open | RegistrationMode::InitialAccessToken, Some(token)) => {
            use_up(app, tenant, call, token).await.map(Some)
        }
    }
}

async fn use_up(app: &App, tenant: &Tenant, call: &Call, token: &str) -> Result<Change, Failure> {
    let wrong = Reason::RegistrationTokenWrong;
    let digest = Digest::of(Purpose::InitialAccessToken, tenant.id(), token.as_bytes());
    let key = Key::initial_access_token(tenant.id(), digest);
    let found = app.store.find::<InitialAccessToken>(&key).await?.ok_or(wrong)?;
    let record = &found.record;
    if record.uses_left == 0 || call.now >= record.expires_at {
        return Err(wrong.into());
    }
    let next = InitialAccessToken {
        uses_left: record.uses_left.saturating_sub(1),
        ..InitialAccessToken::clone(record)
    };
    // Two at once: with the last use one of them comes too late, else it may come again.
    let lost = if next.uses_left == 0 { wrong } else { Reason::RegistrationChanged };
    Ok(Change::new(Write::replace(next, found.version), lost))
}

/// Whether one more registered client fits. Two at once can both be the last.
///
/// # Errors
/// It does not.
pub async fn check_room(app: &App, tenant: &Tenant) -> Result<(), Failure> {
    let most = tenant.environment.registration.clients_max;
    let mut count = 0_u32;
    let mut after = None;
    loop {
        let page = list::<Application>(app, tenant, Kind::Application, after).await?;
        let registered = page.iter().filter(|it| it.registration_token.is_some()).count();
        count = count.saturating_add(u32::try_from(registered).unwrap_or(u32::MAX));
        if count >= most {
            return Err(Failure::Wait(Reason::RegistrationsTooMany, WINDOW));
        }
        if page.len() < LIST_MAX {
            return Ok(());
        }
        after = page.last().map(|last| Key::application(tenant.id(), last.id).name);
    }
}

/// What of the policy's scopes the client asked for, by resource; all of them if it did not say.
/// Scopes that the policy does not speak of were granted by an administrator, and stay.
///
/// # Errors
/// The store cannot be read.
pub async fn grants(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (asked, granted): (Option<&ScopeSet>, &[ScopeGrant]),
) -> Result<Vec<ScopeGrant>, Failure> {
    let offered = &tenant.environment.registration.scopes;
    let is_offered = |name: &str| offered.iter().any(|it| it == name);
    let is_asked = |name: &str| asked.is_none_or(|asked| asked.contains(name));
    let mut grants = Vec::new();
    for resource in list::<Resource>(app, tenant, Kind::Resource, None).await? {
        let present = granted.iter().find(|it| it.resource == resource.id);
        let wanted = |it: &&Scope| {
            if is_offered(&it.name) {
                is_asked(&it.name)
            } else {
                present.is_some_and(|present| present.scopes.contains(&it.id))
            }
        };
        let scopes: Vec<_> = resource.scopes.iter().filter(wanted).map(|it| it.id).collect();
        if !scopes.is_empty() {
            let (id, created_at) = match present {
                Some(present) => (present.id, present.created_at),
                None => (app.entropy.id(call.now)?, call.now),
            };
            let updated_at = call.now;
            grants.push(ScopeGrant { id, resource: resource.id, scopes, created_at, updated_at });
        }
    }
    Ok(grants)
}

async fn list<T: assent_protocol::record::Stored>(
    app: &App,
    tenant: &Tenant,
    kind: Kind,
    after: Option<Vec<u8>>,
) -> Result<Vec<std::sync::Arc<T>>, Failure> {
    let range = Range { env: tenant.id(), kind, prefix: Vec::new(), after, limit: LIST_MAX };
    let found = app.store.list::<T>(&range).await?;
    Ok(found.into_iter().map(|it| it.record).collect())
}
