//! Values for the tests of this crate.

use assent_jose::Algorithm;

use crate::application::{
    Application, ApplicationType, CorsSettings, GrantType, RefreshLifetime, TokenEndpointAuthMethod,
};
use crate::id::{ApplicationId, EnvironmentId};
use crate::keys::EnvironmentKeys;
use crate::sealing::RootKey;
use crate::secret::Secret;
use crate::time::Timestamp;

/// An application that may do everything.
pub fn application(id: ApplicationId) -> Application {
    let keys = EnvironmentKeys::derive(RootKey::new([0; 32])).unwrap();
    Application {
        env: EnvironmentId::NIL,
        id,
        name: String::from("Shop"),
        description: None,
        enabled: true,
        kind: ApplicationType::WebApp,
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        auth_signing_alg: None,
        jwks: None,
        secret: keys.seal_client_secret(id, &Secret::new(String::from("secret")), [0; 12]).unwrap(),
        previous_secret: None,
        token_signing_alg: Algorithm::RS256,
        cors: CorsSettings::default(),
        refresh: RefreshLifetime::default(),
        several_resources: false,
        assertion_replay: None,
        accepts_expired_hint: true,
        grants: Vec::new(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}
