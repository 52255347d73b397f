//! What we sign, we verify.

use assent_jose::{
    Algorithm, CompactJws, HmacKey, Jwks, SigningKey, parse_object, sign_jwt, sign_jwt_hmac,
};
use serde_json::json;

use crate::support::{EDDSA, ES256, SECRET};

#[test]
fn every_key_pair_verifies_what_it_signed() {
    for algorithm in Algorithm::ASYMMETRIC {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!(key.key_id(), key.public_key().thumbprint());
        let jwk = key.public_key().to_jwk();
        assert_eq!(jwk["alg"], algorithm.name());
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["kid"], key.key_id());

        let token = sign_jwt(&key, "at+jwt", &json!({ "sub": "alice", "exp": 1 })).unwrap();
        let jws = CompactJws::parse(&token).unwrap();
        assert_eq!(jws.algorithm(), algorithm);
        assert_eq!(jws.key_id(), Some(key.key_id()));
        assert!(jws.typ_is("application/AT+JWT"));
        assert!(!jws.typ_is("JWT"));

        // Through the published text, as a relying party would.
        let published = Jwks::from_keys(vec![key.public_key().clone()]);
        let keys = Jwks::parse(published.text()).unwrap();
        let claims = jws.verify_with(&keys, &[algorithm]).unwrap();
        assert_eq!(claims.text("sub"), Ok(Some("alice")));

        let der = key.to_pkcs8().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &der, "other".to_owned()).unwrap();
        assert_eq!(again.key_id(), "other");
        assert_eq!(again.public_key().thumbprint(), key.public_key().thumbprint());
        let signature = again.sign(b"m").unwrap();
        assert_eq!(key.public_key().verify(algorithm, b"m", &signature), Ok(()));
    }
}

#[test]
fn every_hmac_verifies_what_it_signed() {
    let key = HmacKey::new(&SECRET);
    for algorithm in Algorithm::HMAC {
        let token = sign_jwt_hmac(&key, algorithm, "JWT", &json!({ "iss": "me" })).unwrap();
        let jws = CompactJws::parse(&token).unwrap();
        assert_eq!((jws.algorithm(), jws.key_id(), jws.typ()), (algorithm, None, Some("JWT")));
        assert_eq!(jws.verify_hmac(&key).unwrap().text("iss"), Ok(Some("me")));
    }
}

#[test]
fn a_header_has_alg_kid_and_typ_and_nothing_else() {
    let token = sign_jwt(&EDDSA, "JWT", &json!({})).unwrap();
    let header = token.split('.').next().unwrap();
    let header = parse_object(&assent_jose::base64url_decode(header).unwrap()).unwrap();
    let expected = json!({ "alg": "EdDSA", "kid": EDDSA.key_id(), "typ": "JWT" });
    assert_eq!(json!(header), expected);
}

#[test]
fn a_set_keeps_its_text_through_serde() {
    let text = format!("\n {} ", Jwks::from_keys(vec![ES256.public_key().clone()]).text());
    let keys = Jwks::parse(&text).unwrap();
    let stored = serde_json::to_string(&keys).unwrap();
    assert_eq!(stored, serde_json::to_string(&text).unwrap());
    let restored: Jwks = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, keys);
    assert_eq!(restored.text(), text);
    assert!(serde_json::from_str::<Jwks>(r#""{}""#).is_err());
}

#[test]
fn debug_shows_names_of_keys_only() {
    let keys = Jwks::from_keys(vec![ES256.public_key().clone()]);
    assert_eq!(format!("{keys:?}"), format!("Jwks[{:?}]", ES256.key_id()));
    let id = ES256.key_id();
    let expected = format!("SigningKey {{ algorithm: ES256, key_id: {id:?}, .. }}");
    assert_eq!(format!("{:?}", *ES256), expected);
}

#[test]
fn keys_may_be_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<SigningKey>();
    check::<Jwks>();
    check::<HmacKey>();
}
