//! JWK Sets and single keys.
#![no_main]

use std::collections::HashSet;

use assent_jose::{
    Algorithm, JWKS_BYTES_MAX, JWKS_KEYS_MAX, Jwks, PublicKey, base64url_decode, parse_object,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(jwk) = parse_object(data)
        && let Ok(key) = PublicKey::from_jwk(&jwk)
    {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!jwk.contains_key(private), "{private}");
        }
        check(&key);
    }
    let Ok(keys) = Jwks::parse(text) else { return };
    assert!(text.len() <= JWKS_BYTES_MAX && keys.keys().len() <= JWKS_KEYS_MAX);
    assert_eq!(keys.text(), text, "what was registered is what is shown");
    let named: Vec<&str> = keys.keys().iter().filter_map(PublicKey::key_id).collect();
    assert_eq!(named.iter().collect::<HashSet<_>>().len(), named.len(), "names are unique");
    keys.keys().iter().for_each(check);
    let stored = serde_json::to_string(&keys).expect("a text");
    assert_eq!(serde_json::from_str::<Jwks>(&stored).expect("our own"), keys);
    let published = Jwks::from_keys(keys.keys().to_vec());
    assert_eq!(Jwks::parse(published.text()).expect("our own").keys().len(), keys.keys().len());
});

/// What holds of every key that is taken.
fn check(key: &PublicKey) {
    let jwk = key.to_jwk();
    let again = PublicKey::from_jwk(&jwk).expect("our own");
    assert_eq!(again.thumbprint(), key.thumbprint());
    assert_eq!(again.to_jwk(), jwk);
    let fitting: Vec<Algorithm> =
        Algorithm::ASYMMETRIC.into_iter().filter(|it| key.fits(*it)).collect();
    assert!(!fitting.is_empty() && Algorithm::HMAC.into_iter().all(|it| !key.fits(it)));
    if let Some(bound) = key.algorithm() {
        assert_eq!(fitting, [bound], "one algorithm for a key");
    }
    if let Some(modulus) = jwk.get("n").and_then(|it| it.as_str()) {
        let modulus = base64url_decode(modulus).expect("our own");
        assert!((256..=1024).contains(&modulus.len()) && modulus[0] != 0);
    }
    for algorithm in fitting {
        // No signature at all is nobody's.
        assert!(key.verify(algorithm, b"m", &[]).is_err());
        assert!(key.verify(algorithm, b"m", &[0; 64]).is_err());
    }
}
