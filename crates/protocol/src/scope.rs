//! Scopes: the tokens of RFC 6749 §3.3 and sets of them.

use crate::reason::Reason;

/// Most scopes in one request.
pub const SCOPES_MAX: usize = 64;
/// Longest `scope` parameter in octets.
pub const SCOPE_BYTES_MAX: usize = 2048;

/// The scope that makes a request an OpenID Connect one; every CIBA request needs it.
pub const OPENID: &str = "openid";
/// Asks for a refresh token (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// Distinct scope tokens in the order they were asked for, joined by single spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(String);

impl ScopeSet {
    /// Reads a `scope` parameter (RFC 6749 §3.3). Order is kept, doubles are dropped.
    ///
    /// # Errors
    /// A character that no scope has, too many scopes, or none.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        if text.len() > SCOPE_BYTES_MAX {
            return Err(Reason::ScopeMalformed);
        }
        let mut scopes = Self::default();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !is_scope_token(token) || scopes.iter().count() >= SCOPES_MAX {
                return Err(Reason::ScopeMalformed);
            }
            scopes.add(token);
        }
        if scopes.0.is_empty() { Err(Reason::ScopeMalformed) } else { Ok(scopes) }
    }

    /// Adds one token unless it is there already.
    pub fn add(&mut self, token: &str) {
        if self.contains(token) {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(token);
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `token` is in the set.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|known| known == token)
    }

    /// The tokens, in the order asked for.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether every token of this set is in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The set as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )` (RFC 6749 §3.3).
pub fn is_scope_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_is_kept_and_doubles_are_dropped() {
        let scopes = ScopeSet::parse("openid pay openid  email").unwrap();
        assert_eq!(scopes.as_str(), "openid pay email");
    }

    #[test]
    fn characters_outside_the_syntax_are_refused() {
        for text in ["", " ", "open\"id", "open\\id", "öpenid", "a\tb", "a\nb"] {
            assert_eq!(ScopeSet::parse(text), Err(Reason::ScopeMalformed), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let many: Vec<String> = (0..=SCOPES_MAX).map(|n| format!("s{n}")).collect();
        assert_eq!(ScopeSet::parse(&many.join(" ")), Err(Reason::ScopeMalformed));
        assert_eq!(ScopeSet::parse(&"x".repeat(SCOPE_BYTES_MAX + 1)), Err(Reason::ScopeMalformed));
    }

    proptest! {
        #[test]
        fn parse_of_render_is_the_same(tokens in proptest::collection::vec("[!#-\\[\\]-~]{1,12}", 1..10)) {
            let once = ScopeSet::parse(&tokens.join(" ")).unwrap();
            prop_assert_eq!(ScopeSet::parse(once.as_str()).unwrap(), once);
        }
    }
}
