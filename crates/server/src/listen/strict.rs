//! What the HTTP parser lets pass and we do not, so that whoever stands before us never sees
//! another end of a request than we do (T-72).

use axum::response::Response;
use http::header::{CONNECTION, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};

use crate::call::platform_error;

/// Looks at a head of HTTP/1.1; the answer to one that is not strict ends the connection.
///
/// # Errors
/// The answer.
pub fn check<B>(request: &Request<B>) -> Result<(), Box<Response>> {
    let headers = request.headers();
    // RFC 9112 §3.2: a request names its host once.
    if request.version() == Version::HTTP_11 && headers.get_all(HOST).iter().count() != 1 {
        return Err(refuse(StatusCode::BAD_REQUEST, "A request has one Host header"));
    }
    // RFC 9112 §6.1: another coding beside `chunked` would have to be undone.
    if !is_plainly_chunked(headers) {
        let message = "No Transfer-Encoding but chunked is supported";
        return Err(refuse(StatusCode::NOT_IMPLEMENTED, message));
    }
    // RFC 9110 §10.1.1
    if headers.get(EXPECT).is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        let message = "No Expect but 100-continue is supported";
        return Err(refuse(StatusCode::EXPECTATION_FAILED, message));
    }
    Ok(())
}

fn is_plainly_chunked(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(one), None) => one.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

fn refuse(status: StatusCode, message: &str) -> Box<Response> {
    let mut response = platform_error(status, "INVALID_REQUEST", message);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Box::new(response)
}
