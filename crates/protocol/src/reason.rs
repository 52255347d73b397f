//! Every way the protocol says no: one closed enum, one table from reason to code and words.
//!
//! The client sees code and description; log and metric see the reason's name. Several reasons
//! share a code and a text so that an attacker cannot tell them apart while the operator can.
//! `docs/reasons.md` is this table, written by a test.

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
    ServerBusy,
    EnvironmentThrottled,
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
    ClientMethodNotOfProfile,
    CertificateUntrusted,
    CertificateUnknown,
    AssertionTypeWrong,
    AssertionMalformed,
    AssertionKeysUnavailable,
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
    PushClientPolled,
    TransactionFailed,
    AuthReqIdWithdrawn,
    PolledTooOften,
    RefreshTokenMissing,
    RefreshTokenUnknown,
    RefreshTokenOtherClient,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    RefreshScopeWidened,
    AttributeWithoutValue,
    AccessTokenTooLarge,
    ScopeEmpty,
    AuthorizationDetailsWidened,
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
    BindingMessageMissing,
    RequestedExpiryInvalid,
    AcrValuesMalformed,
    RequestObjectUnsupported,
    RequestUriUnsupported,
    UserCodeUnsupported,
    UserCodeMissing,
    UserCodeWrong,
    UserCodeLocked,
    UserCodesThrottled,
    RequestObjectMissing,
    RequestObjectMixed,
    RequestObjectMalformed,
    RequestObjectSignatureWrong,
    RequestObjectAlgorithmNotRegistered,
    RequestObjectClaimsWrong,
    RequestObjectExpired,
    RequestObjectNotYetValid,
    RequestObjectTooLongLived,
    RequestObjectReplayed,
    NotificationTokenMissing,
    NotificationTokenMalformed,
    DeliveryModeNotOffered,
    ClaimsMalformed,
    ClaimsOtherUser,
    AuthorizationDetailsMalformed,
    AuthorizationDetailsTypeUnknown,
    AuthorizationDetailsInvalid,
    ResourceMalformed,
    ResourceUnknown,
    EndUserBlocksApplication,
    RequestsTooMany,
    PromptsTooMany,
    PromptsWaiting,
    PromptsUnwanted,
    // --- tokens that are presented
    TokenMissing,
    TokenTypeUnsupported,
    TokenOtherClient,
    AccessTokenMissing,
    AccessTokenRepeated,
    AccessTokenInvalid,
    AccessTokenNotBearer,
    AccessTokenOtherHolder,
    AccessTokenScopeInsufficient,
    AccessTokenNotInHeader,
    // --- registration of clients
    RegistrationOff,
    RegistrationTokenMissing,
    RegistrationTokenWrong,
    RegistrationsTooMany,
    RegistrationChanged,
    RegistrationSuspended,
    MetadataMalformed,
    MetadataGrantTypeNotOffered,
    MetadataAuthMethodNotOffered,
    MetadataKeysWrong,
    MetadataCertificateWrong,
    MetadataNotOfProfile,
    MetadataAlgorithmNotOffered,
    MetadataDeliveryModeNotOffered,
    MetadataNotificationEndpointWrong,
    MetadataSubjectTypeNotOffered,
    MetadataSectorWrong,
    MetadataSectorDocumentWrong,
    MetadataScopeNotOffered,
    MetadataDetailsTypeNotOffered,
    MetadataClientWrong,
    RedirectUriWrong,
    // --- keys that tokens are bound to
    DpopProofMissing,
    DpopProofRepeated,
    DpopProofMalformed,
    DpopProofSignatureWrong,
    DpopProofOtherCall,
    DpopProofOtherToken,
    DpopProofNotFresh,
    DpopProofReplayed,
    DpopNonceMissing,
    DpopNonceOld,
    DpopKeyMalformed,
    DpopKeyOther,
    DpopKeyNotBound,
    CertificateMissing,
    HolderNotShown,
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
    RequestDetailsGone,
    DeviceBodyMalformed,
    ActionUnknown,
    NumberMissing,
    NumberWrong,
    DetailsSelectionInvalid,
    AcrNotReached,
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

impl Reason {
    /// The reason's name, for logs and metrics.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

mod all;
mod code;
mod detail;

#[cfg(test)]
mod tests;
