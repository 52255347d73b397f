//! What the scenarios begin with.

use assent_protocol::ciba::delivery::DeliveryMode;
use std::sync::{Arc, OnceLock};

use assent_protocol::application::{Application, GrantType, TokenEndpointAuthMethod};
use assent_protocol::ciba::answer::ACR_DEVICE;
use assent_protocol::ciba::authentication::{Approval, Authentication, State};
use assent_protocol::grant::Grant;
use assent_protocol::id::{ApplicationId, EnvironmentId, GrantId, RequestId, UserId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::InboxKey;
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::{Digest, Secret};
use assent_protocol::time::{Seconds, Timestamp};
use shuttle::sync::atomic::{AtomicU64, Ordering};

/// When requests are made.
pub const START: Timestamp = Timestamp::from_millis(1_000_000);
/// When they expire.
pub const EXPIRY: Timestamp = START.plus(Seconds::new(120));

/// A clock that threads share and move.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_millis())))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

/// The client of every scenario. Made outside of shuttle, once: its secret takes a cipher.
pub fn client() -> &'static Application {
    static CLIENT: OnceLock<Application> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let id = ApplicationId::from_bytes([3; 16]);
        let keys = EnvironmentKeys::derive(RootKey::new([0; 32])).unwrap();
        let secret = Secret::new(String::from("secret"));
        let secret = keys.seal_client_secret(id, &secret, [0; 12]).unwrap();
        Application {
            name: String::from("Shop"),
            enabled: true,
            grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
            auth_method: TokenEndpointAuthMethod::PrivateKeyJwt,
            ..Application::new(EnvironmentId::NIL, id, secret, START)
        }
    })
}

/// The digest of the `auth_req_id` with this number.
pub const fn auth_req_id(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

/// A request that waits.
pub fn pending(number: u8) -> Authentication {
    let request = RequestId::from_bytes([number; 16]);
    Authentication {
        asked: None,
        delivery: DeliveryMode::Poll,
        inbox: InboxKey { env: EnvironmentId::NIL, user: UserId::from_bytes([7; 16]), request },
        auth_req_id: auth_req_id(number),
        application: client().id,
        scope: "openid offline_access".into(),
        binding_message: None,
        acr_values: None,
        created_at: START,
        expires_at: EXPIRY,
        interval: Seconds::new(2),
        state: State::Pending,
    }
}

/// A request that was approved at `at`.
pub fn approved(number: u8, at: Timestamp) -> Authentication {
    let acr = ACR_DEVICE.to_owned();
    let approval = Approval { details: None, at, device: None, acr, amr: Vec::new() };
    Authentication { state: State::Approved(Box::new(approval)), ..pending(number) }
}

/// A grant that was never refreshed.
pub fn grant(number: u8) -> Grant {
    Grant {
        authorization_details: None,
        claims: None,
        resource: Vec::new(),
        rotated_at: Timestamp::default(),
        env: EnvironmentId::NIL,
        id: GrantId::from_bytes([number; 16]),
        application: client().id,
        user: UserId::from_bytes([7; 16]),
        sector: None,
        scope: String::from("openid offline_access"),
        acr: ACR_DEVICE.to_owned(),
        amr: Vec::new(),
        auth_time: START,
        generation: 0,
        token_expires_at: START.plus(Seconds::new(1_000)),
        expires_at: START.plus(Seconds::new(5_000)),
        revoked_at: None,
        created_at: START,
    }
}
