//! Every way the protocol says no: one closed enum, one table from reason to code and words.
//!
//! The client sees code and description; log and metric see the reason's name. Several reasons
//! share a code and a text so that an attacker cannot tell them apart while the operator can.
//! `docs/reasons.md` is this table, written by a test.

use crate::error_code::ErrorCode;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    // --- the form of the request
    MediaTypeNotForm,
    BodyTooLarge,
    BodyIncomplete,
    BodyCompressed,
    ParametersMalformed,
    ParametersTooMany,
    ParameterTooLong,
    ParameterRepeated,
    CredentialsInQuery,
    MethodNotAllowed,
    HeadMalformed,
    // --- client authentication
    CredentialsMissing,
    CredentialsMultiple,
    CredentialsMultipleWithAssertion,
    AuthorizationHeaderRepeated,
    AuthorizationHeaderMalformed,
    ClientUnknown,
    ClientDisabled,
    ClientIdMismatch,
    ClientMethodMismatch,
    ClientSecretWrong,
    AssertionTypeWrong,
    AssertionMalformed,
    AssertionSignatureWrong,
    AssertionAlgorithmNotRegistered,
    AssertionWrongKind,
    AssertionIssuerWrong,
    AssertionAudienceWrong,
    AssertionExpired,
    AssertionTooLongLived,
    AssertionNotYetValid,
    AssertionReplayed,
    ClientThrottled,
    // --- the token request
    GrantTypeMissing,
    GrantTypeUnsupported,
    GrantTypeNotAllowed,
    AuthReqIdMissing,
    AuthReqIdUnknown,
    AuthReqIdOtherClient,
    AuthReqIdRedeemed,
    AuthReqIdExpired,
    EndUserUndecided,
    PolledTooSoon,
    EndUserDenied,
    EndUserGone,
    RefreshTokenMissing,
    RefreshTokenUnknown,
    RefreshTokenOtherClient,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    RefreshScopeWidened,
    // --- the authentication request
    ScopeMissing,
    ScopeMalformed,
    ScopeWithoutOpenid,
    ScopeNotGranted,
    ScopeOfSeveralResources,
    HintMissing,
    HintRepeated,
    LoginHintMalformed,
    EndUserUnknown,
    EndUserAmbiguous,
    EndUserNotUsable,
    EndUserThrottled,
    IdTokenHintInvalid,
    LoginHintTokenInvalid,
    LoginHintTokenExpired,
    BindingMessageTooLong,
    BindingMessageUnshowable,
    RequestedExpiryInvalid,
    AcrValuesMalformed,
    RequestObjectUnsupported,
    RequestUriUnsupported,
    UserCodeUnsupported,
    // --- the authentication device
    DeviceCredentialMissing,
    DeviceCredentialUnknown,
    DeviceUserNotUsable,
    PairingCodeUnknown,
    PairingThrottled,
    RequestUnknown,
    RequestDecided,
    RequestExpired,
    RequestApplicationDisabled,
    ActionUnknown,
}

/// What kind of sentence PingOne puts before the detail (`pingone.md` §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preamble {
    /// `… There was an issue processing the request.`
    Processing,
    /// `… One or more validation errors were in the request.`
    Validation,
    /// The detail stands alone.
    None,
}

impl Preamble {
    /// The sentence, with what separates it from the detail.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Processing => {
                "The request could not be completed. There was an issue processing the request.: "
            }
            Self::Validation => {
                "The request could not be completed. \
                 One or more validation errors were in the request.: "
            }
            Self::None => "",
        }
    }
}

/// The one answer to every failed client authentication: which check failed would help an
/// attacker (RFC 7523 §3.2); the text is PingOne's.
const CLIENT_DENIED: &str = "Request denied: Unsupported authentication method";

