//! From a reason or a fault to an HTTP answer: the one place that knows statuses.

use assent_protocol::error_code::ErrorCode;
use assent_protocol::reason::{Preamble, Reason};
use assent_protocol::sealing::Unsealable;
use assent_protocol::time::Seconds;
use assent_store::Fault;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::call::Call;
use crate::dpop;
use crate::machine::EntropyFault;

/// Why there is no success to report.
#[derive(Debug)]
pub enum Failure {
    /// The protocol says no.
    Refused(Reason),
    /// The protocol says no for now: it may be asked again after so long.
    Wait(Reason, Seconds),
    /// Something of ours broke; nothing may be concluded from it.
    Broken(Broken),
}

/// What broke.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The store.
    #[error(transparent)]
    Store(#[from] Fault),
    /// A key or a sealed value.
    #[error(transparent)]
    Sealing(#[from] Unsealable),
    /// Randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyFault),
    /// Signing.
    #[error("signing failed: {0}")]
    Signing(#[from] assent_jose::Error),
    /// No key of the algorithm can sign.
    #[error("the environment has no key that can sign now")]
    NoSigningKey,
    /// An answer of ours could not be written.
    #[error("an answer could not be written: {0}")]
    Answer(#[from] serde_json::Error),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl<T: Into<Broken>> From<T> for Failure {
    fn from(broken: T) -> Self {
        Self::Broken(broken.into())
    }
}

impl Broken {
    /// Whether trying again later can help; else it is an error of the server.
    pub const fn passes(&self) -> bool {
        match self {
            Self::Store(Fault::Unavailable(_) | Fault::Overloaded | Fault::Fenced)
            | Self::Entropy(_)
            | Self::Signing(_)
            | Self::NoSigningKey => true,
            Self::Store(Fault::Corrupt(_)) | Self::Sealing(_) | Self::Answer(_) => false,
        }
    }
}

/// Where a refusal is spoken; the status of some codes depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `cibaAuthorization`
    BackchannelAuthentication,
    /// `token`
    Token,
    /// The device API and the simulator.
    Device,
    /// `register`
    Registration,
    /// `introspect`
    Introspection,
    /// `introspect`, when a signed answer is asked for.
    SignedIntrospection,
    /// `revoke`
    Revocation,
    /// `userinfo`
    Userinfo,
}

/// A wrong method at an OAuth endpoint; the caller adds `Allow`.
pub fn method_not_allowed(correlation: &str) -> Response {
    let reason = Reason::MethodNotAllowed;
    tracing::info!(correlation, ?reason, "refused");
    let status = status(Endpoint::Token, reason);
    oauth_error(correlation, status, reason.code(), reason.preamble(), reason.detail())
}

/// When a client that was told to wait may come again, in seconds.
pub const RETRY_AFTER_THROTTLED: HeaderValue = HeaderValue::from_static("60");
/// When it may come again after a fault, in seconds.
pub const RETRY_AFTER_BROKEN: HeaderValue = HeaderValue::from_static("1");

/// The answer to a failure at an OAuth or device endpoint, logged once, here.
pub fn render(call: &Call, endpoint: Endpoint, failure: &Failure) -> Response {
    match failure {
        Failure::Refused(reason) => refuse(call, endpoint, *reason),
        Failure::Wait(reason, wait) => {
            let mut response = refuse(call, endpoint, *reason);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.get()));
            response
        }
        Failure::Broken(broken) => report(call, broken),
    }
}

fn refuse(call: &Call, endpoint: Endpoint, reason: Reason) -> Response {
    let code = reason.code();
    let correlation = call.correlation.as_str();
    match code {
        // Not failures but the ordinary life of a poll.
        ErrorCode::AuthorizationPending | ErrorCode::SlowDown => {
            tracing::debug!(correlation, ?endpoint, ?reason, "not decided yet");
        }
        _ => tracing::info!(correlation, ?endpoint, ?reason, "refused"),
    }
    let mut response = oauth_error(
        correlation,
        status(endpoint, reason),
        code,
        reason.preamble(),
        reason.detail(),
    );
    let status = response.status();
    let headers = response.headers_mut();
    let refused = status == StatusCode::UNAUTHORIZED;
    if code == ErrorCode::InvalidClient && call.authorization_used && refused {
        // RFC 6749 §5.2: name the scheme that the client used.
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"assent\""));
    }
    for challenge in challenges(call, endpoint, reason) {
        headers.append(WWW_AUTHENTICATE, challenge);
    }
    if code == ErrorCode::TemporarilyUnavailable {
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        let wait = if throttled { RETRY_AFTER_THROTTLED } else { RETRY_AFTER_BROKEN };
        headers.insert(RETRY_AFTER, wait);
    }
    response
}

/// What whoever should have shown a token is told beside the body: under the scheme that they used,
/// and where they used none, or the wrong one, under both (RFC 9449 §7.1, R-302).
fn challenges(call: &Call, endpoint: Endpoint, reason: Reason) -> Vec<HeaderValue> {
    let plain = challenge(endpoint, reason);
    let proofs = endpoint == Endpoint::Userinfo && plain.is_some();
    match (call.proof_used, reason) {
        (true, _) if proofs => {
            let error = (reason != Reason::AccessTokenMissing).then_some(reason.code().wire());
            dpop::challenge(error).into_iter().collect()
        }
        (false, Reason::AccessTokenMissing | Reason::AccessTokenNotBearer) if proofs => {
            plain.into_iter().chain(dpop::challenge(None)).collect()
        }
        _ => plain.into_iter().collect(),
    }
}

