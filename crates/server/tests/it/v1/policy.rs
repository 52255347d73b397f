//! Whatever is written in whatever order, an application is one that could have been created
//! (T-84).

use assent_jose::{Algorithm, Jwks, SigningKey};
use assent_protocol::application::{Application, CorsBehavior, TokenEndpointAuthMethod as Method};
use assent_protocol::id::ApplicationId;
use assent_protocol::record::Key;
use assent_server::machine::{Entropy, SeededEntropy};
use assent_store::Store;
use http::StatusCode;
use serde_json::{Value, json};

use super::applications::plain;
use super::console::Console;
use super::grants::id;

/// A member and what may be said of it; `null` stands for leaving it out.
fn vocabulary() -> Vec<(&'static str, Vec<Value>)> {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let jwks = Jwks::from_keys(vec![key.public_key().clone()]).text().to_owned();
    let origin = json!(["https://a.example"]);
    vec![
        ("grantTypes", vec![json!([]), json!(["CIBA"]), json!(["REFRESH_TOKEN", "IMPLICIT"])]),
        (
            "tokenEndpointAuthMethod",
            vec![
                json!("NONE"),
                json!("CLIENT_SECRET_BASIC"),
                json!("CLIENT_SECRET_JWT"),
                json!("PRIVATE_KEY_JWT"),
                json!("TLS_CLIENT_AUTH"),
                json!("SELF_SIGNED_TLS_CLIENT_AUTH"),
            ],
        ),
        (
            "tokenEndpointAuthSigningAlg",
            vec![json!(null), json!("HS256"), json!("ES256"), json!("none")],
        ),
        ("jwks", vec![json!(null), json!(jwks), json!({ "keys": [] }), json!("{")]),
        ("refreshTokenDuration", vec![json!(null), json!(60), json!(15_552_001)]),
        ("refreshTokenRollingDuration", vec![json!(null), json!(60), json!(59)]),
        (
            "corsSettings",
            vec![
                json!(null),
                json!({ "behavior": "ALLOW_SPECIFIC_ORIGINS" }),
                json!({ "behavior": "ALLOW_SPECIFIC_ORIGINS", "origins": origin }),
                json!({ "behavior": "ALLOW_NO_ORIGINS", "origins": origin }),
            ],
        ),
        (
            "tlsClientAuth",
            vec![
                json!(null),
                json!({ "subjectDn": "CN=shop" }),
                json!({ "subjectDn": "CN=shop", "sanDns": "shop.example.com" }),
                json!({ "sanIp": "nowhere" }),
            ],
        ),
        ("tokenSigningAlgorithm", vec![json!(null), json!("ES256"), json!("HS256")]),
    ]
}

fn conforms(it: &Application) -> bool {
    let algorithm_fits = it.auth_signing_alg.is_none_or(|algorithm| match it.auth_method {
        Method::ClientSecretBasic
        | Method::ClientSecretPost
        | Method::TlsClientAuth
        | Method::SelfSignedTlsClientAuth => false,
        Method::ClientSecretJwt => algorithm.is_symmetric(),
        Method::PrivateKeyJwt => !algorithm.is_symmetric(),
    });
    let has_keys = it.jwks.as_ref().is_some_and(|jwks| !jwks.keys().is_empty());
    let wants_origins = it.cors.behavior == CorsBehavior::AllowSpecificOrigins;
    !it.grant_types.is_empty()
        && algorithm_fits
        && (has_keys || it.auth_method != Method::PrivateKeyJwt)
        && it.certificate_subject.is_some() == (it.auth_method == Method::TlsClientAuth)
        && it.auth_method != Method::SelfSignedTlsClientAuth
        && it.refresh.duration <= it.refresh.rolling_duration
        && wants_origins != it.cors.origins.is_empty()
        && !it.token_signing_alg.is_symmetric()
}

#[tokio::test]
async fn no_sequence_of_changes_makes_what_cannot_be_created() {
    let console = Console::new().await;
    let (path, made) = console.made(&console.main("/applications"), &plain()).await;
    let key = Key::application(console.world.main.id, ApplicationId::parse(&id(&made)).unwrap());
    let store: &dyn Store = console.world.store.as_ref();
    let chance = SeededEntropy::new(84);
    let chance: &dyn Entropy = &chance;
    let vocabulary = vocabulary();
    let mut taken = 0;
    for _ in 0..2_000 {
        let mut body = plain();
        for (name, values) in &vocabulary {
            let [often, which] = chance.octets::<2>().unwrap();
            // Left as it is half the time, so that several mistakes at once stay rare.
            if often % 2 == 0 {
                body[*name] = values[usize::from(which) % values.len()].clone();
            }
        }
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = console.put(&path, &body).await;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&answer.status), "{answer:?}");
        taken += usize::from(answer.status == StatusCode::OK);
        console.forget();
        let stored = store.find::<Application>(&key).await.unwrap().unwrap().record;
        assert!(conforms(&stored), "after {body}: {stored:?}");
    }
    assert!(taken > 50, "the walk must get somewhere: {taken}");
}
