//! Why a management request was not carried out, as PingOne's platform error body
//! (`pingone.md` §5.2). A type of its own because these errors name an attribute each, which
//! [`assent_protocol::reason::Reason`] does not.

use assent_protocol::reason::Reason;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::call::Call;
use crate::dpop;
use crate::failure::{self, Broken};
use crate::management::detail::{Detail, DetailCode};

/// RFC 6750 §3.1.
const INVALID_TOKEN: &str = "Bearer realm=\"assent\", error=\"invalid_token\"";
const FAILED: &str =
    "The request could not be completed. There was an issue processing the request.";
const INVALID: &str =
    "The request could not be completed. One or more validation errors were in the request.";
const MALFORMED: &str = "The request could not be completed. The request was malformed or invalid.";
const NO_ACCESS: &str =
    "The request could not be completed. You do not have access to this resource.";
const NOT_FOUND: &str = "The request could not be completed. The requested resource was not found.";

/// What stands between a request and its success.
#[derive(Debug)]
pub enum Problem {
    /// No bearer token.
    TokenMissing,
    /// A bearer token that is nobody's.
    TokenUnknown,
    /// The token is bound to a key, and whoever sent it did not show that they hold it.
    NotHolder {
        /// What is wrong.
        reason: Reason,
        /// The nonce for the next proof, where one is needed.
        nonce: Option<HeaderValue>,
    },
    /// No role permits it.
    Forbidden,
    /// There is no such path or object.
    NotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// The body is of another media type, or compressed.
    MediaType,
    /// The body is too large.
    BodyTooLarge,
    /// The body did not arrive whole in time.
    BodyIncomplete,
    /// The body is not one JSON object with members that occur once.
    NotJson(assent_jose::Error),
    /// Attributes or parameters that cannot be.
    Invalid(Vec<Detail>),
    /// All attributes can be, but what is asked for is not done.
    Refused(Detail),
    /// It is not in a state in which this could be done.
    Conflict(Detail),
    /// Somebody else changed the object between our reading and our writing.
    Changed,
    /// Something of ours broke.
    Broken(Broken),
}

impl<T: Into<Broken>> From<T> for Problem {
    fn from(broken: T) -> Self {
        Self::Broken(broken.into())
    }
}

/// What reading a body can refuse.
impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::BodyTooLarge => Self::BodyTooLarge,
            Reason::BodyCompressed => Self::MediaType,
            _ => Self::BodyIncomplete,
        }
    }
}

impl From<Detail> for Problem {
    fn from(detail: Detail) -> Self {
        Self::Invalid(vec![detail])
    }
}

/// The platform error body.
#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    code: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "<[Detail]>::is_empty")]
    details: &'a [Detail],
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::TokenMissing | Self::TokenUnknown | Self::NotHolder { .. } => {
                StatusCode::UNAUTHORIZED
            }
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyIncomplete => StatusCode::REQUEST_TIMEOUT,
            Self::NotJson(_) | Self::Invalid(_) | Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Changed | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Broken(broken) if broken.passes() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn code_and_message(&self) -> (&'static str, &'static str) {
        match self {
            Self::TokenMissing | Self::TokenUnknown | Self::NotHolder { .. } | Self::Forbidden => {
                ("ACCESS_FAILED", NO_ACCESS)
            }
            Self::NotFound => ("NOT_FOUND", NOT_FOUND),
            Self::MethodNotAllowed
            | Self::MediaType
            | Self::BodyTooLarge
            | Self::BodyIncomplete
            | Self::NotJson(_) => ("INVALID_REQUEST", MALFORMED),
            Self::Invalid(_) => ("INVALID_DATA", INVALID),
            Self::Refused(_) | Self::Conflict(_) | Self::Changed => ("REQUEST_FAILED", FAILED),
            Self::Broken(_) => ("UNEXPECTED_ERROR", FAILED),
        }
    }

    /// What exactly is wrong and what to do about it.
    fn details(&self) -> Vec<Detail> {
        let because = |code, message: &str| vec![Detail::new(code, None, message)];
        match self {
            Self::TokenMissing => {
                because(DetailCode::InvalidToken, "Send an administrator's token as Bearer")
            }
            Self::TokenUnknown => {
                because(DetailCode::InvalidToken, "The token is not an administrator's")
            }
            Self::NotHolder { reason, .. } => because(DetailCode::InvalidToken, reason.detail()),
            Self::Forbidden => {
                because(DetailCode::InsufficientPermissions, "No role of yours permits this here")
            }
            Self::NotFound => Vec::new(),
            Self::MethodNotAllowed => because(
                DetailCode::InvalidParameter,
                "This path does not support the method; see the Allow header",
            ),
            Self::MediaType => because(
                DetailCode::InvalidParameter,
                "The body must be of the media type that this path takes, and not compressed",
            ),
            Self::BodyTooLarge => {
                because(DetailCode::SizeLimitExceeded, "The body is larger than 64 KiB")
            }
            Self::BodyIncomplete => {
                because(DetailCode::InvalidParameter, "The body did not arrive whole in time")
            }
            Self::NotJson(error) => {
                because(DetailCode::InvalidValue, &format!("The body is refused: {error}"))
            }
            Self::Invalid(details) => details.clone(),
            Self::Refused(detail) | Self::Conflict(detail) => vec![detail.clone()],
            Self::Changed => because(
                DetailCode::ConstraintViolation,
                "The resource was changed meanwhile; read it again and retry",
            ),
            Self::Broken(_) => because(DetailCode::UnexpectedError, "Please try again"),
        }
    }

    /// The answer, logged once, here.
    pub fn render(&self, call: &Call) -> Response {
        let id = call.correlation.as_str();
        match self {
            Self::Broken(error) => tracing::error!(correlation = id, %error, "could not answer"),
            refused => tracing::info!(correlation = id, problem = ?refused, "refused"),
        }
        let (code, message) = self.code_and_message();
        let body = Body { id, code, message, details: &self.details() };
        // Only texts: cannot fail; an empty body beside the right status is the worst there is.
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status(), text).into_response();
        failure::no_store(&mut response);
        self.add_headers(call, &mut response);
        response
    }

    fn add_headers(&self, call: &Call, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // RFC 6750 §3.1: no error code when no credential was sent.
        let challenge = match self {
            Self::TokenMissing => Some("Bearer realm=\"assent\""),
            Self::TokenUnknown => Some(INVALID_TOKEN),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Self::NotHolder { reason, nonce } = self {
            let by_proof = call.proof_used || *reason == Reason::AccessTokenNotBearer;
            let bearer = HeaderValue::from_static(INVALID_TOKEN);
            let proof = dpop::challenge(Some(reason.code().wire())).filter(|_| by_proof);
            headers.insert(WWW_AUTHENTICATE, proof.unwrap_or(bearer));
            headers.extend(nonce.clone().map(|nonce| (dpop::NONCE, nonce)));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
    }
}
