//! Redemptions race with each other, with the person's account, and with the end of time.

use assent_protocol::ciba::authentication::{Authentication, REDEEMABLE_AFTER_DECISION, State};
use assent_protocol::ciba::poll::{self, Outcome};
use assent_protocol::decision::{Change, Decision};
use assent_protocol::grant::Grant;
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Kind, Write};
use assent_protocol::time::{Seconds, Timestamp};
use shuttle::thread;

use crate::facts::{Clock, EXPIRY, START, approved, auth_req_id, client, grant};
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

/// What a poll leads to: the heart of `assent_server::oauth::token`. `token_set` names the grant
/// that comes with the tokens; `usable` is whether the person may still authenticate.
pub fn poll(
    store: &Store,
    request: u8,
    presented: Option<Change>,
    token_set: u8,
    usable: bool,
    now: Timestamp,
) -> Result<(), Reason> {
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(request));
    let found = store.find::<Authentication>(&key);
    match poll::poll(found.as_ref(), client(), now)? {
        (_, Outcome::Undecided) => Err(Reason::EndUserUndecided),
        (found, Outcome::Approved(_)) if !usable => {
            match store.settle(presented, poll::close(found, now))? {}
        }
        (found, Outcome::Approved(_)) => {
            let insert = Write::insert(grant(token_set));
            let act = Decision::accept(())
                .and(poll::redeem(found, now))
                .and(Change::new(insert, Reason::AuthReqIdRedeemed));
            store.settle(presented, act)
        }
    }
}

fn state(store: &Store, request: u8) -> Option<State> {
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(request));
    Some(store.find::<Authentication>(&key)?.record.state.clone())
}

fn three_redemptions(defect: Defect) {
    let store = Store::new(defect, vec![approved(1, START).into()]);
    let threads: Vec<_> = (1..=3)
        .map(|token_set| {
            let store = store.clone();
            thread::spawn(move || poll(&store, 1, None, token_set, true, START))
        })
        .collect();
    let verdicts: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(verdicts.iter().filter(|it| it.is_ok()).count(), 1, "{verdicts:?}");
    let lost = verdicts.iter().filter_map(|it| it.err());
    assert!(lost.into_iter().all(|reason| reason == Reason::AuthReqIdRedeemed), "{verdicts:?}");
    assert_eq!(state(&store, 1), Some(State::Redeemed { at: START }));
    // A loser leaves nothing behind.
    assert_eq!(store.list::<Grant>(Kind::Grant).len(), 1);
}

#[test]
fn of_three_redemptions_at_once_one_gets_the_token_set() {
    holds(three_redemptions);
}

#[test]
fn a_second_token_set_would_be_noticed() {
    catches(Defect::VersionsIgnored, three_redemptions);
}

/// Both write the grant before the authentication, so a loser that is not rolled back leaves one.
fn redemptions_that_insert_first(defect: Defect) {
    let store = Store::new(defect, vec![approved(1, START).into()]);
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(1));
    let found = store.find::<Authentication>(&key).unwrap();
    let threads = [1, 2].map(|token_set| {
        let (store, found) = (store.clone(), found.clone());
        thread::spawn(move || {
            let insert = Change::new(Write::insert(grant(token_set)), Reason::AuthReqIdRedeemed);
            let act = Decision::accept(()).and(insert).and(poll::redeem(&found, START));
            store.settle(None, act)
        })
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    let won = verdicts.iter().filter(|it| it.is_ok()).count();
    assert_eq!(store.list::<Grant>(Kind::Grant).len(), won, "{verdicts:?}");
}

#[test]
fn a_loser_leaves_nothing_behind() {
    holds(redemptions_that_insert_first);
}

#[test]
fn a_commit_that_is_not_atomic_would_be_noticed() {
    catches(Defect::NotAtomic, redemptions_that_insert_first);
}

/// One node already knows that the person was disabled, the other does not yet (T-27).
fn redemption_and_closing(defect: Defect) {
    let store = Store::new(defect, vec![approved(1, START).into()]);
    let threads = [true, false].map(|usable| {
        let store = store.clone();
        thread::spawn(move || poll(&store, 1, None, u8::from(usable), usable, START))
    });
    let [redeemed, closed] = threads.map(|it| it.join().unwrap());
    match state(&store, 1) {
        Some(State::Redeemed { .. }) => {
            assert_eq!((redeemed, closed), (Ok(()), Err(Reason::AuthReqIdRedeemed)));
        }
        Some(State::Denied { .. }) => {
            assert_eq!(closed, Err(Reason::EndUserGone));
            let refused = [Err(Reason::AuthReqIdRedeemed), Err(Reason::EndUserDenied)];
            assert!(refused.contains(&redeemed), "{redeemed:?}");
        }
        other => panic!("nobody closed or redeemed it: {other:?}"),
    }
}

#[test]
fn a_request_is_either_redeemed_or_closed() {
    holds(redemption_and_closing);
}

#[test]
fn a_request_both_redeemed_and_closed_would_be_noticed() {
    catches(Defect::VersionsIgnored, redemption_and_closing);
}

/// Approved in the last moment, polled while the window closes, forgotten soon after (T-17).
fn redemptions_at_the_boundary(defect: Defect) {
    let decided_at = Timestamp::from_millis(EXPIRY.as_millis() - 1);
    let end = decided_at.plus(REDEEMABLE_AFTER_DECISION);
    let store = Store::new(defect, vec![approved(1, decided_at).into()]);
    let clock = Clock::new(decided_at);
    let threads = [1, 2].map(|token_set| {
        let (store, clock) = (store.clone(), clock.clone());
        thread::spawn(move || {
            let now = clock.now();
            (now, poll(&store, 1, None, token_set, true, now))
        })
    });
    let (keeper, mover) = (store.clone(), clock.clone());
    let sweeper = thread::spawn(move || {
        for now in [Timestamp::from_millis(end.as_millis() - 1), end, end.plus(Seconds::new(700))] {
            mover.set(now);
            keeper.sweep(now);
        }
    });
    let verdicts = threads.map(|it| it.join().unwrap());
    sweeper.join().unwrap();
    for (now, verdict) in verdicts {
        let permitted: &[_] = match verdict {
            Ok(()) => &[Ok(())],
            // Forgotten between reading and committing looks like redeemed: nothing to fetch.
            Err(_) => &[
                Err(Reason::AuthReqIdRedeemed),
                Err(Reason::AuthReqIdUnknown),
                Err(Reason::AuthReqIdExpired),
            ],
        };
        assert!(permitted.contains(&verdict), "{verdict:?} at {now:?}");
        assert!(verdict.is_err() || now < end, "redeemed at {now:?}, after the window");
        let expired = verdict == Err(Reason::AuthReqIdExpired);
        assert!(!expired || now >= end, "expired at {now:?}, inside the window");
    }
    let redeemed = verdicts.iter().filter(|(_, verdict)| verdict.is_ok()).count();
    assert!(redeemed <= 1, "{verdicts:?}");
    assert_eq!(store.list::<Grant>(Kind::Grant).len(), redeemed, "{verdicts:?}");
    assert_eq!(state(&store, 1), None, "it is forgotten in the end");
}

#[test]
fn the_window_of_redemption_is_the_same_for_everybody() {
    holds(redemptions_at_the_boundary);
}

#[test]
fn two_redemptions_at_the_boundary_would_be_noticed() {
    catches(Defect::VersionsIgnored, redemptions_at_the_boundary);
}
