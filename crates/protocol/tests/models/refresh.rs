//! Refresh tokens are rotated, reused and raced for (T-88).

use std::sync::OnceLock;

use assent_protocol::application::Application;
use assent_protocol::decision::Change;
use assent_protocol::grant::Grant;
use assent_protocol::id::{EnvironmentId, GrantId};
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Versioned};
use assent_protocol::refresh::{self, RefreshToken};
use assent_protocol::time::Seconds;
use shuttle::thread;

use crate::facts::{START, client, grant};
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

/// The generation of the token that a refresh gives.
type Verdict = Result<u32, Reason>;

const FAMILY: GrantId = GrantId::from_bytes([1; 16]);

fn refresh(store: &Store, generation: u32) -> Verdict {
    refresh_by(client(), store, generation)
}

/// The heart of `assent_server::oauth::refresh`.
fn refresh_by(client: &Application, store: &Store, generation: u32) -> Verdict {
    let found = store.find::<Grant>(&Key::grant(EnvironmentId::NIL, FAMILY));
    let presented = RefreshToken { grant: FAMILY, generation };
    let decision = refresh::refresh(found.as_ref(), presented, client, None, START);
    let told = store.settle(None, decision);
    if told.as_ref().err() == Some(&Reason::RefreshTokenReused) {
        end_family(store, |found| {
            let again = refresh::refresh(found, presented, client, None, START);
            again.changes.into_iter().next().filter(|_| again.verdict.is_err())
        });
    }
    Ok(told?.next.generation)
}

/// As a refresh token is revoked by its client.
fn revoke(store: &Store) {
    let end = |found: Option<&Versioned<Grant>>| found.and_then(|it| refresh::end(it, START));
    end_family(store, end);
}

fn end_family(store: &Store, end: impl Fn(Option<&Versioned<Grant>>) -> Option<Change>) {
    for _ in 0..8 {
        let found = store.find::<Grant>(&Key::grant(EnvironmentId::NIL, FAMILY));
        let Some(change) = end(found.as_ref()) else { return };
        if store.commit(vec![change.write]) == crate::store::Outcome::Done {
            return;
        }
    }
    panic!("the end of a family loses for ever");
}

/// The client, when it may come back with the token before for a while.
fn graceful() -> &'static Application {
    static CLIENT: OnceLock<Application> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let mut client = client().clone();
        client.refresh.grace = Seconds::new(60);
        client
    })
}

fn family(store: &Store) -> Grant {
    let found = store.find::<Grant>(&Key::grant(EnvironmentId::NIL, FAMILY)).unwrap();
    Grant::clone(&found.record)
}

