//! `/applications/{appID}/secret`: read, rotate, and end the secret before (`pingone.md` §16).

use assent_protocol::application::{Application, PreviousSecret};
use assent_protocol::audit::Object;
use assent_protocol::record::{Kind, Write};
use assent_protocol::secret::Secret;
use assent_protocol::time::{Seconds, Timestamp};
use serde::Serialize;

use crate::management::applications::role_assignments::check_rank;
use crate::management::applications::{body::href, find};
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links, no_content, ok};
use crate::management::detail::{Detail, DetailCode};
use crate::management::fields::Fields;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision;
use crate::registry::Tenant;

/// How long the secret before may go on working.
const KEPT_MIN: Seconds = Seconds::new(60);
const KEPT_MAX: Seconds = Seconds::new(30 * 24 * 3600);

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviousBody {
    expires_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, application: &Application, secret: &'a Secret) -> Body<'a> {
    let href = href(ask, application);
    let works = |it: &&PreviousSecret| ask.call.now < it.expires_at;
    Body {
        links: links([("self", format!("{href}/secret")), ("application", href)]),
        environment: Reference::new(application.env),
        secret: secret.expose(),
        previous: application
            .previous_secret
            .as_ref()
            .filter(works)
            .map(|it| PreviousBody { expires_at: it.expires_at.to_rfc3339() }),
    }
}

/// `GET /secret`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let application = find(&ask).await?.record;
    check_rank(&ask, &application)?;
    let secret = ask.place.keys.open_client_secret(application.id, &application.secret)?;
    ask.tell_secret(ask.env(), Object::new(Kind::Application, application.id)).await?;
    ok(&body(&ask, &application, &secret))
}

/// `POST /secret`: a new secret. The present one ends now, or when `previous.expiresAt` says.
pub async fn rotate(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields_if_any()?;
    let found = find(&ask).await?;
    check_rank(&ask, &found.record)?;
    let expires_at = read_expiry(fields, ask.call.now)?;
    let entropy = ask.app.entropy.as_ref();
    let secret = provision::client_secret(entropy)?;
    let id = found.record.id;
    let previous_secret = expires_at
        .map(|expires_at| PreviousSecret { secret: found.record.secret.clone(), expires_at });
    let next = Application {
        secret: ask.place.keys.seal_client_secret(id, &secret, entropy.octets()?)?,
        previous_secret,
        updated_at: ask.call.now,
        ..Application::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&body(&ask, &next, &secret))
}

/// `DELETE /secret`: the secret before ends now.
pub async fn forget_previous(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    check_rank(&ask, &found.record)?;
    if found.record.previous_secret.is_some() {
        let next = Application {
            previous_secret: None,
            updated_at: ask.call.now,
            ..Application::clone(&found.record)
        };
        ask.commit(vec![Write::replace(next, found.version)]).await?;
    }
    Ok(no_content())
}

fn read_expiry(mut fields: Fields, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let Some(mut previous) = fields.object("previous") else {
        fields.finish()?;
        return Ok(None);
    };
    let text = previous.text("expiresAt", 64);
    let text = previous.required("expiresAt", text, String::new());
    fields.absorb(previous);
    fields.finish()?;
    let target = "previous.expiresAt";
    let expires_at = parse_time(&text)
        .ok_or_else(|| Detail::invalid(target, "expiresAt must be a time as in RFC 3339"))?;
    let fits = (now.plus(KEPT_MIN)..=now.plus(KEPT_MAX)).contains(&expires_at);
    if !fits {
        let message = "expiresAt must be from one minute to thirty days ahead";
        return Err(Detail::new(DetailCode::OutOfRange, Some(target), message).into());
    }
    Ok(Some(expires_at))
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(Timestamp::from_millis)
}
