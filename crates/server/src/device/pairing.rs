//! Pairing: a one-time code becomes the device's credential.

use std::net::IpAddr;
use std::sync::Arc;

use assent_protocol::audit::Actor;
use assent_protocol::device::{self as pairing, Device, Pairing};
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Write};
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_store::Outcome;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::call::Call;
use crate::device::Holder;
use crate::device::api::speak;
use crate::extract::body;
use crate::failure::{self, Failure};
use crate::limits::{Guess, PAIRING_FAILURES_PER_MINUTE};
use crate::listen::Peer;
use crate::provision::{DEVICE_TOKEN_PREFIX, pairing_digest};
use crate::registry::Tenant;

/// Longest code that is looked up.
const CODE_BYTES_MAX: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PairBody {
    code: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PairedBody<'a> {
    token: &'a str,
    token_type: &'static str,
    device: Identified,
    user: Identified,
}

#[derive(Serialize)]
struct Identified {
    id: String,
}

/// `POST /{envID}/device/pair` with `{"code": …}`: the credential, shown once.
pub async fn post(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        if !body::is_media_type(&headers, "application/json") {
            return Err(Reason::ActionUnknown.into());
        }
        let octets = body::read(&headers, body).await?;
        let asked: PairBody =
            serde_json::from_slice(&octets).map_err(|_| Reason::ParametersMalformed)?;
        let (credential, paired) = pair(&app, &tenant, &call, peer, &asked.code).await?;
        failure::json(&PairedBody {
            token: credential.expose(),
            token_type: "Bearer",
            device: Identified { id: paired.device.to_string() },
            user: Identified { id: paired.user.to_string() },
        })
    };
    speak(&call, answer.await)
}

/// Turns a one-time code into a credential.
///
/// # Errors
/// The code is wrong, used or expired; too many wrong ones came from this address.
pub async fn pair(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    peer: IpAddr,
    code: &str,
) -> Result<(Secret, pairing::Credential), Failure> {
    let guess = Guess::PairingCode(tenant.id(), peer);
    if app.limits.is_exceeded(guess, PAIRING_FAILURES_PER_MINUTE, call.now) {
        let refused = Failure::Refused(Reason::PairingThrottled);
        app.audit.refusals.note(tenant, None, &refused);
        return Err(refused);
    }
    let paired = try_pair(app, tenant, call, code).await;
    if let Err(refused @ Failure::Refused(_)) = &paired {
        app.limits.count(guess, call.now);
        app.audit.refusals.note(tenant, None, refused);
    }
    paired
}

async fn try_pair(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    code: &str,
) -> Result<(Secret, pairing::Credential), Failure> {
    if code.len() > CODE_BYTES_MAX {
        return Err(Reason::PairingCodeUnknown.into());
    }
    let key = Key::pairing(tenant.id(), pairing_digest(tenant.id(), code));
    let known = app.store.find::<Pairing>(&key).await?;
    let device = match &known {
        Some(known) => {
            let (user, device) = (known.record.user, known.record.device);
            app.store.find::<Device>(&Key::device(tenant.id(), user, device)).await?
        }
        None => None,
    };
    let credential = Secret::mint(DEVICE_TOKEN_PREFIX, app.entropy.octets()?);
    let digest = Digest::of(Purpose::DeviceCredential, tenant.id(), credential.expose().as_bytes());
    let decision = pairing::pair(known.as_ref(), device.as_ref(), digest, call.now);
    let paired = app.settle(call, None, decision).await?;
    Ok((credential, paired))
}

/// Ends a device: its credential and the device itself are removed.
///
/// # Errors
/// The store failed.
pub async fn unpair(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    holder: &Holder,
) -> Result<(), Failure> {
    let call = &call.by(Actor::person(holder.user.id, holder.device.id));
    let credential = &holder.credential;
    let key = Key::device(tenant.id(), holder.user.id, holder.device.id);
    let mut writes = vec![Write::Delete(
        Key::credential(tenant.id(), credential.record.digest),
        credential.version,
    )];
    if let Some((_, version)) = app.store.find_record(&key).await? {
        writes.push(Write::Delete(key, version));
    }
    if app.commit(call, writes).await? != Outcome::Done {
        // The device changed or went meanwhile. What matters is that the credential is dead.
        let key = Key::credential(tenant.id(), credential.record.digest);
        app.commit(call, vec![Write::Delete(key, credential.version)]).await?;
    }
    Ok(())
}
