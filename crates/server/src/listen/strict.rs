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

/// Finds line ends without a carriage return in heads. The parser takes them for line ends, others
/// do not; here they become NUL, which no parser takes for anything. Only where it is sure that a
/// head begins: behind a body, or what was sent ahead, everything is left as it is.
#[derive(Clone, Copy, Debug)]
pub struct LineEnds {
    /// The last octet of what came before.
    last: u8,
    /// Octets of the line so far, its end not among them.
    line: usize,
    /// Whether a line of the head has come.
    begun: bool,
    /// Whether the head has ended.
    ended: bool,
    /// Whether something came behind it: a body, or the next head.
    beyond: bool,
}

impl LineEnds {
    /// Before the first octet of a head.
    pub const fn new() -> Self {
        Self { last: 0, line: 0, begun: false, ended: false, beyond: false }
    }

    /// Where it is not known what comes.
    pub const fn blind() -> Self {
        Self { ended: true, beyond: true, ..Self::new() }
    }

    /// Before the next head.
    pub const fn next(self) -> Self {
        if self.ended && !self.beyond { Self::new() } else { Self::blind() }
    }

    /// Octets came that are not of the head.
    pub const fn pass(&mut self) {
        self.beyond = true;
    }

    /// Looks at the next octets of a head, as far as it goes.
    pub fn check(&mut self, octets: &mut [u8]) {
        for octet in octets {
            if self.ended {
                self.beyond = true;
                return;
            }
            match *octet {
                b'\n' if self.last != b'\r' => *octet = 0,
                b'\n' => {
                    // Empty lines before the first are skipped (RFC 9112 §2.2).
                    self.ended = self.begun && self.line == 1;
                    self.begun |= self.line > 1;
                    self.line = 0;
                }
                _ => self.line += 1,
            }
            self.last = *octet;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(pieces: &[&str]) -> String {
        let mut ends = LineEnds::new();
        let mut text = String::new();
        for piece in pieces {
            let mut octets = piece.as_bytes().to_vec();
            ends.check(&mut octets);
            text.push_str(&String::from_utf8(octets).unwrap());
        }
        text.replace('\0', "!")
    }

    #[test]
    fn a_head_is_looked_at_only_where_it_is_sure_that_it_begins() {
        let mut ends = LineEnds::new();
        ends.check(&mut b"a\r\n\r\n".to_vec());
        let mut next = b"b\n".to_vec();
        ends.next().check(&mut next);
        assert_eq!(next, b"b\0");
        for behind in ["body", "GET / HTTP/1.1\r", "\n"] {
            let mut ends = LineEnds::new();
            ends.check(&mut format!("a\r\n\r\n{behind}").into_bytes());
            let mut next = b"\nb\n".to_vec();
            ends.next().check(&mut next);
            assert_eq!(next, b"\nb\n", "{behind:?}");
        }
        let mut passed = LineEnds::new();
        passed.check(&mut b"a\r\n\r\n".to_vec());
        passed.pass();
        let mut next = b"\n".to_vec();
        passed.next().check(&mut next);
        assert_eq!(next, b"\n");
    }

    #[test]
    fn only_both_octets_end_a_line_of_a_head_and_bodies_are_left_alone() {
        for (given, expected) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
            ("GET / HTTP/1.1\nhost: x\n\n", "GET / HTTP/1.1!host: x!!"),
            ("a\r\nb\nc\r\n\r\n", "a\r\nb!c\r\n\r\n"),
            ("a\r\n\r\nbody\nof\nlines", "a\r\n\r\nbody\nof\nlines"),
            ("\r\n\r\na\r\nb\n\r\n\r\n", "\r\n\r\na\r\nb!\r\n\r\n"),
            ("\na\r\n\r\n\n", "!a\r\n\r\n\n"),
        ] {
            assert_eq!(checked(&[given]), expected, "{given:?}");
            let single: Vec<String> = given.chars().map(String::from).collect();
            let single: Vec<&str> = single.iter().map(String::as_str).collect();
            assert_eq!(checked(&single), expected, "{given:?}, octet by octet");
        }
    }
}
