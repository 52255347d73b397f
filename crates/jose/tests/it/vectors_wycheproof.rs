//! Project Wycheproof's vectors for the primitives behind JWS (threat T-54).
//!
//! What it calls invalid never verifies. What it calls valid verifies, unless we are stricter on
//! purpose: weak keys, other encodings, hashes, salts and lengths than JWA names.

use assent_jose::{Algorithm, Error, HmacKey, PublicKey, base64url_encode};
use serde_json::{Map, Value, json};
use wycheproof::{ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

/// A number as a JWK has it: no leading zeros.
fn number(value: &Value) -> String {
    let octets = hex(value);
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    base64url_encode(&octets[zeros..])
}

/// The key of a group as a JWK.
fn jwk(key: &Value) -> Map<String, Value> {
    let kind = key["type"].as_str().unwrap_or("RsaPublicKey");
    let members = match kind {
        "EcPublicKey" => {
            let curve = key["curve"].as_str().unwrap();
            let name = match curve {
                "secp256r1" => "P-256",
                "secp384r1" => "P-384",
                "secp521r1" => "P-521",
                other => other,
            };
            let point = hex(&key["uncompressed"]);
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": name, "x": base64url_encode(x), "y": base64url_encode(y) })
        }
        "EDDSAPublicKey" => {
            let name = if key["curve"] == "edwards25519" { "Ed25519" } else { "Ed448" };
            json!({ "kty": "OKP", "crv": name, "x": base64url_encode(&hex(&key["pk"])) })
        }
        _ => {
            let (modulus, exponent) = (number(&key["modulus"]), number(&key["publicExponent"]));
            json!({ "kty": "RSA", "n": modulus, "e": exponent })
        }
    };
    members.as_object().unwrap().clone()
}

/// How many vectors of a set verified and how many did not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    verified: usize,
    refused: usize,
    /// Valid ones that we refuse.
    strict: usize,
}

/// Runs a set; `is_foreign` says of a group that it has other parameters than the algorithm: its
/// valid signatures never verify, and among its invalid ones may be some that have ours.
fn tally(set: &str, algorithm: Algorithm, is_foreign: impl Fn(&Value) -> bool) -> Tally {
    let set: Value = serde_json::from_str(set).unwrap();
    let mut tally = Tally::default();
    for group in set["testGroups"].as_array().unwrap() {
        let key = PublicKey::from_jwk(&jwk(&group["publicKey"]));
        let (foreign, weak) = (is_foreign(group), matches!(key, Err(Error::KeyWeak(_))));
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) = (hex(&test["msg"]), hex(&test["sig"]));
            let verdict = key.as_ref().map(|key| key.verify(algorithm, &message, &signature));
            let verifies = verdict == Ok(Ok(()));
            let shown = format!("{algorithm:?} {} {test} {verdict:?}", group["publicKey"]);
            match test["result"].as_str().unwrap() {
                "invalid" => assert!(!verifies || foreign, "{shown}"),
                "valid" => assert_eq!(verifies, !foreign && !weak, "{shown}"),
                _ => {}
            }
            tally.verified += usize::from(verifies);
            tally.refused += usize::from(!verifies);
            tally.strict += usize::from(!verifies && test["result"] == "valid");
        }
    }
    tally
}

const NEVER: fn(&Value) -> bool = |_| false;
const ALWAYS: fn(&Value) -> bool = |_| true;

#[test]
fn raw_ecdsa_signatures_verify_as_they_should() {
    use ecdsa::TestName as Set;
    for (set, algorithm) in [
        (Set::EcdsaSecp256r1Sha256P1363, Algorithm::ES256),
        (Set::EcdsaSecp384r1Sha384P1363, Algorithm::ES384),
        (Set::EcdsaSecp521r1Sha512P1363, Algorithm::ES512),
    ] {
        let tally = tally(set.json_data(), algorithm, NEVER);
        assert!(tally.verified > 100 && tally.refused > 50 && tally.strict == 0, "{tally:?}");
    }
}

/// Another hash, another curve, or DER: nothing of it is a JWS signature.
#[test]
fn ecdsa_signatures_of_other_kinds_never_verify() {
    use ecdsa::TestName as Set;
    for (set, algorithm) in [
        (Set::EcdsaSecp256r1Sha256, Algorithm::ES256),
        (Set::EcdsaSecp384r1Sha384, Algorithm::ES384),
        (Set::EcdsaSecp521r1Sha512, Algorithm::ES512),
        (Set::EcdsaSecp256r1Sha512P1363, Algorithm::ES256),
        (Set::EcdsaSecp384r1Sha512P1363, Algorithm::ES384),
        (Set::EcdsaSecp256k1Sha256P1363, Algorithm::ES256),
        (Set::EcdsaBrainpool256r1Sha256P1363, Algorithm::ES256),
    ] {
        let tally = tally(set.json_data(), algorithm, ALWAYS);
        assert!(tally.verified == 0 && tally.strict > 50, "{algorithm:?} {tally:?}");
    }
}

