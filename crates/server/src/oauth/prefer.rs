//! The `Prefer` header (RFC 7240): how long a client wants its poll to be held.

use assent_protocol::time::Seconds;
use http::HeaderMap;

const PREFER: &str = "prefer";

/// The seconds of the first `wait`; a preference that cannot be read is as good as none.
pub fn wait(headers: &HeaderMap) -> Option<Seconds> {
    headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(preference)
}

/// A preference may have parameters behind a semicolon, and its value may be quoted.
fn preference(text: &str) -> Option<Seconds> {
    let (name, value) = text.split(';').next()?.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("wait") {
        return None;
    }
    let digits = value.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than a number holds is still a number.
    is_number.then(|| Seconds::new(digits.parse().unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_wait_that_can_be_read_counts() {
        let table: [(&[&str], Option<u32>); 9] = [
            (&[], None),
            (&["wait=10"], Some(10)),
            (&["respond-async, wait=20"], Some(20)),
            (&["respond-async", "Wait = \"5\"; x=1, handling=strict"], Some(5)),
            (&["wait=99999999999999999999"], Some(u32::MAX)),
            (&["wait=0"], Some(0)),
            (&["wait=-1"], None),
            (&["wait", "wait=", "wait=1.5"], None),
            (&["waiting=3"], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(PREFER, HeaderValue::from_static(value));
            }
            assert_eq!(wait(&headers), expected.map(Seconds::new), "{values:?}");
        }
    }
}
