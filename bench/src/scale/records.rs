//! Requests as they come in daily life.

use assent_protocol::ciba::authentication::{Approval, Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::id::{ApplicationId, DeviceId, EnvironmentId, RequestId, UserId};
use assent_protocol::record::InboxKey;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::{Seconds, Timestamp};

/// People that are asked in turn.
const PEOPLE: u64 = 100_000;

/// Request number `number`; its name does not depend on `now`.
pub fn waiting(number: u64, now: Timestamp) -> Authentication {
    let env = EnvironmentId::from_bytes([7; 16]);
    let octets = number.to_be_bytes();
    let auth_req_id = Digest::of(Purpose::AuthReqId, env, &octets);
    let mut user = [1; 16];
    user[8..].copy_from_slice(&(number % PEOPLE).to_be_bytes());
    let mut request = [2; 16];
    request[8..].copy_from_slice(&octets);
    Authentication {
        asked: None,
        delivery: DeliveryMode::Poll,
        inbox: InboxKey {
            env,
            user: UserId::from_bytes(user),
            request: RequestId::from_bytes(request),
        },
        auth_req_id,
        application: ApplicationId::from_bytes([3; 16]),
        scope: Box::from("openid payments:write"),
        binding_message: Some(Box::from("PAY-4711")),
        acr_values: None,
        created_at: now,
        expires_at: now.plus(Seconds::new(600)),
        interval: Seconds::new(2),
        state: State::Pending,
    }
}

/// A yes.
pub fn approved(now: Timestamp) -> State {
    State::Approved(Box::new(Approval {
        details: None,
        at: now,
        device: Some(DeviceId::from_bytes([4; 16])),
        acr: String::from("urn:assent:device"),
        amr: vec![String::from("pop"), String::from("user")],
    }))
}
