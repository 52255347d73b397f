//! To whose key a token is bound (RFC 7800 `cnf`): that of a certificate (RFC 8705 §3.1), or one
//! that proofs are signed with (RFC 9449 §6.1).

use assent_jose::Claims;
use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::environment::Profile;
use crate::reason::Reason;

/// Octets of base64url over a SHA-256.
const THUMBPRINT_BYTES: usize = 43;

/// The keys whose holder may use a token; of none: whoever has it may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// `x5t#S256`: the thumbprint of a certificate.
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Box<str>>,
    /// `jkt`: the thumbprint of the key of DPoP proofs.
    #[serde(rename = "jkt", default, skip_serializing_if = "Option::is_none")]
    pub proof_key: Option<Box<str>>,
}

impl Confirmation {
    /// Whether the token is a bearer token.
    pub const fn is_none(&self) -> bool {
        self.certificate.is_none() && self.proof_key.is_none()
    }

    /// `token_type` of a token that is bound so (RFC 6749 §7.1, RFC 9449 §5).
    pub const fn token_type(&self) -> &'static str {
        if self.proof_key.is_some() { "DPoP" } else { "Bearer" }
    }

    /// Whether it is all that `application` registered for its tokens.
    ///
    /// # Errors
    /// Its tokens are to be bound to something that is missing here (RFC 8705 §3.4, RFC 9449 §5.2).
    pub fn check_for(&self, application: &Application) -> Result<(), Reason> {
        if application.certificate_bound && self.certificate.is_none() {
            return Err(Reason::CertificateMissing);
        }
        if application.proof_bound && self.proof_key.is_none() {
            return Err(Reason::DpopProofMissing);
        }
        // FAPI 1.0 Advanced §5.2.2-5: no others are issued.
        if application.profile == Profile::FapiCiba && self.is_none() {
            return Err(Reason::HolderNotShown);
        }
        Ok(())
    }

    /// What the `cnf` of a token says; `None`: something that we do not understand, so nobody can
    /// be told to be the holder.
    pub fn read(claims: &Claims) -> Option<Self> {
        let Some(cnf) = claims.get("cnf") else { return Some(Self::default()) };
        let cnf = Self::deserialize(cnf).ok()?;
        (!cnf.is_none()).then_some(cnf)
    }
}

/// Whether a text can be the SHA-256 thumbprint of a key (RFC 7638 §3, base64url).
pub fn is_thumbprint(text: &str) -> bool {
    text.len() == THUMBPRINT_BYTES
        && assent_jose::base64url_decode(text).is_ok_and(|octets| octets.len() == 32)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(cnf: Option<Value>) -> Option<Confirmation> {
        let claims = cnf.into_iter().map(|cnf| (String::from("cnf"), cnf)).collect();
        Confirmation::read(&Claims::from(serde_json::Map::from_iter::<Vec<_>>(claims)))
    }

    #[test]
    fn a_confirmation_is_read_whole_or_the_token_is_refused() {
        let of = |certificate: Option<&str>, proof_key: Option<&str>| Confirmation {
            certificate: certificate.map(Into::into),
            proof_key: proof_key.map(Into::into),
        };
        for (cnf, expected) in [
            (None, Some(of(None, None))),
            (Some(json!({ "x5t#S256": "a" })), Some(of(Some("a"), None))),
            (Some(json!({ "jkt": "b" })), Some(of(None, Some("b")))),
            (Some(json!({ "jkt": "b", "x5t#S256": "a" })), Some(of(Some("a"), Some("b")))),
            (Some(json!({})), None),
            (Some(json!(null)), None),
            (Some(json!("a")), None),
            (Some(json!({ "jkt": null })), None),
            (Some(json!({ "jkt": 1 })), None),
            (Some(json!({ "jwk": {} })), None),
            (Some(json!({ "jkt": "b", "kid": "c" })), None),
        ] {
            let told = format!("{cnf:?}");
            assert_eq!(check(cnf), expected, "{told}");
        }
    }

    #[test]
    fn what_is_bound_to_the_key_of_proofs_is_of_another_type() {
        let bound = Confirmation { proof_key: Some("b".into()), ..Confirmation::default() };
        assert_eq!(bound.token_type(), "DPoP");
        let bound = Confirmation { certificate: Some("a".into()), ..Confirmation::default() };
        assert_eq!(bound.token_type(), "Bearer");
        assert!(!bound.is_none() && Confirmation::default().is_none());
    }

    #[test]
    fn a_thumbprint_has_forty_three_characters_of_base64url_in_their_one_spelling() {
        let good = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert!(is_thumbprint(good));
        let other_bits = format!("{}J", &good[..42]);
        for bad in ["", &good[..42], &format!("{good}A"), &format!("{good}="), &other_bits, "é"] {
            assert!(!is_thumbprint(bad), "{bad}");
        }
    }
}
