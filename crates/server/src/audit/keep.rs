//! What is older than its environment keeps is removed, from the beginning of the chain; the head
//! remembers where the rest begins, in the same commit.

use std::sync::atomic::Ordering;

use assent_protocol::audit::AuditSettings;
use assent_protocol::audit::chain::{Head, Link};
use assent_protocol::environment::EnvironmentStatus;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Record, Stored, Versioned, Write};
use assent_protocol::time::Timestamp;
use assent_store::{Outcome, Range};

use crate::app::App;
use crate::audit::chain;
use crate::failure::Broken;

/// Links removed in one commit.
const BATCH: usize = 250;
const ENVIRONMENTS_PER_PAGE: usize = 100;

/// Removes what is kept no longer, everywhere.
///
/// # Errors
/// The store failed, or a key does not open.
pub async fn trim(app: &App) -> Result<(), Broken> {
    let now = app.clock.now();
    trim_one(app, EnvironmentId::NIL, AuditSettings::default().kept_since(now)).await?;
    let mut after = None;
    loop {
        let page = app.store.list_environments(after, ENVIRONMENTS_PER_PAGE).await?;
        for (record, _) in &page {
            let Record::Environment(environment) = record else { continue };
            after = Some(environment.id);
            if environment.status == EnvironmentStatus::Active {
                trim_one(app, environment.id, environment.audit.kept_since(now)).await?;
            }
        }
        if page.len() < ENVIRONMENTS_PER_PAGE {
            return Ok(());
        }
    }
}

async fn trim_one(app: &App, env: EnvironmentId, since: Timestamp) -> Result<(), Broken> {
    loop {
        // Most have nothing to remove, and are not asked for their key.
        let Some(found) = app.store.find::<Head>(&Key::audit_head(env)).await? else {
            return Ok(());
        };
        let old = old_links(app, &found.record, since).await?;
        let Some(last) = old.last() else { return Ok(()) };
        let Some(key) = chain::key(app, env).await? else { return Ok(()) };
        let Some(head) = chain::open(app, env, &key).await? else { return Ok(()) };
        let mut writes: Vec<Write> =
            old.iter().map(|it| Write::Delete(it.record.key(), it.version)).collect();
        writes.push(head.write(head.record.trimmed_to(&last.record, &key)));
        if app.store.commit(writes).await? != Outcome::Done {
            return Ok(());
        }
        let trimmed = u64::try_from(old.len()).unwrap_or(u64::MAX);
        app.audit.counts.trimmed.fetch_add(trimmed, Ordering::Relaxed);
        if old.len() < BATCH {
            return Ok(());
        }
    }
}

/// The first links of a chain, as far as they are older.
async fn old_links(
    app: &App,
    head: &Head,
    since: Timestamp,
) -> Result<Vec<Versioned<Link>>, Broken> {
    let range = Range {
        env: head.env,
        kind: Kind::AuditLink,
        prefix: Vec::new(),
        after: Some(head.trimmed.seq.to_be_bytes().to_vec()),
        limit: BATCH,
    };
    let mut found = app.store.list::<Link>(&range).await?;
    let young = found.iter().position(|it| it.record.entry.at >= since);
    found.truncate(young.unwrap_or(found.len()));
    Ok(found)
}
