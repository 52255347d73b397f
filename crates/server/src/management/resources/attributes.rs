//! `/resources/{resourceID}/attributes`: what the access tokens of a resource say beside the
//! standard claims (`pingone.md` §17). Attributes are part of their resource: each change is one
//! conditional write of it.

use assent_protocol::id::AttributeId;
use assent_protocol::record::{Versioned, Write};
use assent_protocol::resource::attribute::{
    ATTRIBUTE_VALUE_CHARS_MAX, ATTRIBUTES_PER_RESOURCE_MAX, PATHS, is_reserved, is_value,
};
use assent_protocol::resource::{Attribute, Resource, ResourceType};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::{Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;
use crate::management::resources::find;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// The one type that can be made; PingOne's others belong to its own resources.
const CUSTOM: &str = "CUSTOM";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    resource: Reference,
    id: String,
    name: &'a str,
    value: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    created_at: String,
    updated_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, resource: &Resource, attribute: &'a Attribute) -> Body<'a> {
    let resource_href = format!("{}/resources/{}", ask.env_href(), resource.id);
    Body {
        links: links([
            ("environment", ask.env_href()),
            ("self", format!("{resource_href}/attributes/{}", attribute.id)),
            ("resource", resource_href),
        ]),
        environment: Reference::new(resource.env),
        resource: Reference::new(resource.id),
        id: attribute.id.to_string(),
        name: &attribute.name,
        value: &attribute.value,
        kind: CUSTOM,
        required: attribute.required,
        created_at: attribute.created_at.to_rfc3339(),
        updated_at: attribute.updated_at.to_rfc3339(),
    }
}

/// `GET /attributes`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let resource = find(&ask).await?.record;
    let bodies = resource.attributes.iter().map(|it| body(&ask, &resource, it)).collect();
    ask.whole("attributes", bodies)
}

/// `POST /attributes`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let now = ask.call.now;
    let new = Attribute {
        id: ask.app.entropy.id(now)?,
        name: String::new(),
        value: String::new(),
        required: false,
        created_at: now,
        updated_at: now,
    };
    let new = read(fields, &found.record, new)?;
    let mut attributes = found.record.attributes.clone();
    if attributes.len() >= ATTRIBUTES_PER_RESOURCE_MAX {
        return Err(Detail::too_large("attributes", ATTRIBUTES_PER_RESOURCE_MAX).into());
    }
    attributes.push(new.clone());
    store(&ask, &found, attributes).await?;
    body::created(&body(&ask, &found.record, &new))
}

/// `GET /attributes/{attributeID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let resource = find(&ask).await?.record;
    body::ok(&body(&ask, &resource, one(&ask, &resource)?))
}

/// `PUT /attributes/{attributeID}`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let base = Attribute { updated_at: ask.call.now, ..one(&ask, &found.record)?.clone() };
    let next = read(fields, &found.record, base)?;
    let replaced = |it: &Attribute| if it.id == next.id { next.clone() } else { it.clone() };
    store(&ask, &found, found.record.attributes.iter().map(replaced).collect()).await?;
    body::ok(&body(&ask, &found.record, &next))
}

/// `DELETE /attributes/{attributeID}`
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let id = one(&ask, &found.record)?.id;
    let kept = found.record.attributes.iter().filter(|it| it.id != id).cloned().collect();
    store(&ask, &found, kept).await?;
    Ok(body::no_content())
}

fn one<'a>(ask: &Ask<Tenant>, resource: &'a Resource) -> Result<&'a Attribute, Problem> {
    let id: AttributeId = ask.id("attribute")?;
    resource.attributes.iter().find(|it| it.id == id).ok_or(Problem::NotFound)
}

fn read(mut fields: Fields, resource: &Resource, base: Attribute) -> Result<Attribute, Problem> {
    if resource.kind != ResourceType::Custom {
        let message = "Tokens for the OpenID Connect resource cannot be customized";
        return Err(Problem::Refused(Detail::constraint("resource", message)));
    }
    if fields.is_given("type") {
        fields.fixed("type", CUSTOM);
    }
    let name = fields.required_text("name", NAME_CHARS_MAX);
    if is_reserved(&name) {
        fields.refuse(Detail::invalid("name", "This name means something else in tokens"));
    }
    if resource.attributes.iter().any(|it| it.name == name && it.id != base.id) {
        fields.refuse(Detail::taken("name"));
    }
    let value = fields.required_text("value", ATTRIBUTE_VALUE_CHARS_MAX);
    if !is_value(&value) {
        let known = PATHS.map(|path| format!("${{{path}}}")).join(", ");
        let message = format!("value must be a text without ${{, or one of {known}");
        fields.refuse(Detail::invalid("value", message));
    }
    let required = fields.flag("required").unwrap_or(base.required);
    fields.finish()?;
    Ok(Attribute { name, value, required, ..base })
}

async fn store(
    ask: &Ask<Tenant>,
    found: &Versioned<Resource>,
    attributes: Vec<Attribute>,
) -> Result<(), Problem> {
    let next = Resource { attributes, ..Resource::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await
}
