//! Form parameters: read once, bounded, repeats refused, an empty value counts as absent.

use percent_encoding::percent_decode;

use crate::reason::Reason;

/// Most parameters in one request.
pub const PARAMETERS_MAX: usize = 64;

/// The one parameter that may occur several times (RFC 8707 §2).
const REPEATABLE: &str = "resource";

/// The parameters of one request (RFC 6749 §3.1, §3.2 and appendix B).
///
/// Values are not in the `Debug` form: among them are secrets.
#[derive(Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads an `application/x-www-form-urlencoded` body.
    ///
    /// # Errors
    /// Not UTF-8 or not percent-encoded; more than [`PARAMETERS_MAX`]; a name that occurs twice,
    /// other than `resource`.
    pub fn parse(body: &[u8]) -> Result<Self, Reason> {
        let mut params: Vec<(String, String)> = Vec::with_capacity(8);
        let mut names = 0;
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            names += 1;
            if names > PARAMETERS_MAX {
                return Err(Reason::ParametersTooMany);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            // RFC 6749 §3.1: not more than once. A repeat is one even when a value is empty.
            if name != REPEATABLE && params.iter().any(|(known, _)| *known == name) {
                return Err(Reason::ParameterRepeated);
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The value of `name`; RFC 6749 §3.1: without a value it counts as omitted.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Parameters that did not come as a form: the claims of a signed request.
    pub const fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// Every value of `name` that is not empty, in the order of the request.
    pub fn find_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The value of `name` when it has at most `bytes_max` octets.
    ///
    /// # Errors
    /// The value is longer.
    pub fn find_bounded(&self, name: &str, bytes_max: usize) -> Result<Option<&str>, Reason> {
        match self.find(name) {
            Some(value) if value.len() > bytes_max => Err(Reason::ParameterTooLong),
            found => Ok(found),
        }
    }
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// One half of a pair: `+` is a space, `%` two hexadecimal digits, the result UTF-8.
/// Stricter than browsers, which pass a lone `%` through: here it is an error.
fn decode(encoded: &[u8]) -> Result<String, Reason> {
    form_decode(encoded).ok_or(Reason::ParametersMalformed)
}

/// Form-decodes octets; `None` when they are not properly encoded UTF-8 or hold a NUL.
pub(crate) fn form_decode(encoded: &[u8]) -> Option<String> {
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+' | 0)) {
        return std::str::from_utf8(encoded).ok().map(str::to_owned);
    }
    if !percent_signs_are_sound(encoded) {
        return None;
    }
    let spaced: Vec<u8> =
        encoded.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let text = match std::borrow::Cow::from(percent_decode(&spaced)) {
        std::borrow::Cow::Borrowed(_) => String::from_utf8(spaced).ok()?,
        std::borrow::Cow::Owned(decoded) => String::from_utf8(decoded).ok()?,
    };
    (!text.contains('\0')).then_some(text)
}

fn percent_signs_are_sound(encoded: &[u8]) -> bool {
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        let sound = *byte != b'%'
            || (rest.next().is_some_and(u8::is_ascii_hexdigit)
                && rest.next().is_some_and(u8::is_ascii_hexdigit));
        if !sound {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &str, name: &str) -> Result<Option<String>, Reason> {
        Params::parse(body.as_bytes()).map(|params| params.find(name).map(str::to_owned))
    }

    #[test]
    fn colons_may_be_escaped_or_not() {
        let ciba = "urn:openid:params:grant-type:ciba";
        for body in [
            "grant_type=urn:openid:params:grant-type:ciba&auth_req_id=x",
            "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=x",
            "grant_type=urn%3aopenid%3aparams%3agrant-type%3aciba",
        ] {
            assert_eq!(check(body, "grant_type"), Ok(Some(ciba.to_owned())), "{body}");
        }
    }

    #[test]
    fn an_empty_value_counts_as_absent() {
        for body in ["", "&", "a", "a=", "a=&b=1", "b=1&&a="] {
            assert_eq!(check(body, "a"), Ok(None), "{body}");
        }
    }

    #[test]
    fn a_repeated_name_is_refused_even_when_spelled_differently() {
        for body in ["a=1&a=2", "a=1&a=1", "a=&a=1", "a=1&a", "a=1&%61=2"] {
            assert_eq!(check(body, "a"), Err(Reason::ParameterRepeated), "{body}");
        }
    }

    #[test]
    fn resource_alone_may_occur_several_times() {
        let params = Params::parse(b"resource=a&resource=&resource=b&scope=x").unwrap();
        assert_eq!(params.find_all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn ill_encoded_bodies_are_refused() {
        for body in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "%c3=1", "a=%C3%28"] {
            assert_eq!(check(body, "a"), Err(Reason::ParametersMalformed), "{body}");
        }
        assert_eq!(Params::parse(b"a=\xff").map(|_| ()), Err(Reason::ParametersMalformed));
    }

    #[test]
    fn only_so_many_parameters_are_read() {
        let body: Vec<String> = (0..=PARAMETERS_MAX).map(|n| format!("p{n}=1")).collect();
        assert_eq!(check(&body.join("&"), "p0"), Err(Reason::ParametersTooMany));
    }

    #[test]
    fn values_do_not_appear_in_debug() {
        let params = Params::parse(b"client_secret=hunter2").unwrap();
        assert_eq!(format!("{params:?}"), "[\"client_secret\"]");
    }

    proptest! {
        #[test]
        fn parse_reads_back_what_was_encoded(name in "[a-z]{1,8}", value in "\\PC{1,40}") {
            let body: String = form_urlencoded::Serializer::new(String::new())
                .append_pair(&name, &value)
                .finish();
            prop_assert_eq!(check(&body, &name), Ok(Some(value)));
        }

        #[test]
        fn any_octets_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Params::parse(&body);
        }
    }
}
