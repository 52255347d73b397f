//! `/resources/{resourceID}/secret`: what a resource authenticates with when it introspects
//! (`pingone.md` §10).

use assent_protocol::audit::Object;
use assent_protocol::record::{Kind, Write};
use assent_protocol::resource::{Introspection, Resource};
use assent_protocol::secret::Secret;
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links, ok};
use crate::management::problem::Problem;
use crate::management::resources::find;
use crate::management::route::Answer;
use crate::provision;
use crate::registry::Tenant;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    resource: Reference,
    secret: &'a str,
}

fn body<'a>(ask: &Ask<Tenant>, resource: &Resource, secret: &'a Secret) -> Body<'a> {
    let href = format!("{}/resources/{}", ask.env_href(), resource.id);
    Body {
        links: links([("self", format!("{href}/secret")), ("resource", href)]),
        environment: Reference::new(resource.env),
        resource: Reference::new(resource.id),
        secret: secret.expose(),
    }
}

/// `GET /secret`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let resource = find(&ask).await?.record;
    let introspection = resource.introspection.as_ref().ok_or(Problem::NotFound)?;
    let secret = ask.place.keys.open_client_secret(resource.id, &introspection.secret)?;
    ask.tell_secret(ask.env(), Object::new(Kind::Resource, resource.id)).await?;
    ok(&body(&ask, &resource, &secret))
}

/// `POST /secret`: a new secret; the present one ends now.
pub async fn rotate(ask: Ask<Tenant>) -> Answer {
    ask.fields_if_any()?.finish()?;
    let found = find(&ask).await?;
    let introspection = found.record.introspection.as_ref().ok_or(Problem::NotFound)?;
    let entropy = ask.app.entropy.as_ref();
    let secret = provision::client_secret(entropy)?;
    let id = found.record.id;
    let next = Resource {
        introspection: Some(Introspection {
            secret: ask.place.keys.seal_client_secret(id, &secret, entropy.octets()?)?,
            ..introspection.clone()
        }),
        updated_at: ask.call.now,
        ..Resource::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&body(&ask, &next, &secret))
}
