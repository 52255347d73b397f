//! Tokens that must be refused, and why (threats T-43, T-48 to T-53, T-56, T-57).

use assent_jose::{
    Algorithm, Claims, CompactJws, Error, HmacKey, TOKEN_BYTES_MAX, base64url_encode,
};

use crate::support::{SECRET, hs256_token};

fn refusal(token: &str) -> Error {
    CompactJws::parse(token).map(drop).expect_err(token)
}

fn verify(token: &str) -> Result<Claims, Error> {
    CompactJws::parse(token)?.verify_hmac(&HmacKey::new(&SECRET))
}

#[test]
fn the_frame_of_these_tests_accepts_a_sound_token() {
    let claims = verify(&hs256_token(br#"{"alg":"HS256"}"#, br#"{"iss":"me"}"#)).unwrap();
    assert_eq!(claims.text("iss"), Ok(Some("me")));
}

#[test]
fn none_is_unknown_in_every_spelling() {
    for bits in 0..16u8 {
        let spelled: String = "none"
            .chars()
            .enumerate()
            .map(|(at, c)| if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect();
        let header = format!(r#"{{"alg":"{spelled}"}}"#);
        assert_eq!(refusal(&hs256_token(header.as_bytes(), b"{}")), Error::AlgorithmUnknown);
        let encoded = base64url_encode(header.as_bytes());
        assert_eq!(refusal(&format!("{encoded}.e30.")), Error::SignatureMissing);
        assert_eq!(refusal(&format!("{encoded}.e30")), Error::PartsNotThree);
    }
}

#[test]
fn headers_are_refused_for_what_they_are() {
    use Error::{AlgorithmUnknown, HeaderForbidden, HeaderType, Json, JsonDuplicate};
    let table: [(&[u8], Error); 42] = [
        (b"{}", AlgorithmUnknown),
        (br#"{"alg":""}"#, AlgorithmUnknown),
        (br#"{"alg":"none "}"#, AlgorithmUnknown),
        (br#"{"alg":"no\u006ee"}"#, AlgorithmUnknown),
        (br#"{"alg":"hs256"}"#, AlgorithmUnknown),
        (br#"{"alg":"HS256\u0000"}"#, AlgorithmUnknown),
        (br#"{"alg":"ES256K"}"#, AlgorithmUnknown),
        (br#"{"alg":"RSA-OAEP"}"#, AlgorithmUnknown),
        (br#"{"alg":null}"#, AlgorithmUnknown),
        (br#"{"alg":256}"#, AlgorithmUnknown),
        (br#"{"alg":["HS256"]}"#, AlgorithmUnknown),
        (br#"{"ALG":"HS256"}"#, AlgorithmUnknown),
        (br#"{"alg":"HS256","crit":["exp"]}"#, HeaderForbidden("crit")),
        (br#"{"alg":"HS256","crit":["alg"]}"#, HeaderForbidden("crit")),
        (br#"{"alg":"HS256","crit":[]}"#, HeaderForbidden("crit")),
        (br#"{"alg":"HS256","crit":"b64"}"#, HeaderForbidden("crit")),
        (br#"{"alg":"HS256","crit":null}"#, HeaderForbidden("crit")),
        (br#"{"alg":"HS256","b64":false}"#, HeaderForbidden("b64")),
        (br#"{"alg":"HS256","b64":true}"#, HeaderForbidden("b64")),
        (br#"{"alg":"HS256","zip":"DEF"}"#, HeaderForbidden("zip")),
        (br#"{"alg":"HS256","jku":"https://a/"}"#, HeaderForbidden("jku")),
        (br#"{"alg":"HS256","x5u":"https://a/"}"#, HeaderForbidden("x5u")),
        (br#"{"alg":"HS256","enc":"A128GCM"}"#, HeaderForbidden("enc")),
        (br#"{"alg":"HS256","cty":"JWT"}"#, HeaderForbidden("cty")),
        (br#"{"alg":"HS256","typ":1}"#, HeaderType("typ")),
        (br#"{"alg":"HS256","typ":null}"#, HeaderType("typ")),
        (br#"{"alg":"HS256","kid":1}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":null}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":["a"]}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":"a\u0000b"}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":"a\nb"}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":"a\u007fb"}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","kid":"a\u0085b"}"#, Error::KeyIdInvalid),
        (br#"{"alg":"HS256","alg":"HS256"}"#, JsonDuplicate),
        (br#"{"alg":"none","\u0061lg":"HS256"}"#, JsonDuplicate),
        (br#"{"alg":"HS256","jwk":{"k":1,"k":2}}"#, JsonDuplicate),
        (br#"["HS256"]"#, Error::JsonNotObject),
        (br#""HS256""#, Error::JsonNotObject),
        (b"\xef\xbb\xbf{\"alg\":\"HS256\"}", Json),
        (b"{\"alg\":\"HS256\",\"typ\":\"\xff\"}", Json),
        (br#"{"alg":"HS256"}{}"#, Json),
        (b"", Json),
    ];
    for (header, expected) in table {
        let shown = String::from_utf8_lossy(header);
        assert_eq!(refusal(&hs256_token(header, b"{}")), expected, "{shown}");
    }
}

/// Whatever its shape, an extension that must be understood is not understood (T-50).
#[test]
fn crit_is_refused_in_every_shape() {
    for crit in [
        r#"["exp"]"#,
        r#"["alg"]"#,
        r#"["b64","b64"]"#,
        r#"["urn:example:unknown"]"#,
        r#"[""]"#,
        "[1]",
        "[null]",
        "[[]]",
        "[]",
        "{}",
        r#"{"exp":true}"#,
        r#""exp""#,
        r#""""#,
        "0",
        "1",
        "true",
        "false",
        "null",
    ] {
        for more in ["", r#","exp":1"#, r#","b64":true"#, r#","typ":"JWT""#] {
            let header = format!(r#"{{"alg":"HS256","crit":{crit}{more}}}"#);
            let token = hs256_token(header.as_bytes(), b"{}");
            assert_eq!(refusal(&token), Error::HeaderForbidden("crit"), "{header}");
        }
    }
}

/// T-49, T-57: the type of a forbidden parameter does not matter either.
#[test]
fn addresses_compression_and_encryption_are_refused_in_every_shape() {
    for name in ["b64", "zip", "jku", "x5u", "enc", "cty"] {
        for value in ["null", "true", "1", r#""""#, r#""DEF""#, r#""https://a/""#, "[]", "{}"] {
            let header = format!(r#"{{"alg":"HS256","{name}":{value}}}"#);
            let token = hs256_token(header.as_bytes(), b"{}");
            assert_eq!(refusal(&token), Error::HeaderForbidden(name), "{header}");
        }
    }
}

/// T-51, T-57: whatever algorithm wraps it; `PBES2` with its count is never run.
#[test]
fn a_token_inside_an_encrypted_one_is_not_looked_for() {
    let inner = hs256_token(br#"{"alg":"HS256"}"#, b"{}");
    let plain = base64url_encode(inner.as_bytes());
    for header in [
        r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAA","enc":"A128GCM"}"#,
        r#"{"alg":"none","enc":"none"}"#,
    ] {
        let header = base64url_encode(header.as_bytes());
        for token in [
            format!("{header}..{plain}.{plain}.{plain}"),
            format!("{header}.{plain}.{plain}.{plain}.{plain}"),
            format!("{header}....{plain}"),
            format!("{header}...."),
        ] {
            assert_eq!(refusal(&token), Error::PartsNotThree, "{token}");
        }
        assert!(CompactJws::parse(&format!("{header}.{plain}.{plain}")).is_err());
    }
}

#[test]
fn a_key_id_has_at_most_128_bytes() {
    for (bytes, accepted) in [(0, true), (128, true), (129, false), (10_000, false)] {
        let header = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(bytes));
        let token = hs256_token(header.as_bytes(), b"{}");
        assert_eq!(CompactJws::parse(&token).is_ok(), accepted, "{bytes}");
    }
}

#[test]
fn a_key_inside_the_header_is_ignored() {
    let header = br#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"},"x5c":["AAAA"]}"#;
    assert!(verify(&hs256_token(header, b"{}")).is_ok());
}

#[test]
fn claims_are_refused_for_what_they_are() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(16), "]".repeat(16));
    let table: [(&[u8], Error); 11] = [
        (b"", Error::Json),
        (b"[]", Error::JsonNotObject),
        (b"\"eyJhbGciOiJub25lIn0.e30.\"", Error::JsonNotObject),
        (b"prose", Error::Json),
        (b"\xef\xbb\xbf{}", Error::Json),
        (b"{\"iss\":\"\xc3\x28\"}", Error::Json),
        (br#"{"exp":NaN}"#, Error::Json),
        (br#"{"exp":1e400}"#, Error::Json),
        (br#"{"sub":"a","sub":"b"}"#, Error::JsonDuplicate),
        (br#"{"cnf":{"jkt":"a","jkt":"b"}}"#, Error::JsonDuplicate),
        (deep.as_bytes(), Error::JsonTooDeep),
    ];
    for (payload, expected) in table {
        let token = hs256_token(br#"{"alg":"HS256"}"#, payload);
        let shown = String::from_utf8_lossy(payload);
        assert_eq!(verify(&token), Err(expected), "{shown}");
        let unverified = CompactJws::parse(&token).unwrap().unverified_claims();
        assert_eq!(unverified, Err(expected), "{shown}");
    }
}

#[test]
fn only_three_parts_of_strict_base64url_are_a_token() {
    let good = hs256_token(br#"{"alg":"HS256"}"#, b"{}");
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let table = [
        (String::new(), Error::PartsNotThree),
        (".".to_owned(), Error::PartsNotThree),
        ("..".to_owned(), Error::SignatureMissing),
        ("...".to_owned(), Error::PartsNotThree),
        (input.to_owned(), Error::PartsNotThree),
        (format!("{good}."), Error::PartsNotThree),
        (format!(".{good}"), Error::PartsNotThree),
        (format!("{good}.{payload}.{signature}"), Error::PartsNotThree),
        (".".repeat(TOKEN_BYTES_MAX), Error::PartsNotThree),
        (format!("{input}."), Error::SignatureMissing),
        (format!("{header}=.{payload}.{signature}"), Error::Base64),
        (format!("{header}.{payload}=.{signature}"), Error::Base64),
        (format!("{good}="), Error::Base64),
        (format!("{input}.+{}", &signature[1..]), Error::Base64),
        (format!("{input}./{}", &signature[1..]), Error::Base64),
        (format!("{input}.?{}", &signature[1..]), Error::Base64),
        (format!(" {good}"), Error::Base64),
        (format!("{good}\n"), Error::Base64),
        (format!("{good}\0"), Error::Base64),
        (format!("{input}. {signature}"), Error::Base64),
        (format!("{input}.\u{e9}{signature}"), Error::Base64),
        // 32 bytes leave two unused bits in the last character.
        (format!("{}B", &good[..good.len() - 1]), Error::Base64),
        (format!(r#"{{"protected":"{header}","payload":"{payload}"}}"#), Error::PartsNotThree),
        (r#"{"payload":"e30","signatures":[]}"#.to_owned(), Error::PartsNotThree),
    ];
    for (token, expected) in table {
        assert_eq!(refusal(&token), expected);
    }
}

#[test]
fn size_is_checked_before_anything_else() {
    assert_eq!(refusal(&"a".repeat(TOKEN_BYTES_MAX + 1)), Error::TokenTooLong);
    assert_eq!(refusal(&".".repeat(1_000_000)), Error::TokenTooLong);
    let padding = |bytes| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes));
    let frame = hs256_token(br#"{"alg":"HS256"}"#, padding(0).as_bytes()).len();
    let room = (TOKEN_BYTES_MAX - frame) / 4 * 3;
    assert!(verify(&hs256_token(br#"{"alg":"HS256"}"#, padding(room).as_bytes())).is_ok());
    let long = hs256_token(br#"{"alg":"HS256"}"#, padding(room + 4).as_bytes());
    assert_eq!(refusal(&long), Error::TokenTooLong);
}

#[test]
fn a_short_or_empty_secret_never_verifies() {
    let table = [(Algorithm::HS256, 31), (Algorithm::HS384, 47), (Algorithm::HS512, 63)];
    for (algorithm, bytes) in table {
        let header = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
        let token = hs256_token(header.as_bytes(), b"{}");
        let jws = CompactJws::parse(&token).unwrap();
        for secret in [&SECRET[..bytes], &[]] {
            assert_eq!(jws.verify_hmac(&HmacKey::new(secret)), Err(Error::KeyTooShort));
        }
    }
}

#[test]
fn debug_and_errors_show_nothing_of_the_token() {
    let token = hs256_token(br#"{"alg":"HS256","kid":"marker"}"#, br#"{"sub":"marker"}"#);
    let shown = format!("{:?}", CompactJws::parse(&token).unwrap());
    assert_eq!(shown, "CompactJws { algorithm: HS256, .. }");
}
