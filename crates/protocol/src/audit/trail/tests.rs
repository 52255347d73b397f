use std::sync::Arc;

use super::*;
use crate::ciba::authentication::Approval;
use crate::device::{Credential, Device, DeviceStatus, DeviceType};
use crate::id::{GrantId, RequestId};
use crate::record::{InboxKey, Stored};
use crate::revocation::Revocation;
use crate::secret::Digest;
use crate::testing;
use crate::time::Seconds;

const ENV: EnvironmentId = EnvironmentId::from_bytes([1; 16]);
const PERSON: UserId = UserId::from_bytes([2; 16]);
const REQUEST: RequestId = RequestId::from_bytes([3; 16]);
const SHOP: ApplicationId = ApplicationId::from_bytes([5; 16]);
const PHONE: DeviceId = DeviceId::from_bytes([6; 16]);
const AT: Timestamp = Timestamp::from_millis(1_500);

fn request(delivery: DeliveryMode, state: State) -> Authentication {
    Authentication {
        asked: None,
        delivery,
        inbox: InboxKey { env: ENV, user: PERSON, request: REQUEST },
        auth_req_id: Digest::from_bytes([4; 32]),
        application: SHOP,
        scope: "openid".into(),
        binding_message: Some("SECRET-WORDS".into()),
        acr_values: None,
        created_at: AT,
        expires_at: AT.plus(Seconds::new(60)),
        interval: Seconds::new(2),
        state,
    }
}

fn becomes(state: State) -> Write {
    Write::replace(request(DeliveryMode::Poll, state), 1)
}

fn approved(device: Option<DeviceId>, details: Option<Vec<u16>>) -> State {
    let acr = String::from("x");
    State::Approved(Box::new(Approval { at: AT, device, acr, amr: Vec::new(), details }))
}

fn grant(revoked_at: Option<Timestamp>) -> crate::grant::Grant {
    crate::grant::Grant {
        env: ENV,
        id: GrantId::from_bytes([7; 16]),
        application: SHOP,
        user: PERSON,
        sector: None,
        scope: String::from("openid"),
        authorization_details: None,
        resource: Vec::new(),
        claims: None,
        acr: String::new(),
        amr: Vec::new(),
        auth_time: AT,
        generation: 1,
        rotated_at: AT,
        token_expires_at: AT,
        expires_at: AT,
        revoked_at,
        created_at: AT,
    }
}

fn device() -> Device {
    Device {
        acr_values: Vec::new(),
        env: ENV,
        user: PERSON,
        id: PHONE,
        nickname: String::from("Phone"),
        kind: DeviceType::Mobile,
        status: DeviceStatus::Active,
        credential: None,
        pairings: Vec::new(),
        created_at: AT,
        updated_at: AT,
    }
}

fn credential() -> Credential {
    Credential { env: ENV, digest: Digest::from_bytes([8; 32]), user: PERSON, device: PHONE }
}

fn revocation() -> Revocation {
    Revocation { env: ENV, what: Digest::from_bytes([9; 32]), expires_at: AT }
}

/// What the writes tell: acts and who did them.
fn told(writes: &[Write], refused: Option<Reason>) -> Vec<(Act, Actor)> {
    of(writes, refused).into_iter().map(|it| (it.act, it.actor)).collect()
}

/// What is written, what is answered, and what that tells.
type Row = (Vec<Write>, Option<Reason>, Vec<(Act, Actor)>);

