//! One client assertion presented several times at once: accepted as the rule says (D2, T-36).

use assent_protocol::assertion::SpentAssertion;
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::poll;
use assent_protocol::decision::{Change, Decision};
use assent_protocol::environment::AssertionReplay;
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Kind, Stored, Write};
use assent_protocol::secret::Digest;
use assent_protocol::time::Seconds;
use shuttle::thread;

use crate::facts::{START, approved, auth_req_id, client, pending};
use crate::redeem;
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

/// The change that spends assertion number `jti`, as `assent_server::oauth::authenticate_client`
/// makes it.
fn spend(
    store: &Store,
    rule: AssertionReplay,
    jti: u8,
    request: u8,
) -> Result<Option<Change>, Reason> {
    let spent = SpentAssertion {
        env: EnvironmentId::NIL,
        client: client().id,
        digest: Digest::from_bytes([jti; 32]),
        bound_to: Some(auth_req_id(request)),
        expires_at: START.plus(Seconds::new(300)),
    };
    match store.find::<SpentAssertion>(&spent.key()) {
        None => Ok(Some(spent.spend())),
        Some(known) => known.record.permits(rule, spent.bound_to).map(|()| None),
    }
}

fn start(store: &Store, rule: AssertionReplay, jti: u8, request: u8) -> Result<(), Reason> {
    let presented = spend(store, rule, jti, request)?;
    let insert = Change::new(Write::insert(pending(request)), Reason::AuthReqIdUnknown);
    store.settle(presented, Decision::accept(()).and(insert))
}

/// Where an assertion may come again for its own request, losing with it is no replay.
fn redeem(store: &Store, rule: AssertionReplay, jti: u8, request: u8) -> Result<(), Reason> {
    let presented = spend(store, rule, jti, request)?.map(|change| match rule {
        AssertionReplay::Bound => Change::new(change.write, Reason::AuthReqIdRedeemed),
        AssertionReplay::SingleUse | AssertionReplay::None => change,
    });
    redeem::poll(store, request, presented, request, true, START)
}

fn starts_with_one_assertion(defect: Defect, rule: AssertionReplay) {
    let store = Store::new(defect, Vec::new());
    let threads = [1, 2, 3].map(|request| {
        let store = store.clone();
        thread::spawn(move || start(&store, rule, 1, request))
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    let begun = verdicts.iter().filter(|it| it.is_ok()).count();
    let replays = verdicts.iter().filter(|it| **it == Err(Reason::AssertionReplayed)).count();
    assert_eq!((begun, replays), (1, 2), "{verdicts:?}");
    assert_eq!(store.list::<Authentication>(Kind::Authentication).len(), 1);
}

fn bound_starts(defect: Defect) {
    starts_with_one_assertion(defect, AssertionReplay::Bound);
}

fn single_use_starts(defect: Defect) {
    starts_with_one_assertion(defect, AssertionReplay::SingleUse);
}

#[test]
fn one_assertion_begins_one_request() {
    holds(bound_starts);
    holds(single_use_starts);
}

#[test]
fn an_assertion_that_begins_two_requests_would_be_noticed() {
    catches(Defect::InsertOverwrites, bound_starts);
    catches(Defect::InsertOverwrites, single_use_starts);
}

fn redemptions_with_one_assertion(defect: Defect, rule: AssertionReplay) {
    let store = Store::new(defect, vec![approved(1, START).into()]);
    let threads = [(); 3].map(|()| {
        let store = store.clone();
        thread::spawn(move || redeem(&store, rule, 1, 1))
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    assert_eq!(verdicts.iter().filter(|it| it.is_ok()).count(), 1, "{verdicts:?}");
    for lost in verdicts.iter().filter_map(|it| it.err()) {
        // Who reads after the winner sees that the tokens are gone, whatever the rule.
        let replay = lost == Reason::AssertionReplayed && rule == AssertionReplay::SingleUse;
        assert!(replay || lost == Reason::AuthReqIdRedeemed, "{verdicts:?}");
    }
}

fn bound_redemptions(defect: Defect) {
    redemptions_with_one_assertion(defect, AssertionReplay::Bound);
}

fn single_use_redemptions(defect: Defect) {
    redemptions_with_one_assertion(defect, AssertionReplay::SingleUse);
}

#[test]
fn redemptions_that_share_an_assertion_hear_what_their_rule_says() {
    holds(bound_redemptions);
    holds(single_use_redemptions);
}

#[test]
fn an_assertion_spent_twice_would_be_noticed() {
    catches(Defect::InsertOverwrites, single_use_redemptions);
}

/// One assertion for two approved requests: it serves one, and the other is not used up.
fn one_assertion_for_two_requests(defect: Defect) {
    let rule = AssertionReplay::Bound;
    let store = Store::new(defect, vec![approved(1, START).into(), approved(2, START).into()]);
    let threads = [1, 2].map(|request| {
        let store = store.clone();
        thread::spawn(move || redeem(&store, rule, 1, request))
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    assert_eq!(verdicts.iter().filter(|it| it.is_ok()).count(), 1, "{verdicts:?}");
    let waiting = store.list::<Authentication>(Kind::Authentication);
    let waiting = waiting.iter().filter(|it| matches!(it.record.state, State::Approved(_)));
    assert_eq!(waiting.count(), 1);
    let other = if verdicts[0].is_ok() { 2 } else { 1 };
    assert_eq!(redeem(&store, rule, 2, other), Ok(()));
}

#[test]
fn an_assertion_serves_one_of_two_requests_and_leaves_the_other() {
    holds(one_assertion_for_two_requests);
}

#[test]
fn an_assertion_that_serves_two_requests_would_be_noticed() {
    catches(Defect::InsertOverwrites, one_assertion_for_two_requests);
}

/// Whoever loses the race for the tokens has used up an assertion all the same. Both have read
/// the approval before either commits, so that one of them loses in its commit and not before.
fn losers_spend(defect: Defect) {
    let rule = AssertionReplay::SingleUse;
    let store = Store::new(defect, vec![approved(1, START).into()]);
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(1));
    let found = store.find::<Authentication>(&key).unwrap();
    let threads = [1, 2].map(|jti| {
        let (store, found) = (store.clone(), found.clone());
        thread::spawn(move || {
            let presented = spend(&store, rule, jti, 1)?;
            store.settle(presented, Decision::accept(()).and(poll::redeem(&found, START)))
        })
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    assert_eq!(verdicts.iter().filter(|it| it.is_ok()).count(), 1, "{verdicts:?}");
    for jti in [1, 2] {
        assert_eq!(start(&store, rule, jti, 3), Err(Reason::AssertionReplayed));
    }
}

#[test]
fn whoever_loses_the_tokens_has_spent_an_assertion() {
    holds(losers_spend);
}

#[test]
fn a_loser_that_keeps_its_assertion_would_be_noticed() {
    catches(Defect::LoserUnspent, losers_spend);
}
