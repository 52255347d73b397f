//! Section D of the requirements as tables (T-33).

use std::sync::{Arc, OnceLock};

use assent_jose::{Algorithm, HmacKey, SigningKey, base64url_encode, sign_jwt, sign_jwt_hmac};
use serde_json::json;

use super::*;
use crate::ciba::request::Request;
use crate::id::ApplicationId;
use crate::record::Record;

const ISSUER: &str = "https://auth.example.com/e/as";
const NOW: i64 = 1_795_420_800;

/// A key for each algorithm, and one of somebody else.
fn key(algorithm: Algorithm) -> Arc<SigningKey> {
    static KEYS: OnceLock<Vec<Arc<SigningKey>>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        use Algorithm::{ES256, EdDSA, PS256, RS256};
        [PS256, ES256, EdDSA, RS256].map(|it| Arc::new(SigningKey::generate(it).unwrap())).to_vec()
    });
    Arc::clone(keys.iter().find(|key| key.algorithm() == algorithm).unwrap())
}

fn foreign() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::ES256).unwrap())
}

fn client(algorithm: Algorithm) -> Application {
    let mut client = crate::testing::application(ApplicationId::from_bytes([7; 16]));
    client.ciba.request_signing_alg = Some(algorithm);
    client
}

fn client_id() -> String {
    client(Algorithm::ES256).id.to_string()
}

fn good() -> Value {
    json!({
        "iss": client_id(), "aud": ISSUER, "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "one",
        "scope": "openid", "login_hint": "alice",
    })
}

fn with(changes: Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn form(pairs: &[(&str, &str)]) -> Params {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Params::parse(body.as_bytes()).unwrap()
}

fn verify(pairs: &[(&str, &str)], client: &Application) -> Result<Accepted, Reason> {
    let params = form(pairs);
    let settings = CibaSettings::default();
    let presented = find(&params, client, &settings)?.unwrap();
    let keys: Vec<_> = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256]
        .map(|it| key(it).public_key().clone())
        .to_vec();
    let now = Timestamp::from_seconds(NOW);
    presented.verify(Some(&Jwks::from_keys(keys)), ISSUER, client, now)
}

fn check(jwt: &str) -> Result<Accepted, Reason> {
    verify(&[("request", jwt)], &client(Algorithm::ES256))
}

fn signed(claims: &Value) -> String {
    sign_jwt(&key(Algorithm::ES256), REQUEST_OBJECT_TYPE, claims).unwrap()
}

///
#[test]
fn a_request_is_signed_with_the_one_registered_algorithm() {
    for algorithm in [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let jwt = sign_jwt(&key(algorithm), "JWT", &good()).unwrap();
        let accepted = verify(&[("request", &jwt)], &client(algorithm)).unwrap();
        assert_eq!(accepted.params.find("login_hint"), Some("alice"), "{algorithm:?}");
    }
    let other = sign_jwt(&key(Algorithm::PS256), "JWT", &good()).unwrap();
    let hmac = sign_jwt_hmac(&HmacKey::new(&[7; 64]), Algorithm::HS256, "JWT", &good()).unwrap();
    for jwt in [other, hmac] {
        assert_eq!(check(&jwt).unwrap_err(), Reason::RequestObjectAlgorithmNotRegistered);
    }
    // The standard list of an environment does not have it, an administrator's may.
    let jwt = sign_jwt(&key(Algorithm::RS256), "JWT", &good()).unwrap();
    let pairs = [("request", jwt.as_str())];
    let listed = client(Algorithm::RS256);
    let refused = verify(&pairs, &listed).unwrap_err();
    assert_eq!(refused, Reason::RequestObjectAlgorithmNotRegistered);
    let settings =
        CibaSettings { request_signing_algs: vec![Algorithm::RS256], ..CibaSettings::default() };
    assert!(find(&form(&pairs), &listed, &settings).unwrap().is_some());
    // Even if it came to be registered.
    let hmac = sign_jwt_hmac(&HmacKey::new(&[7; 64]), Algorithm::HS256, "JWT", &good()).unwrap();
    let settings =
        CibaSettings { request_signing_algs: vec![Algorithm::HS256], ..CibaSettings::default() };
    let (params, registered) = (form(&[("request", &hmac)]), client(Algorithm::HS256));
    let presented = find(&params, &registered, &settings).unwrap().unwrap();
    let keys = Jwks::from_keys(vec![foreign().public_key().clone()]);
    let now = Timestamp::from_seconds(NOW);
    let verdict = presented.verify(Some(&keys), ISSUER, &registered, now);
    assert_eq!(verdict.unwrap_err(), Reason::RequestObjectSignatureWrong);
}