#[test]
fn ed25519_signatures_verify_as_they_should_and_ed448_is_unknown() {
    let known = tally(eddsa::TestName::Ed25519.json_data(), Algorithm::EdDSA, NEVER);
    assert!(known.verified > 50 && known.refused > 50 && known.strict == 0, "{known:?}");
    let unknown = tally(eddsa::TestName::Ed448.json_data(), Algorithm::EdDSA, ALWAYS);
    assert!(unknown.verified == 0 && unknown.strict > 10, "{unknown:?}");
}

#[test]
fn pkcs1_signatures_verify_as_they_should() {
    use rsa_pkcs1_verify::TestName as Set;
    for (set, algorithm) in [
        (Set::Rsa2048Sha256, Algorithm::RS256),
        (Set::Rsa2048Sha384, Algorithm::RS384),
        (Set::Rsa2048Sha512, Algorithm::RS512),
        (Set::Rsa3072Sha256, Algorithm::RS256),
        (Set::Rsa3072Sha384, Algorithm::RS384),
        (Set::Rsa3072Sha512, Algorithm::RS512),
        (Set::Rsa4096Sha256, Algorithm::RS256),
        (Set::Rsa4096Sha384, Algorithm::RS384),
        (Set::Rsa4096Sha512, Algorithm::RS512),
        (Set::Rsa8192Sha256, Algorithm::RS256),
        (Set::Rsa8192Sha384, Algorithm::RS384),
        (Set::Rsa8192Sha512, Algorithm::RS512),
    ] {
        let tally = tally(set.json_data(), algorithm, NEVER);
        assert!(tally.verified >= 5 && tally.refused > 100, "{set:?} {tally:?}");
    }
}

/// RFC 7518 §3.5: the salt is as long as the hash, and the mask is made with the same hash.
#[test]
fn pss_signatures_verify_as_they_should() {
    use rsa_pss_verify::TestName as Set;
    for (set, algorithm) in [
        (Set::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
        (Set::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
        (Set::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256),
        (Set::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256),
        (Set::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384),
        (Set::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
    ] {
        let tally = tally(set.json_data(), algorithm, NEVER);
        assert!(tally.verified > 20 && tally.refused > 30 && tally.strict == 0, "{tally:?}");
    }
    for (set, algorithm) in [
        (Set::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::PS256),
        (Set::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::PS256),
        (Set::RsaPss2048Sha512_256Mgf1SaltLen32, Algorithm::PS256),
        (Set::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::PS512),
    ] {
        let tally = tally(set.json_data(), algorithm, ALWAYS);
        assert!(tally.strict > 20, "{algorithm:?} {tally:?}");
    }
    // A mixture: what verifies has our parameters.
    let ours = |group: &Value| {
        group["sha"] == "SHA-256" && group["mgfSha"] == "SHA-256" && group["sLen"] == 32
    };
    tally(Set::RsaPssmisc.json_data(), Algorithm::PS256, |group| !ours(group));
}

/// RFC 7518 §3.2: codes are never shortened, secrets never shorter than the hash.
#[test]
fn hmac_codes_verify_as_they_should() {
    for (set, algorithm, bits) in [
        (mac::TestName::HmacSha256, Algorithm::HS256, 256),
        (mac::TestName::HmacSha384, Algorithm::HS384, 384),
        (mac::TestName::HmacSha512, Algorithm::HS512, 512),
    ] {
        let set: Value = serde_json::from_str(set.json_data()).unwrap();
        let (mut verified, mut refused) = (0, 0);
        for group in set["testGroups"].as_array().unwrap() {
            let whole = group["tagSize"] == bits && group["keySize"].as_u64().unwrap() >= bits;
            for test in group["tests"].as_array().unwrap() {
                let key = HmacKey::new(&hex(&test["key"]));
                let verdict = key.verify(algorithm, &hex(&test["msg"]), &hex(&test["tag"]));
                let expected = whole && test["result"] == "valid";
                assert_eq!(verdict.is_ok(), expected, "{algorithm:?} {test}");
                verified += usize::from(expected);
                refused += usize::from(!expected);
            }
        }
        assert!(verified > 10 && refused > 50, "{algorithm:?} {verified} {refused}");
    }
}
