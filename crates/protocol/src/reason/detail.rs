//! What a reason says to the client.

use super::Reason;

/// The one answer to every failed client authentication: which check failed would help an
/// attacker (RFC 7523 §3.2); the text is PingOne's.
pub(super) const CLIENT_DENIED: &str = "Request denied: Unsupported authentication method";

impl Reason {
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
            | R::AssertionReplayed => CLIENT_DENIED,
            R::CredentialsMultiple => "Use one way of client authentication, not several",
            R::AuthorizationHeaderRepeated => "The Authorization header occurs more than once",
            R::ServerBusy => "The server has too much to do; retry later",
            R::EnvironmentThrottled => "Too many requests in this environment; retry later",
            R::ClientThrottled => "Too many invalid requests of this application; retry later",
            R::GrantTypeMissing => "grant_type is missing",
            R::GrantTypeUnsupported => "This grant_type is not supported",
            R::GrantTypeNotAllowed => "The application is not allowed to use this grant type",
            R::AuthReqIdMissing => "auth_req_id is missing",
            R::AuthReqIdUnknown
            | R::AuthReqIdOtherClient
            | R::AuthReqIdRedeemed
            | R::AuthReqIdWithdrawn => {
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
            R::PushClientPolled => {
                "The outcome is pushed to this application; it does not poll for it"
            }
            R::TransactionFailed => "The request was approved, but tokens cannot be issued for it",
            R::PolledTooOften => {
                "Too many polls came too early; this auth_req_id is not answered any more"
            }
            R::AttributeWithoutValue => {
                "A claim that the resource requires has no value for this user"
            }
            R::AccessTokenTooLarge => "The access token would be too large; ask for less",
            R::ScopeEmpty => "At least one scope must be granted",
            R::AuthorizationDetailsWidened => {
                "authorization_details asks for more than was granted"
            }
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
            R::BindingMessageTooLong => {
                "binding_message has more characters than this environment accepts"
            }
            R::BindingMessageUnshowable => {
                "binding_message may hold letters, digits, single spaces and - _ . # :"
            }
            R::BindingMessageMissing => "binding_message is missing; this environment requires it",
            R::RequestedExpiryInvalid => "requested_expiry must be a positive integer of seconds",
            R::AcrValuesMalformed => "acr_values is not a list of at most 16 short values",
            R::RequestObjectUnsupported => {
                "The application did not register to send signed requests"
            }
            R::RequestUriUnsupported => "request_uri is not supported",
            R::UserCodeUnsupported => "The application did not register to send user_code",
            R::UserCodeMissing => "user_code is missing",
            R::UserCodesThrottled => "Too many wrong values of user_code; retry later",
            R::UserCodeWrong | R::UserCodeLocked => "The user_code is not accepted",
            R::RequestObjectMissing => "Send the parameters inside a signed request",
            R::RequestObjectMixed => {
                "Parameters beside request are not accepted; put them inside it"
            }
            R::RequestObjectMalformed => "request is not a signed JWT of this kind",
            R::RequestObjectSignatureWrong => {
                "The signature of request does not verify with a key of the application"
            }
            R::RequestObjectAlgorithmNotRegistered => {
                "request is not signed with the algorithm that the application registered"
            }
            R::RequestObjectClaimsWrong => {
                "request must have iss, aud, exp, iat, nbf and jti, meant for this issuer"
            }
            R::RequestObjectExpired => "request has expired",
            R::RequestObjectNotYetValid => "request is not valid yet",
            R::RequestObjectTooLongLived => "request is valid for longer than 60 minutes",
            R::RequestObjectReplayed => "request was already used",
            R::NotificationTokenMissing => "client_notification_token is missing",
            R::NotificationTokenMalformed => {
                "client_notification_token must have 22 to 1024 characters of a bearer token"
            }
            R::DeliveryModeNotOffered => "The delivery mode of the application is not offered here",
            R::ClaimsMalformed => "claims is not a JSON object as OpenID Connect defines it",
            R::ClaimsOtherUser => "claims and the hint name different users",
            R::AuthorizationDetailsMalformed => {
                "authorization_details is not a JSON array of objects with a type"
            }
            R::AuthorizationDetailsTypeUnknown => {
                "authorization_details has a type that the application may not use"
            }
            R::AuthorizationDetailsInvalid => {
                "authorization_details does not fit the schema of its type"
            }
            R::ResourceMalformed => "resource must be an absolute URI without a fragment",
            R::ResourceUnknown => "resource is not one that the application may use",
            R::EndUserBlocksApplication => "The request was refused",
            R::RequestsTooMany => "Too many requests of this application; retry later",
            R::PromptsTooMany | R::PromptsWaiting | R::PromptsUnwanted => {
                "The user was asked too often; retry later"
            }
            R::TokenMissing => "token is missing",
            R::TokenTypeUnsupported => "Tokens of this type cannot be revoked",
            R::TokenOtherClient => "The token was not issued to this application",
            R::AccessTokenMissing => "Send the access token as a bearer token",
            R::AccessTokenRepeated => "Send the access token in one way, not in several",
            R::AccessTokenInvalid => "The access token is invalid, expired or revoked",
            R::AccessTokenNotBearer => {
                "The access token is bound to a key; send it as DPoP with a proof"
            }
            R::AccessTokenOtherHolder => "The access token is not bound to the key that was shown",
            R::AccessTokenScopeInsufficient => "The access token does not have the scope for this",
            R::RegistrationOff => "Clients cannot register themselves here",
            R::RegistrationTokenMissing => "Send the token as a bearer token",
            R::RegistrationTokenWrong => "The token is wrong, expired or used up",
            R::RegistrationsTooMany => "Too many registrations; retry later",
            R::RegistrationSuspended => "The client was disabled by an administrator",
            R::RegistrationChanged => "Another request came first; please try again",
            R::MetadataMalformed => "The body is not a JSON object of client metadata",
            R::MetadataGrantTypeNotOffered => {
                "grant_types or response_types name what is not offered here"
            }
            R::MetadataAuthMethodNotOffered => "token_endpoint_auth_method is not offered here",
            R::MetadataKeysWrong => {
                "Register either jwks or jwks_uri (https), with keys for what is signed"
            }
            R::MetadataNotOfProfile => {
                "Under the FAPI-CIBA profile clients use private_key_jwt or mutual TLS, sign their \
                 requests with PS256, ES256 or EdDSA, and are not pushed to"
            }
            R::AccessTokenNotInHeader => "Send the access token in the Authorization header",
            R::MetadataCertificateWrong => {
                "tls_client_auth needs exactly one of the tls_client_auth_ members that name a \
                 subject"
            }
            R::MetadataAlgorithmNotOffered => {
                "A signing algorithm is not offered here for this use"
            }
            R::MetadataDeliveryModeNotOffered => {
                "backchannel_token_delivery_mode is not offered here"
            }
            R::MetadataNotificationEndpointWrong => {
                "backchannel_client_notification_endpoint must be an https URL"
            }
            R::MetadataSubjectTypeNotOffered => "subject_type must be public or pairwise",
            R::MetadataSectorWrong => {
                "pairwise needs a jwks_uri whose keys authenticate the client; or, for push, the \
                 notification endpoint"
            }
            R::MetadataSectorDocumentWrong => {
                "sector_identifier_uri must be an https URL where a JSON array lists the jwks_uri; \
                 or, for push, the notification endpoint"
            }
            R::MetadataScopeNotOffered => "scope names what registered clients may not ask for",
            R::MetadataDetailsTypeNotOffered => {
                "authorization_details_types name what registered clients may not ask for"
            }
            R::MetadataClientWrong => "client_id and client_secret must be those of the client",
            R::RedirectUriWrong => "redirect_uris must be absolute URIs without fragment",
            R::DpopProofMissing => "Send a DPoP proof in the header DPoP",
            R::DpopProofRepeated => "Send one DPoP header, not several",
            R::DpopProofMalformed => {
                "The DPoP proof is not a JWT of the type dpop+jwt with a public jwk, jti and iat"
            }
            R::DpopProofSignatureWrong => {
                "The signature of the DPoP proof does not verify with the key inside"
            }
            R::DpopProofOtherCall => "htm and htu of the DPoP proof name another call",
            R::DpopProofOtherToken => "ath of the DPoP proof names another access token",
            R::DpopProofNotFresh => "The DPoP proof is older than a minute, or not valid yet",
            R::DpopProofReplayed => "The DPoP proof was already used",
            R::DpopNonceMissing | R::DpopNonceOld => {
                "Make the DPoP proof with the nonce in the header DPoP-Nonce"
            }
            R::DpopKeyMalformed => "dpop_jkt is not a SHA-256 thumbprint in base64url",
            R::DpopKeyOther => "dpop_jkt and the DPoP proof name different keys",
            R::DpopKeyNotBound => "The request is bound to another key than that of the DPoP proof",
            R::CertificateMissing => {
                "The application gets tokens for its client certificate; connect with it"
            }
            R::HolderNotShown => {
                "Access tokens are bound here; show a client certificate or a DPoP proof"
            }
            R::DeviceCredentialMissing => "Send the credential of the device as a bearer token",
            R::DeviceCredentialUnknown => "The credential of the device is not valid",
            R::DeviceUserNotUsable => "The account of this device is locked or disabled",
            R::PairingCodeUnknown => "The code is wrong, expired or was already used",
            R::PairingThrottled => "Too many wrong codes; retry later",
            R::RequestUnknown => "There is no such request for this user",
            R::RequestDecided => "The request was already decided",
            R::RequestExpired => "The request has expired",
            R::RequestApplicationDisabled => "The application is disabled",
            R::RequestDetailsGone => "The request asks for something that is not offered any more",
            R::DeviceBodyMalformed => "The body is not a JSON object of this kind",
            R::ActionUnknown => "action must be allow or deny",
            R::NumberMissing => "Send the number that the other device shows",
            R::NumberWrong => "The number is not the one that was shown; the request was denied",
            R::DetailsSelectionInvalid => "Only parts whose type allows it can be left out",
            R::AcrNotReached => "The request needs a device with stronger authentication",
        }
    }
}
