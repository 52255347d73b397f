use std::sync::Arc;

use super::*;
use crate::ciba::authentication::Approval;
use crate::ciba::delivery::DeliveryMode;
use crate::ciba::notification::Receiver;
use crate::id::{ApplicationId, RequestId, UserId};
use crate::record::{InboxKey, Lane};
use crate::time::Seconds;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn request(state: State) -> Versioned<Authentication> {
    let env = EnvironmentId::NIL;
    let record = Authentication {
        inbox: InboxKey { env, user: UserId::NIL, request: RequestId::NIL },
        auth_req_id: Digest::from_bytes([1; 32]),
        application: ApplicationId::NIL,
        scope: "openid".into(),
        binding_message: None,
        acr_values: None,
        created_at: at(0),
        expires_at: at(120),
        interval: Seconds::new(2),
        delivery: DeliveryMode::Ping,
        asked: None,
        state,
    };
    Versioned { record: Arc::new(record), version: 3 }
}

fn approved() -> State {
    let acr = String::new();
    let amr = Vec::new();
    State::Approved(Box::new(Approval { at: at(100), device: None, acr, amr, details: None }))
}

#[test]
fn what_nobody_redeemed_can_be_taken_back() {
    for (state, now, permitted) in [
        (State::Pending, 119, true),
        (State::Pending, 120, true),
        (approved(), 160, true),
        (State::Denied { at: at(1) }, 2, false),
        (State::Redeemed { at: at(1) }, 2, false),
        (State::Withdrawn { at: at(1) }, 2, false),
        (State::Expired { at: at(1) }, 2, false),
    ] {
        let changes = withdraw(&request(state.clone()), None, at(now));
        assert_eq!(changes.is_some(), permitted, "{state:?} at {now}");
        let Some([change]) = changes.as_deref() else { continue };
        let Write::Replace(Record::Authentication(next), 3) = &change.write else {
            panic!("{change:?}");
        };
        assert_eq!(next.state, State::Withdrawn { at: at(now) });
    }
}

#[test]
fn only_a_notification_that_waits_goes_with_it() {
    let about = request(State::Pending);
    let to = Receiver { endpoint: "https://client.example/told", lane: Lane(0) };
    let sealed = crate::sealing::Sealed::from_base64url("").unwrap();
    let armed = Notification::armed(&about.record, to, sealed);
    let dead = Delivery::Dead { at: at(1), why: "".into() };
    for (state, goes) in [(Delivery::Armed, true), (Delivery::Due, false), (dead, false)] {
        let record = Arc::new(Notification { state, ..armed.clone() });
        let notification = Versioned { record, version: 7 };
        let changes = withdraw(&about, Some(&notification), at(10)).unwrap();
        let deleted = |change: &Change| match &change.write {
            Write::Delete(key, 7) => *key == notification.record.key(),
            _ => false,
        };
        assert_eq!(changes.iter().any(deleted), goes, "{:?}", notification.record.state);
    }
}
