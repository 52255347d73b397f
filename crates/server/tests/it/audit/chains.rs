//! Entries become links, once each, whoever is at work and whatever fails.

use std::sync::Arc;

use assent_protocol::audit::AuditSettings;
use assent_protocol::audit::chain::{Head, Link, Misfit};
use assent_protocol::environment::{Environment, EnvironmentStatus};
use assent_protocol::record::{Key, Stored, Versioned, Write};
use assent_server::audit::{chain as chains, keep};
use assent_store::{Outcome, Plan, Store};
use tokio::task::JoinSet;

use crate::audit::{chain, head, links, verify, waiting};
use crate::harness::World;

const DAY: u64 = 86_400;

async fn begin(world: &World, requests: usize) {
    for _ in 0..requests {
        world.started(&world.main, &world.main.basic, &world.main.alice).await;
    }
}

#[tokio::test]
async fn entries_become_links_in_their_order_and_go_on_later() {
    let world = World::new().await;
    let env = world.main.id;
    begin(&world, 3).await;
    let told = waiting(&world, env).await;
    chain(&world).await;
    let found: Vec<_> = links(&world, env).await.iter().map(|it| it.entry.clone()).collect();
    assert_eq!(found, told);
    assert!(waiting(&world, env).await.is_empty());
    begin(&world, 2).await;
    world.started(&world.other, &world.other.basic, &world.other.bob).await;
    chain(&world).await;
    assert_eq!(links(&world, env).await.len(), 5);
    assert_eq!(head(&world, env).await.unwrap().last.seq, 5);
    for env in [env, world.other.id] {
        assert_eq!(verify(&world, env).await, Ok(()));
    }
    assert_eq!(links(&world, world.other.id).await[0].seq, 1, "a chain of its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_chain_at_once_make_one_chain() {
    let world = Arc::new(World::random().await);
    let env = world.main.id;
    let mut told = 0;
    for _ in 0..10 {
        begin(&world, 30).await;
        told += 30;
        let mut at_work = JoinSet::new();
        for _ in 0..8 {
            let world = Arc::clone(&world);
            at_work.spawn(async move { chains::chain(&world.app).await.unwrap() });
        }
        at_work.join_all().await;
        chain(&world).await;
        assert_eq!(links(&world, env).await.len(), told);
        assert_eq!(verify(&world, env).await, Ok(()));
    }
    let mut names: Vec<_> = links(&world, env).await.iter().map(|it| it.entry.id).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), told, "each entry is one link");
}

/// A node ends in the middle, or does not hear what became of its commit.
#[tokio::test]
async fn a_chain_that_was_interrupted_goes_on() {
    for plan in [Plan::FailBefore, Plan::FailAfter] {
        let world = World::new().await;
        // More than one commit: the first happens, the second fails.
        begin(&world, 300).await;
        world.store.plan([Plan::Pass, plan]);
        assert!(chains::chain(&world.app).await.is_err(), "{plan:?}");
        assert_eq!(verify(&world, world.main.id).await, Ok(()), "{plan:?}");
        chain(&world).await;
        assert_eq!(links(&world, world.main.id).await.len(), 300, "{plan:?}");
        assert_eq!(verify(&world, world.main.id).await, Ok(()), "{plan:?}");
    }
}

#[tokio::test]
async fn what_is_older_than_is_kept_is_trimmed_and_the_rest_still_fits() {
    let world = World::new().await;
    let env = world.main.id;
    let audit = AuditSettings { retention_days: 30 };
    world.change_environment(&world.main, |it| it.audit = audit).await;
    begin(&world, 260).await;
    chain(&world).await;
    world.wait(20 * DAY);
    begin(&world, 2).await;
    chain(&world).await;
    keep::trim(&world.app).await.unwrap();
    assert_eq!(links(&world, env).await.len(), 262, "nothing is old enough");
    world.wait(11 * DAY);
    keep::trim(&world.app).await.unwrap();
    let left = links(&world, env).await;
    assert_eq!(left.iter().map(|it| it.seq).collect::<Vec<_>>(), [261, 262]);
    assert_eq!(head(&world, env).await.unwrap().trimmed.seq, 260);
    assert_eq!(verify(&world, env).await, Ok(()));
    world.wait(400 * DAY);
    keep::trim(&world.app).await.unwrap();
    assert_eq!(verify(&world, env).await, Ok(()), "nothing is left");
    begin(&world, 1).await;
    chain(&world).await;
    assert_eq!(links(&world, env).await[0].seq, 263, "numbers are never given again");
    assert_eq!(verify(&world, env).await, Ok(()));
}

