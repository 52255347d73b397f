//! Properties over many inputs.

use assent_jose::{
    Algorithm, CompactJws, Error, HmacKey, Jwks, base64url_decode, base64url_encode, parse_object,
    sign_jwt, sign_jwt_hmac,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{EDDSA, ES256, RS256, SECRET};

fn verifies(token: &str) -> Result<(), Error> {
    let jws = CompactJws::parse(token)?;
    if jws.algorithm().is_symmetric() {
        return jws.verify_hmac(&HmacKey::new(&SECRET)).map(drop);
    }
    let keys = [&*RS256, &*ES256, &*EDDSA].map(|key| key.public_key().clone());
    jws.verify_with(&Jwks::from_keys(keys.to_vec()), &Algorithm::ASYMMETRIC).map(drop)
}

fn tokens() -> [String; 4] {
    let claims = json!({ "iss": "client", "exp": 1_700_000_000 });
    let hmac = sign_jwt_hmac(&HmacKey::new(&SECRET), Algorithm::HS256, "JWT", &claims);
    let [rs, es, ed] = [&*RS256, &*ES256, &*EDDSA].map(|key| sign_jwt(key, "JWT", &claims));
    [hmac, rs, es, ed].map(Result::unwrap)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Few, because each case verifies four signatures; failures become tests of their own.
fn few_cases() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few_cases())]

    #[test]
    fn one_flipped_bit_of_a_signature_does_not_verify(bit in any::<prop::sample::Index>()) {
        for token in tokens() {
            prop_assert_eq!(verifies(&token), Ok(()));
            let (input, signature) = token.rsplit_once('.').unwrap();
            let mut signature = base64url_decode(signature).unwrap();
            let at = bit.index(signature.len() * 8);
            signature[at / 8] ^= 1 << (at % 8);
            let changed = format!("{input}.{}", base64url_encode(&signature));
            prop_assert_eq!(verifies(&changed), Err(Error::SignatureInvalid));
        }
    }

    #[test]
    fn one_changed_character_of_a_token_does_not_verify(
        at in any::<prop::sample::Index>(),
        character in proptest::char::any(),
    ) {
        for token in tokens() {
            let at = at.index(token.len());
            let changed = format!("{}{character}{}", &token[..at], &token[at + 1..]);
            prop_assert_eq!(verifies(&changed).is_ok(), changed == token);
        }
    }

    #[test]
    fn any_text_is_answered_without_panic(text in ".*", bytes: Vec<u8>) {
        let _ = verifies(&text);
        let _ = Jwks::parse(&text);
        let _ = parse_object(&bytes);
        let parts = [&bytes[..], b"{}", b"s"].map(base64url_encode);
        prop_assert!(verifies(&parts.join(".")).is_err());
    }

    #[test]
    fn strict_json_agrees_with_serde_json(value in any_json()) {
        let text = json!({ "value": value }).to_string();
        let expected: Map<String, Value> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parse_object(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn base64url_has_one_spelling(bytes: Vec<u8>, text in "[A-Za-z0-9_-]{0,12}") {
        prop_assert_eq!(base64url_decode(&base64url_encode(&bytes)), Ok(bytes));
        if let Ok(decoded) = base64url_decode(&text) {
            prop_assert_eq!(base64url_encode(&decoded), text);
        }
    }
}