#[test]
fn only_the_clients_own_keys_verify() {
    let jwt = sign_jwt(foreign(), "JWT", &good()).unwrap();
    assert_eq!(check(&jwt).unwrap_err(), Reason::RequestObjectSignatureWrong);
    let good = signed(&good());
    let (head, _) = good.rsplit_once('.').unwrap();
    let (_, other) = jwt.rsplit_once('.').unwrap();
    let spliced = format!("{head}.{other}");
    assert_eq!(check(&spliced).unwrap_err(), Reason::RequestObjectSignatureWrong);
    let (params, client) = (form(&[("request", &good)]), client(Algorithm::ES256));
    let presented = find(&params, &client, &CibaSettings::default()).unwrap().unwrap();
    let verdict = presented.verify(None, ISSUER, &client, Timestamp::from_seconds(NOW));
    assert_eq!(verdict.unwrap_err(), Reason::RequestObjectSignatureWrong);
}

/// T-48 to T-57: what is not such a JWT is not looked into.
#[test]
fn what_is_no_signed_request_is_refused() {
    let claims = base64url_encode(good().to_string().as_bytes());
    let headed = |header: Value| {
        format!("{}.{claims}.{}", base64url_encode(header.to_string().as_bytes()), "AAAA")
    };
    let typed = |typ: &str| sign_jwt(&key(Algorithm::ES256), typ, &good()).unwrap();
    for typ in ["JWT", "jwt", "oauth-authz-req+jwt", "application/OAuth-Authz-Req+JWT"] {
        assert!(check(&typed(typ)).is_ok(), "{typ}");
    }
    let unsigned = format!("{}.{claims}.", base64url_encode(b"{\"alg\":\"none\"}"));
    let (head, tail) =
        typed("JWT").rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for (name, jwt) in [
        ("empty", String::from("x")),
        ("two parts", head.clone()),
        ("five parts", format!("{head}.{tail}.x.y")),
        ("padded", format!("{head}.{tail}=")),
        ("no signature", unsigned),
        ("alg none", headed(json!({ "alg": "none" }))),
        ("crit", headed(json!({ "alg": "ES256", "crit": ["x"] }))),
        ("jku", headed(json!({ "alg": "ES256", "jku": "https://evil.example.com" }))),
        ("x5u", headed(json!({ "alg": "ES256", "x5u": "https://evil.example.com" }))),
        ("nested", headed(json!({ "alg": "ES256", "cty": "JWT" }))),
        ("encrypted", headed(json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }))),
        ("compressed", headed(json!({ "alg": "ES256", "zip": "DEF" }))),
        ("client assertion", typed("client-authentication+jwt")),
        ("access token", typed("at+jwt")),
        ("id token", typed("id+jwt")),
        ("hint", typed("login-hint+jwt")),
        ("long", signed(&with(json!({ "x": "y".repeat(16 * 1024) })))),
    ] {
        assert_eq!(check(&jwt).unwrap_err(), Reason::RequestObjectMalformed, "{name}");
    }
    let jwt = headed(json!({ "alg": "ES256", "kid": "../../etc/passwd" }));
    assert_eq!(check(&jwt).unwrap_err(), Reason::RequestObjectSignatureWrong);
}