#[test]
fn every_act_is_told_by_what_it_writes() {
    let (client, person) = (Actor::application(SHOP), Actor::person(PERSON, PHONE));
    let at = AT;
    let user = || Write::replace(testing::person(), 1);
    let pushed = request(DeliveryMode::Push, State::Redeemed { at });
    let application = testing::application(SHOP);
    let remove = |key: Key| Write::Delete(key, 1);
    let reused = Some(Reason::RefreshTokenReused);
    let table: Vec<Row> = vec![
        (
            vec![Write::insert(request(DeliveryMode::Poll, State::Pending))],
            None,
            vec![(Act::RequestBegun, client.clone())],
        ),
        (
            vec![becomes(approved(Some(PHONE), None))],
            None,
            vec![(Act::RequestApproved, person.clone())],
        ),
        (
            vec![becomes(approved(Some(PHONE), Some(vec![0])))],
            None,
            vec![(Act::RequestPartlyApproved, person.clone())],
        ),
        (vec![becomes(approved(None, None))], None, vec![(Act::RequestApproved, Actor::SIMULATOR)]),
        (vec![becomes(State::Denied { at })], None, vec![(Act::RequestDenied, Actor::SERVER)]),
        (vec![becomes(State::Expired { at })], None, vec![(Act::RequestExpired, Actor::SERVER)]),
        (
            vec![becomes(State::Withdrawn { at })],
            None,
            vec![(Act::RequestWithdrawn, client.clone())],
        ),
        (
            vec![becomes(State::Redeemed { at }), Write::insert(grant(None))],
            None,
            vec![(Act::TokensRedeemed, client.clone())],
        ),
        (vec![Write::replace(pushed, 1)], None, vec![(Act::TokensPushed, Actor::SERVER)]),
        (vec![Write::replace(grant(None), 1)], None, vec![(Act::TokensRefreshed, client.clone())]),
        (
            vec![Write::replace(grant(Some(at)), 1)],
            reused,
            vec![(Act::RefreshTokenReused, client.clone())],
        ),
        (
            vec![Write::replace(grant(Some(at)), 1), Write::insert(revocation())],
            None,
            vec![(Act::GrantRevoked, client.clone())],
        ),
        (vec![Write::insert(revocation())], None, vec![(Act::TokenRevoked, Actor::SERVER)]),
        (vec![user()], Some(Reason::UserCodeWrong), vec![(Act::UserCodeRefused, Actor::SERVER)]),
        (vec![user()], Some(Reason::UserCodeLocked), vec![(Act::UserCodeRefused, Actor::SERVER)]),
        (
            vec![becomes(State::Denied { at }), user()],
            None,
            vec![(Act::RequestDenied, Actor::SERVER), (Act::PromptReported, Actor::SERVER)],
        ),
        // A code that was right: the request that begins says so.
        (
            vec![Write::insert(request(DeliveryMode::Poll, State::Pending)), user()],
            None,
            vec![(Act::RequestBegun, client.clone())],
        ),
        (
            vec![Write::replace(device(), 1), Write::insert(credential())],
            None,
            vec![(Act::DevicePaired, person.clone())],
        ),
        (
            vec![remove(credential().key()), remove(device().key())],
            None,
            vec![(Act::DeviceRemoved, person.clone())],
        ),
        (vec![remove(credential().key())], None, vec![(Act::DeviceRemoved, Actor::SERVER)]),
        (
            vec![Write::insert(application.clone())],
            None,
            vec![(Act::ClientRegistered, client.clone())],
        ),
        (
            vec![Write::replace(application.clone(), 1)],
            None,
            vec![(Act::ClientChanged, client.clone())],
        ),
        (vec![remove(application.key())], None, vec![(Act::ClientRemoved, client)]),
        (
            vec![remove(Key::signing_key(ENV, "kid"))],
            None,
            vec![(Act::SigningKeyRemoved, Actor::SERVER)],
        ),
        (vec![remove(Key::grant(ENV, GrantId::from_bytes([7; 16])))], None, vec![]),
    ];
    for (writes, refused, expected) in table {
        assert_eq!(told(&writes, refused), expected, "{writes:?}");
    }
}

#[test]
fn what_is_told_names_who_and_what_and_nothing_that_was_said() {
    let writes = [becomes(State::Redeemed { at: AT }), Write::insert(grant(None))];
    let told = of(&writes, None).remove(0);
    assert_eq!((told.env, told.application, told.subject), (ENV, Some(SHOP), Some(PERSON)));
    assert_eq!(told.object, Some(Object::request(REQUEST)));
    assert_eq!(told.also, Some(Object::grant(GrantId::from_bytes([7; 16]))));
    let denied = of(&[becomes(State::Denied { at: AT })], Some(Reason::NumberWrong)).remove(0);
    assert_eq!(denied.refused.as_deref(), Some("NumberWrong"));
    let stamp = Stamp { id: AuditEntryId::NIL, at: AT, correlation: None, source: None };
    let canonical = denied.stamped(stamp).canonical().unwrap();
    let digest = serde_json::to_string(&Digest::from_bytes([4; 32])).unwrap();
    for secret in ["SECRET-WORDS", digest.trim_matches('"')] {
        assert!(!canonical.contains(secret), "{canonical}");
    }
}

/// A delivery that is given up is told once, however often its record is written.
#[test]
fn a_notification_is_given_up_once() {
    let request = request(DeliveryMode::Ping, State::Pending);
    let to = crate::ciba::notification::Receiver {
        endpoint: "https://shop.example.com/ping",
        lane: crate::record::Lane(1),
    };
    let sealed = crate::sealing::Sealed::from_base64url("AAAA").unwrap();
    let armed = Notification::armed(&request, to, sealed);
    let due = armed.told(None, None, AT);
    let dead = due.dead("nobody answers", AT);
    let stripped = dead.stripped();
    let given_up = vec![(Act::NotificationGivenUp, Actor::SERVER)];
    let table = [(armed, vec![]), (due, vec![]), (dead, given_up), (stripped, vec![])];
    for (notification, expected) in table {
        let it = Arc::new(notification);
        let writes = [Write::Replace(Notification::wrap(Arc::clone(&it)), 1)];
        assert_eq!(told(&writes, None), expected, "{it:?}");
    }
}
