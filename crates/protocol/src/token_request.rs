//! What the client wants at the token endpoint (RFC 6749 §4.4, §5.2, §6; CIBA §10.1).

use crate::application::{Application, GrantType};
use crate::granted_details::GrantedDetails;
use crate::params::Params;
use crate::reason::Reason;
use crate::resource::target;
use crate::scope::ScopeSet;

/// The CIBA grant on the wire.
pub const CIBA_GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// The refresh grant on the wire.
pub const REFRESH_GRANT_TYPE: &str = "refresh_token";
/// The grant of an application that acts for itself.
pub const CLIENT_CREDENTIALS_GRANT_TYPE: &str = "client_credentials";
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
        /// Less than was granted, if asked for; boxed, because polls are held by the thousand.
        narrower: Option<Box<Narrower>>,
    },
    /// New tokens for an old grant.
    Refresh {
        /// As it came.
        refresh_token: String,
        /// A narrower scope, if asked for.
        scope: Option<ScopeSet>,
        /// Less than was granted, if asked for.
        narrower: Narrower,
    },
    /// A token for the application itself.
    ClientCredentials {
        /// What for; `None`: for the management API.
        scope: Option<ScopeSet>,
        /// The resources that it is to be for.
        resource: Vec<Box<str>>,
    },
}

/// What an access token is to be for, when that is less than was granted. The grant stays as it
/// is: another token may be for the rest (RFC 8707 §2.2, RFC 9396 §6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Narrower {
    /// `resource`
    pub resource: Vec<Box<str>>,
    /// `authorization_details`
    pub authorization_details: Option<GrantedDetails>,
}

impl Narrower {
    fn read(params: &Params) -> Result<Self, Reason> {
        let details = params.find("authorization_details");
        Ok(Self {
            resource: target::read(params)?,
            authorization_details: details.map(GrantedDetails::parse).transpose()?,
        })
    }
}

impl TokenRequest {
    /// Reads the request in the order grant known, grant allowed, parameters. A `scope` in
    /// a CIBA token request means nothing and is ignored (T-31).
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
                let narrower = Narrower::read(params)?;
                let narrower = (narrower != Narrower::default()).then(|| Box::new(narrower));
                Ok(Self::Ciba { auth_req_id: auth_req_id.to_owned(), narrower })
            }
            REFRESH_GRANT_TYPE => {
                allowed(GrantType::RefreshToken)?;
                let token = params.find("refresh_token").ok_or(Reason::RefreshTokenMissing)?;
                if token.len() > REFRESH_TOKEN_BYTES_MAX {
                    return Err(Reason::RefreshTokenUnknown);
                }
                let scope = params.find("scope").map(ScopeSet::parse).transpose()?;
                let narrower = Narrower::read(params)?;
                Ok(Self::Refresh { refresh_token: token.to_owned(), scope, narrower })
            }
            CLIENT_CREDENTIALS_GRANT_TYPE => {
                allowed(GrantType::ClientCredentials)?;
                let scope = params.find("scope").map(ScopeSet::parse).transpose()?;
                Ok(Self::ClientCredentials { scope, resource: target::read(params)? })
            }
            _ => Err(Reason::GrantTypeUnsupported),
        }
    }
}
