//! What a client signs, with every claim of every JSON type (T-42), and under every algorithm but
//! its own (T-43, T-44, T-45, T-47).

use std::sync::LazyLock;

use assent_jose::{HmacKey, SigningKey, base64url_encode, sign_jwt, sign_jwt_hmac};
use serde_json::{Value, json};

use super::super::*;
use crate::ciba::{hint, request_object};
use crate::environment::CibaSettings;
use crate::sealing::RootKey;

const NOW: i64 = 1_795_420_800;
const ISSUER: &str = "https://auth.example.com/e/as";
const SECRET: &str = "a-secret-of-more-than-sixty-four-octets-so-that-hs512-is-possible-012345";

static KEYS: LazyLock<EnvironmentKeys> =
    LazyLock::new(|| EnvironmentKeys::derive(RootKey::new([0; 32])).unwrap());

/// A key pair of each family.
static PAIRS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    use Algorithm::{ES256, EdDSA, PS256, RS256};
    [RS256, PS256, ES256, EdDSA].map(|it| SigningKey::generate(it).unwrap()).into()
});

fn client(method: Method) -> Application {
    let id = ApplicationId::from_bytes([7; 16]);
    let secret = Secret::new(SECRET.to_owned());
    let secret = KEYS.seal_client_secret(id, &secret, [0; 12]).unwrap();
    let mut client = crate::testing::application(id);
    client.secret = secret;
    client.auth_method = method;
    client.ciba.request_signing_alg = Some(Algorithm::ES256);
    client
}

fn client_id() -> String {
    ApplicationId::from_bytes([7; 16]).to_string()
}

fn jwks() -> Jwks {
    Jwks::from_keys(PAIRS.iter().map(|pair| pair.public_key().clone()).collect())
}

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