/// What whoever should have shown a bearer credential is told beside the body (RFC 6750 §3).
fn challenge(endpoint: Endpoint, reason: Reason) -> Option<HeaderValue> {
    const BARE: HeaderValue = HeaderValue::from_static("Bearer realm=\"assent\"");
    let text = match (reason, reason.code()) {
        // RFC 6750 §3.1: no error code when no credential was sent.
        (
            Reason::DeviceCredentialMissing
            | Reason::RegistrationTokenMissing
            | Reason::AccessTokenMissing,
            _,
        ) => return Some(BARE),
        (_, ErrorCode::InvalidToken) => "Bearer realm=\"assent\", error=\"invalid_token\"",
        (_, ErrorCode::InsufficientScope) => {
            "Bearer realm=\"assent\", error=\"insufficient_scope\", scope=\"openid\""
        }
        (_, ErrorCode::InvalidRequest) if endpoint == Endpoint::Userinfo => {
            "Bearer realm=\"assent\", error=\"invalid_request\""
        }
        // Only whoever sends a proof can hear of it: there is another challenge for them.
        (_, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce)
            if endpoint == Endpoint::Userinfo =>
        {
            return Some(BARE);
        }
        _ => return None,
    };
    Some(HeaderValue::from_static(text))
}

fn report(call: &Call, broken: &Broken) -> Response {
    let correlation = call.correlation.as_str();
    tracing::error!(correlation, error = %broken, "could not answer");
    let (status, code) = if broken.passes() {
        (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable)
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError)
    };
    let mut response =
        oauth_error(correlation, status, code, Preamble::Processing, "Please try again");
    if broken.passes() {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_BROKEN);
    }
    response
}

/// The status of a refusal: 400 unless a specification names another.
pub const fn status(endpoint: Endpoint, reason: Reason) -> StatusCode {
    match reason {
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::BodyIncomplete => StatusCode::REQUEST_TIMEOUT,
        Reason::BodyCompressed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Reason::RequestUnknown => StatusCode::NOT_FOUND,
        Reason::RequestDecided => StatusCode::CONFLICT,
        Reason::RequestExpired => StatusCode::GONE,
        // Nobody asked too often: who lost a race, or met a busy server, may come again soon.
        Reason::RegistrationChanged | Reason::ServerBusy => StatusCode::SERVICE_UNAVAILABLE,
        _ => by_code(endpoint, reason.code()),
    }
}

const fn by_code(endpoint: Endpoint, code: ErrorCode) -> StatusCode {
    match code {
        // who wants a signed answer has to say who they are.
        ErrorCode::InvalidClient if matches!(endpoint, Endpoint::SignedIntrospection) => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        // RFC 9449 §7.1, §9: a resource asks for authentication.
        ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce
            if matches!(endpoint, Endpoint::Userinfo) =>
        {
            StatusCode::UNAUTHORIZED
        }
        // CIBA §13 at the start, CIBA §11 at the token endpoint.
        ErrorCode::AccessDenied => match endpoint {
            Endpoint::BackchannelAuthentication | Endpoint::Device | Endpoint::Registration => {
                StatusCode::FORBIDDEN
            }
            Endpoint::Token
            | Endpoint::Introspection
            | Endpoint::SignedIntrospection
            | Endpoint::Revocation
            | Endpoint::Userinfo => StatusCode::BAD_REQUEST,
        },
        ErrorCode::TemporarilyUnavailable => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::AuthorizationPending
        | ErrorCode::SlowDown
        | ErrorCode::ExpiredToken
        | ErrorCode::ExpiredLoginHintToken
        | ErrorCode::UnknownUserId
        | ErrorCode::MissingUserCode
        | ErrorCode::InvalidUserCode
        | ErrorCode::InvalidTarget
        | ErrorCode::InvalidAuthorizationDetails
        | ErrorCode::UnsupportedTokenType
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::TransactionFailed
        | ErrorCode::InvalidDpopProof
        | ErrorCode::UseDpopNonce
        | ErrorCode::InvalidBindingMessage => StatusCode::BAD_REQUEST,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
    }
}

/// A reason in PingOne's words, for where it is told without being asked for.
pub fn describe(reason: Reason, call: &Call) -> String {
    let correlation = call.correlation.as_str();
    format!("{}{} (Correlation ID: {correlation})", reason.preamble().text(), reason.detail())
}

/// `{"error": …, "error_description": …}` in PingOne's form. All parts are of the characters that
/// RFC 6749 §5.2 allows, so nothing needs escaping.
fn oauth_error(
    correlation: &str,
    status: StatusCode,
    code: ErrorCode,
    preamble: Preamble,
    detail: &str,
) -> Response {
    let body = format!(
        "{{\"error\":\"{}\",\"error_description\":\"{}{detail} (Correlation ID: {})\"}}",
        code.wire(),
        preamble.text(),
        correlation
    );
    let mut response = (status, body).into_response();
    no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Neither answer nor refusal may be kept by a cache.
pub fn no_store(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Room for an answer with two tokens.
const ANSWER_BYTES: usize = 3072;

/// 200 with a JSON body that no cache keeps.
pub fn json(body: &impl serde::Serialize) -> Result<Response, Failure> {
    let mut octets = Vec::with_capacity(ANSWER_BYTES);
    serde_json::to_writer(&mut octets, body).map_err(Broken::from)?;
    let mut response = octets.into_response();
    no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
