//! The audit log, as the server keeps it.

mod acts;
mod chains;
mod events;
mod management;
mod refusals;

use std::sync::Arc;

use assent_protocol::audit::chain::{Anchor, Head, Link, Misfit, Verifier};
use assent_protocol::audit::{Act, Entry};
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Stored, Versioned};
use assent_store::{LIST_MAX, Range, Store};

use crate::harness::World;

/// What an act and who did it look like in a table: `REQUEST_BEGUN by APPLICATION`.
pub fn in_short(entry: &Entry) -> String {
    let name = |value: serde_json::Value| value.as_str().unwrap().to_owned();
    let act = name(serde_json::to_value(entry.act).unwrap());
    let actor = name(serde_json::to_value(entry.actor.kind).unwrap());
    let refused = entry.refused.as_ref().map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{act} by {actor}{refused}")
}

async fn all<T: Stored>(world: &World, env: EnvironmentId) -> Vec<Versioned<T>> {
    let mut found: Vec<Versioned<T>> = Vec::new();
    loop {
        let after = found.last().map(|it| it.record.key().name);
        let range = Range { env, kind: T::KIND, prefix: Vec::new(), after, limit: LIST_MAX };
        let page = (world.store.as_ref() as &dyn Store).list::<T>(&range).await.unwrap();
        let is_last = page.len() < LIST_MAX;
        found.extend(page);
        if is_last {
            return found;
        }
    }
}

/// The entries that wait for their place.
pub async fn waiting(world: &World, env: EnvironmentId) -> Vec<Arc<Entry>> {
    all::<Entry>(world, env).await.into_iter().map(|it| it.record).collect()
}

/// What waits, in short.
pub async fn told(world: &World, env: EnvironmentId) -> Vec<String> {
    waiting(world, env).await.iter().map(|it| in_short(it)).collect()
}

/// How many entries of this act wait.
pub async fn count(world: &World, env: EnvironmentId, act: Act) -> usize {
    waiting(world, env).await.iter().filter(|it| it.act == act).count()
}

/// The links of a chain.
pub async fn links(world: &World, env: EnvironmentId) -> Vec<Arc<Link>> {
    all::<Link>(world, env).await.into_iter().map(|it| it.record).collect()
}

/// Its head.
pub async fn head(world: &World, env: EnvironmentId) -> Option<Arc<Head>> {
    let store: &dyn Store = world.store.as_ref();
    store.find::<Head>(&Key::audit_head(env)).await.unwrap().map(|it| it.record)
}

/// Everything that waits becomes links.
pub async fn chain(world: &World) {
    while assent_server::audit::chain::chain(&world.app).await.unwrap() {}
}

/// Whether the chain is whole.
pub async fn verify(world: &World, env: EnvironmentId) -> Result<(), Misfit> {
    let Some(head) = head(world, env).await else { return Ok(()) };
    let key = assent_server::audit::chain::key(&world.app, env).await.unwrap().unwrap();
    if !head.is_sealed(&key) {
        return Err(Misfit::Seal);
    }
    let mut verifier = Verifier::after(head.trimmed);
    for link in links(world, env).await {
        let place = Anchor { hash: link.hash, seq: link.seq };
        verifier.follow(place, link.previous, &link.entry.canonical().unwrap())?;
    }
    verifier.end(&head)
}
