//! `/environments/{envID}/initialAccessTokens`: tokens that permit clients to register
//! (RFC 7591 §3). Ours; PingOne has no registration.

use assent_protocol::id::InitialAccessTokenId;
use assent_protocol::record::{Key, Kind, Versioned, Write};
use assent_protocol::registration::InitialAccessToken;
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::time::Seconds;
use assent_store::{LIST_MAX, Range};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{self, Links, Reference, links};
use crate::management::detail::Detail;
use crate::management::fields::DESCRIPTION_CHARS_MAX;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// With what they begin.
const PREFIX: &str = "iat_";
/// Most at once in one environment: they are read as a whole.
const TOKENS_MAX: usize = 500;
const USES_MAX: u32 = 10_000;
/// A token works a day unless said otherwise, and thirty days at the longest.
const LIFETIME: Seconds = Seconds::new(86_400);
const LIFETIME_MAX: Seconds = Seconds::new(30 * 86_400);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    id: String,
    description: &'a str,
    uses_left: u32,
    /// The token; in the answer to the creation and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    expires_at: String,
    created_at: String,
}

fn body<'a>(
    ask: &Ask<Tenant>,
    record: &'a InitialAccessToken,
    token: Option<&'a Secret>,
) -> Body<'a> {
    let href = format!("{}/initialAccessTokens/{}", ask.env_href(), record.id);
    Body {
        links: links([("self", href), ("environment", ask.env_href())]),
        environment: Reference::new(record.env),
        id: record.id.to_string(),
        description: &record.description,
        uses_left: record.uses_left,
        token: token.map(Secret::expose),
        expires_at: record.expires_at.to_rfc3339(),
        created_at: record.created_at.to_rfc3339(),
    }
}

/// `GET /initialAccessTokens`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let found = all(&ask).await?;
    let bodies = found.iter().map(|it| body(&ask, &it.record, None)).collect();
    ask.whole("initialAccessTokens", bodies)
}

/// `POST /initialAccessTokens`: the token is in this answer and nowhere else.
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let description = fields.prose("description", DESCRIPTION_CHARS_MAX).unwrap_or_default();
    let uses_left = fields.number("uses", &(1..=USES_MAX)).unwrap_or(1);
    let lifetime = fields.number("expiresIn", &(60..=LIFETIME_MAX.get()));
    fields.finish()?;
    if all(&ask).await?.len() >= TOKENS_MAX {
        return Err(Detail::too_large("initialAccessTokens", TOKENS_MAX).into());
    }
    let (entropy, now) = (ask.app.entropy.as_ref(), ask.call.now);
    let token = Secret::mint(PREFIX, entropy.octets()?);
    let record = InitialAccessToken {
        env: ask.env(),
        token: Digest::of(Purpose::InitialAccessToken, ask.env(), token.expose().as_bytes()),
        id: entropy.id(now)?,
        description,
        uses_left,
        expires_at: now.plus(lifetime.map_or(LIFETIME, Seconds::new)),
        created_at: now,
    };
    ask.commit(vec![Write::insert(record.clone())]).await?;
    body::created(&body(&ask, &record, Some(&token)))
}

/// `GET /initialAccessTokens/{tokenID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    body::ok(&body(&ask, &one(&ask).await?.record, None))
}

/// `DELETE /initialAccessTokens/{tokenID}`: nobody registers with it from now on.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = one(&ask).await?;
    let key = Key::initial_access_token(ask.env(), found.record.token);
    ask.commit(vec![Write::Delete(key, found.version)]).await?;
    Ok(body::no_content())
}

/// Those that have not expired.
async fn all(ask: &Ask<Tenant>) -> Result<Vec<Versioned<InitialAccessToken>>, Problem> {
    let range = Range {
        env: ask.env(),
        kind: Kind::InitialAccessToken,
        prefix: Vec::new(),
        after: None,
        limit: LIST_MAX,
    };
    let mut found = ask.app.store.list::<InitialAccessToken>(&range).await?;
    found.retain(|it| ask.call.now < it.record.expires_at);
    // The store orders them by their digests.
    found.sort_by_key(|it| it.record.id);
    Ok(found)
}

async fn one(ask: &Ask<Tenant>) -> Result<Versioned<InitialAccessToken>, Problem> {
    let id: InitialAccessTokenId = ask.id("token")?;
    all(ask).await?.into_iter().find(|it| it.record.id == id).ok_or(Problem::NotFound)
}
