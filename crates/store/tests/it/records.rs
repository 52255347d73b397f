//! Records to write.

use assent_protocol::audit::trail::{Stamp, Told};
use assent_protocol::audit::{Act, Entry};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use std::sync::Arc;

use assent_protocol::assertion::SpentAssertion;
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::device::Pairing;
use assent_protocol::id::{
    ApplicationId, AuditEntryId, DeviceId, EnvironmentId, RequestId, UserId,
};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{InboxKey, Lane, Record};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::Digest;
use assent_protocol::time::{Seconds, Timestamp};
use assent_protocol::user::{Name, User};

/// The moment at which everything here is made.
pub const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// An environment's identifier.
pub fn env(number: u8) -> EnvironmentId {
    EnvironmentId::from_bytes([number; 16])
}

/// A person.
pub fn user(env: EnvironmentId, number: u8) -> User {
    User {
        user_code: None,
        blocked: Vec::new(),
        env,
        id: UserId::from_bytes([number; 16]),
        username: format!("user{number}"),
        email: format!("user{number}@example.com"),
        mobile_phone: None,
        name: Name::default(),
        enabled: true,
        locked_at: None,
        cut_off: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A waiting request number `number` for the person `person`.
pub fn waiting(env: EnvironmentId, person: u8, number: u64) -> Authentication {
    let mut digest = [0; 32];
    // Spread over shards and tables as real digests are.
    for (place, octet) in digest.iter_mut().enumerate() {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(place as u32 * 5);
        *octet = mixed.to_le_bytes()[place % 8];
    }
    let random = [
        0,
        0,
        number.to_be_bytes()[0],
        number.to_be_bytes()[1],
        number.to_be_bytes()[2],
        number.to_be_bytes()[3],
        number.to_be_bytes()[4],
        number.to_be_bytes()[5],
        number.to_be_bytes()[6],
        number.to_be_bytes()[7],
    ];
    Authentication {
        asked: None,
        delivery: DeliveryMode::Poll,
        inbox: InboxKey {
            env,
            user: UserId::from_bytes([person; 16]),
            request: RequestId::mint(NOW, random),
        },
        auth_req_id: Digest::from_bytes(digest),
        application: ApplicationId::from_bytes([9; 16]),
        scope: "openid".into(),
        binding_message: None,
        acr_values: None,
        created_at: NOW,
        expires_at: NOW.plus(Seconds::new(120)),
        interval: Seconds::new(2),
        state: State::Pending,
    }
}

/// The same request, denied.
pub fn denied(waiting: &Authentication) -> Authentication {
    Authentication { state: State::Denied { at: NOW }, ..waiting.clone() }
}

/// A spent assertion.
pub fn spent(env: EnvironmentId, number: u8) -> SpentAssertion {
    SpentAssertion {
        env,
        client: ApplicationId::from_bytes([9; 16]),
        digest: Digest::from_bytes([number; 32]),
        bound_to: None,
        expires_at: NOW.plus(Seconds::new(60)),
    }
}

/// A pairing code.
pub fn pairing(env: EnvironmentId, number: u8) -> Pairing {
    Pairing {
        env,
        digest: Digest::from_bytes([number; 32]),
        user: UserId::from_bytes([1; 16]),
        device: DeviceId::from_bytes([2; 16]),
        expires_at: NOW.plus(Seconds::new(600)),
    }
}

/// A notification in this lane that is due so many seconds after [`NOW`].
pub fn notification(env: EnvironmentId, number: u8, lane: i64, seconds: u32) -> Notification {
    let gone_at = NOW.plus(Seconds::new(780));
    Notification {
        env,
        auth_req_id: Digest::from_bytes([number; 32]),
        application: ApplicationId::from_bytes([9; 16]),
        mode: DeliveryMode::Ping,
        endpoint: "https://client.example.com/ping".into(),
        lane: Lane(lane),
        credentials: None,
        payload: None,
        tokens: None,
        state: Delivery::Due,
        attempts: 0,
        due_at: NOW.plus(Seconds::new(seconds)),
        try_until: gone_at,
        gone_at,
        forget_at: gone_at,
        created_at: NOW,
    }
}

/// An entry of the audit log, told `at` milliseconds.
pub fn audit_entry(env: EnvironmentId, number: u8, at: u64) -> Entry {
    let at = Timestamp::from_millis(at);
    let stamp = Stamp {
        id: AuditEntryId::mint(at, [number; 10]),
        at,
        correlation: Some(String::from("C")),
        source: None,
    };
    Told::new(env, Act::RequestBegun).stamped(stamp)
}

/// Among them is the key under the heads of all logs here.
pub fn keys() -> EnvironmentKeys {
    EnvironmentKeys::derive(RootKey::new([1; 32])).unwrap()
}

/// The authentication inside a record.
pub fn authentication(record: Record) -> Arc<Authentication> {
    match record {
        Record::Authentication(it) => it,
        other => panic!("{other:?}"),
    }
}
