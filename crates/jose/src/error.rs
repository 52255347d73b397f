//! Every way this crate says no.

/// Why a token, a key or a claim was refused.
///
/// Closed and cheap to copy; details are fixed texts, never bytes of the refused input, so a value
/// may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Error {
    /// The token exceeds [`TOKEN_BYTES_MAX`](crate::TOKEN_BYTES_MAX).
    #[error("token too long")]
    TokenTooLong,
    /// A compact JWS has exactly three parts (RFC 7515 §7.1).
    #[error("token does not have three parts")]
    PartsNotThree,
    /// The third part is empty: an unsecured token (RFC 7518 §3.6).
    #[error("signature is empty")]
    SignatureMissing,
    /// Not base64url without padding in its only spelling (RFC 7515 §2).
    #[error("not strict base64url")]
    Base64,
    /// Not JSON, not UTF-8, or followed by more.
    #[error("not JSON")]
    Json,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    JsonNotObject,
    /// A member name occurs twice in one object (RFC 7515 §4, RFC 7519 §4).
    #[error("JSON member occurs twice")]
    JsonDuplicate,
    /// Nested deeper than [`DEPTH_MAX`](crate::DEPTH_MAX).
    #[error("JSON nested too deeply")]
    JsonTooDeep,
    /// `alg` is missing, not a string, `none`, or not known here.
    #[error("algorithm unknown")]
    AlgorithmUnknown,
    /// The algorithm is known but not acceptable for this key or this use (RFC 8725 §3.1).
    #[error("algorithm not allowed")]
    AlgorithmNotAllowed,
    /// A header parameter that is refused by its presence; the detail is its name.
    #[error("header parameter `{0}` is not supported")]
    HeaderForbidden(&'static str),
    /// A header parameter of the wrong JSON type; the detail is its name.
    #[error("header parameter `{0}` has the wrong type")]
    HeaderType(&'static str),
    /// A `kid` that is not a string of at most
    /// [`KEY_ID_BYTES_MAX`](crate::KEY_ID_BYTES_MAX) bytes without control characters.
    #[error("key id is not acceptable")]
    KeyIdInvalid,
    /// Two keys of a set share a `kid` (RFC 7517 §4.5).
    #[error("key id occurs twice")]
    KeyIdDuplicate,
    /// No key of the set fits the token.
    #[error("no key fits")]
    KeyUnknown,
    /// The secret is shorter than the output of the hash (RFC 7518 §3.2).
    #[error("secret too short")]
    KeyTooShort,
    /// A JWK member is missing, mistyped or not canonical; the detail is its name.
    #[error("key member `{0}` is not acceptable")]
    KeyMember(&'static str),
    /// `kty` is missing or not one of RSA, EC and OKP, or its curve is not known here.
    #[error("key type unknown")]
    KeyTypeUnknown,
    /// Private or secret key material where a public key belongs.
    #[error("key is not public")]
    KeyNotPublic,
    /// The key is too weak or too costly; the detail says how.
    #[error("key refused: {0}")]
    KeyWeak(&'static str),
    /// The cryptographic library does not accept the key (for example a point off its curve).
    #[error("key rejected")]
    KeyRejected,
    /// The JWK Set exceeds [`JWKS_BYTES_MAX`](crate::JWKS_BYTES_MAX).
    #[error("key set too long")]
    JwksTooLong,
    /// The JWK Set holds more than [`JWKS_KEYS_MAX`](crate::JWKS_KEYS_MAX) keys.
    #[error("key set has too many keys")]
    JwksTooMany,
    /// The JWK Set has no `keys` array of objects (RFC 7517 §5.1).
    #[error("key set has no array of keys")]
    JwksShape,
    /// The signature does not verify.
    #[error("signature does not verify")]
    SignatureInvalid,
    /// A claim has the wrong JSON type or range; the detail is what was expected.
    #[error("claim is not {0}")]
    ClaimType(&'static str),
    /// Claims to be signed do not serialise to a JSON object.
    #[error("claims are not a JSON object")]
    ClaimsNotObject,
    /// The cryptographic library failed to make a key.
    #[error("key generation failed")]
    GenerationFailed,
    /// The cryptographic library failed to sign.
    #[error("signing failed")]
    SigningFailed,
}
