//! Refresh tokens are rotated, reused and raced for (T-88).

use assent_protocol::grant::Grant;
use assent_protocol::id::{EnvironmentId, GrantId};
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::refresh::{self, RefreshToken};
use shuttle::thread;

use crate::facts::{START, client, grant};
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

/// The generation of the token that a refresh gives.
type Verdict = Result<u32, Reason>;

const FAMILY: GrantId = GrantId::from_bytes([1; 16]);

/// The heart of `assent_server::oauth::refresh`.
fn refresh(store: &Store, generation: u32) -> Verdict {
    let found = store.find::<Grant>(&Key::grant(EnvironmentId::NIL, FAMILY));
    let presented = RefreshToken { grant: FAMILY, generation };
    let decision = refresh::refresh(found.as_ref(), presented, client(), None, START);
    let told = store.settle(None, decision);
    if told.as_ref().err() == Some(&Reason::RefreshTokenReused) {
        end_family(store, presented);
    }
    Ok(told?.next.generation)
}

fn end_family(store: &Store, presented: RefreshToken) {
    for _ in 0..8 {
        let found = store.find::<Grant>(&Key::grant(EnvironmentId::NIL, FAMILY));
        let again = refresh::refresh(found.as_ref(), presented, client(), None, START);
        let writes: Vec<_> = again.changes.into_iter().map(|change| change.write).collect();
        if again.verdict.err() != Some(Reason::RefreshTokenReused)
            || store.commit(writes) == crate::store::Outcome::Done
        {
            return;
        }
    }
    panic!("the end of a family loses for ever");
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
