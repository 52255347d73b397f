//! Keys and sets that must be refused at registration (threats T-44, T-48, T-54).

use assent_jose::{
    Algorithm, Error, JWKS_BYTES_MAX, JWKS_KEYS_MAX, Jwks, SigningKey, base64url_decode,
    base64url_encode,
};
use serde_json::{Map, Value, json};

use crate::support::{EDDSA, ES256, RS256, public_key};

fn set_of(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn refusal(text: &str) -> Error {
    Jwks::parse(text).expect_err(text)
}

/// A sound key with one member replaced, or removed if the value is null.
fn with(key: &SigningKey, name: &str, value: Value) -> Value {
    let mut jwk: Map<String, Value> = key.public_key().to_jwk();
    match value {
        Value::Null => jwk.remove(name),
        value => jwk.insert(name.to_owned(), value),
    };
    Value::Object(jwk)
}

fn padded(key: &SigningKey, name: &str) -> Value {
    let number = base64url_decode(key.public_key().to_jwk()[name].as_str().unwrap()).unwrap();
    Value::from(base64url_encode(&[&[0], number.as_slice()].concat()))
}

#[test]
fn what_is_not_a_public_signature_key_is_refused() {
    let zeros = |bytes| Value::from(base64url_encode(&vec![0; bytes]));
    let ones = |bytes| Value::from(base64url_encode(&vec![0xff; bytes]));
    let table = [
        (with(&RS256, "kty", Value::Null), Error::KeyMember("kty")),
        (with(&RS256, "kty", json!(1)), Error::KeyMember("kty")),
        (with(&RS256, "kty", json!("rsa")), Error::KeyTypeUnknown),
        (with(&RS256, "kty", json!("AKP")), Error::KeyTypeUnknown),
        (json!({ "kty": "oct", "k": "AAAA" }), Error::KeyNotPublic),
        (json!({ "kty": "oct" }), Error::KeyNotPublic),
        (with(&RS256, "alg", json!("none")), Error::AlgorithmUnknown),
        (with(&RS256, "alg", json!(1)), Error::AlgorithmUnknown),
        (with(&RS256, "alg", json!("RSA-OAEP")), Error::AlgorithmUnknown),
        (with(&RS256, "alg", json!("HS256")), Error::AlgorithmNotAllowed),
        (with(&RS256, "alg", json!("ES256")), Error::AlgorithmNotAllowed),
        (with(&ES256, "alg", json!("ES384")), Error::AlgorithmNotAllowed),
        (with(&EDDSA, "alg", json!("ES256")), Error::AlgorithmNotAllowed),
        (with(&RS256, "kid", json!(1)), Error::KeyIdInvalid),
        (with(&RS256, "kid", json!("k".repeat(129))), Error::KeyIdInvalid),
        (with(&RS256, "use", json!(1)), Error::KeyMember("use")),
        (with(&RS256, "key_ops", json!("verify")), Error::KeyMember("key_ops")),
        (with(&RS256, "n", Value::Null), Error::KeyMember("n")),
        (with(&RS256, "n", json!("+/==")), Error::KeyMember("n")),
        (with(&RS256, "n", json!("")), Error::KeyMember("n")),
        (with(&RS256, "n", padded(&RS256, "n")), Error::KeyMember("n")),
        (with(&RS256, "n", ones(128)), Error::KeyWeak("modulus too short")),
        (with(&RS256, "n", ones(1025)), Error::KeyWeak("modulus too long")),
        (with(&RS256, "n", ones(256)), Error::KeyWeak("modulus has a small factor")),
        (with(&RS256, "e", json!("AQ")), Error::KeyWeak("exponent too small")),
        (with(&RS256, "e", json!("Aw")), Error::KeyWeak("exponent too small")),
        (with(&RS256, "e", json!("AQAC")), Error::KeyWeak("exponent even")),
        (with(&RS256, "e", ones(5)), Error::KeyWeak("exponent too large")),
        (with(&RS256, "e", json!(65537)), Error::KeyMember("e")),
        (with(&ES256, "crv", json!("secp256k1")), Error::KeyTypeUnknown),
        (with(&ES256, "crv", json!("p-256")), Error::KeyTypeUnknown),
        (with(&ES256, "crv", json!("P-384")), Error::KeyMember("x")),
        (with(&ES256, "y", Value::Null), Error::KeyMember("y")),
        (with(&ES256, "x", padded(&ES256, "x")), Error::KeyMember("x")),
        (with(&ES256, "y", zeros(32)), Error::KeyRejected),
        (with(&ES256, "y", ones(32)), Error::KeyRejected),
        (with(&EDDSA, "crv", json!("X25519")), Error::KeyTypeUnknown),
        (with(&EDDSA, "crv", json!("Ed448")), Error::KeyTypeUnknown),
        (with(&EDDSA, "x", zeros(31)), Error::KeyMember("x")),
        (with(&EDDSA, "x", zeros(33)), Error::KeyMember("x")),
    ];
    for (jwk, expected) in table {
        assert_eq!(refusal(&set_of(std::slice::from_ref(&jwk))), expected, "{jwk}");
    }
}

#[test]
fn the_point_at_infinity_and_the_origin_are_no_keys() {
    let zero = base64url_encode(&[0; 32]);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": zero, "y": zero });
    assert_eq!(public_key(&jwk.to_string()).err(), Some(Error::KeyRejected));
}

#[test]
fn private_members_are_refused_even_beside_use_enc() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for key in [&*RS256, &*ES256, &*EDDSA] {
            let mut jwk = with(key, name, json!("AQAB"));
            assert_eq!(refusal(&set_of(&[jwk.clone()])), Error::KeyNotPublic, "{name}");
            jwk["use"] = json!("enc");
            assert_eq!(refusal(&set_of(&[jwk])), Error::KeyNotPublic, "{name}");
        }
    }
    // RFC 8037 §A.1.
    let text = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(public_key(text).err(), Some(Error::KeyNotPublic));
}