///
#[test]
fn claims_must_be_there_and_right() {
    use Reason::{
        RequestObjectClaimsWrong as Wrong, RequestObjectExpired as Expired,
        RequestObjectNotYetValid as Early, RequestObjectTooLongLived as Long,
    };
    let mut table = vec![
        (with(json!({ "aud": [ISSUER, "https://elsewhere.example.com"] })), Ok(())),
        (with(json!({ "aud": format!("{ISSUER}/token") })), Err(Wrong)),
        (with(json!({ "aud": format!("{ISSUER}/") })), Err(Wrong)),
        (with(json!({ "aud": [] })), Err(Wrong)),
        (with(json!({ "aud": [1, ISSUER] })), Err(Wrong)),
        (with(json!({ "aud": { "x": ISSUER } })), Err(Wrong)),
        (with(json!({ "iss": "somebody" })), Err(Wrong)),
        (with(json!({ "iss": [client_id()] })), Err(Wrong)),
        (with(json!({ "client_id": client_id() })), Ok(())),
        (with(json!({ "client_id": "somebody" })), Err(Wrong)),
        (with(json!({ "client_id": 7 })), Err(Wrong)),
        (with(json!({ "sub": "alice" })), Ok(())),
        (with(json!({ "sub": client_id() })), Err(Wrong)),
        (with(json!({ "request": "x.y.z" })), Err(Wrong)),
        (with(json!({ "request_uri": "https://x" })), Err(Wrong)),
        (with(json!({ "jti": "" })), Err(Wrong)),
        (with(json!({ "jti": 1 })), Err(Wrong)),
        (with(json!({ "exp": (NOW + 300).to_string() })), Err(Wrong)),
        (with(json!({ "nbf": null })), Err(Wrong)),
        (with(json!({ "iat": true })), Err(Wrong)),
        (with(json!({ "iat": -1 })), Err(Wrong)),
        (with(json!({ "exp": NOW - 9, "nbf": NOW - 60 })), Ok(())),
        (with(json!({ "exp": NOW - 10, "nbf": NOW - 60 })), Err(Expired)),
        (with(json!({ "nbf": NOW + 10 })), Ok(())),
        (with(json!({ "nbf": NOW + 11 })), Err(Early)),
        (with(json!({ "iat": NOW + 11 })), Err(Early)),
        (with(json!({ "exp": NOW + 3600 })), Ok(())),
        (with(json!({ "exp": NOW + 3601 })), Err(Long)),
        (with(json!({ "nbf": NOW - 3600, "exp": NOW + 1 })), Err(Long)),
        (with(json!({ "nbf": NOW - 3700, "exp": NOW - 100 })), Err(Expired)),
    ];
    for name in ["iss", "aud", "exp", "iat", "nbf", "jti"] {
        table.push((without(name), Err(Wrong)));
    }
    for (claims, verdict) in table {
        assert_eq!(check(&signed(&claims)).map(|_| ()), verdict, "{claims}");
    }
}

/// T-08.
#[test]
fn what_stands_beside_a_signed_request() {
    let jwt = signed(&good());
    let request = ("request", jwt.as_str());
    let client = client(Algorithm::ES256);
    for name in PARAMETERS {
        let verdict = verify(&[request, (name, "x")], &client);
        assert_eq!(verdict.unwrap_err(), Reason::RequestObjectMixed, "{name}");
        assert!(verify(&[request, (name, "")], &client).is_ok(), "{name} without a value");
    }
    for name in ["client_id", "client_assertion", "client_assertion_type", "client_secret", "other"]
    {
        assert!(verify(&[request, (name, "x")], &client).is_ok(), "{name}");
    }
    let uri = ("request_uri", "https://shop.example.com/request");
    assert_eq!(verify(&[request, uri], &client).unwrap_err(), Reason::RequestUriUnsupported);
    let unregistered = crate::testing::application(client.id);
    let verdict = verify(&[request], &unregistered).unwrap_err();
    assert_eq!(verdict, Reason::RequestObjectUnsupported);
    let plain = form(&[("scope", "openid"), ("login_hint", "alice")]);
    let settings = CibaSettings::default();
    assert!(find(&plain, &client, &settings).unwrap().is_none());
    let strict = CibaSettings { signed_request_required: true, ..settings.clone() };
    let refused = find(&plain, &client, &strict).map(|_| ());
    assert_eq!(refused, Err(Reason::RequestObjectMissing));
    let mut required = client;
    required.ciba.signed_request_required = true;
    let refused = find(&plain, &required, &settings).map(|_| ());
    assert_eq!(refused, Err(Reason::RequestObjectMissing));
}