/// Whether the client is authenticated by this assertion.
fn authenticates(method: Method, jwt: &str) -> bool {
    let params = Params::of(
        [("client_assertion_type", JWT_BEARER), ("client_assertion", jwt)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    );
    let Ok(presented) = Presented::collect(&[], &params, None) else { return false };
    let audiences = Audiences { issuer: ISSUER, endpoints: &[], rule: AssertionAudience::Strict };
    let client = client(method);
    let jwks = jwks();
    let evidence = Evidence { jwks: Some(&jwks), certificate_is_trusted: false };
    match authenticate(&presented, Some(&client), evidence, &KEYS, audiences, now()) {
        Ok(accepted) => accepted.is_some(),
        Err(Failure::Refused(_)) => false,
        Err(Failure::Fault(fault)) => panic!("a fault of ours: {fault:?}"),
    }
}

fn claims(subject: &str) -> Value {
    json!({
        "iss": client_id(), "sub": subject, "aud": ISSUER,
        "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "one",
    })
}

fn by_secret(claims: &Value) -> String {
    let key = HmacKey::new(SECRET.as_bytes());
    sign_jwt_hmac(&key, Algorithm::HS256, "JWT", claims).unwrap()
}

fn by_key(algorithm: Algorithm, claims: &Value) -> String {
    let pair = PAIRS.iter().find(|pair| pair.algorithm() == algorithm).unwrap();
    sign_jwt(pair, "JWT", claims).unwrap()
}

/// The kinds of JWT that clients sign: sound claims, and whether claims are accepted.
type Kind = (&'static str, Value, fn(&Value) -> bool);

fn kinds() -> Vec<Kind> {
    vec![
        ("assertion by secret", claims(&client_id()), |claims| {
            authenticates(Method::ClientSecretJwt, &by_secret(claims))
        }),
        ("assertion by key", claims(&client_id()), |claims| {
            authenticates(Method::PrivateKeyJwt, &by_key(Algorithm::EdDSA, claims))
        }),
        ("signed request", claims("alice"), |claims| {
            let jwt = by_key(Algorithm::ES256, claims);
            let params = Params::of(vec![(String::from("request"), jwt)]);
            let client = client(Method::PrivateKeyJwt);
            let settings = CibaSettings::default();
            let found = request_object::find(&params, &client, &settings).unwrap().unwrap();
            found.verify(Some(&jwks()), ISSUER, &client, now()).is_ok()
        }),
        ("login_hint_token", claims("alice"), |claims| {
            let secret = HmacKey::new(SECRET.as_bytes());
            let client = client(Method::ClientSecretJwt);
            hint::login_hint_token(&by_secret(claims), &secret, ISSUER, &client, now()).is_ok()
        }),
    ]
}

fn claims_of_others(kind: &str) -> bool {
    ["signed request", "login_hint_token"].contains(&kind)
}

#[test]
fn every_registered_claim_of_every_other_type_is_refused() {
    let values = [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("boolean", json!(false)),
        ("number", json!(NOW)),
        ("number", json!(NOW as f64 + 0.5)),
        ("negative", json!(-1)),
        ("negative", json!(-0.5)),
        ("huge", json!(1e300)),
        ("huge", json!(u64::MAX)),
        ("string", json!(NOW.to_string())),
        ("string", json!("")),
        ("string", json!("2026-11-23T08:00:00Z")),
        ("array", json!([])),
        ("array", json!([NOW])),
        ("array", json!([[ISSUER]])),
        ("array", json!([ISSUER, null])),
        ("object", json!({})),
        ("object", json!({ "0": NOW })),
        ("object", json!({ "iss": client_id() })),
    ];
    let mut refused = 0;
    for (kind, sound, accepts) in kinds() {
        assert!(accepts(&sound), "{kind}");
        for name in ["iss", "sub", "aud", "iat", "nbf", "exp", "jti"] {
            for (of, value) in &values {
                // A hint has no `jti` that anybody would look at.
                let unread = kind == "login_hint_token" && name == "jti";
                let right = match name {
                    "jti" => *of == "string",
                    "iat" | "nbf" => *of == "number",
                    // A request may come late by the skew.
                    "exp" => kind == "signed request" && *of == "number",
                    _ => false,
                };
                if unread || right {
                    continue;
                }
                // Whom a request or a hint is about is looked up later.
                if claims_of_others(kind) && name == "sub" && *of == "string" {
                    continue;
                }
                let mut claims = sound.clone();
                claims[name] = value.clone();
                assert!(!accepts(&claims), "{kind}: {name} is {value}");
                refused += 1;
            }
        }
    }
    assert!(refused > 400, "{refused}");
}

/// T-55: what a client signed for one purpose serves no other, though key, issuer and audience are
/// the same. A kind that is added must say what its sound claims are, and is tried everywhere.
#[test]
fn what_is_signed_for_one_purpose_serves_no_other() {
    for (at, (kind, sound, _)) in kinds().into_iter().enumerate() {
        for (place, (door, _, accepts)) in kinds().into_iter().enumerate() {
            // Two ways to sign the same thing.
            let same = at == place || (at < 2 && place < 2);
            // Its door signs it anew; requests and hints say the same things, under a key pair and
            // under a secret, and neither verifies the other.
            let other_key = (at, place) == (2, 3) || (at, place) == (3, 2);
            assert_eq!(accepts(&sound), same || other_key, "{kind} as {door}");
        }
    }
    let client = client(Method::ClientSecretJwt);
    let request = by_key(Algorithm::ES256, &claims("alice"));
    let secret = HmacKey::new(SECRET.as_bytes());
    let hint = hint::login_hint_token(&request, &secret, ISSUER, &client, now());
    assert_eq!(hint, Err(Reason::LoginHintTokenInvalid));
    let params = Params::of(vec![(String::from("request"), by_secret(&claims("alice")))]);
    let found = request_object::find(&params, &client, &CibaSettings::default());
    assert_eq!(found.map(drop), Err(Reason::RequestObjectAlgorithmNotRegistered));
}

/// What the server keeps of a client is never what a header makes of it.
#[test]
fn only_the_registered_kind_of_key_verifies() {
    let sound = claims(&client_id());
    assert!(authenticates(Method::ClientSecretJwt, &by_secret(&sound)));
    for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let signed = by_key(algorithm, &sound);
        assert!(authenticates(Method::PrivateKeyJwt, &signed), "{algorithm:?}");
        assert!(!authenticates(Method::ClientSecretJwt, &signed), "{algorithm:?}");
        for method in [Method::ClientSecretBasic, Method::ClientSecretPost] {
            assert!(!authenticates(method, &signed), "{algorithm:?} {method:?}");
            assert!(!authenticates(method, &by_secret(&sound)), "{method:?}");
        }
    }
    // The right secret of a client that registered a key (T-47).
    for algorithm in Algorithm::HMAC {
        let key = HmacKey::new(SECRET.as_bytes());
        let signed = sign_jwt_hmac(&key, algorithm, "JWT", &sound).unwrap();
        assert!(authenticates(Method::ClientSecretJwt, &signed), "{algorithm:?}");
        assert!(!authenticates(Method::PrivateKeyJwt, &signed), "{algorithm:?}");
    }
}

#[test]
fn a_published_key_is_nobodys_secret() {
    let sound = claims(&client_id());
    let whole = jwks();
    let jwks_text = whole.text().as_bytes().to_vec();
    let mut renderings = vec![jwks_text, client_id().repeat(2).into_bytes(), vec![0; 64]];
    for pair in PAIRS.iter() {
        let jwk = Value::from(pair.public_key().to_jwk());
        renderings.push(jwk.to_string().into_bytes());
        renderings.push(format!(" {jwk}").into_bytes());
        renderings.push(format!("{jwk}\n").into_bytes());
        for name in ["n", "x"] {
            let Some(text) = jwk[name].as_str() else { continue };
            renderings.push(text.as_bytes().to_vec());
            renderings.push(assent_jose::base64url_decode(text).unwrap());
        }
    }
    for secret in renderings {
        let key = HmacKey::new(&secret);
        for algorithm in Algorithm::HMAC.into_iter().filter(|it| key.fits(*it)) {
            let forged = sign_jwt_hmac(&key, algorithm, "JWT", &sound).unwrap();
            for method in Method::ALL {
                assert!(!authenticates(method, &forged), "{algorithm:?} {method:?}");
            }
        }
    }
}

#[test]
fn an_unsigned_assertion_authenticates_nobody() {
    let payload = base64url_encode(claims(&client_id()).to_string().as_bytes());
    let signature = by_secret(&claims(&client_id())).rsplit_once('.').unwrap().1.to_owned();
    for algorithm in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "HS256\0"] {
        let header = base64url_encode(json!({ "alg": algorithm }).to_string().as_bytes());
        for third in ["", "AA", signature.as_str()] {
            for method in Method::ALL {
                let jwt = format!("{header}.{payload}.{third}");
                assert!(!authenticates(method, &jwt), "{algorithm:?} {third:?} {method:?}");
            }
        }
    }
    // Without a third part, and with an empty one under an algorithm that exists.
    let header = base64url_encode(br#"{"alg":"HS256"}"#);
    for jwt in [format!("{header}.{payload}"), format!("{header}.{payload}.")] {
        assert!(!authenticates(Method::ClientSecretJwt, &jwt));
    }
}
