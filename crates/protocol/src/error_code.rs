//! The registered error codes that Assent speaks at its OAuth endpoints.

/// A registered `error` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 §5.2, CIBA §13: the request is malformed.
    InvalidRequest,
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient,
    /// RFC 6749 §5.2, CIBA §11: the `auth_req_id` or refresh token is of no use.
    InvalidGrant,
    /// RFC 6749 §5.2: the client may not use this grant.
    UnauthorizedClient,
    /// RFC 6749 §5.2: the grant type is not offered.
    UnsupportedGrantType,
    /// RFC 6749 §5.2, CIBA §13: a scope is unknown, malformed or not allowed.
    InvalidScope,
    /// CIBA §11: the person has not decided yet.
    AuthorizationPending,
    /// CIBA §11: the person has not decided yet and the client asks too often.
    SlowDown,
    /// CIBA §11: the request expired.
    ExpiredToken,
    /// CIBA §11, §13: refused by the person or by policy.
    AccessDenied,
    /// CIBA §13: the `login_hint_token` expired.
    ExpiredLoginHintToken,
    /// CIBA §13: the hint names nobody.
    UnknownUserId,
    /// CIBA §13: the binding message cannot be shown.
    InvalidBindingMessage,
    /// CIBA §13: a `user_code` is needed.
    MissingUserCode,
    /// CIBA §13: the `user_code` is wrong.
    InvalidUserCode,
    /// RFC 8707 §2: a `resource` is unknown or malformed.
    InvalidTarget,
    /// RFC 9396 §5: `authorization_details` are of no use.
    InvalidAuthorizationDetails,
    /// RFC 7009 §2.2.1: tokens of this type cannot be revoked.
    UnsupportedTokenType,
    /// RFC 7591 §3.2.2: client metadata is of no use.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2: a redirect URI is of no use.
    InvalidRedirectUri,
    /// CIBA §12: the person could not be asked; said in a push only.
    TransactionFailed,
    /// RFC 6750 §3.1: the access token does not permit it.
    InsufficientScope,
    /// RFC 6750 §3.1: the bearer credential is of no use.
    InvalidToken,
    /// RFC 9449 §5, §7.1: the DPoP proof is of no use.
    InvalidDpopProof,
    /// RFC 9449 §8, §9: the DPoP proof needs a nonce of ours.
    UseDpopNonce,
    /// RFC 6749 §4.1.2.1: a condition that will pass.
    TemporarilyUnavailable,
    /// RFC 6749 §4.1.2.1: a fault on our side.
    ServerError,
}

impl ErrorCode {
    /// The spelling on the wire.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AccessDenied => "access_denied",
            Self::ExpiredLoginHintToken => "expired_login_hint_token",
            Self::UnknownUserId => "unknown_user_id",
            Self::InvalidBindingMessage => "invalid_binding_message",
            Self::MissingUserCode => "missing_user_code",
            Self::InvalidUserCode => "invalid_user_code",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::TransactionFailed => "transaction_failed",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidToken => "invalid_token",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}