async fn found<T: Stored>(world: &World, key: Key) -> Versioned<T> {
    (world.store.as_ref() as &dyn Store).find(&key).await.unwrap().unwrap()
}

async fn put(world: &World, writes: Vec<Write>) {
    assert_eq!(world.store.commit(writes).await.unwrap(), Outcome::Done);
}

/// What the verifier knows of a chain in memory, a store must give it as well.
#[tokio::test]
async fn what_is_done_to_a_stored_chain_is_found() {
    let world = World::new().await;
    let env = world.main.id;
    begin(&world, 5).await;
    chain(&world).await;
    let third = found::<Link>(&world, Key::audit_link(env, 3)).await;
    let mut entry = third.record.entry.as_ref().clone();
    entry.source = Some(String::from("198.51.100.1"));
    let forged = Link { entry: Arc::new(entry), ..Link::clone(&third.record) };
    put(&world, vec![Write::replace(forged, third.version)]).await;
    assert_eq!(verify(&world, env).await, Err(Misfit::Content(3)));
    put(&world, vec![Write::replace(Link::clone(&third.record), third.version + 1)]).await;
    assert_eq!(verify(&world, env).await, Ok(()));
    put(&world, vec![Write::Delete(Key::audit_link(env, 5), 1)]).await;
    assert_eq!(verify(&world, env).await, Err(Misfit::End { expected: 5, found: 4 }));
}

/// Whoever changed the head must not get a seal of ours on what they changed.
#[tokio::test]
async fn a_chain_whose_head_was_changed_does_not_go_on_and_loses_nothing() {
    let world = World::new().await;
    let env = world.main.id;
    begin(&world, 2).await;
    chain(&world).await;
    let head = found::<Head>(&world, Key::audit_head(env)).await;
    let place = assent_protocol::audit::chain::Anchor { seq: 1, ..head.record.last };
    let forged = Head { last: place, ..Head::clone(&head.record) };
    put(&world, vec![Write::replace(forged, head.version)]).await;
    begin(&world, 2).await;
    chain(&world).await;
    world.started(&world.other, &world.other.basic, &world.other.bob).await;
    chain(&world).await;
    assert_eq!(verify(&world, env).await, Err(Misfit::Seal));
    assert_eq!((waiting(&world, env).await.len(), links(&world, env).await.len()), (2, 2));
    assert_eq!(links(&world, world.other.id).await.len(), 1, "others go on");
    let metrics = world.app.audit.metrics();
    let metric = |name: &str| metrics.iter().find(|it| it.name == name).unwrap().value;
    assert_eq!((metric("audit_blocked_chains"), metric("audit_waiting")), (1.0, 2.0 + 1.0));
}

/// An environment that is removed takes its log with it, and what comes late begins no new one.
#[tokio::test]
async fn a_removed_environment_leaves_no_chain_behind() {
    let world = World::new().await;
    let env = world.main.id;
    begin(&world, 2).await;
    chain(&world).await;
    begin(&world, 1).await;
    let key = Key::environment(env);
    let environment = found::<Environment>(&world, key).await;
    let status = EnvironmentStatus::DeletePending;
    let gone = Environment { status, ..Environment::clone(&environment.record) };
    put(&world, vec![Write::replace(gone, environment.version)]).await;
    chain(&world).await;
    assert_eq!(waiting(&world, env).await.len(), 1, "it serves no more");
    assent_server::worker::tend(&world.app).await.unwrap();
    chain(&world).await;
    assert!(waiting(&world, env).await.is_empty() && links(&world, env).await.is_empty());
    assert!(head(&world, env).await.is_none());
}
