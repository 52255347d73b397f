//! `/environments/{envID}/auditEvents` and `/auditEvents`: what the audit log tells, in the order of
//! its chain. Entries of the last second may not have their place yet.

mod body;
mod filter;

use std::sync::Arc;

use assent_protocol::audit::chain::{Head, Link};
use assent_protocol::id::{EnvironmentId, Id, named};
use assent_protocol::record::{Key, Kind};
use assent_protocol::time::Timestamp;
use assent_store::Range;

use crate::app::App;
use crate::management::ask::{Ask, Installation, Place};
use crate::management::audit_events::body::EventBody;
use crate::management::audit_events::filter::Filter;
use crate::management::body::Window;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// Links looked at for one page.
const LOOKED_AT_MAX: usize = 5_000;
/// Links read at once.
const READ: usize = 500;
/// Entries come into the chain by so much later than others at the most, when the servers are
/// well: what is told by a slower node, or took long to commit.
const LATE_MILLIS: u64 = 60_000;

/// `GET /environments/{envID}/auditEvents`
pub async fn list(ask: Ask<Tenant>) -> Answer {
    let env = ask.env();
    list_of(&ask, env).await
}

/// `GET /auditEvents`: what belongs to no environment.
pub async fn list_of_installation(ask: Ask<Installation>) -> Answer {
    list_of(&ask, EnvironmentId::NIL).await
}

async fn list_of<P: Place>(ask: &Ask<P>, env: EnvironmentId) -> Answer {
    let window = ask.window::<named::AuditLink>()?;
    let filter = ask.parameter("filter")?.map(filter::parse).transpose()?.unwrap_or_default();
    let (found, next) = read(&ask.app, env, &window, &filter).await?;
    let bodies = found.iter().map(|link| EventBody::new(link)).collect();
    ask.page("auditEvents", bodies, &window, next)
}

/// A page, and where the next one begins. It can hold less than was asked for and still have one.
async fn read(
    app: &App,
    env: EnvironmentId,
    window: &Window<named::AuditLink>,
    filter: &Filter,
) -> Result<(Vec<Arc<Link>>, Option<Id<named::AuditLink>>), Problem> {
    let mut after = match window.after {
        Some(cursor) => number(cursor),
        None => first(app, env, filter.from).await?,
    };
    let until = filter.until.map(|until| until.plus_millis(LATE_MILLIS));
    let mut shown = Vec::new();
    for _ in 0..LOOKED_AT_MAX / READ {
        let range = Range {
            env,
            kind: Kind::AuditLink,
            prefix: Vec::new(),
            after: Some(after.to_be_bytes().to_vec()),
            limit: READ,
        };
        let found = app.store.list::<Link>(&range).await?;
        let more = found.len() >= READ;
        for link in found {
            if until.is_some_and(|until| link.record.entry.at > until) {
                return Ok((shown, None));
            }
            if shown.len() >= window.limit {
                return Ok((shown, Some(cursor(after))));
            }
            after = link.record.seq;
            if filter.matches(&link.record.entry) {
                shown.push(link.record);
            }
        }
        if !more {
            return Ok((shown, None));
        }
    }
    Ok((shown, Some(cursor(after))))
}

/// The number of the last link that was certainly told before `from`. Links are nearly in the order
/// of time, so it is found by halving, not by reading everything.
async fn first(app: &App, env: EnvironmentId, from: Option<Timestamp>) -> Result<u64, Problem> {
    let (Some(from), Some(head)) = (from, app.store.find::<Head>(&Key::audit_head(env)).await?)
    else {
        return Ok(0);
    };
    let is_before = |link: &Link| link.entry.at.plus_millis(LATE_MILLIS) < from;
    let (mut low, mut high) = (head.record.trimmed.seq, head.record.last.seq + 1);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match app.store.find::<Link>(&Key::audit_link(env, middle)).await? {
            Some(link) if is_before(&link.record) => low = middle,
            Some(_) => high = middle,
            // Removed meanwhile, or missing: what is there is read.
            None => return Ok(low),
        }
    }
    Ok(low)
}

/// A cursor has the form of an identifier; inside is the number of a link.
fn cursor(seq: u64) -> Id<named::AuditLink> {
    let mut octets = [0; 16];
    if let Some(end) = octets.last_chunk_mut() {
        *end = seq.to_be_bytes();
    }
    Id::from_bytes(octets)
}

fn number(cursor: Id<named::AuditLink>) -> u64 {
    cursor.as_bytes().last_chunk().copied().map(u64::from_be_bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_an_identifier_with_a_number_in_it() {
        for seq in [0, 1, 255, 1 << 40, u64::MAX] {
            let text = cursor(seq).to_string();
            assert_eq!(Id::parse(&text).map(number), Some(seq), "{text}");
        }
    }
}
