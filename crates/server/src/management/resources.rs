//! `/environments/{envID}/resources`: what access tokens are for (`pingone.md` §17).

pub mod attributes;
pub mod secret;

use assent_protocol::id::ResourceId;
use assent_protocol::record::{Key, Versioned, Write};
use assent_protocol::resource::{
    ACCESS_TOKEN_LIFETIME_MAX, AccessTokenFormat, Introspection, IntrospectionAuthMethod, Resource,
    ResourceType,
};
use assent_protocol::time::Seconds;
use serde::Serialize;
use url::Url;

use crate::management::ask::Ask;
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::{DESCRIPTION_CHARS_MAX, Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::provision;
use crate::registry::Tenant;

/// Most resources of one environment: they are read as a whole to keep names unique.
const RESOURCES_MAX: usize = 500;
/// Life of access tokens that a resource may ask for (`pingone.md` §8.1).
const VALIDITY: std::ops::RangeInclusive<u32> = 300..=ACCESS_TOKEN_LIFETIME_MAX.get();
const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];
/// NONE is not among them: who introspects says who they are.
const METHODS: [IntrospectionAuthMethod; 2] =
    [IntrospectionAuthMethod::ClientSecretBasic, IntrospectionAuthMethod::ClientSecretPost];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    id: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(rename = "type")]
    kind: ResourceType,
    audience: &'a str,
    access_token_validity_seconds: u32,
    access_token_format: AccessTokenFormat,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspect_endpoint_auth_method: Option<IntrospectionAuthMethod>,
    created_at: String,
    updated_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, resource: &'a Resource) -> Body<'a> {
    let href = format!("{}/resources/{}", ask.env_href(), resource.id);
    Body {
        links: links([
            ("attributes", format!("{href}/attributes")),
            ("environment", ask.env_href()),
            ("secret", format!("{href}/secret")),
            ("scopes", format!("{href}/scopes")),
            ("self", href),
        ]),
        environment: Reference::new(resource.env),
        id: resource.id.to_string(),
        name: &resource.name,
        description: resource.description.as_deref(),
        kind: resource.kind,
        audience: &resource.audience,
        access_token_validity_seconds: resource.access_token_validity.get(),
        access_token_format: resource.access_token_format,
        introspect_endpoint_auth_method: resource.introspection.as_ref().map(|it| it.auth_method),
        created_at: resource.created_at.to_rfc3339(),
        updated_at: resource.updated_at.to_rfc3339(),
    }
}

/// `GET /resources`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let window = ask.window()?;
    let after = window.after.map(|id| Key::resource(ask.env(), id).name);
    let (found, more) = ask.read::<Resource>(Vec::new(), after, window.limit).await?;
    let next = found.last().filter(|_| more).map(|last| last.record.id);
    let bodies = found.iter().map(|it| body(&ask, &it.record)).collect();
    ask.page("resources", bodies, &window, next)
}

/// `POST /resources`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    if fields.is_given("type") {
        fields.fixed("type", ResourceType::Custom);
    }
    let new = Resource {
        env: ask.env(),
        id: ask.app.entropy.id(ask.call.now)?,
        name: String::new(),
        description: None,
        kind: ResourceType::Custom,
        audience: String::new(),
        access_token_validity: Resource::ACCESS_TOKEN_VALIDITY,
        access_token_format: AccessTokenFormat::default(),
        introspection: None,
        attributes: Vec::new(),
        scopes: Vec::new(),
        created_at: ask.call.now,
        updated_at: ask.call.now,
    };
    let new = read(&ask, fields, new)?;
    if check_name(&ask, &new).await? >= RESOURCES_MAX {
        return Err(Detail::too_large("resources", RESOURCES_MAX).into());
    }
    ask.commit(vec![Write::insert(new.clone())]).await?;
    body::created(&body(&ask, &new))
}

/// `GET /resources/{resourceID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    body::ok(&body(&ask, &find(&ask).await?.record))
}

/// `PUT /resources/{resourceID}`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    if fields.is_given("type") {
        fields.fixed("type", found.record.kind);
    }
    let next = Resource { updated_at: ask.call.now, ..Resource::clone(&found.record) };
    let next = read(&ask, fields, next)?;
    check_name(&ask, &next).await?;
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    body::ok(&body(&ask, &next))
}

