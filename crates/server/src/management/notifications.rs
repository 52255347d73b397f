//! `/environments/{envID}/notifications`: pings and pushes that were not delivered yet, or never
//! will be. What they hold is secret and not shown, and of the address only the host.

use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::id::{NotificationId, named};
use assent_protocol::record::{Kind, Stored, Versioned, Write};
use assent_store::Range;
use serde::Serialize;
use std::sync::Arc;
use url::Url;

use crate::delivery::look;
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, Window, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// The media type that sends a dead notification again.
const RESEND: &str = "application/vnd.assent.notification.resend+json";
/// Records looked at for one page: most are of requests that nobody has decided, and not shown.
const LOOKED_AT_MAX: usize = 5_000;
/// Records read at once.
const READ: usize = 500;

/// What an administrator sees of [`Delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    /// It is being sent, or will be.
    Waiting,
    /// It was given up.
    Dead,
}

impl Status {
    /// `None`: there is nothing to send yet.
    const fn of(notification: &Notification) -> Option<Self> {
        match notification.state {
            Delivery::Armed => None,
            Delivery::Due => Some(Self::Waiting),
            Delivery::Dead { .. } => Some(Self::Dead),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    id: String,
    application: Reference,
    delivery_mode: DeliveryMode,
    host: String,
    status: Status,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Until when it can be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    resend_until: Option<String>,
    created_at: String,
}

fn body<'a>(ask: &Ask<Tenant>, it: &'a Notification, status: Status) -> Body<'a> {
    let href = format!("{}/notifications/{}", ask.env_href(), it.id());
    let application = format!("{}/applications/{}", ask.env_href(), it.application);
    let (given_up_at, reason) = match &it.state {
        Delivery::Armed | Delivery::Due => (None, None),
        Delivery::Dead { at, why } => (Some(at.to_rfc3339()), Some(why.as_ref())),
    };
    let waits = status == Status::Waiting;
    let resend_until = it.again(ask.call.now).map(|_| it.gone_at.to_rfc3339());
    let host = Url::parse(&it.endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    Body {
        links: links([
            ("environment", ask.env_href()),
            ("application", application),
            ("self", href),
        ]),
        environment: Reference::new(it.env),
        id: it.id().to_string(),
        application: Reference::new(it.application),
        delivery_mode: it.mode,
        host: host.unwrap_or_default(),
        status,
        attempts: it.attempts,
        next_attempt_at: waits.then(|| it.due_at.to_rfc3339()),
        given_up_at,
        reason,
        resend_until,
        created_at: it.created_at.to_rfc3339(),
    }
}

/// `GET /notifications`: a page can hold less than was asked for and still have a next one.
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let window = ask.window::<named::Notification>()?;
    let wanted = ask.parameter("filter")?.map(parse_filter).transpose()?;
    let (found, next) = read(&ask, &window, wanted).await?;
    let bodies = found.iter().map(|(it, status)| body(&ask, it, *status)).collect();
    ask.page("notifications", bodies, &window, next)
}

/// `status eq "DEAD"` or `status eq "WAITING"`.
fn parse_filter(text: &str) -> Result<Status, Problem> {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["status", "eq", "\"DEAD\""] => Ok(Status::Dead),
        ["status", "eq", "\"WAITING\""] => Ok(Status::Waiting),
        _ => {
            let message = "The filter must be status eq \"DEAD\" or status eq \"WAITING\"";
            Err(Detail::parameter("filter", message).into())
        }
    }
}

type Shown = (Arc<Notification>, Status);

/// The notifications of a page, and where the next page begins.
async fn read(
    ask: &Ask<Tenant>,
    window: &Window<named::Notification>,
    wanted: Option<Status>,
) -> Result<(Vec<Shown>, Option<NotificationId>), Problem> {
    let mut shown = Vec::new();
    let mut after = window.after;
    for _ in 0..LOOKED_AT_MAX / READ {
        let (found, more) = ask.read::<Notification>(Vec::new(), after.map(end), READ).await?;
        for it in found {
            if shown.len() >= window.limit {
                return Ok((shown, after));
            }
            after = Some(it.record.id());
            let status = Status::of(&it.record).filter(|it| wanted.is_none_or(|one| one == *it));
            shown.extend(status.map(|status| (it.record, status)));
        }
        if !more {
            return Ok((shown, None));
        }
    }
    Ok((shown, after))
}

/// The last name that begins so.
fn end(id: NotificationId) -> Vec<u8> {
    [id.as_bytes().as_slice(), &[0xff; 16]].concat()
}

/// `GET /notifications/{notificationID}`
pub async fn show(ask: Ask<Tenant>) -> Answer {
    let (found, status) = find(&ask).await?;
    ok(&body(&ask, &found.record, status))
}

/// `POST /notifications/{notificationID}`: what is to happen is in the media type, as PingOne does
/// it elsewhere. A dead one is sent again while its request is remembered.
pub async fn act(ask: Ask<Tenant>) -> Answer {
    let (found, _) = find(&ask).await?;
    if !ask.is_of(RESEND) {
        return Err(Problem::MediaType);
    }
    let Some(next) = found.record.again(ask.call.now) else {
        let message = "Only what was given up can be sent again, and only until resendUntil";
        return Err(Problem::Conflict(Detail::constraint("status", message)));
    };
    let record = Arc::new(next);
    let write = Write::Replace(Notification::wrap(Arc::clone(&record)), found.version);
    ask.commit(vec![write]).await?;
    let claimed = Versioned { record: Arc::clone(&record), version: found.version + 1 };
    ask.app.outbox.offer(claimed, ask.call.now);
    ok(&body(&ask, &record, Status::Waiting))
}

/// `DELETE /notifications/{notificationID}`: tokens that it held are revoked.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let (found, status) = find(&ask).await?;
    if status != Status::Dead {
        let message = "It is still being sent; only what was given up can be removed";
        return Err(Problem::Conflict(Detail::constraint("status", message)));
    }
    let mut writes = vec![Write::Delete(found.record.key(), found.version)];
    if let Some(tokens) = found.record.tokens {
        writes.extend(look::revoke(&ask.app, ask.env(), tokens, ask.call.now).await?);
    }
    ask.commit(writes).await?;
    Ok(no_content())
}

async fn find(ask: &Ask<Tenant>) -> Result<(Versioned<Notification>, Status), Problem> {
    let id: NotificationId = ask.id("notification")?;
    let range = Range {
        env: ask.env(),
        kind: Kind::Notification,
        prefix: id.as_bytes().to_vec(),
        after: None,
        limit: 1,
    };
    let found = ask.app.store.list::<Notification>(&range).await?.pop().ok_or(Problem::NotFound)?;
    let status = Status::of(&found.record).ok_or(Problem::NotFound)?;
    Ok((found, status))
}
