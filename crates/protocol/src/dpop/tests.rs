use assent_jose::{SigningKey, base64url_decode};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_795_420_800;
const URL: &str = "https://auth.example.com/e/as/token";
const ALIAS: &str = "https://mtls.auth.example.com/e/as/token";
const TOKEN: &str = "access-token";

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).unwrap()
}

fn claims() -> Value {
    json!({ "jti": "one", "htm": "POST", "htu": URL, "iat": NOW })
}

fn made(key: &SigningKey, claims: &Value) -> String {
    assent_jose::sign_key_proof(key, PROOF_TYPE, claims).unwrap()
}

fn accepts(proof: &str, access_token: Option<&str>) -> Result<(), Reason> {
    let urls = [URL, ALIAS].map(str::to_owned);
    let call = Call { method: "POST", urls: &urls, access_token };
    let proof = Proof::parse(&[proof], Profile::Ciba)?.unwrap();
    proof.check(call, Timestamp::default(), Timestamp::from_seconds(NOW))
}

fn check(change: impl FnOnce(&mut Value), access_token: Option<&str>) -> Result<(), Reason> {
    let mut claims = claims();
    change(&mut claims);
    accepts(&made(&key(), &claims), access_token)
}

#[test]
fn a_proof_says_what_it_is_for() {
    use Reason::{
        DpopProofMalformed as Malformed, DpopProofNotFresh as Stale, DpopProofOtherCall as Other,
    };
    let long = "x".repeat(JTI_BYTES_MAX);
    let longer = "x".repeat(JTI_BYTES_MAX + 1);
    let table: Vec<(&str, Value, Result<(), Reason>)> = vec![
        ("jti", json!("one"), Ok(())),
        ("jti", json!(long), Ok(())),
        ("jti", json!(longer), Err(Malformed)),
        ("jti", json!(""), Err(Malformed)),
        ("jti", json!(1), Err(Malformed)),
        ("jti", Value::Null, Err(Malformed)),
        ("htm", json!("GET"), Err(Other)),
        ("htm", json!("post"), Err(Other)),
        ("htm", json!(""), Err(Other)),
        ("htm", Value::Null, Err(Malformed)),
        ("htm", json!(["POST"]), Err(Malformed)),
        ("htu", json!(URL), Ok(())),
        ("htu", json!(ALIAS), Ok(())),
        ("htu", json!(format!("{URL}?a=b#c")), Ok(())),
        ("htu", json!("HTTPS://AUTH.example.com:443/e/as/token"), Ok(())),
        ("htu", json!("https://auth.example.com/e/x/../as/./token"), Ok(())),
        ("htu", json!("http://auth.example.com/e/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com:8443/e/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com./e/as/token"), Err(Other)),
        ("htu", json!("https://evil.example.com/e/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com@evil.example.com/e/as/token"), Err(Other)),
        ("htu", json!("https://user@auth.example.com/e/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com/e/as/token/"), Err(Other)),
        ("htu", json!("https://auth.example.com/E/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com/other/as/token"), Err(Other)),
        ("htu", json!("https://auth.example.com/e/as/userinfo"), Err(Other)),
        ("htu", json!("/e/as/token"), Err(Other)),
        ("htu", json!(""), Err(Other)),
        ("htu", json!(1), Err(Malformed)),
        ("htu", Value::Null, Err(Malformed)),
        ("iat", json!(NOW + 10), Ok(())),
        ("iat", json!(NOW + 11), Err(Stale)),
        ("iat", json!(NOW - 59), Ok(())),
        ("iat", json!(NOW - 60), Err(Stale)),
        ("iat", json!(0), Err(Stale)),
        ("iat", json!(-1), Err(Malformed)),
        ("iat", json!("1795420800"), Err(Malformed)),
        ("iat", Value::Null, Err(Malformed)),
        ("nonce", json!("x"), Ok(())),
        ("more", json!({ "a": 1 }), Ok(())),
    ];
    for (name, value, expected) in table {
        let told = format!("{name} = {value}");
        assert_eq!(check(|claims| claims[name] = value, None), expected, "{told}");
    }
    for name in ["jti", "iat"] {
        let gone = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        assert_eq!(check(gone, None), Err(Malformed), "{name}");
    }
    for name in ["htm", "htu"] {
        let gone = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
        assert_eq!(check(gone, None), Err(Other), "{name}");
    }
}

#[test]
fn a_proof_names_the_access_token_that_comes_with_it_and_no_other() {
    let other = Err(Reason::DpopProofOtherToken);
    let hash = hash_of(TOKEN);
    for (ath, with, expected) in [
        (json!(hash), Some(TOKEN), Ok(())),
        (json!(hash), None, other),
        (json!(hash), Some("another"), other),
        (json!(format!("{hash}=")), Some(TOKEN), other),
        (json!(""), Some(TOKEN), other),
        (json!(1), Some(TOKEN), Err(Reason::DpopProofMalformed)),
    ] {
        let told = format!("{ath} {with:?}");
        assert_eq!(check(|claims| claims["ath"] = ath, with), expected, "{told}");
    }
    assert_eq!(check(|_| (), Some(TOKEN)), other, "without ath");
}

