//! `resource`: which resources an access token is to be for (RFC 8707 §2).

use crate::params::Params;
use crate::reason::Reason;

/// Most resources that one request names.
pub const TARGETS_MAX: usize = 8;
/// Longest of them in octets.
const TARGET_BYTES_MAX: usize = 512;

/// The resources that a form names, each once.
///
/// # Errors
/// One is not an absolute URI without a fragment, or there are too many.
pub fn read(params: &Params) -> Result<Vec<Box<str>>, Reason> {
    collect(params.find_all("resource"))
}

/// As [`read`], for values that came in another way.
///
/// # Errors
/// As [`read`].
pub fn collect<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Vec<Box<str>>, Reason> {
    let mut targets: Vec<Box<str>> = Vec::new();
    for value in values {
        if !is_absolute_uri(value) {
            return Err(Reason::ResourceMalformed);
        }
        if !targets.iter().any(|known| known.as_ref() == value) {
            targets.push(value.into());
        }
        if targets.len() > TARGETS_MAX {
            return Err(Reason::ResourceMalformed);
        }
    }
    Ok(targets)
}

/// RFC 3986 §4.3: a scheme and what it means; no fragment. It is compared as text, never fetched.
fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let in_uri = |byte: u8| byte.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&byte);
    text.len() <= TARGET_BYTES_MAX
        && begins
        && scheme.bytes().all(in_scheme)
        && !rest.is_empty()
        && rest.bytes().all(in_uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_absolute_uri_without_a_fragment() {
        for (text, fits) in [
            ("https://api.example.com", true),
            ("https://api.example.com/v1?x=1", true),
            ("urn:example:payments", true),
            ("payments", false),
            ("/v1", false),
            ("https:", false),
            ("https://api.example.com#x", false),
            ("https://api example.com", false),
            ("https://äpi.example.com", false),
            ("1a:b", false),
        ] {
            assert_eq!(is_absolute_uri(text), fits, "{text}");
        }
        assert!(!is_absolute_uri(&format!("urn:{}", "x".repeat(TARGET_BYTES_MAX))));
    }

    #[test]
    fn targets_are_named_once_and_bounded() {
        let read = |body: &str| read(&Params::parse(body.as_bytes()).unwrap());
        assert_eq!(read("resource=urn:a&resource=urn:b&resource=urn:a").unwrap().len(), 2);
        assert_eq!(read("scope=x"), Ok(Vec::new()));
        let many: Vec<String> = (0..=TARGETS_MAX).map(|n| format!("resource=urn:{n}")).collect();
        assert_eq!(read(&many.join("&")), Err(Reason::ResourceMalformed));
    }
}
