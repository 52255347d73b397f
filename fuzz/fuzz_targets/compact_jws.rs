//! Compact JWS: as it comes, and with a right signature round any header and payload.
#![no_main]

use assent_fuzz::input::{halves, switched};
use assent_fuzz::sample::{JWKS, SECRET, sealed, signed};
use assent_jose::{
    Algorithm, CompactJws, HmacKey, KEY_ID_BYTES_MAX, TOKEN_BYTES_MAX, base64url_decode,
    base64url_encode, parse_object,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((switches, text)) = switched(data) else { return };
    let secret = HmacKey::new(SECRET.as_bytes());
    match switches % 3 {
        0 => {
            check_form(text);
        }
        1 => {
            let (header, payload) = halves(text);
            let token = sealed(header, payload);
            let Some(jws) = check_form(&token) else { return };
            let claims = jws.verify_hmac(&secret);
            let sound = jws.algorithm() == Algorithm::HS256;
            assert_eq!(claims.is_ok(), sound && parse_object(payload.as_bytes()).is_ok());
            if let Ok(claims) = claims {
                assert_eq!(Ok(claims.as_map().clone()), parse_object(payload.as_bytes()));
            }
            assert!(jws.verify_with(&JWKS, &Algorithm::ASYMMETRIC).is_err(), "no key signed it");
            check_no_twin(&token, switches, |twin| twin.verify_hmac(&secret).is_err());
        }
        _ => {
            let (header, payload) = halves(text);
            let token = signed(header, payload);
            let Some(jws) = check_form(&token) else { return };
            let claims = jws.verify_with(&JWKS, &Algorithm::ASYMMETRIC);
            let named = jws.key_id().is_none_or(|key_id| key_id == "key");
            let sound = jws.algorithm() == Algorithm::EdDSA && named;
            assert_eq!(claims.is_ok(), sound && parse_object(payload.as_bytes()).is_ok());
            assert!(jws.verify_hmac(&secret).is_err(), "no secret signed it");
            check_no_twin(&token, switches, |twin| {
                twin.verify_with(&JWKS, &Algorithm::ASYMMETRIC).is_err()
            });
        }
    }
});

/// What holds of every token that is taken apart.
fn check_form(text: &str) -> Option<CompactJws<'_>> {
    let jws = CompactJws::parse(text).ok()?;
    assert!(text.len() <= TOKEN_BYTES_MAX);
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in &parts {
        let octets = base64url_decode(part).expect("strict base64url");
        assert_eq!(base64url_encode(&octets), *part, "one spelling");
    }
    assert!(!parts[2].is_empty(), "an unsecured token");
    let header = base64url_decode(parts[0]).expect("decoded before");
    let header = parse_object(&header).expect("an object with unique members");
    for forbidden in ["crit", "b64", "zip", "jku", "x5u", "enc", "cty"] {
        assert!(!header.contains_key(forbidden), "{forbidden}");
    }
    assert_eq!(header.get("alg").and_then(|it| it.as_str()), Some(jws.algorithm().name()));
    assert_eq!(header.get("kid").and_then(|it| it.as_str()), jws.key_id());
    assert!(jws.key_id().is_none_or(|key_id| key_id.len() <= KEY_ID_BYTES_MAX));
    assert_eq!(header.get("typ").and_then(|it| it.as_str()), jws.typ());
    Some(jws)
}

/// One changed bit of the signature makes another, wrong token.
fn check_no_twin(token: &str, at: u8, is_refused: impl Fn(&CompactJws<'_>) -> bool) {
    let (input, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = base64url_decode(signature).expect("ours");
    let bit = usize::from(at) % (signature.len() * 8);
    signature[bit / 8] ^= 1 << (bit % 8);
    let twin = format!("{input}.{}", base64url_encode(&signature));
    assert!(is_refused(&CompactJws::parse(&twin).expect("the same form")));
}