#[test]
fn what_is_not_signed_with_the_public_key_inside_is_no_proof() {
    use Reason::{DpopProofMalformed as Malformed, DpopProofSignatureWrong as Wrong};
    let (key, other) = (key(), key());
    let proof = made(&key, &claims());
    let [header, payload, signature] = proof.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let header: Value = serde_json::from_slice(&base64url_decode(header).unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut header = header.clone();
        change(&mut header);
        let header = base64url_encode(header.to_string().as_bytes());
        format!("{header}.{payload}.{signature}")
    };
    let public = |key: &SigningKey| json!(key.public_key().to_jwk());
    let table: Vec<(&str, String, Result<(), Reason>)> = vec![
        ("as it was made", proof.clone(), Ok(())),
        ("another key inside", with(&|it| it["jwk"] = public(&other)), Err(Wrong)),
        ("a private member", with(&|it| it["jwk"]["d"] = json!("AA")), Err(Malformed)),
        (
            "a shared secret",
            with(&|it| it["jwk"] = json!({ "kty": "oct", "k": "AA" })),
            Err(Malformed),
        ),
        ("no key", with(&|it| it["jwk"] = Value::Null), Err(Malformed)),
        ("a key as text", with(&|it| it["jwk"] = json!(it["jwk"].to_string())), Err(Malformed)),
        (
            "a kid instead",
            with(&|it| *it = json!({ "typ": PROOF_TYPE, "alg": "ES256", "kid": "1" })),
            Err(Malformed),
        ),
        ("none", with(&|it| it["alg"] = json!("none")), Err(Malformed)),
        ("an HMAC", with(&|it| it["alg"] = json!("HS256")), Err(Malformed)),
        (
            "an algorithm the key does not fit",
            with(&|it| it["alg"] = json!("RS256")),
            Err(Malformed),
        ),
        (
            "a key for another algorithm",
            with(&|it| it["jwk"]["alg"] = json!("ES384")),
            Err(Malformed),
        ),
        ("another kind", with(&|it| it["typ"] = json!("JWT")), Err(Malformed)),
        ("an access token's kind", with(&|it| it["typ"] = json!("at+jwt")), Err(Malformed)),
        ("no kind", with(&|it| *it = json!({ "alg": "ES256", "jwk": it["jwk"] })), Err(Malformed)),
        ("crit", with(&|it| it["crit"] = json!(["exp"])), Err(Malformed)),
        ("jku", with(&|it| it["jku"] = json!("https://evil.example.com")), Err(Malformed)),
        (
            "a point off the curve",
            with(&|it| it["jwk"]["x"] = it["jwk"]["y"].clone()),
            Err(Malformed),
        ),
        ("another header", with(&|it| it["x"] = json!(1)), Err(Wrong)),
        ("no signature", format!("{}.", &proof[..proof.rfind('.').unwrap()]), Err(Malformed)),
        ("not three parts", format!("{proof}.x"), Err(Malformed)),
        ("nothing", String::new(), Err(Malformed)),
        ("too long", "x".repeat(20_000), Err(Malformed)),
    ];
    for (what, proof, expected) in table {
        assert_eq!(accepts(&proof, None), expected, "{what}");
    }
    let twice = Proof::parse(&[&proof, &proof], Profile::Ciba).map(drop);
    assert_eq!(twice, Err(Reason::DpopProofRepeated));
    assert!(Proof::parse(&[], Profile::Ciba).unwrap().is_none());
}

#[test]
fn every_algorithm_of_key_pairs_that_we_name_serves() {
    for algorithm in Algorithm::ASYMMETRIC {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!(accepts(&made(&key, &claims()), None), Ok(()), "{algorithm:?}");
        let proof = Proof::parse(&[&made(&key, &claims())], Profile::Ciba).unwrap().unwrap();
        assert_eq!(proof.key(), key.public_key().thumbprint());
        let strict = Proof::parse(&[&made(&key, &claims())], Profile::FapiCiba).is_ok();
        assert_eq!(strict, fapi::ALGORITHMS.contains(&algorithm), "{algorithm:?}");
    }
}

#[test]
fn a_proof_is_remembered_by_its_key_and_name_apart_from_everything_else() {
    let (key, other) = (key(), key());
    let (env, client) = (EnvironmentId::NIL, ApplicationId::NIL);
    let spent = |key: &SigningKey, jti: &str| {
        let proof = made(key, &json!({ "jti": jti, "iat": NOW }));
        Proof::parse(&[&proof], Profile::Ciba).unwrap().unwrap().spent(env, client)
    };
    let one = spent(&key, "one");
    assert_eq!(one, spent(&key, "one"), "signed twice, it is the same");
    assert_ne!(one.digest, spent(&key, "two").digest);
    assert_ne!(one.digest, spent(&other, "one").digest);
    assert_ne!(one.digest, Digest::of(Purpose::Assertion, env, b"one"));
    let refused_from = Timestamp::from_seconds(NOW).plus(LIFETIME);
    assert!(one.expires_at >= refused_from, "not forgotten while it would be accepted");
    assert_eq!(spend(one).if_lost, Reason::DpopProofReplayed);
}

#[test]
fn what_was_made_before_the_epoch_may_have_been_used() {
    let urls = [URL.to_owned()];
    let call = Call { method: "POST", urls: &urls, access_token: None };
    let proof = made(&key(), &claims());
    let proof = Proof::parse(&[&proof], Profile::Ciba).unwrap().unwrap();
    let now = Timestamp::from_seconds(NOW);
    for (epoch, expected) in [
        (Timestamp::default(), Ok(())),
        (now.minus(SKEW), Ok(())),
        (now, Err(Reason::DpopProofNotFresh)),
    ] {
        assert_eq!(proof.check(call, epoch, now), expected, "{epoch:?}");
    }
}
