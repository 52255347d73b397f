//! From a reason to its registered error code.

use super::{Preamble, Reason};
use crate::error_code::ErrorCode;

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
            | R::RequestExpired
            | R::PolledTooOften
            | R::BindingMessageMissing
            | R::RequestObjectMissing
            | R::RequestObjectMixed
            | R::RequestObjectMalformed
            | R::RequestObjectSignatureWrong
            | R::RequestObjectAlgorithmNotRegistered
            | R::RequestObjectClaimsWrong
            | R::RequestObjectExpired
            | R::RequestObjectNotYetValid
            | R::RequestObjectTooLongLived
            | R::RequestObjectReplayed
            | R::NotificationTokenMissing
            | R::NotificationTokenMalformed
            | R::ClaimsMalformed
            | R::ClaimsOtherUser
            | R::TokenMissing
            | R::TokenOtherClient
            | R::AccessTokenRepeated
            | R::AccessTokenNotInHeader
            | R::NumberMissing
            | R::DpopKeyMalformed
            | R::CertificateMissing
            | R::HolderNotShown
            | R::DeviceBodyMalformed
            | R::DetailsSelectionInvalid => Code::InvalidRequest,
            R::CredentialsMissing
            | R::CredentialsMultipleWithAssertion
            | R::AuthorizationHeaderMalformed
            | R::ClientUnknown
            | R::ClientDisabled
            | R::ClientIdMismatch
            | R::ClientMethodMismatch
            | R::ClientSecretWrong
            | R::ClientMethodNotOfProfile
            | R::CertificateUntrusted
            | R::CertificateUnknown
            | R::AssertionTypeWrong
            | R::AssertionMalformed
            | R::AssertionKeysUnavailable
            | R::AssertionSignatureWrong
            | R::AssertionAlgorithmNotRegistered
            | R::AssertionWrongKind
            | R::AssertionIssuerWrong
            | R::AssertionAudienceWrong
            | R::AssertionExpired
            | R::AssertionTooLongLived
            | R::AssertionNotYetValid
            | R::AssertionReplayed => Code::InvalidClient,
            R::ServerBusy
            | R::EnvironmentThrottled
            | R::ClientThrottled
            | R::EndUserThrottled
            | R::UserCodesThrottled
            | R::PairingThrottled
            | R::RequestsTooMany
            | R::PromptsTooMany
            | R::PromptsWaiting
            | R::PromptsUnwanted => Code::TemporarilyUnavailable,
            R::GrantTypeUnsupported => Code::UnsupportedGrantType,
            R::GrantTypeNotAllowed | R::PushClientPolled | R::DeliveryModeNotOffered => {
                Code::UnauthorizedClient
            }
            R::AuthReqIdUnknown
            | R::AuthReqIdOtherClient
            | R::AuthReqIdRedeemed
            | R::AuthReqIdWithdrawn
            | R::AttributeWithoutValue
            | R::DpopKeyNotBound
            | R::RefreshTokenUnknown
            | R::RefreshTokenOtherClient
            | R::RefreshTokenExpired
            | R::RefreshTokenReused
            | R::RefreshTokenRevoked => Code::InvalidGrant,
            R::AuthReqIdExpired => Code::ExpiredToken,
            R::TransactionFailed => Code::TransactionFailed,
            R::EndUserUndecided => Code::AuthorizationPending,
            R::PolledTooSoon => Code::SlowDown,
            R::EndUserDenied
            | R::EndUserGone
            | R::DeviceUserNotUsable
            | R::RequestApplicationDisabled
            | R::RequestDetailsGone
            | R::EndUserBlocksApplication
            | R::NumberWrong
            | R::AcrNotReached => Code::AccessDenied,
            R::RefreshScopeWidened
            | R::ScopeEmpty
            | R::AccessTokenTooLarge
            | R::ScopeMalformed
            | R::ScopeWithoutOpenid
            | R::ScopeNotGranted
            | R::ScopeOfSeveralResources => Code::InvalidScope,
            R::EndUserUnknown | R::EndUserAmbiguous | R::EndUserNotUsable => Code::UnknownUserId,
            R::LoginHintTokenExpired => Code::ExpiredLoginHintToken,
            R::BindingMessageTooLong | R::BindingMessageUnshowable => Code::InvalidBindingMessage,
            R::DeviceCredentialMissing
            | R::DeviceCredentialUnknown
            | R::AccessTokenMissing
            | R::AccessTokenInvalid
            | R::AccessTokenNotBearer
            | R::AccessTokenOtherHolder => Code::InvalidToken,
            R::AccessTokenScopeInsufficient => Code::InsufficientScope,
            R::RegistrationTokenMissing | R::RegistrationTokenWrong => Code::InvalidToken,
            R::RegistrationOff | R::RegistrationSuspended => Code::AccessDenied,
            R::RegistrationsTooMany | R::RegistrationChanged => Code::TemporarilyUnavailable,
            R::RedirectUriWrong => Code::InvalidRedirectUri,
            R::MetadataMalformed
            | R::MetadataGrantTypeNotOffered
            | R::MetadataAuthMethodNotOffered
            | R::MetadataKeysWrong
            | R::MetadataCertificateWrong
            | R::MetadataNotOfProfile
            | R::MetadataAlgorithmNotOffered
            | R::MetadataDeliveryModeNotOffered
            | R::MetadataNotificationEndpointWrong
            | R::MetadataSubjectTypeNotOffered
            | R::MetadataSectorWrong
            | R::MetadataSectorDocumentWrong
            | R::MetadataScopeNotOffered
            | R::MetadataDetailsTypeNotOffered
            | R::MetadataClientWrong => Code::InvalidClientMetadata,
            R::DpopProofMissing
            | R::DpopProofRepeated
            | R::DpopProofMalformed
            | R::DpopProofSignatureWrong
            | R::DpopProofOtherCall
            | R::DpopProofOtherToken
            | R::DpopProofNotFresh
            | R::DpopProofReplayed
            | R::DpopKeyOther => Code::InvalidDpopProof,
            R::DpopNonceMissing | R::DpopNonceOld => Code::UseDpopNonce,
            R::TokenTypeUnsupported => Code::UnsupportedTokenType,
            R::UserCodeMissing => Code::MissingUserCode,
            R::UserCodeWrong | R::UserCodeLocked => Code::InvalidUserCode,
            R::AuthorizationDetailsMalformed
            | R::AuthorizationDetailsTypeUnknown
            | R::AuthorizationDetailsInvalid
            | R::AuthorizationDetailsWidened => Code::InvalidAuthorizationDetails,
            R::ResourceMalformed | R::ResourceUnknown => Code::InvalidTarget,
        }
    }

    /// The sentence before the detail.
    pub const fn preamble(self) -> Preamble {
        match self.code() {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::InsufficientScope => {
                Preamble::None
            }
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidBindingMessage
            | ErrorCode::InvalidTarget
            | ErrorCode::InvalidAuthorizationDetails
            | ErrorCode::InvalidClientMetadata
            | ErrorCode::InvalidRedirectUri
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce
            | ErrorCode::UnsupportedTokenType
            | ErrorCode::UnsupportedGrantType => Preamble::Validation,
            ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::AuthorizationPending
            | ErrorCode::SlowDown
            | ErrorCode::ExpiredToken
            | ErrorCode::AccessDenied
            | ErrorCode::ExpiredLoginHintToken
            | ErrorCode::UnknownUserId
            | ErrorCode::MissingUserCode
            | ErrorCode::InvalidUserCode
            | ErrorCode::TransactionFailed
            | ErrorCode::TemporarilyUnavailable
            | ErrorCode::ServerError => Preamble::Processing,
        }
    }
}
