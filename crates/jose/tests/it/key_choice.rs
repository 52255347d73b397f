//! Which key may verify which token (threats T-44, T-48, T-54; RFC 8725 §3.1).

use assent_jose::{
    Algorithm, CompactJws, Error, HmacKey, Jwks, PublicKey, SigningKey, base64url_encode, sign_jwt,
    sign_jwt_hmac,
};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use serde_json::json;

use crate::support::{EDDSA, ES256, RS256, public_key, token_by};

fn everything() -> Vec<Algorithm> {
    Algorithm::HMAC.into_iter().chain(Algorithm::ASYMMETRIC).collect()
}

/// Every way a library was seen to take a public key for a secret.
fn renderings(key: &PublicKey) -> Vec<Vec<u8>> {
    let jwk = key.to_jwk();
    let number = |name: &str| assent_jose::base64url_decode(jwk[name].as_str().unwrap()).unwrap();
    let components = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(&components).unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    vec![
        pem.clone().into_bytes(),
        format!(" {pem}").into_bytes(),
        pem.trim_end().as_bytes().to_vec(),
        der.as_ref().to_vec(),
        serde_json::to_vec(&jwk).unwrap(),
        jwk["n"].as_str().unwrap().as_bytes().to_vec(),
        components.n,
    ]
}

#[test]
fn a_public_key_never_serves_as_a_secret() {
    let keys = Jwks::from_keys(vec![RS256.public_key().clone()]);
    for secret in renderings(RS256.public_key()) {
        for algorithm in Algorithm::HMAC {
            let forged =
                sign_jwt_hmac(&HmacKey::new(&secret), algorithm, "JWT", &json!({})).unwrap();
            let jws = CompactJws::parse(&forged).unwrap();
            for allowed in [&[Algorithm::RS256][..], &everything()] {
                let answer = jws.verify_with(&keys, allowed);
                assert_eq!(answer, Err(Error::AlgorithmNotAllowed));
            }
        }
    }
}

#[test]
fn a_secret_never_verifies_what_a_key_pair_signed() {
    for key in [&*RS256, &*ES256, &*EDDSA] {
        let token = sign_jwt(key, "JWT", &json!({})).unwrap();
        let jws = CompactJws::parse(&token).unwrap();
        let secret = HmacKey::new(&serde_json::to_vec(&key.public_key().to_jwk()).unwrap());
        assert_eq!(jws.verify_hmac(&secret), Err(Error::AlgorithmNotAllowed));
    }
}

#[test]
fn only_allowed_algorithms_verify() {
    let keys = Jwks::from_keys(vec![ES256.public_key().clone()]);
    let token = sign_jwt(&ES256, "JWT", &json!({})).unwrap();
    let jws = CompactJws::parse(&token).unwrap();
    let others: Vec<_> =
        everything().into_iter().filter(|algorithm| *algorithm != Algorithm::ES256).collect();
    assert_eq!(jws.verify_with(&keys, &others), Err(Error::AlgorithmNotAllowed));
    assert_eq!(jws.verify_with(&keys, &[]), Err(Error::AlgorithmNotAllowed));
    assert!(jws.verify_with(&keys, &[Algorithm::ES256]).is_ok());
}

#[test]
fn a_key_with_alg_verifies_nothing_else() {
    // RFC 8725 §3.1: the same modulus under another algorithm is another key.
    let key = RS256.public_key();
    for algorithm in Algorithm::ASYMMETRIC {
        assert_eq!(key.fits(algorithm), algorithm == Algorithm::RS256);
        if algorithm != Algorithm::RS256 {
            let answer = key.verify(algorithm, b"m", &[0; 256]);
            assert_eq!(answer, Err(Error::AlgorithmNotAllowed));
        }
    }
    let mut jwk = key.to_jwk();
    jwk.remove("alg");
    let unbound = PublicKey::from_jwk(&jwk).unwrap();
    let fitting = Algorithm::ASYMMETRIC.into_iter().filter(|algorithm| unbound.fits(*algorithm));
    assert_eq!(fitting.count(), 6);
    let signature = RS256.sign(b"m").unwrap();
    assert_eq!(unbound.verify(Algorithm::RS256, b"m", &signature), Ok(()));
    for other in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        assert_eq!(unbound.verify(other, b"m", &signature), Err(Error::SignatureInvalid));
    }
}

