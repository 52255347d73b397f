//! `/users/{userID}/devices`: what a person answers with (`pingone.md` §19). A device is made
//! waiting; the code that pairs it is in the answer to its creation and nowhere else.

use assent_protocol::device::{DEVICES_PER_USER_MAX, Device, DeviceStatus, DeviceType};
use assent_protocol::id::{DeviceId, UserId};
use assent_protocol::record::{Key, Kind, Versioned, Write};
use assent_protocol::user::User;
use assent_store::{LIST_MAX, Range};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, created, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::management::users::find;
use crate::provision::{self, NewDevice};
use crate::registry::Tenant;

const NICKNAME_CHARS_MAX: usize = 100;
const TYPES: [DeviceType; 2] = [DeviceType::Mobile, DeviceType::Browser];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    user: Reference,
    id: String,
    #[serde(rename = "type")]
    kind: DeviceType,
    nickname: &'a str,
    status: DeviceStatus,
    /// How to pair it; in the answer to the creation and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pairing: Option<PairingBody<'a>>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PairingBody<'a> {
    code: &'a str,
    link: String,
    expires_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, device: &'a Device) -> Body<'a> {
    let user_href = format!("{}/users/{}", ask.env_href(), device.user);
    Body {
        links: links([
            ("environment", ask.env_href()),
            ("self", format!("{user_href}/devices/{}", device.id)),
            ("user", user_href),
        ]),
        environment: Reference::new(device.env),
        user: Reference::new(device.user),
        id: device.id.to_string(),
        kind: device.kind,
        nickname: &device.nickname,
        status: device.status,
        pairing: None,
        created_at: device.created_at.to_rfc3339(),
        updated_at: device.updated_at.to_rfc3339(),
    }
}

fn pairing<'a>(ask: &Ask<Tenant>, new: &'a NewDevice) -> PairingBody<'a> {
    let (auth_path, env) = (&ask.app.settings.auth_path, ask.env());
    let link_code = new.link_code.expose();
    PairingBody {
        code: new.code.expose(),
        link: format!("{auth_path}/{env}/inbox/sign-in?code={link_code}"),
        expires_at: new.expires_at.to_rfc3339(),
    }
}

/// `GET /devices`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let user = find(&ask).await?.record;
    let found = all(&ask, user.id).await?;
    let bodies = found.iter().map(|it| body(&ask, &it.record)).collect();
    ask.whole("devices", bodies)
}

/// `POST /devices`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let user = find(&ask).await?;
    let kind = fields.choice("type", &TYPES);
    let kind = fields.required("type", kind, DeviceType::Mobile);
    let nickname = fields.required_text("nickname", NICKNAME_CHARS_MAX);
    fields.finish()?;
    if all(&ask, user.record.id).await?.len() >= DEVICES_PER_USER_MAX {
        return Err(Detail::too_large("devices", DEVICES_PER_USER_MAX).into());
    }
    let (entropy, now) = (ask.app.entropy.as_ref(), ask.call.now);
    let mut new = provision::device(entropy, ask.env(), user.record.id, nickname, kind, now)?;
    let mut writes = std::mem::take(&mut new.writes);
    // The person is written unchanged: a device made while they are removed, or while another one
    // takes the last place, must lose.
    writes.push(Write::replace(User::clone(&user.record), user.version));
    ask.commit(writes).await?;
    created(&Body { pairing: Some(pairing(&ask, &new)), ..body(&ask, &new.device) })
}

/// `GET /devices/{deviceID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    ok(&body(&ask, &one(&ask).await?.record))
}

/// `PUT /devices/{deviceID}`: another nickname.
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = one(&ask).await?;
    let nickname = fields.required_text("nickname", NICKNAME_CHARS_MAX);
    if fields.is_given("type") {
        fields.fixed("type", found.record.kind);
    }
    fields.finish()?;
    let next = Device { nickname, updated_at: ask.call.now, ..Device::clone(&found.record) };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&body(&ask, &next))
}

/// `DELETE /devices/{deviceID}`: its credential and its codes are worth nothing from now on.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = one(&ask).await?;
    ask.commit(removals(&ask, &found).await?).await?;
    Ok(no_content())
}

/// The devices of a person.
///
/// # Errors
/// The store cannot be read.
pub async fn all(ask: &Ask<Tenant>, user: UserId) -> Result<Vec<Versioned<Device>>, Problem> {
    let prefix = user.as_bytes().to_vec();
    let range = Range { env: ask.env(), kind: Kind::Device, prefix, after: None, limit: LIST_MAX };
    Ok(ask.app.store.list(&range).await?)
}

/// What removes a device and everything that leads to it.
///
/// # Errors
/// The store cannot be read.
pub async fn removals(
    ask: &Ask<Tenant>,
    device: &Versioned<Device>,
) -> Result<Vec<Write>, Problem> {
    let it = &device.record;
    let mut writes = vec![Write::Delete(Key::device(it.env, it.user, it.id), device.version)];
    let credential = it.credential.map(|digest| Key::credential(it.env, digest));
    let pairings = it.pairings.iter().map(|digest| Key::pairing(it.env, *digest));
    for key in pairings.chain(credential) {
        writes.extend(ask.removal(key).await?);
    }
    Ok(writes)
}

async fn one(ask: &Ask<Tenant>) -> Result<Versioned<Device>, Problem> {
    let (user, device): (UserId, DeviceId) = (ask.id("user")?, ask.id("device")?);
    ask.find(&Key::device(ask.env(), user, device)).await
}
