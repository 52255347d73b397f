//! All that a client can present: `Authorization` headers, secrets and assertions in the body.
#![no_main]

use assent_fuzz::input::{halves, switched};
use assent_fuzz::sample::{
    CLIENT_ID, ISSUER, JWKS, KEYS, NOW, SECRET, application, audiences, now, sealed, signed,
};
use assent_jose::parse_object;
use assent_protocol::application::TokenEndpointAuthMethod as Method;
use assent_protocol::client_authentication::{Evidence, JWT_BEARER, Presented, authenticate};
use assent_protocol::params::Params;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((switches, text)) = switched(data) else { return };
    if switches & 0x80 == 0 {
        as_it_comes(switches, text);
    } else {
        with_a_right_signature(switches, text);
    }
});

/// The public keys of the client, and no certificate.
fn evidence() -> Evidence<'static> {
    Evidence { jwks: Some(&JWKS), certificate_is_trusted: false }
}

/// Lines are headers, until an empty one; then comes the body.
fn as_it_comes(switches: u8, text: &str) {
    let (headers, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let headers: Vec<&str> = headers.split('\n').filter(|line| !line.is_empty()).collect();
    let Ok(params) = Params::parse(body.as_bytes()) else { return };
    let Ok(presented) = Presented::collect(&headers, &params, None) else { return };
    let has = |name| params.find(name).is_some();
    let credentials = [
        !headers.is_empty(),
        has("client_secret"),
        has("client_assertion") || has("client_assertion_type"),
    ];
    assert_eq!(credentials.iter().filter(|it| **it).count(), 1, "one credential");
    assert!(params.find("client_id").is_none_or(|id| id == presented.client_id()));
    let client = application(switches);
    let known = (presented.client_id() == CLIENT_ID).then_some(&client);
    let verdict = authenticate(&presented, known, evidence(), &KEYS, audiences(switches), now());
    if verdict.is_err() {
        return;
    }
    // Who is authenticated named the client and knew its secret, the registered way.
    assert_eq!(presented.client_id(), CLIENT_ID);
    match &presented {
        Presented::Basic { secret, .. } => {
            assert_eq!((client.auth_method, secret.expose()), (Method::ClientSecretBasic, SECRET));
        }
        Presented::Post { secret, .. } => {
            assert_eq!((client.auth_method, secret.expose()), (Method::ClientSecretPost, SECRET));
        }
        Presented::Certificate { .. } => panic!("nobody showed one"),
        Presented::Assertion { .. } => {
            assert!(matches!(client.auth_method, Method::ClientSecretJwt | Method::PrivateKeyJwt))
        }
    }
}

/// A header and claims that the client signed; what is accepted is read once more, differently.
fn with_a_right_signature(switches: u8, text: &str) {
    let (header, claims) = halves(text);
    let client = application(switches);
    let secret = client.auth_method == Method::ClientSecretJwt;
    let jwt = if secret { sealed(header, claims) } else { signed(header, claims) };
    let params = Params::of(
        [("client_assertion_type", JWT_BEARER), ("client_assertion", &jwt)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    );
    let Ok(presented) = Presented::collect(&[], &params, None) else { return };
    let audiences = audiences(switches);
    let verdict = authenticate(&presented, Some(&client), evidence(), &KEYS, audiences, now());
    let Ok(accepted) = verdict else { return };
    let accepted = accepted.expect("an assertion");
    let header = parse_object(header.as_bytes()).expect("accepted");
    assert_eq!(header["alg"], if secret { "HS256" } else { "EdDSA" });
    let claims = parse_object(claims.as_bytes()).expect("accepted");
    assert_eq!((&claims["iss"], &claims["sub"]), (&CLIENT_ID.into(), &CLIENT_ID.into()));
    let audience = match &claims["aud"] {
        Value::Array(many) if many.len() == 1 => many[0].as_str(),
        one => one.as_str(),
    };
    let audience = audience.expect("one text");
    assert!(audience == ISSUER || (switches & 0x10 == 0 && audience.starts_with(ISSUER)));
    let time = |name: &str| claims.get(name).map(|it| it.as_f64().expect("a number").floor());
    let now = NOW as f64;
    let expires_at = time("exp").expect("required");
    assert!(now < expires_at && expires_at <= now + 3610.0);
    for name in ["nbf", "iat"] {
        assert!(time(name).is_none_or(|it| 0.0 <= it && it <= now + 10.0), "{name}");
    }
    assert!(claims.get("jti").is_none_or(Value::is_string));
    assert_eq!(accepted.expires_at.as_seconds() as f64, expires_at);
}