impl Reason {
    /// The registered error code.
    pub const fn code(self) -> ErrorCode {
        use ErrorCode as Code;
        use Reason as R;
        match self {
            R::MediaTypeNotForm
            | R::BodyTooLarge
            | R::BodyIncomplete
            | R::BodyCompressed
            | R::ParametersMalformed
            | R::ParametersTooMany
            | R::ParameterTooLong
            | R::ParameterRepeated
            | R::CredentialsInQuery
            | R::MethodNotAllowed
            | R::HeadMalformed
            | R::CredentialsMultiple
            | R::AuthorizationHeaderRepeated
            | R::GrantTypeMissing
            | R::AuthReqIdMissing
            | R::RefreshTokenMissing
            | R::ScopeMissing
            | R::HintMissing
            | R::HintRepeated
            | R::LoginHintMalformed
            | R::IdTokenHintInvalid
            | R::LoginHintTokenInvalid
            | R::RequestedExpiryInvalid
            | R::AcrValuesMalformed
            | R::RequestObjectUnsupported
            | R::RequestUriUnsupported
            | R::UserCodeUnsupported
            | R::ActionUnknown
            | R::PairingCodeUnknown
            | R::RequestUnknown
            | R::RequestDecided
            | R::RequestExpired => Code::InvalidRequest,
            R::CredentialsMissing
            | R::CredentialsMultipleWithAssertion
            | R::AuthorizationHeaderMalformed
            | R::ClientUnknown
            | R::ClientDisabled
            | R::ClientIdMismatch
            | R::ClientMethodMismatch
            | R::ClientSecretWrong
            | R::AssertionTypeWrong
            | R::AssertionMalformed
            | R::AssertionSignatureWrong
            | R::AssertionAlgorithmNotRegistered
            | R::AssertionWrongKind
            | R::AssertionIssuerWrong
            | R::AssertionAudienceWrong
            | R::AssertionExpired
            | R::AssertionTooLongLived
            | R::AssertionNotYetValid
            | R::AssertionReplayed => Code::InvalidClient,
            R::ClientThrottled | R::EndUserThrottled | R::PairingThrottled => {
                Code::TemporarilyUnavailable
            }
            R::GrantTypeUnsupported => Code::UnsupportedGrantType,
            R::GrantTypeNotAllowed => Code::UnauthorizedClient,
            R::AuthReqIdUnknown
            | R::AuthReqIdOtherClient
            | R::AuthReqIdRedeemed
            | R::RefreshTokenUnknown
            | R::RefreshTokenOtherClient
            | R::RefreshTokenExpired
            | R::RefreshTokenReused
            | R::RefreshTokenRevoked => Code::InvalidGrant,
            R::AuthReqIdExpired => Code::ExpiredToken,
            R::EndUserUndecided => Code::AuthorizationPending,
            R::PolledTooSoon => Code::SlowDown,
            R::EndUserDenied
            | R::EndUserGone
            | R::DeviceUserNotUsable
            | R::RequestApplicationDisabled => Code::AccessDenied,
            R::RefreshScopeWidened
            | R::ScopeMalformed
            | R::ScopeWithoutOpenid
            | R::ScopeNotGranted
            | R::ScopeOfSeveralResources => Code::InvalidScope,
            R::EndUserUnknown | R::EndUserAmbiguous | R::EndUserNotUsable => Code::UnknownUserId,
            R::LoginHintTokenExpired => Code::ExpiredLoginHintToken,
            R::BindingMessageTooLong | R::BindingMessageUnshowable => Code::InvalidBindingMessage,
            R::DeviceCredentialMissing | R::DeviceCredentialUnknown => Code::InvalidToken,
        }
    }

    /// The sentence before the detail.
    pub const fn preamble(self) -> Preamble {
        match self.code() {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => Preamble::None,
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidBindingMessage
            | ErrorCode::UnsupportedGrantType => Preamble::Validation,
            ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::AuthorizationPending
            | ErrorCode::SlowDown
            | ErrorCode::ExpiredToken
            | ErrorCode::AccessDenied
            | ErrorCode::ExpiredLoginHintToken
            | ErrorCode::UnknownUserId
            | ErrorCode::TemporarilyUnavailable
            | ErrorCode::ServerError => Preamble::Processing,
        }
    }

