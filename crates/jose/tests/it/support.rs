use std::sync::LazyLock;

use assent_jose::{
    Algorithm, Error, HmacKey, PublicKey, SigningKey, base64url_encode, parse_object,
};

/// 64 bytes: long enough for every HMAC.
pub const SECRET: [u8; 64] = [7; 64];

pub static RS256: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::RS256).unwrap());
pub static ES256: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::ES256).unwrap());
pub static EDDSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::EdDSA).unwrap());

pub fn public_key(jwk: &str) -> Result<PublicKey, Error> {
    PublicKey::from_jwk(&parse_object(jwk.as_bytes()).unwrap())
}

/// A token with any header and payload and a right HS256 code, so that only its form is wrong.
pub fn hs256_token(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let code = HmacKey::new(&SECRET).sign(Algorithm::HS256, input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(&code))
}

/// A token with any header, signed by a key pair.
pub fn token_by(key: &SigningKey, header: &str, payload: &str) -> String {
    let parts = (base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
    let input = format!("{}.{}", parts.0, parts.1);
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url_encode(&signature))
}
