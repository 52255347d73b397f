//! `/environments/{envID}/applications`: OAuth clients (`pingone.md` §16).

pub mod body;
pub mod grants;
pub mod members;
pub mod registration_token;
pub mod role_assignments;
pub mod secret;

use assent_protocol::application::Application;
use assent_protocol::fapi::{self, Unfit};
use assent_protocol::id::ApplicationId;
use assent_protocol::record::{Key, Versioned, Write};

use crate::management::applications::body::ApplicationBody;
use crate::management::ask::Ask;
use crate::management::body::{created, no_content, ok};
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision;
use crate::registry::Tenant;
use crate::sector;

/// `GET /applications`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let window = ask.window()?;
    let after = window.after.map(|id| Key::application(ask.env(), id).name);
    let (found, more) = ask.read::<Application>(Vec::new(), after, window.limit).await?;
    let next = found.last().filter(|_| more).map(|last| last.record.id);
    let bodies = found.iter().map(|it| ApplicationBody::new(&ask, &it.record)).collect();
    ask.page("applications", bodies, &window, next)
}

/// `POST /applications`: the secret is made here and read at `/secret`.
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let mut blank = blank(&ask)?;
    let kind = fields.choice("type", &members::TYPES);
    blank.kind = fields.required("type", kind, blank.kind);
    let new = members::read(fields, blank.clone())?;
    check_profile(&ask, &new)?;
    check_sector(&ask, &blank, &new).await?;
    ask.commit(vec![Write::insert(new.clone())]).await?;
    created(&ApplicationBody::new(&ask, &new))
}

/// `GET /applications/{appID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    ok(&ApplicationBody::new(&ask, &find(&ask).await?.record))
}

/// `PUT /applications/{appID}`: the same rules as at creation hold for the result (T-84).
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    role_assignments::check_rank(&ask, &found.record)?;
    fields.fixed("type", found.record.kind);
    let base = Application { updated_at: ask.call.now, ..Application::clone(&found.record) };
    let next = members::read(fields, base)?;
    check_profile(&ask, &next)?;
    check_sector(&ask, &found.record, &next).await?;
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&ApplicationBody::new(&ask, &next))
}

/// `DELETE /applications/{appID}`
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    role_assignments::check_rank(&ask, &found.record)?;
    let key = Key::application(ask.env(), found.record.id);
    ask.commit(vec![Write::Delete(key, found.version)]).await?;
    Ok(no_content())
}

/// The application of the path.
///
/// # Errors
/// There is none in this environment.
pub async fn find(ask: &Ask<Tenant>) -> Result<Versioned<Application>, Problem> {
    let id: ApplicationId = ask.id("application")?;
    ask.find(&Key::application(ask.env(), id)).await
}

/// An application is what the profile of its environment, or its own, wants it to be.
fn check_profile(ask: &Ask<Tenant>, application: &Application) -> Result<(), Problem> {
    let environment = ask.place.environment.security.profile;
    let (member, message) = match fapi::check(application, environment) {
        Ok(()) => return Ok(()),
        Err(Unfit::Method) => (
            "tokenEndpointAuthMethod",
            "The FAPI-CIBA profile wants PRIVATE_KEY_JWT, TLS_CLIENT_AUTH or \
             SELF_SIGNED_TLS_CLIENT_AUTH",
        ),
        Err(Unfit::AssertionAlgorithm) => {
            ("tokenEndpointAuthSigningAlg", "The FAPI-CIBA profile wants PS256, ES256 or EdDSA")
        }
        Err(Unfit::DeliveryMode) => {
            ("ciba.deliveryMode", "The FAPI-CIBA profile has no push: choose POLL or PING")
        }
        Err(Unfit::RequestAlgorithm) => (
            "ciba.requestSigningAlg",
            "The FAPI-CIBA profile wants requests signed with PS256, ES256 or EdDSA",
        ),
        Err(Unfit::TokenAlgorithm) => (
            "userinfoSigningAlgorithm",
            "The FAPI-CIBA profile wants signatures with PS256, ES256 or EdDSA",
        ),
    };
    Err(Detail::invalid(member, message).into())
}

/// Whether the document that the application names lists it.
async fn check_sector(
    ask: &Ask<Tenant>,
    before: &Application,
    next: &Application,
) -> Result<(), Problem> {
    sector::check(&ask.app, &ask.place, before, next).await.map_err(|sector::NotListed| {
        let message = "The document could not be fetched as a JSON array that lists the jwksUrl; \
                       with PUSH, the notificationEndpoint";
        Detail::invalid(members::subject::DOCUMENT, message).into()
    })
}

/// A new application before anything was said about it.
fn blank(ask: &Ask<Tenant>) -> Result<Application, Problem> {
    let (entropy, now) = (ask.app.entropy.as_ref(), ask.call.now);
    let id = entropy.id(now)?;
    let secret = provision::client_secret(entropy)?;
    let secret = ask.place.keys.seal_client_secret(id, &secret, entropy.octets()?)?;
    Ok(Application::new(ask.env(), id, secret, now))
}