    /// What happened and what to mend, in the characters RFC 6749 §5.2 allows. The four polling
    /// texts are PingOne's (`pingone.md` §4.2).
    pub const fn detail(self) -> &'static str {
        use Reason as R;
        match self {
            R::MediaTypeNotForm => "Send the body as application/x-www-form-urlencoded",
            R::BodyTooLarge => "The body is larger than 64 KiB",
            R::BodyIncomplete => "The body did not arrive whole and in time",
            R::BodyCompressed => "Content-Encoding is not supported; send the body as it is",
            R::ParametersMalformed => "The body is not valid percent-encoded UTF-8",
            R::ParametersTooMany => "The body has more than 64 parameters",
            R::ParameterTooLong => "A parameter is longer than this endpoint accepts",
            R::ParameterRepeated => "A parameter occurs more than once",
            R::CredentialsInQuery => "Send parameters in the body, not in the query string",
            R::MethodNotAllowed => "This endpoint does not support the method; see Allow",
            R::HeadMalformed => "A request header is malformed",
            R::CredentialsMissing
            | R::CredentialsMultipleWithAssertion
            | R::AuthorizationHeaderMalformed
            | R::ClientUnknown
            | R::ClientDisabled
            | R::ClientIdMismatch
            | R::ClientMethodMismatch
            | R::ClientSecretWrong
            | R::AssertionTypeWrong
            | R::AssertionMalformed
            | R::AssertionSignatureWrong
            | R::AssertionAlgorithmNotRegistered
            | R::AssertionWrongKind
            | R::AssertionIssuerWrong
            | R::AssertionAudienceWrong
            | R::AssertionExpired
            | R::AssertionTooLongLived
            | R::AssertionNotYetValid
            | R::AssertionReplayed => CLIENT_DENIED,
            R::CredentialsMultiple => "Use one way of client authentication, not several",
            R::AuthorizationHeaderRepeated => "The Authorization header occurs more than once",
            R::ClientThrottled => "Too many invalid requests of this application; retry later",
            R::GrantTypeMissing => "grant_type is missing",
            R::GrantTypeUnsupported => "This grant_type is not supported",
            R::GrantTypeNotAllowed => "The application is not allowed to use this grant type",
            R::AuthReqIdMissing => "auth_req_id is missing",
            R::AuthReqIdUnknown | R::AuthReqIdOtherClient | R::AuthReqIdRedeemed => {
                "The auth_req_id is invalid, was already used, or belongs to another application"
            }
            R::AuthReqIdExpired => {
                "The authorization request for the provided auth_req_id has expired."
            }
            R::EndUserUndecided => "The authorization request is still pending.",
            R::PolledTooSoon => {
                "The authorization request is still pending. Please slow down the poll requests."
            }
            R::EndUserDenied | R::EndUserGone => "The authorization request has been denied.",
            R::RefreshTokenMissing => "refresh_token is missing",
            R::RefreshTokenUnknown
            | R::RefreshTokenOtherClient
            | R::RefreshTokenExpired
            | R::RefreshTokenReused
            | R::RefreshTokenRevoked => {
                "The refresh_token is invalid, expired, revoked or was already used"
            }
            R::RefreshScopeWidened => "scope asks for more than was granted",
            R::ScopeMissing => "scope is missing; it must contain openid",
            R::ScopeMalformed => "scope is not a list of scope names separated by spaces",
            R::ScopeWithoutOpenid => "scope must contain openid",
            R::ScopeNotGranted => "scope names a scope that the application may not request",
            R::ScopeOfSeveralResources => "May not request scopes for multiple resources",
            R::HintMissing => "Send one of login_hint, id_token_hint, login_hint_token",
            R::HintRepeated => "Send only one of login_hint, id_token_hint, login_hint_token",
            R::LoginHintMalformed => {
                "login_hint must be at most 256 octets without control characters"
            }
            R::EndUserUnknown | R::EndUserAmbiguous | R::EndUserNotUsable => {
                "The hint does not identify a user who can be asked"
            }
            R::EndUserThrottled => "Too many requests for unknown users; retry later",
            R::IdTokenHintInvalid => {
                "id_token_hint is not an ID token that this environment issued to the application"
            }
            R::LoginHintTokenInvalid => {
                "login_hint_token must be a JWT signed by HMAC with the client secret, with iss, \
                 aud, sub, iat and exp"
            }
            R::LoginHintTokenExpired => "The login_hint_token has expired",
            R::BindingMessageTooLong => "binding_message has more than 64 characters",
            R::BindingMessageUnshowable => {
                "binding_message may hold letters, digits, single spaces and - _ . # :"
            }
            R::RequestedExpiryInvalid => "requested_expiry must be a positive integer of seconds",
            R::AcrValuesMalformed => "acr_values is not a list of at most 16 short values",
            R::RequestObjectUnsupported => "request is not supported; send plain parameters",
            R::RequestUriUnsupported => "request_uri is not supported",
            R::UserCodeUnsupported => "user_code is not supported",
            R::DeviceCredentialMissing => "Send the credential of the device as a bearer token",
            R::DeviceCredentialUnknown => "The credential of the device is not valid",
            R::DeviceUserNotUsable => "The account of this device is locked or disabled",
            R::PairingCodeUnknown => "The code is wrong, expired or was already used",
            R::PairingThrottled => "Too many wrong codes; retry later",
            R::RequestUnknown => "There is no such request for this user",
            R::RequestDecided => "The request was already decided",
            R::RequestExpired => "The request has expired",
            R::RequestApplicationDisabled => "The application is disabled",
            R::ActionUnknown => "action must be allow or deny",
        }
    }

    /// The reason's name, for logs and metrics.
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Every reason, in the order of the table.
    pub const ALL: [Self; 84] = [
        Self::MediaTypeNotForm,
        Self::BodyTooLarge,
        Self::BodyIncomplete,
        Self::BodyCompressed,
        Self::ParametersMalformed,
        Self::ParametersTooMany,
        Self::ParameterTooLong,
        Self::ParameterRepeated,
        Self::CredentialsInQuery,
        Self::MethodNotAllowed,
        Self::HeadMalformed,
        Self::CredentialsMissing,
        Self::CredentialsMultiple,
        Self::CredentialsMultipleWithAssertion,
        Self::AuthorizationHeaderRepeated,
        Self::AuthorizationHeaderMalformed,
        Self::ClientUnknown,
        Self::ClientDisabled,
        Self::ClientIdMismatch,
        Self::ClientMethodMismatch,
        Self::ClientSecretWrong,
        Self::AssertionTypeWrong,
        Self::AssertionMalformed,
        Self::AssertionSignatureWrong,
        Self::AssertionAlgorithmNotRegistered,
        Self::AssertionWrongKind,
        Self::AssertionIssuerWrong,
        Self::AssertionAudienceWrong,
        Self::AssertionExpired,
        Self::AssertionTooLongLived,
        Self::AssertionNotYetValid,
        Self::AssertionReplayed,
        Self::ClientThrottled,
        Self::GrantTypeMissing,
        Self::GrantTypeUnsupported,
        Self::GrantTypeNotAllowed,
        Self::AuthReqIdMissing,
        Self::AuthReqIdUnknown,
        Self::AuthReqIdOtherClient,
        Self::AuthReqIdRedeemed,
        Self::AuthReqIdExpired,
        Self::EndUserUndecided,
        Self::PolledTooSoon,
        Self::EndUserDenied,
        Self::EndUserGone,
        Self::RefreshTokenMissing,
        Self::RefreshTokenUnknown,
        Self::RefreshTokenOtherClient,
        Self::RefreshTokenExpired,
        Self::RefreshTokenReused,
        Self::RefreshTokenRevoked,
        Self::RefreshScopeWidened,
        Self::ScopeMissing,
        Self::ScopeMalformed,
        Self::ScopeWithoutOpenid,
        Self::ScopeNotGranted,
        Self::ScopeOfSeveralResources,
        Self::HintMissing,
        Self::HintRepeated,
        Self::LoginHintMalformed,
        Self::EndUserUnknown,
        Self::EndUserAmbiguous,
        Self::EndUserNotUsable,
        Self::EndUserThrottled,
        Self::IdTokenHintInvalid,
        Self::LoginHintTokenInvalid,
        Self::LoginHintTokenExpired,
        Self::BindingMessageTooLong,
        Self::BindingMessageUnshowable,
        Self::RequestedExpiryInvalid,
        Self::AcrValuesMalformed,
        Self::RequestObjectUnsupported,
        Self::RequestUriUnsupported,
        Self::UserCodeUnsupported,
        Self::DeviceCredentialMissing,
        Self::DeviceCredentialUnknown,
        Self::DeviceUserNotUsable,
        Self::PairingCodeUnknown,
        Self::PairingThrottled,
        Self::RequestUnknown,
        Self::RequestDecided,
        Self::RequestExpired,
        Self::RequestApplicationDisabled,
        Self::ActionUnknown,
    ];
}

#[cfg(test)]
mod tests;