#[test]
fn keys_for_other_uses_are_skipped() {
    let skipped = [
        with(&RS256, "use", json!("enc")),
        json!({ "kty": "EC", "crv": "P-256", "use": "enc", "alg": "ECDH-ES" }),
        with(&RS256, "key_ops", json!(["encrypt"])),
        with(&RS256, "key_ops", json!([])),
    ];
    for jwk in skipped {
        let set = set_of(&[jwk, with(&ES256, "key_ops", json!(["verify"]))]);
        let keys = Jwks::parse(&set).unwrap();
        assert_eq!(keys.keys().len(), 1);
        assert_eq!(keys.keys()[0].key_id(), Some(ES256.key_id()));
    }
}

#[test]
fn key_ids_are_unique_in_a_set() {
    let twice = [with(&RS256, "kid", json!("k")), with(&ES256, "kid", json!("k"))];
    assert_eq!(refusal(&set_of(&twice)), Error::KeyIdDuplicate);
    let unnamed = [with(&RS256, "kid", Value::Null), with(&ES256, "kid", Value::Null)];
    assert_eq!(Jwks::parse(&set_of(&unnamed)).unwrap().keys().len(), 2);
}

#[test]
fn a_set_is_bounded_and_has_a_shape() {
    let key = with(&ES256, "kid", Value::Null);
    assert!(Jwks::parse(&set_of(&vec![key.clone(); JWKS_KEYS_MAX])).is_ok());
    assert_eq!(refusal(&set_of(&vec![key; JWKS_KEYS_MAX + 1])), Error::JwksTooMany);
    let long = " ".repeat(JWKS_BYTES_MAX + 1);
    assert_eq!(refusal(&long), Error::JwksTooLong);
    for text in ["{}", r#"{"keys":null}"#, r#"{"keys":{}}"#, r#"{"keys":[1]}"#] {
        assert_eq!(refusal(text), Error::JwksShape, "{text}");
    }
    assert_eq!(refusal("[]"), Error::JsonNotObject);
    assert_eq!(refusal(r#"{"keys":[],"keys":[]}"#), Error::JsonDuplicate);
    assert_eq!(refusal(r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#), Error::JsonDuplicate);
    assert_eq!(Jwks::parse(r#"{"keys":[]}"#).unwrap().keys().len(), 0);
}

#[test]
fn our_own_keys_pass_the_same_wall() {
    assert_eq!(SigningKey::generate(Algorithm::HS256).err(), Some(Error::AlgorithmNotAllowed));
    let der = RS256.to_pkcs8().unwrap();
    let import = |algorithm, der: &[u8], key_id: &str| {
        SigningKey::from_pkcs8(algorithm, der, key_id.to_owned()).err()
    };
    assert_eq!(import(Algorithm::RS256, &der, "k"), None);
    assert_eq!(import(Algorithm::HS256, &der, "k"), Some(Error::AlgorithmNotAllowed));
    assert_eq!(import(Algorithm::ES256, &der, "k"), Some(Error::KeyRejected));
    assert_eq!(import(Algorithm::EdDSA, &der, "k"), Some(Error::KeyRejected));
    assert_eq!(import(Algorithm::RS256, &der[1..], "k"), Some(Error::KeyRejected));
    assert_eq!(import(Algorithm::RS256, b"", "k"), Some(Error::KeyRejected));
    assert_eq!(import(Algorithm::RS256, &der, "a\nb"), Some(Error::KeyIdInvalid));
    let ec = ES256.to_pkcs8().unwrap();
    assert_eq!(import(Algorithm::ES384, &ec, "k"), Some(Error::KeyRejected));
}