#[test]
fn a_token_with_kid_is_verified_by_that_key_only() {
    let other = SigningKey::generate(Algorithm::ES256).unwrap();
    let keys = Jwks::from_keys(vec![other.public_key().clone(), ES256.public_key().clone()]);
    let verify = |header: &str| {
        let token = token_by(&ES256, header, "{}");
        CompactJws::parse(&token).unwrap().verify_with(&keys, &[Algorithm::ES256]).map(drop)
    };
    let named = |key_id: &str| format!(r#"{{"alg":"ES256","kid":{}}}"#, json!(key_id));
    assert_eq!(verify(r#"{"alg":"ES256"}"#), Ok(()));
    assert_eq!(verify(&named(ES256.key_id())), Ok(()));
    assert_eq!(verify(&named(other.key_id())), Err(Error::SignatureInvalid));
    for key_id in ["", "../../dev/null", "' OR 1=1 --", "http://localhost/", "*"] {
        assert_eq!(verify(&named(key_id)), Err(Error::KeyUnknown), "{key_id}");
    }
}

#[test]
fn a_key_without_kid_does_not_answer_to_one() {
    let mut jwk = ES256.public_key().to_jwk();
    jwk.remove("kid");
    let keys = Jwks::from_keys(vec![PublicKey::from_jwk(&jwk).unwrap()]);
    let token = token_by(&ES256, r#"{"alg":"ES256","kid":"k"}"#, "{}");
    let answer = CompactJws::parse(&token).unwrap().verify_with(&keys, &[Algorithm::ES256]);
    assert_eq!(answer, Err(Error::KeyUnknown));
}

#[test]
fn at_most_four_keys_are_tried_without_kid() {
    let strangers = || {
        let make = |_| SigningKey::generate(Algorithm::ES256).unwrap().public_key().clone();
        (0..3).map(make).collect::<Vec<_>>()
    };
    let token = token_by(&ES256, r#"{"alg":"ES256"}"#, "{}");
    let jws = CompactJws::parse(&token).unwrap();
    // Keys that do not fit the algorithm do not count.
    let mut keys = strangers();
    keys.extend([EDDSA.public_key().clone(), ES256.public_key().clone()]);
    assert!(jws.verify_with(&Jwks::from_keys(keys.clone()), &[Algorithm::ES256]).is_ok());
    keys.insert(0, strangers().remove(0));
    let answer = jws.verify_with(&Jwks::from_keys(keys), &[Algorithm::ES256]);
    assert_eq!(answer, Err(Error::SignatureInvalid));
    let none = Jwks::from_keys(vec![EDDSA.public_key().clone()]);
    assert_eq!(jws.verify_with(&none, &[Algorithm::ES256]), Err(Error::KeyUnknown));
}

#[test]
fn a_key_offered_by_the_token_does_not_verify_it() {
    // CVE-2018-0114.
    let attacker = SigningKey::generate(Algorithm::ES256).unwrap();
    let header = json!({ "alg": "ES256", "jwk": attacker.public_key().to_jwk() });
    let token = token_by(&attacker, &header.to_string(), "{}");
    let keys = Jwks::from_keys(vec![ES256.public_key().clone()]);
    let answer = CompactJws::parse(&token).unwrap().verify_with(&keys, &[Algorithm::ES256]);
    assert_eq!(answer, Err(Error::SignatureInvalid));
}

#[test]
fn ecdsa_signatures_are_raw_and_in_range() {
    // The order of P-256: r and s must lie strictly between zero and it.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let good = ES256.sign(b"m").unwrap();
    let (r, s) = good.split_at(32);
    let der_number = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [&[0x30, 70][..], &der_number(r), &der_number(s)].concat();
    let table: [Vec<u8>; 10] = [
        vec![],
        vec![0; 64],
        [[0; 32].as_slice(), s].concat(),
        [r, [0; 32].as_slice()].concat(),
        [order.as_slice(), s].concat(),
        [r, order.as_slice()].concat(),
        vec![0xff; 64],
        good[..63].to_vec(),
        [good.as_slice(), &[0]].concat(),
        der,
    ];
    let key = public_key(&json!(ES256.public_key().to_jwk()).to_string()).unwrap();
    for signature in table {
        let answer = key.verify(Algorithm::ES256, b"m", &signature);
        assert_eq!(answer, Err(Error::SignatureInvalid), "{}", base64url_encode(&signature));
    }
    assert_eq!(key.verify(Algorithm::ES256, b"m", &good), Ok(()));
}
