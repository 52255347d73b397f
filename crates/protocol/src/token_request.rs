//! What the client wants at the token endpoint (RFC 6749 §5.2, CIBA §10.1).

use crate::application::{Application, GrantType};
use crate::params::Params;
use crate::reason::Reason;
use crate::scope::ScopeSet;

/// The CIBA grant on the wire.
pub const CIBA_GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// The refresh grant on the wire.
pub const REFRESH_GRANT_TYPE: &str = "refresh_token";
/// Longest `auth_req_id` that is looked up, in octets; ours have 43.
pub const AUTH_REQ_ID_BYTES_MAX: usize = 256;
/// Longest refresh token that is looked at, in octets.
pub const REFRESH_TOKEN_BYTES_MAX: usize = 512;

/// A token request of an authenticated client.
#[derive(Clone)]
pub enum TokenRequest {
    /// What has become of this `auth_req_id`?
    Ciba {
        /// As it came; looked up by its digest.
        auth_req_id: String,
    },
    /// New tokens for an old grant.
    Refresh {
        /// As it came.
        refresh_token: String,
        /// A narrower scope, if asked for.
        scope: Option<ScopeSet>,
    },
}

impl TokenRequest {
    /// Reads the request in the order grant known, grant allowed, parameters.
    ///
    /// # Errors
    /// The first violation.
    pub fn parse(params: &Params, client: &Application) -> Result<Self, Reason> {
        let allowed = |grant| {
            if client.may_use(grant) { Ok(()) } else { Err(Reason::GrantTypeNotAllowed) }
        };
        match params.find("grant_type").ok_or(Reason::GrantTypeMissing)? {
            CIBA_GRANT_TYPE => {
                allowed(GrantType::Ciba)?;
                let auth_req_id = params.find("auth_req_id").ok_or(Reason::AuthReqIdMissing)?;
                if auth_req_id.len() > AUTH_REQ_ID_BYTES_MAX {
                    return Err(Reason::AuthReqIdUnknown);
                }
                Ok(Self::Ciba { auth_req_id: auth_req_id.to_owned() })
            }
            REFRESH_GRANT_TYPE => {
                allowed(GrantType::RefreshToken)?;
                let token = params.find("refresh_token").ok_or(Reason::RefreshTokenMissing)?;
                if token.len() > REFRESH_TOKEN_BYTES_MAX {
                    return Err(Reason::RefreshTokenUnknown);
                }
                let scope = params.find("scope").map(ScopeSet::parse).transpose()?;
                Ok(Self::Refresh { refresh_token: token.to_owned(), scope })
            }
            _ => Err(Reason::GrantTypeUnsupported),
        }
    }
}
