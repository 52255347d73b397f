//! Values for the tests of this crate.

use crate::application::{Application, GrantType};
use crate::id::{ApplicationId, EnvironmentId};
use crate::keys::EnvironmentKeys;
use crate::sealing::RootKey;
use crate::secret::Secret;
use crate::time::Timestamp;

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
