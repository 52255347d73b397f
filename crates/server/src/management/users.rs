//! `/environments/{envID}/users`: the people who can be asked (`pingone.md` §18).

pub mod blocked;
pub mod body;
pub mod code;
pub mod devices;
pub mod filter;
pub mod members;

use assent_protocol::id::UserId;
use assent_protocol::record::{Key, Record, Versioned, Write};
use assent_protocol::user::{LoginKind, Name, User};
use assent_store::Outcome;
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, created, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::management::users::body::{UserBody, href};
use crate::registry::Tenant;

/// The media types that lock and unlock an account.
const LOCK: &str = "application/vnd.pingidentity.account.lock+json";
const UNLOCK: &str = "application/vnd.pingidentity.account.unlock+json";

/// `GET /users`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let window = ask.window()?;
    let (found, more) = match ask.parameter("filter")? {
        Some(text) => filter::find(&ask, &filter::parse(text)?, &window).await?,
        None => {
            let after = window.after.map(|id| Key::user(ask.env(), id).name);
            ask.read::<User>(Vec::new(), after, window.limit).await?
        }
    };
    let next = found.last().filter(|_| more).map(|last| last.record.id);
    let bodies = found.iter().map(|it| UserBody::new(&ask, &it.record)).collect();
    ask.page("users", bodies, &window, next)
}

/// `POST /users`
pub async fn create(ask: Ask<Tenant>) -> Answer {
    let now = ask.call.now;
    let blank = User {
        env: ask.env(),
        id: ask.app.entropy.id(now)?,
        username: String::new(),
        email: String::new(),
        mobile_phone: None,
        name: Name::default(),
        enabled: true,
        user_code: None,
        blocked: Vec::new(),
        locked_at: None,
        cut_off: None,
        created_at: now,
        updated_at: now,
    };
    let new = members::read(ask.fields()?, blank)?;
    let mut writes: Vec<Write> = new.logins().into_iter().map(Write::insert).collect();
    writes.push(Write::insert(new.clone()));
    commit(&ask, writes).await?;
    created(&UserBody::new(&ask, &new))
}

/// `GET /users/{userID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    ok(&UserBody::new(&ask, &find(&ask).await?.record))
}

/// `PUT /users/{userID}`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let fields = ask.fields()?;
    let found = find(&ask).await?;
    let base = User { updated_at: ask.call.now, ..User::clone(&found.record) };
    let next = members::read(fields, base)?;
    let (before, after) = (found.record.logins(), next.logins());
    let mut writes = Vec::new();
    for login in before.iter().filter(|login| !after.contains(login)) {
        writes.extend(ask.removal(Key::login(login)).await?);
    }
    writes.extend(after.into_iter().filter(|login| !before.contains(login)).map(Write::insert));
    writes.push(Write::replace(next.clone(), found.version));
    commit(&ask, writes).await?;
    ok(&UserBody::new(&ask, &next))
}

/// `DELETE /users/{userID}`: the person and everything that is theirs.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let mut writes = vec![Write::Delete(Key::user(ask.env(), found.record.id), found.version)];
    for login in found.record.logins() {
        writes.extend(ask.removal(Key::login(&login)).await?);
    }
    for device in devices::all(&ask, found.record.id).await? {
        writes.extend(devices::removals(&ask, &device).await?);
    }
    ask.commit(writes).await?;
    Ok(no_content())
}

/// `POST /users/{userID}`: what is to happen is in the media type, as PingOne does it.
pub async fn act(ask: Ask<Tenant>) -> Answer {
    let lock = ask.is_of(LOCK);
    if !lock && !ask.is_of(UNLOCK) {
        return Err(Problem::MediaType);
    }
    let found = find(&ask).await?;
    let locked_at = lock.then(|| found.record.locked_at.unwrap_or(ask.call.now));
    let next = User { locked_at, updated_at: ask.call.now, ..User::clone(&found.record) };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&UserBody::new(&ask, &next))
}

#[derive(Serialize)]
struct EnabledBody {
    #[serde(rename = "_links")]
    links: Links,
    enabled: bool,
}

fn enabled_body(ask: &Ask<Tenant>, user: &User) -> EnabledBody {
    let user_href = href(ask, user.id);
    EnabledBody { links: links([("self", ask.href()), ("user", user_href)]), enabled: user.enabled }
}

/// `GET /users/{userID}/enabled`
pub async fn show_enabled(ask: Ask<Tenant>) -> Answer {
    ok(&enabled_body(&ask, &find(&ask).await?.record))
}

/// `PUT /users/{userID}/enabled`
pub async fn replace_enabled(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    let enabled = fields.flag("enabled");
    let enabled = fields.required("enabled", enabled, false);
    fields.finish()?;
    let next = User { enabled, updated_at: ask.call.now, ..User::clone(&found.record) };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&enabled_body(&ask, &next))
}

/// The person of the path.
///
/// # Errors
/// There is none in this environment.
pub async fn find(ask: &Ask<Tenant>) -> Result<Versioned<User>, Problem> {
    let id: UserId = ask.id("user")?;
    ask.find(&Key::user(ask.env(), id)).await
}

/// Writes all or nothing. The only insertion that somebody else's record can stand in the way of
/// is that of a user name, whose key does not say whose it is.
async fn commit(ask: &Ask<Tenant>, writes: Vec<Write>) -> Result<(), Problem> {
    let names: Vec<bool> = writes.iter().map(is_name).collect();
    match ask.settle(writes).await? {
        Outcome::Done => Ok(()),
        Outcome::Lost(place) if names.get(place) == Some(&true) => {
            Err(Detail::taken("username").into())
        }
        Outcome::Lost(_) => Err(Problem::Changed),
    }
}

fn is_name(write: &Write) -> bool {
    matches!(write, Write::Insert(Record::Login(login)) if login.kind == LoginKind::Username)
}
