use serde_json::json;

use super::*;
use crate::parse_object;

fn claims(text: &str) -> Claims {
    Claims::from(parse_object(text.as_bytes()).unwrap())
}

#[test]
fn a_numeric_date_is_a_number_within_four_digit_years() {
    let refused = Err(Error::ClaimType("a NumericDate"));
    let table = [
        ("{}", Ok(None)),
        (r#"{"exp":0}"#, Ok(Some(0))),
        (r#"{"exp":-0}"#, Ok(Some(0))),
        (r#"{"exp":1700000000}"#, Ok(Some(1_700_000_000))),
        (r#"{"exp":1700000000.999}"#, Ok(Some(1_700_000_000))),
        (r#"{"exp":1.7e9}"#, Ok(Some(1_700_000_000))),
        (r#"{"exp":253402300799}"#, Ok(Some(NUMERIC_DATE_MAX))),
        (r#"{"exp":253402300799.5}"#, Ok(Some(NUMERIC_DATE_MAX))),
        (r#"{"exp":253402300800}"#, refused),
        (r#"{"exp":253402300800.0}"#, refused),
        (r#"{"exp":18446744073709551615}"#, refused),
        (r#"{"exp":1e300}"#, refused),
        (r#"{"exp":-1}"#, refused),
        (r#"{"exp":-0.5}"#, refused),
        (r#"{"exp":"1700000000"}"#, refused),
        (r#"{"exp":null}"#, refused),
        (r#"{"exp":true}"#, refused),
        (r#"{"exp":[1]}"#, refused),
        (r#"{"exp":{}}"#, refused),
    ];
    for (text, expected) in table {
        assert_eq!(claims(text).time("exp"), expected, "{text}");
    }
}

#[test]
fn a_registered_claim_of_another_type_is_an_error_not_absent() {
    for wrong in ["1", "1.5", "null", "true", "[]", "[\"x\"]", "{}"] {
        for name in ["iss", "sub", "jti", "nonce"] {
            let claims = claims(&format!("{{\"{name}\":{wrong}}}"));
            assert_eq!(claims.text(name), Err(Error::ClaimType("a string")), "{name} {wrong}");
        }
    }
    for wrong in ["\"1\"", "null", "true", "[]", "{}"] {
        for name in ["exp", "nbf", "iat"] {
            let claims = claims(&format!("{{\"{name}\":{wrong}}}"));
            assert!(claims.time(name).is_err(), "{name} {wrong}");
        }
    }
    assert_eq!(claims("{}").text("iss"), Ok(None));
    assert_eq!(claims(r#"{"iss":""}"#).text("iss"), Ok(Some("")));
}

#[test]
fn an_audience_is_a_string_or_an_array_of_strings() {
    let refused = Err(Error::ClaimType("a string or an array of strings"));
    let table = [
        ("{}", Ok(vec![])),
        (r#"{"aud":"a"}"#, Ok(vec!["a"])),
        (r#"{"aud":[]}"#, Ok(vec![])),
        (r#"{"aud":["a","b"]}"#, Ok(vec!["a", "b"])),
        (r#"{"aud":["a",1]}"#, refused.clone()),
        (r#"{"aud":[["a"]]}"#, refused.clone()),
        (r#"{"aud":null}"#, refused.clone()),
        (r#"{"aud":1}"#, refused.clone()),
        (r#"{"aud":{"a":"a"}}"#, refused),
    ];
    for (text, expected) in table {
        assert_eq!(claims(text).audience(), expected, "{text}");
    }
}

#[test]
fn debug_shows_names_only() {
    let shown = format!("{:?}", claims(r#"{"sub":"alice","exp":1}"#));
    assert_eq!(shown, r#"Claims{"exp", "sub"}"#);
}

#[test]
fn half_hashes_are_those_of_openid_connect_core() {
    // OpenID Connect Core 1.0 §A.3 and §A.4.
    let table = [
        ("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"),
        ("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", "LDktKdoQak3Pk0cnXxCltA"),
    ];
    for (token, expected) in table {
        assert_eq!(half_hash(Algorithm::RS256, token), expected);
    }
}

#[test]
fn a_half_hash_is_half_as_long_as_the_hash() {
    for algorithm in Algorithm::HMAC.into_iter().chain(Algorithm::ASYMMETRIC) {
        let characters = match &algorithm.name()[2..] {
            "256" => 22,
            "384" => 32,
            _ => 43,
        };
        assert_eq!(half_hash(algorithm, "token").len(), characters, "{}", algorithm.name());
    }
}

#[test]
fn only_an_object_can_be_signed() {
    let key = HmacKey::new(&[7; 32]);
    for value in [json!([]), json!("x"), json!(1), json!(null)] {
        let answer = sign_jwt_hmac(&key, Algorithm::HS256, "JWT", &value);
        assert_eq!(answer, Err(Error::ClaimsNotObject));
    }
}
