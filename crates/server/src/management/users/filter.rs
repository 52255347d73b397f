//! `?filter=username eq "alice"`: the one comparison of SCIM's language (RFC 7644 §3.4.2.2) that
//! names answer without reading everybody. Parsed into a value; it never becomes part of a query
//! text (T-83).

use assent_protocol::record::{Key, Versioned};
use assent_protocol::user::{Login, LoginKind, User, normalize_login};

use crate::management::ask::Ask;
use crate::management::body::Window;
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::registry::Tenant;
use assent_protocol::id::named;

/// Somebody's name, normalised, and what kind of name.
#[derive(Debug, PartialEq, Eq)]
pub struct Filter {
    kind: LoginKind,
    value: String,
}

/// Reads a filter.
///
/// # Errors
/// It is not `username eq "…"` or `email eq "…"`.
pub fn parse(text: &str) -> Result<Filter, Problem> {
    let refused = || Problem::from(Detail::filter(&["username", "email"], &["eq"]));
    let (attribute, rest) = text.trim().split_once(' ').ok_or_else(refused)?;
    let (operator, literal) = rest.trim_start().split_once(' ').ok_or_else(refused)?;
    // RFC 7643 §2.1 and RFC 7644 §3.4.2.2: both compare without case.
    let kind = match attribute.to_ascii_lowercase().as_str() {
        "username" => LoginKind::Username,
        "email" => LoginKind::Email,
        _ => return Err(refused()),
    };
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(refused());
    }
    let value: String = serde_json::from_str(literal).map_err(|_| refused())?;
    Ok(Filter { kind, value: normalize_login(&value, kind) })
}

/// The people of that name, and whether there are more.
///
/// # Errors
/// The store cannot be read.
pub async fn find(
    ask: &Ask<Tenant>,
    filter: &Filter,
    window: &Window<named::User>,
) -> Result<(Vec<Versioned<User>>, bool), Problem> {
    let prefix = Key::login_kind_prefix(&filter.value, filter.kind);
    let after = window.after.map(|id| [prefix.as_slice(), id.as_bytes()].concat());
    let (logins, more) = ask.read::<Login>(prefix, after, window.limit).await?;
    let mut found = Vec::with_capacity(logins.len());
    for login in logins {
        let key = Key::user(ask.env(), login.record.user);
        // Removed between the two readings: not found.
        found.extend(ask.app.store.find::<User>(&key).await?);
    }
    Ok((found, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comparison_is_understood() {
        let username = |value: &str| Filter { kind: LoginKind::Username, value: value.to_owned() };
        for (text, expected) in [
            ("username eq \"Alice\"", username("alice")),
            ("  userName  EQ  \"a\\\"b c\"  ", username("a\"b c")),
            ("username eq \"x\\u0000\"", username("x\0")),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
        let email = Filter { kind: LoginKind::Email, value: String::from("a@b") };
        assert_eq!(parse("email eq \"A@b\"").unwrap(), email);
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "username",
            "username eq",
            "username eq alice",
            "username eq 'alice'",
            "username sw \"a\"",
            "id eq \"a\"",
            "username eq \"a\" or username eq \"b\"",
            "(username eq \"a\")",
            "username eq \"a",
            "username eq 1",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