fn one_token_used_by_three(defect: Defect) {
    let store = Store::new(defect, vec![grant(1).into()]);
    let threads = [(); 3].map(|()| {
        let store = store.clone();
        thread::spawn(move || refresh(&store, 0))
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    assert_eq!(verdicts.iter().filter(|it| **it == Ok(1)).count(), 1, "{verdicts:?}");
    for lost in verdicts.iter().filter_map(|it| it.err()) {
        let reasons = [Reason::RefreshTokenReused, Reason::RefreshTokenRevoked];
        assert!(reasons.contains(&lost), "{verdicts:?}");
    }
    // Whatever happened: the old token never works again, and its return ends the family.
    assert!(refresh(&store, 0).is_err());
    assert!(family(&store).revoked_at.is_some());
    assert_eq!(refresh(&store, 1), Err(Reason::RefreshTokenRevoked));
}

#[test]
fn one_refresh_token_is_rotated_once() {
    holds(one_token_used_by_three);
}

#[test]
fn a_second_rotation_would_be_noticed() {
    catches(Defect::VersionsIgnored, one_token_used_by_three);
}

/// A client that goes on refreshing, and a thief that comes back with the first token.
fn client_and_thief(defect: Defect) {
    let first = Grant { generation: 1, ..grant(1) };
    let store = Store::new(defect, vec![first.into()]);
    let client = store.clone();
    let client = thread::spawn(move || {
        let mut heard = Vec::new();
        let mut generation = 1;
        for _ in 0..2 {
            let verdict = refresh(&client, generation);
            generation = verdict.unwrap_or(generation);
            heard.push(verdict);
        }
        heard
    });
    let thief = refresh(&store, 0);
    let heard = client.join().unwrap();
    assert!([Err(Reason::RefreshTokenReused), Err(Reason::RefreshTokenRevoked)].contains(&thief));
    // Once revoked, the family stays so: a yes never follows a no.
    assert!(heard.iter().map(Result::is_err).is_sorted(), "{heard:?}");
    let end = family(&store);
    assert_eq!(usize::try_from(end.generation).unwrap() - 1, heard.iter().flatten().count());
    assert!(end.revoked_at.is_some(), "a token was used again and its family lives on: {heard:?}");
}

#[test]
fn a_reused_token_ends_the_family_even_while_it_is_being_rotated() {
    holds(client_and_thief);
}

#[test]
fn a_rotation_that_revives_a_family_would_be_noticed() {
    catches(Defect::VersionsIgnored, client_and_thief);
}

/// Two thieves: both revoke, once is enough.
fn two_revocations(defect: Defect) {
    let store = Store::new(defect, vec![Grant { generation: 2, ..grant(1) }.into()]);
    let threads = [0, 1].map(|generation| {
        let store = store.clone();
        thread::spawn(move || refresh(&store, generation))
    });
    for verdict in threads.map(|it| it.join().unwrap()) {
        let refused = [Err(Reason::RefreshTokenReused), Err(Reason::RefreshTokenRevoked)];
        assert!(refused.contains(&verdict), "{verdict:?}");
    }
    assert_eq!(family(&store).revoked_at, Some(START));
    assert_eq!(family(&store).generation, 2);
    assert_eq!(refresh(&store, 2), Err(Reason::RefreshTokenRevoked));
}

#[test]
fn a_family_is_revoked_once() {
    holds(two_revocations);
}

#[test]
fn a_family_revoked_twice_would_be_noticed() {
    catches(Defect::VersionsIgnored, two_revocations);
}

/// A client that lost the answer and repeats itself, three times at once. Two may be answered: the
/// rotation, and the grace; both give the same token. Whoever repeats it once more ends the family.
fn a_repeated_refresh_within_the_grace(defect: Defect) {
    let store = Store::new(defect, vec![grant(1).into()]);
    let threads = [(); 3].map(|()| {
        let store = store.clone();
        thread::spawn(move || refresh_by(graceful(), &store, 0))
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    let given = verdicts.iter().filter(|it| it.is_ok()).count();
    assert!((1..=2).contains(&given), "{verdicts:?}");
    assert!(verdicts.iter().flatten().all(|generation| *generation == 1), "{verdicts:?}");
    for lost in verdicts.iter().filter_map(|it| it.err()) {
        let reasons = [Reason::RefreshTokenReused, Reason::RefreshTokenRevoked];
        assert!(reasons.contains(&lost), "{verdicts:?}");
    }
    let after = family(&store);
    if given == 1 && after.revoked_at.is_none() {
        // The others lost their races, not their tokens: one of them may still come back.
        assert_eq!(refresh_by(graceful(), &store, 0), Ok(1));
    }
    // The grace is over, and the old token does not come a third time.
    assert!(refresh_by(graceful(), &store, 0).is_err());
    assert!(family(&store).revoked_at.is_some());
    assert_eq!(refresh_by(graceful(), &store, 1), Err(Reason::RefreshTokenRevoked));
}

#[test]
fn the_grace_is_given_once() {
    holds(a_repeated_refresh_within_the_grace);
}

#[test]
fn a_grace_given_twice_would_be_noticed() {
    catches(Defect::VersionsIgnored, a_repeated_refresh_within_the_grace);
}

/// A client gives its family up while it is being rotated: nothing of it is left.
fn revoked_while_it_rotates(defect: Defect) {
    let store = Store::new(defect, vec![grant(1).into()]);
    let rotating = store.clone();
    let rotating = thread::spawn(move || {
        let first = refresh_by(graceful(), &rotating, 0);
        first.and_then(|generation| refresh_by(graceful(), &rotating, generation))
    });
    revoke(&store);
    let heard = rotating.join().unwrap();
    assert!(family(&store).revoked_at.is_some(), "{heard:?}");
    let newest = family(&store).generation;
    assert_eq!(refresh_by(graceful(), &store, newest), Err(Reason::RefreshTokenRevoked));
}

#[test]
fn a_revocation_ends_the_family_even_while_it_is_being_rotated() {
    holds(revoked_while_it_rotates);
}

#[test]
fn a_revocation_that_is_undone_would_be_noticed() {
    catches(Defect::VersionsIgnored, revoked_while_it_rotates);
}
