//! `/applications/{appID}/registrationToken`: what manages the registration of an application that
//! registered itself (RFC 7592 §3). A compromised one is replaced or taken away.

use assent_protocol::application::Application;
use assent_protocol::record::Write;
use assent_protocol::secret::Digest;
use serde::Serialize;

use crate::management::applications::role_assignments::check_rank;
use crate::management::applications::{body::href, find};
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links, no_content, ok};
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision;
use crate::registry::Tenant;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    registration_access_token: &'a str,
    registration_client_uri: String,
}

/// `POST /registrationToken`: a new token, shown once; the present one ends now.
pub async fn rotate(ask: Ask<Tenant>) -> Answer {
    let (token, digest) = provision::registration_token(ask.env(), ask.app.entropy.as_ref())?;
    let application = keep(&ask, Some(digest)).await?;
    let href = href(&ask, &application);
    ok(&Body {
        links: links([("self", format!("{href}/registrationToken")), ("application", href)]),
        environment: Reference::new(application.env),
        registration_access_token: token.expose(),
        registration_client_uri: format!("{}/register/{}", ask.place.issuer, application.id),
    })
}

/// `DELETE /registrationToken`: the application does not look after itself any more.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    keep(&ask, None).await?;
    Ok(no_content())
}

async fn keep(ask: &Ask<Tenant>, token: Option<Digest>) -> Result<Application, Problem> {
    let found = find(ask).await?;
    check_rank(ask, &found.record)?;
    let next = Application {
        registration_token: token,
        updated_at: ask.call.now,
        ..Application::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    Ok(next)
}
