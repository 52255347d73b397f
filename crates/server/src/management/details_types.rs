//! `/environments/{envID}/authorizationDetailsTypes`: what rich authorization requests (RFC 9396)
//! can ask for, and how it is put into words. A type is known by its name.

use assent_protocol::authorization_details::{
    CompiledType, DetailsType, SCHEMA_BYTES_MAX, TEMPLATE_BYTES_MAX, TYPE_BYTES_MAX, Uncompilable,
};
use assent_protocol::record::{Key, Versioned, Write};
use assent_store::Outcome;
use serde::Serialize;
use serde_json::Value;

use crate::management::ask::Ask;
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::Fields;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// Most types of one environment: they are read as a whole for its metadata.
pub const TYPES_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    name: &'a str,
    schema: Value,
    template: &'a str,
    partial: bool,
    created_at: String,
    updated_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, kind: &'a DetailsType) -> Result<Body<'a>, Problem> {
    let types_href = format!("{}/authorizationDetailsTypes", ask.env_href());
    Ok(Body {
        links: links([
            ("environment", ask.env_href()),
            ("self", format!("{types_href}/{}", kind.name)),
        ]),
        environment: Reference::new(kind.env),
        name: &kind.name,
        schema: serde_json::from_str(&kind.schema)?,
        template: &kind.template,
        partial: kind.partial,
        created_at: kind.created_at.to_rfc3339(),
        updated_at: kind.updated_at.to_rfc3339(),
    })
}

/// `GET /authorizationDetailsTypes`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let (found, _) = ask.read::<DetailsType>(Vec::new(), None, TYPES_MAX).await?;
    let bodies: Result<Vec<Body<'_>>, Problem> =
        found.iter().map(|it| body(&ask, &it.record)).collect();
    ask.whole("authorizationDetailsTypes", bodies?)
}

/// `POST /authorizationDetailsTypes`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let name = fields.required_text("name", TYPE_BYTES_MAX);
    if !name.is_empty() && !DetailsType::is_name(&name) {
        let message = "name must be letters, digits and - . _ :";
        fields.refuse(Detail::invalid("name", message));
    }
    let now = ask.call.now;
    let blank = DetailsType {
        env: ask.env(),
        name,
        schema: String::new(),
        template: String::new(),
        partial: false,
        created_at: now,
        updated_at: now,
    };
    let new = read(fields, blank)?;
    let (found, _) = ask.read::<DetailsType>(Vec::new(), None, TYPES_MAX).await?;
    if found.len() >= TYPES_MAX {
        return Err(Detail::too_large("authorizationDetailsTypes", TYPES_MAX).into());
    }
    match ask.settle(vec![Write::insert(new.clone())]).await? {
        Outcome::Done => {
            // The metadata name it at once, here; at other nodes within a minute.
            ask.app.registry.forget(ask.env());
            body::created(&body(&ask, &new)?)
        }
        Outcome::Lost(_) => Err(Detail::taken("name").into()),
    }
}

/// `GET /authorizationDetailsTypes/{name}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    body::ok(&body(&ask, &find(&ask).await?.record)?)
}

/// `PUT /authorizationDetailsTypes/{name}`: what waits is shown, and can be approved, as the type
/// is from now on.
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    if fields.is_given("name") {
        fields.fixed("name", found.record.name.as_str());
    }
    let base = DetailsType { updated_at: ask.call.now, ..DetailsType::clone(&found.record) };
    let next = read(fields, base)?;
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    body::ok(&body(&ask, &next)?)
}

/// `DELETE /authorizationDetailsTypes/{name}`: what waits and asks for it cannot be approved.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let key = Key::details_type(ask.env(), &found.record.name);
    ask.commit(vec![Write::Delete(key, found.version)]).await?;
    ask.app.registry.forget(ask.env());
    Ok(body::no_content())
}

async fn find(ask: &Ask<Tenant>) -> Result<Versioned<DetailsType>, Problem> {
    let name = ask.name("type")?;
    ask.find(&Key::details_type(ask.env(), name)).await
}

/// The members that can be written, over `base`.
fn read(mut fields: Fields, base: DetailsType) -> Result<DetailsType, Problem> {
    let schema = fields.take("schema");
    if schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        fields.refuse(Detail::invalid("schema", "schema must be a JSON Schema as an object"));
    }
    let schema = schema.map(|schema| schema.to_string());
    if schema.as_ref().is_some_and(|schema| schema.len() > SCHEMA_BYTES_MAX) {
        fields.refuse(Detail::too_large("schema", SCHEMA_BYTES_MAX));
    }
    let schema = fields.required("schema", schema, String::from("{}"));
    let template = fields.prose("template", TEMPLATE_BYTES_MAX);
    let template = fields.required("template", template, String::new());
    let partial = fields.flag("partial").unwrap_or(false);
    fields.finish()?;
    let kind = DetailsType { schema, template, partial, ..base };
    match CompiledType::compile(&kind) {
        Ok(_) => Ok(kind),
        Err(Uncompilable::Schema(why)) => {
            Err(Detail::invalid("schema", format!("schema is refused: {why}")).into())
        }
        Err(Uncompilable::Template(why)) => {
            Err(Detail::invalid("template", format!("template is refused: {why}")).into())
        }
    }
}
