//! An application, its keys and a moment, for the targets that need no server.

use std::sync::LazyLock;

use assent_jose::{
    Algorithm, HmacKey, Jwks, SigningKey, base64url_encode, parse_object, sign_jwt_hmac,
};
use assent_protocol::application::{Application, GrantType, TokenEndpointAuthMethod as Method};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::client_authentication::Audiences;
use assent_protocol::environment::{AssertionAudience, BindingMessageRule, CibaSettings};
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::Secret;
use assent_protocol::time::Timestamp;
use serde_json::Value;

use crate::input::below;

/// 2026-11-23T08:00:00Z
pub const NOW: i64 = 1_795_420_800;
/// The issuer.
pub const ISSUER: &str = "https://auth.example.com/e/as";
/// The application's secret: long enough for every HMAC.
pub const SECRET: &str = "a-secret-of-more-than-sixty-four-octets-so-that-hs512-is-possible-012345";
/// The application, as it stands in corpora.
pub const CLIENT_ID: &str = "07070707-0707-0707-0707-070707070707";

/// The key pair of the application: Ed25519, because it is fast.
pub static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    // RFC 8410 §7: the same key in every run, so that an input that was found is found again.
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [prefix.as_slice(), &[9; 32]].concat();
    SigningKey::from_pkcs8(Algorithm::EdDSA, &der, String::from("key")).expect("a key")
});

/// Its public half.
pub static JWKS: LazyLock<Jwks> = LazyLock::new(|| Jwks::from_keys(vec![KEY.public_key().clone()]));

/// The keys of the environment.
pub static KEYS: LazyLock<EnvironmentKeys> =
    LazyLock::new(|| EnvironmentKeys::derive(RootKey::new([0; 32])).expect("keys"));

static APPLICATION: LazyLock<Application> = LazyLock::new(|| {
    let id = ApplicationId::from_bytes([7; 16]);
    let secret = Secret::new(SECRET.to_owned());
    let secret = KEYS.seal_client_secret(id, &secret, [0; 12]).expect("sealed");
    let mut application =
        Application::new(EnvironmentId::NIL, id, secret, Timestamp::from_seconds(NOW));
    application.enabled = true;
    application.grant_types = vec![GrantType::Ciba, GrantType::RefreshToken];
    application.ciba.request_signing_alg = Some(Algorithm::EdDSA);
    application
});

/// The moment.
pub fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

/// The application, registered as `switches` say.
pub fn application(switches: u8) -> Application {
    let mut application = APPLICATION.clone();
    application.auth_method = Method::ALL[below(switches, 4)];
    application.ciba.delivery_mode = DeliveryMode::ALL[below(switches >> 2, 3)];
    application.ciba.user_code = switches & 0x40 != 0;
    application.ciba.signed_request_required = switches & 0x80 != 0;
    application
}

/// The environment's settings, as `switches` say.
pub fn settings(switches: u8) -> CibaSettings {
    let mut settings = CibaSettings::default();
    if switches & 0x10 != 0 {
        settings.binding_message = BindingMessageRule::Pingone;
    }
    settings.binding_message_required = switches & 0x20 != 0;
    settings
}

/// The audiences of an assertion, as `switches` say.
pub fn audiences(switches: u8) -> Audiences<'static> {
    Audiences {
        issuer: ISSUER,
        endpoints: &[
            "https://auth.example.com/e/as/token",
            "https://auth.example.com/e/as/cibaAuthorization",
        ],
        rule: if switches & 0x10 == 0 {
            AssertionAudience::Pingone
        } else {
            AssertionAudience::Strict
        },
    }
}

/// A token of this header and payload, rightly signed with the application's key pair.
pub fn signed(header: &str, payload: &str) -> String {
    let input =
        format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    let signature = KEY.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", base64url_encode(&signature))
}

/// A token of this header and payload, rightly signed with the application's secret.
pub fn sealed(header: &str, payload: &str) -> String {
    let input =
        format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    let code = HmacKey::new(SECRET.as_bytes());
    let code = code.sign(Algorithm::HS256, input.as_bytes()).expect("a code");
    format!("{input}.{}", base64url_encode(&code))
}

/// A sound token, as a seed.
pub fn token(claims: &Value) -> String {
    let key = HmacKey::new(SECRET.as_bytes());
    sign_jwt_hmac(&key, Algorithm::HS256, "JWT", claims).expect("a token")
}

/// Whether a text is an object that the strict reader takes.
pub fn is_object(text: &str) -> bool {
    parse_object(text.as_bytes()).is_ok()
}
