//! Values for the tests of this crate.

use crate::application::{Application, GrantType};
use crate::id::{ApplicationId, EnvironmentId, UserId};
use crate::keys::EnvironmentKeys;
use crate::sealing::RootKey;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::user::{Name, User};

/// An application that may do everything.
pub fn application(id: ApplicationId) -> Application {
    let keys = EnvironmentKeys::derive(RootKey::new([0; 32])).unwrap();
    let secret = Secret::new(String::from("secret"));
    let secret = keys.seal_client_secret(id, &secret, [0; 12]).unwrap();
    Application {
        name: String::from("Shop"),
        enabled: true,
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        ..Application::new(EnvironmentId::NIL, id, secret, Timestamp::default())
    }
}

/// A person of whom little is known.
pub fn person() -> User {
    User {
        env: EnvironmentId::NIL,
        id: UserId::NIL,
        username: String::from("alice"),
        email: String::from("alice@example.com"),
        mobile_phone: None,
        name: Name {
            given: Some(String::from("Alice")),
            family: Some(String::from("Ex")),
            ..Name::default()
        },
        enabled: true,
        locked_at: None,
        cut_off: None,
        user_code: None,
        blocked: Vec::new(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::from_seconds(7),
    }
}
