//! `/users/{userID}/devices`: what a person answers with (`pingone.md` §19). A device is made
//! waiting; the code that pairs it is in the answer to its creation and nowhere else.

use assent_protocol::ciba::answer::ACR_SIMULATOR;
use assent_protocol::device::{DEVICES_PER_USER_MAX, Device, DeviceStatus, DeviceType};
use assent_protocol::id::{DeviceId, UserId};
use assent_protocol::record::{Key, Kind, Stored, Versioned, Write};
use assent_protocol::user::User;
use assent_store::{LIST_MAX, Range};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, created, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::fields::Fields;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::management::users::body::href;
use crate::management::users::find;
use crate::provision::{self, NewDevice};
use crate::registry::Tenant;

const NICKNAME_CHARS_MAX: usize = 100;
/// Most authentication contexts of one device.
const ACR_VALUES_MAX: usize = 10;
const ACR_CHARS_MAX: usize = 128;
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    acr_values: &'a [String],
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
    let user_href = href(ask, device.user);
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
        acr_values: &device.acr_values,
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
    let acr_values = read_acr_values(&mut fields);
    fields.finish()?;
    if all(&ask, user.record.id).await?.len() >= DEVICES_PER_USER_MAX {
        return Err(Detail::too_large("devices", DEVICES_PER_USER_MAX).into());
    }
    let (entropy, now) = (ask.app.entropy.as_ref(), ask.call.now);
    let mut new = provision::device(entropy, ask.env(), user.record.id, nickname, kind, now)?;
    new.device.acr_values = acr_values;
    let mut writes = std::mem::take(&mut new.writes);
    writes.retain(|write| write.key() != new.device.key());
    writes.push(Write::insert(new.device.clone()));
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

/// `PUT /devices/{deviceID}`: another nickname, other contexts.
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = one(&ask).await?;
    let nickname = fields.required_text("nickname", NICKNAME_CHARS_MAX);
    if fields.is_given("type") {
        fields.fixed("type", found.record.kind);
    }
    let acr_values = read_acr_values(&mut fields);
    fields.finish()?;
    let updated_at = ask.call.now;
    let next = Device { nickname, acr_values, updated_at, ..Device::clone(&found.record) };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&body(&ask, &next))
}

/// The authentication contexts that an answer on the device reaches, as its maker vouches for.
fn read_acr_values(fields: &mut Fields) -> Vec<String> {
    let name = "acrValues";
    let mut values: Vec<String> = Vec::new();
    for value in fields.list(name, ACR_VALUES_MAX).unwrap_or_default() {
        let fits = |it: &&str| {
            (1..=ACR_CHARS_MAX).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_graphic())
        };
        match value.as_str().filter(fits) {
            Some(acr) if acr == ACR_SIMULATOR => {
                let message = "acrValues must not name what the simulator reaches";
                fields.refuse(Detail::invalid(name, message));
            }
            Some(acr) if values.iter().any(|known| known == acr) => {}
            Some(acr) => values.push(acr.to_owned()),
            None => {
                let message = "acrValues must be printable ASCII without spaces";
                fields.refuse(Detail::invalid(name, message));
            }
        }
    }
    values
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
