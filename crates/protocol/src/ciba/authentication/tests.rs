//! Every state × every event, and what no sequence of events can do.

use crate::ciba::delivery::DeliveryMode;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::ciba::answer::{Answer, Answerer, answer};
use crate::ciba::poll::{self, Outcome};
use crate::decision::Decision;
use crate::id::{ApplicationId, RequestId, UserId};
use crate::reason::Reason;
use crate::record::{Record, Versioned, Write};

const EXPIRY: i64 = 120;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn fresh() -> Authentication {
    Authentication {
        asked: None,
        delivery: DeliveryMode::Poll,
        inbox: InboxKey { env: EnvironmentId::NIL, user: UserId::NIL, request: RequestId::NIL },
        auth_req_id: Digest::from_bytes([0; 32]),
        application: ApplicationId::NIL,
        scope: "openid".into(),
        binding_message: None,
        acr_values: None,
        created_at: at(0),
        expires_at: at(EXPIRY),
        interval: Seconds::new(2),
        state: State::Pending,
    }
}

fn approved(seconds: i64) -> State {
    State::Approved(Box::new(Approval {
        details: None,
        at: at(seconds),
        device: None,
        acr: String::new(),
        amr: Vec::new(),
    }))
}

fn versioned(state: State) -> Versioned<Authentication> {
    Versioned { record: Arc::new(Authentication { state, ..fresh() }), version: 1 }
}

fn polled(state: State, now: i64) -> Result<&'static str, Reason> {
    let client = crate::testing::application(ApplicationId::NIL);
    match poll::poll(Some(&versioned(state)), &client, at(now)) {
        Ok((_, Outcome::Undecided)) => Ok("undecided"),
        Ok((_, Outcome::Approved(_))) => Ok("approved"),
        Err(reason) => Err(reason),
    }
}

#[test]
fn what_a_poll_hears_in_every_state() {
    let denied = |seconds| State::Denied { at: at(seconds) };
    let redeemed = State::Redeemed { at: at(10) };
    let table = [
        (State::Pending, 0, Ok("undecided")),
        (State::Pending, EXPIRY - 1, Ok("undecided")),
        (State::Pending, EXPIRY, Err(Reason::AuthReqIdExpired)),
        (approved(10), 11, Ok("approved")),
        (approved(10), EXPIRY - 1, Ok("approved")),
        (approved(10), EXPIRY, Err(Reason::AuthReqIdExpired)),
        (approved(119), EXPIRY + 58, Ok("approved")),
        (approved(119), EXPIRY + 59, Err(Reason::AuthReqIdExpired)),
        (denied(10), 11, Err(Reason::EndUserDenied)),
        (denied(119), EXPIRY + 58, Err(Reason::EndUserDenied)),
        (denied(10), EXPIRY, Err(Reason::AuthReqIdExpired)),
        (redeemed.clone(), 11, Err(Reason::AuthReqIdRedeemed)),
        (redeemed, EXPIRY + 500, Err(Reason::AuthReqIdRedeemed)),
    ];
    for (state, now, expected) in table {
        assert_eq!(polled(state.clone(), now), expected, "{state:?} at {now}");
    }
}

#[test]
fn a_poll_of_another_client_or_of_nothing_learns_nothing() {
    let stranger = crate::testing::application(ApplicationId::from_bytes([5; 16]));
    for state in [State::Pending, approved(1), State::Redeemed { at: at(1) }] {
        let found = versioned(state);
        let verdict = poll::poll(Some(&found), &stranger, at(2)).map(|_| ());
        assert_eq!(verdict, Err(Reason::AuthReqIdOtherClient));
    }
    assert_eq!(poll::poll(None, &stranger, at(2)).map(|_| ()), Err(Reason::AuthReqIdUnknown));
}

#[test]
fn what_an_answer_does_in_every_state() {
    let table = [
        (State::Pending, EXPIRY - 1, Ok(())),
        (State::Pending, EXPIRY, Err(Reason::RequestExpired)),
        (approved(1), 2, Err(Reason::RequestDecided)),
        (State::Denied { at: at(1) }, 2, Err(Reason::RequestDecided)),
        (State::Redeemed { at: at(1) }, 2, Err(Reason::RequestDecided)),
    ];
    for (state, now, expected) in table {
        for said in [Answer::Approve, Answer::Deny] {
            let found = versioned(state.clone());
            let answered = answer(&found.record, &said.into(), Answerer::Simulator, &[], at(now));
            assert_eq!(answered.map(drop), expected, "{state:?} {said:?} at {now}");
        }
    }
}

/// A store of one authentication that honours versions.
struct Model {
    found: Versioned<Authentication>,
}

impl Model {
    fn commit<T>(&mut self, decision: Decision<T>) -> bool {
        for change in decision.changes {
            match change.write {
                Write::Replace(Record::Authentication(next), version) => {
                    if version != self.found.version {
                        return false;
                    }
                    self.found = Versioned { record: next, version: version + 1 };
                }
                other => panic!("{other:?}"),
            }
        }
        decision.verdict.is_ok()
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Approve,
    Deny,
    Redeem,
    /// Redeem with a record that was read before the last event.
    RedeemStale,
    Close,
}

proptest! {
    #[test]
    fn no_sequence_redeems_twice_or_goes_back(
        events in proptest::collection::vec(
            prop_oneof![
                Just(Event::Approve), Just(Event::Deny), Just(Event::Redeem),
                Just(Event::RedeemStale), Just(Event::Close),
            ],
            1..40,
        ),
        steps in proptest::collection::vec(0_i64..20, 40),
    ) {
        let client = crate::testing::application(ApplicationId::NIL);
        let mut model = Model { found: versioned(State::Pending) };
        let mut stale = model.found.clone();
        let (mut now, mut tokens, mut ended) = (0, 0, None);
        for (event, step) in events.iter().zip(steps) {
            now += step;
            let before = model.found.clone();
            let seen = match event { Event::RedeemStale => stale.clone(), _ => before.clone() };
            match event {
                Event::Approve | Event::Deny => {
                    let said = match event { Event::Approve => Answer::Approve, _ => Answer::Deny };
                    let said = said.into();
                    if let Ok(it) = answer(&seen.record, &said, Answerer::Simulator, &[], at(now)) {
                        model.commit(it.decide(&seen));
                    }
                }
                Event::Redeem | Event::RedeemStale => {
                    if let Ok((found, Outcome::Approved(_))) = poll::poll(Some(&seen), &client, at(now)) {
                        let act = Decision::accept(()).and(poll::redeem(found, at(now)));
                        tokens += u32::from(model.commit(act));
                    }
                }
                Event::Close => {
                    if let Ok((found, Outcome::Approved(_))) = poll::poll(Some(&seen), &client, at(now)) {
                        model.commit(poll::close(found, at(now)));
                    }
                }
            }
            prop_assert!(tokens <= 1);
            // Denied and redeemed are the end.
            if let Some(end) = &ended {
                prop_assert_eq!(end, &model.found.record.state);
            }
            let state = &model.found.record.state;
            if matches!(state, State::Denied { .. } | State::Redeemed { .. }) {
                ended = Some(state.clone());
            }
            prop_assert!(*state != State::Pending || before.record.state == State::Pending);
            stale = before;
        }
    }
}
