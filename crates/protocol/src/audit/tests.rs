use serde_json::Value;

use super::*;
use crate::id::{AdministratorId, DeviceId, GrantId, RequestId};
use crate::testing;
use crate::user::User;

fn entry() -> Entry {
    Entry {
        act: Act::ObjectChanged,
        actor: Actor::person(UserId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16])),
        also: Some(Object::grant(GrantId::from_bytes([3; 16]))),
        application: Some(ApplicationId::from_bytes([4; 16])),
        at: Timestamp::from_millis(1_000),
        correlation: Some(String::from("C")),
        count: 1,
        env: EnvironmentId::from_bytes([5; 16]),
        id: AuditEntryId::from_bytes([6; 16]),
        members: vec![String::from("ciba.interval")],
        object: Some(Object::request(RequestId::from_bytes([7; 16]))),
        refused: Some(String::from("NumberWrong")),
        source: Some(String::from("203.0.113.7")),
        subject: Some(UserId::from_bytes([8; 16])),
    }
}

/// Whoever verifies a chain with another library sorts the members and leaves out spaces.
#[test]
fn what_is_hashed_is_json_with_its_members_in_order() {
    let canonical = entry().canonical().unwrap();
    let sorted: Value = serde_json::from_str(&canonical).unwrap();
    assert_eq!(canonical, sorted.to_string());
    insta::assert_snapshot!(canonical);
}

#[test]
fn what_is_not_there_is_not_written_and_nothing_is_lost() {
    let bare = Entry {
        actor: Actor::administrator(AdministratorId::from_bytes([9; 16])),
        also: None,
        application: None,
        correlation: None,
        members: Vec::new(),
        object: None,
        refused: None,
        source: None,
        subject: None,
        ..entry()
    };
    for entry in [bare, entry()] {
        let canonical = entry.canonical().unwrap();
        assert!(!canonical.contains("null"), "{canonical}");
        assert_eq!(serde_json::from_str::<Entry>(&canonical).unwrap(), entry);
    }
}

#[test]
fn every_act_is_found_by_its_name() {
    for act in Act::ALL {
        let name = serde_json::to_value(act).unwrap();
        assert_eq!(Act::parse(name.as_str().unwrap()), Some(act));
    }
    assert_eq!(Act::parse("request_begun"), None);
}

#[test]
fn a_change_is_told_by_the_names_of_its_members() {
    let before = testing::person();
    let mut after =
        User { enabled: false, updated_at: Timestamp::from_millis(7), ..before.clone() };
    after.name.given = Some(String::from("Somebody else"));
    after.user_code = None;
    let names = members::changed(&before.clone().into(), &after.into()).unwrap();
    assert!(names.contains(&String::from("enabled")), "{names:?}");
    assert!(names.contains(&String::from("name.given")), "{names:?}");
    assert!(!names.iter().any(|name| name == "updated_at" || name.contains("Somebody")));
    let same = Record::from(before);
    assert!(members::changed(&same, &same).unwrap().is_empty());
}
