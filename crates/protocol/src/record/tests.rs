//! The stored form is a promise: a change here is a migration.

use super::*;
use crate::ciba::authentication::{Approval, State};
use crate::ciba::delivery::DeliveryMode;
use crate::id::{ApplicationId, DeviceId};
use crate::secret::Digest;
use crate::time::Seconds;

fn authentication(state: State) -> Authentication {
    Authentication {
        asked: None,
        delivery: DeliveryMode::Poll,
        inbox: InboxKey {
            env: EnvironmentId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            request: RequestId::from_bytes([3; 16]),
        },
        auth_req_id: Digest::from_bytes([4; 32]),
        application: ApplicationId::from_bytes([5; 16]),
        scope: "openid".into(),
        binding_message: Some("PAY-1".into()),
        acr_values: None,
        created_at: Timestamp::from_millis(1000),
        expires_at: Timestamp::from_millis(2000),
        interval: Seconds::new(2),
        state,
    }
}

fn check(record: impl Into<Record>) -> String {
    let record = record.into();
    let json = record.to_json().unwrap();
    assert_eq!(Record::from_json(record.key().kind, &json).unwrap(), record);
    json
}

#[test]
fn an_authentication_is_stored_so() {
    let approval = Approval {
        details: None,
        at: Timestamp::from_millis(1500),
        device: Some(DeviceId::from_bytes([6; 16])),
        acr: String::from("urn:x"),
        amr: vec![String::from("mca")],
    };
    insta::assert_snapshot!("pending", check(authentication(State::Pending)));
    insta::assert_snapshot!("approved", check(authentication(State::Approved(Box::new(approval)))));
    let at = Timestamp::from_millis(1600);
    insta::assert_snapshot!("redeemed", check(authentication(State::Redeemed { at })));
}

#[test]
fn an_application_is_stored_so() {
    insta::assert_snapshot!("application", check(crate::testing::application(ApplicationId::NIL)));
}

#[test]
fn a_waiting_request_is_small() {
    // Millions wait in memory; see `bench/` for the whole cost.
    assert!(size_of::<Authentication>() <= 192, "{}", size_of::<Authentication>());
}

#[test]
fn keys_of_different_people_and_kinds_never_meet() {
    let env = EnvironmentId::from_bytes([1; 16]);
    let login = |kind, value: &str, user| {
        Key::login(&Login {
            env,
            kind,
            value: value.to_owned(),
            user: UserId::from_bytes([user; 16]),
        })
    };
    use crate::user::LoginKind::{Email, Phone, Username};
    assert_eq!(login(Username, "a", 1), login(Username, "a", 2), "user names are unique");
    assert_ne!(login(Email, "a", 1), login(Email, "a", 2), "addresses may be shared");
    assert_ne!(login(Email, "a", 1), login(Phone, "a", 1));
    // No normalised value holds a NUL, so one value's prefix never matches another value.
    assert!(!login(Username, "ab", 1).name.starts_with(&Key::login_prefix("a")));
}

#[test]
fn every_kind_is_found_by_its_name() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.name()), Some(kind));
    }
    assert_eq!(Kind::parse("grant_"), None);
}
