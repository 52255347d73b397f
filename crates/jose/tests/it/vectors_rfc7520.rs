//! RFC 7520 §4. The payload is prose, so signatures are checked below the level of tokens.

use assent_jose::{Algorithm, CompactJws, Error, HmacKey, Jwks, base64url_decode};

const PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci\
    4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5v\
    IGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

const KEY_ID: &str = "bilbo.baggins@hobbiton.example";

const MODULUS: &str = "\
    n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSC\
    pMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfH\
    d1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqK\
    nS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

const X: &str =
    "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt";

const Y: &str =
    "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1";

fn rsa_keys() -> String {
    set_of(&format!(r#""kty":"RSA","n":"{MODULUS}","e":"AQAB""#))
}

fn ec_keys() -> String {
    set_of(&format!(r#""kty":"EC","crv":"P-521","x":"{X}","y":"{Y}""#))
}

fn set_of(members: &str) -> String {
    format!(r#"{{"keys":[{{"kid":"{KEY_ID}","use":"sig",{members}}}]}}"#)
}

fn assert_verifies(keys: &str, algorithm: Algorithm, header: &str, signature: &str) {
    let keys = Jwks::parse(keys).unwrap();
    let token = format!("{header}.{PAYLOAD}.{signature}");
    let jws = CompactJws::parse(&token).unwrap();
    assert_eq!(jws.algorithm(), algorithm);
    assert_eq!(jws.key_id(), Some(KEY_ID));
    // The signature is accepted and only then the prose refused as claims.
    assert_eq!(jws.verify_with(&keys, &[algorithm]), Err(Error::Json));
    let input = format!("{header}.{PAYLOAD}");
    let signature = base64url_decode(signature).unwrap();
    assert_eq!(keys.keys()[0].verify(algorithm, input.as_bytes(), &signature), Ok(()));
}

#[test]
fn section_4_1_rsa_v15_verifies() {
    assert_verifies(
        &rsa_keys(),
        Algorithm::RS256,
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83\
         xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJ\
         Dt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12\
         podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
    );
}

#[test]
fn section_4_2_rsa_pss_verifies() {
    assert_verifies(
        &rsa_keys(),
        Algorithm::PS384,
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6\
         O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqi\
         VJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_\
         jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
    );
}

#[test]
fn section_4_3_ecdsa_verifies() {
    assert_verifies(
        &ec_keys(),
        Algorithm::ES512,
        "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJ\
         AQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2",
    );
}

#[test]
fn section_4_4_hmac_verifies_and_is_reproduced() {
    let secret = base64url_decode("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg").unwrap();
    let key = HmacKey::new(&secret);
    let header = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9";
    let input = format!("{header}.{PAYLOAD}");
    let code = base64url_decode("s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0").unwrap();
    assert_eq!(key.verify(Algorithm::HS256, input.as_bytes(), &code), Ok(()));
    assert_eq!(key.sign(Algorithm::HS256, input.as_bytes()), Ok(code));
}