/// what JSON can say, a form can say too.
#[test]
fn claims_become_parameters() {
    use Reason::{
        AuthorizationDetailsMalformed, ClaimsMalformed, HintRepeated, RequestObjectMalformed,
        RequestedExpiryInvalid, ScopeMissing,
    };
    let malformed = Err(RequestObjectMalformed);
    let table = [
        (with(json!({ "requested_expiry": 60 })), Ok(60)),
        (with(json!({ "requested_expiry": "60" })), Ok(60)),
        (with(json!({ "requested_expiry": 60.0 })), Err(RequestedExpiryInvalid)),
        (with(json!({ "requested_expiry": 0 })), Err(RequestedExpiryInvalid)),
        (with(json!({ "requested_expiry": -1 })), Err(RequestedExpiryInvalid)),
        (with(json!({ "requested_expiry": 1e9 })), Err(RequestedExpiryInvalid)),
        (with(json!({ "requested_expiry": "007" })), Err(RequestedExpiryInvalid)),
        (with(json!({ "requested_expiry": 18_446_744_073_709_551_615_u64 })), Ok(600)),
        (with(json!({ "requested_expiry": true })), malformed),
        (with(json!({ "requested_expiry": [60] })), malformed),
        (with(json!({ "scope": ["openid"] })), malformed),
        (with(json!({ "login_hint": null })), malformed),
        (with(json!({ "login_hint": "a\u{0}" })), malformed),
        (with(json!({ "binding_message": 4711 })), malformed),
        (with(json!({ "claims": { "id_token": { "acr": null } } })), Ok(120)),
        (with(json!({ "claims": { "id_token": 1 } })), Err(ClaimsMalformed)),
        (with(json!({ "claims": "{}" })), malformed),
        (with(json!({ "authorization_details": [{ "type": "x" }] })), Ok(120)),
        (with(json!({ "authorization_details": [] })), Err(AuthorizationDetailsMalformed)),
        (with(json!({ "authorization_details": "[]" })), malformed),
        (with(json!({ "authorization_details": { "type": "x" } })), malformed),
        (with(json!({ "resource": "x:y" })), Ok(120)),
        (with(json!({ "resource": ["x:y", "x:z"] })), Ok(120)),
        (with(json!({ "resource": ["x:y", 1] })), malformed),
        (with(json!({ "id_token_hint": "x" })), Err(HintRepeated)),
        (with(json!({ "unknown": { "a": [1] } })), Ok(120)),
        (with(json!({ "request_context": { "a": [1] } })), Ok(120)),
        (without("scope"), Err(ScopeMissing)),
    ];
    let client = client(Algorithm::ES256);
    for (claims, verdict) in table {
        let read = check(&signed(&claims))
            .and_then(|it| Request::parse(&it.params, &client, &CibaSettings::default()))
            .map(|request| request.expires_in.get());
        assert_eq!(read, verdict, "{claims}");
    }
}

/// R-053, T-38.
#[test]
fn a_request_is_remembered_apart_from_assertions() {
    let client = client(Algorithm::ES256);
    let accepted = check(&signed(&good())).unwrap();
    let change = accepted.spend(&client);
    assert_eq!(change.if_lost, Reason::RequestObjectReplayed);
    let Write::Insert(Record::SpentAssertion(spent)) = change.write else { panic!() };
    assert_ne!(spent.digest, Digest::of(Purpose::Assertion, client.env, b"one"));
    assert_eq!(spent.digest, Digest::of(Purpose::RequestObject, client.env, b"one"));
    // Longer than it is accepted: until `exp` and the skew.
    assert!(spent.forget_at() > Timestamp::from_seconds(NOW + 310));
    let epochs = [
        (Timestamp::default(), Ok(())),
        (Timestamp::from_seconds(NOW - 10), Ok(())),
        (Timestamp::from_seconds(NOW - 9), Err(Reason::RequestObjectReplayed)),
    ];
    for (epoch, verdict) in epochs {
        assert_eq!(accepted.require_since(epoch), verdict, "{epoch:?}");
    }
}