/// `DELETE /resources/{resourceID}`: grants of its scopes grant nothing from now on.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    if found.record.kind == ResourceType::OpenidConnect {
        let message = "The OpenID Connect resource belongs to the environment";
        return Err(Problem::Refused(Detail::constraint("id", message)));
    }
    let key = Key::resource(ask.env(), found.record.id);
    ask.commit(vec![Write::Delete(key, found.version)]).await?;
    Ok(body::no_content())
}

/// The resource of the path.
///
/// # Errors
/// There is none in this environment.
pub async fn find(ask: &Ask<Tenant>) -> Result<Versioned<Resource>, Problem> {
    let id: ResourceId = ask.id("resource")?;
    ask.find(&Key::resource(ask.env(), id)).await
}

/// The members that can be written, over `base`.
fn read(ask: &Ask<Tenant>, mut fields: Fields, base: Resource) -> Result<Resource, Problem> {
    let description = fields.prose("description", DESCRIPTION_CHARS_MAX);
    let validity = fields.number("accessTokenValiditySeconds", &VALIDITY);
    let format = fields.choice("accessTokenFormat", &FORMATS);
    let method = fields.choice("introspectEndpointAuthMethod", &METHODS);
    let (name, audience) = match base.kind {
        ResourceType::Custom => read_names(ask, &mut fields),
        ResourceType::OpenidConnect => {
            fields.fixed("name", base.name.as_str());
            if fields.is_given("audience") {
                fields.fixed("audience", base.audience.as_str());
            }
            (base.name.clone(), base.audience.clone())
        }
    };
    fields.finish()?;
    Ok(Resource {
        name,
        audience,
        description,
        access_token_validity: validity.map_or(Resource::ACCESS_TOKEN_VALIDITY, Seconds::new),
        access_token_format: format.unwrap_or(base.access_token_format),
        introspection: introspection(ask, &base, method)?,
        ..base
    })
}

/// How the resource introspects: as PingOne, by Basic unless it says otherwise. Its secret stays.
fn introspection(
    ask: &Ask<Tenant>,
    base: &Resource,
    method: Option<IntrospectionAuthMethod>,
) -> Result<Option<Introspection>, Problem> {
    if base.kind == ResourceType::OpenidConnect {
        return Ok(None);
    }
    let secret = match &base.introspection {
        Some(introspection) => introspection.secret.clone(),
        None => {
            let entropy = ask.app.entropy.as_ref();
            let secret = provision::client_secret(entropy)?;
            ask.place.keys.seal_client_secret(base.id, &secret, entropy.octets()?)?
        }
    };
    let auth_method = method.unwrap_or(IntrospectionAuthMethod::ClientSecretBasic);
    Ok(Some(Introspection { auth_method, secret }))
}

fn read_names(ask: &Ask<Tenant>, fields: &mut Fields) -> (String, String) {
    let name = fields.required_text("name", NAME_CHARS_MAX);
    let given = fields.text("audience", NAME_CHARS_MAX);
    let is_url = given.as_deref().is_none_or(|it| Url::parse(it).is_ok() && !it.contains('#'));
    if !is_url {
        fields.refuse(Detail::invalid("audience", "audience must be a URL without a fragment"));
    }
    let audience = given.unwrap_or_else(|| name.clone());
    if is_reserved(ask, &audience) {
        let message = "audience must not name the server itself, pingone or pingidentity";
        fields.refuse(Detail::invalid("audience", message));
    }
    (name, audience)
}

/// A token for such an audience could be taken for one that is meant for the server.
fn is_reserved(ask: &Ask<Tenant>, audience: &str) -> bool {
    let audience = audience.to_ascii_lowercase();
    let settings = &ask.app.settings;
    let own = [settings.auth_path.as_str(), settings.api_path.as_str(), "urn:assent:"];
    own.iter().any(|own| audience.starts_with(&own.to_ascii_lowercase()))
        || ["pingone", "pingidentity"].iter().any(|word| audience.contains(word))
}

/// Names are unique in the environment; answers how many resources there are.
async fn check_name(ask: &Ask<Tenant>, resource: &Resource) -> Result<usize, Problem> {
    let (found, _) = ask.read::<Resource>(Vec::new(), None, RESOURCES_MAX).await?;
    let same =
        |it: &Versioned<Resource>| it.record.name == resource.name && it.record.id != resource.id;
    if found.iter().any(same) { Err(Detail::taken("name").into()) } else { Ok(found.len()) }
}
