//! What may be said about a person. One function reads every write (T-84).

use assent_protocol::user::{LoginKind, Name, User, normalize_login};

use crate::management::detail::Detail;
use crate::management::fields::{Fields, NAME_CHARS_MAX};
use crate::management::problem::Problem;

const USERNAME_CHARS_MAX: usize = 128;
const EMAIL_CHARS_MAX: usize = 256;
const PHONE_CHARS_MAX: usize = 32;
/// Fewer digits than any phone number has.
const PHONE_DIGITS_MIN: usize = 3;

/// The person that the members make of `base`. `enabled` and the account have resources of their
/// own and are not read here.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(mut fields: Fields, base: User) -> Result<User, Problem> {
    let username = fields.required_text("username", USERNAME_CHARS_MAX);
    let email = fields.required_text("email", EMAIL_CHARS_MAX);
    if !email.is_empty() && !is_email(&email) {
        fields.refuse(Detail::invalid("email", "email must be like alice@example.com"));
    }
    let mobile_phone = fields.text("mobilePhone", PHONE_CHARS_MAX);
    if mobile_phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
        let message = "mobilePhone must be of digits, spaces and + - ( ) . /";
        fields.refuse(Detail::invalid("mobilePhone", message));
    }
    let name = match fields.object("name") {
        None => Name::default(),
        Some(mut inner) => {
            let name = Name {
                formatted: inner.text("formatted", NAME_CHARS_MAX),
                given: inner.text("given", NAME_CHARS_MAX),
                middle: inner.text("middle", NAME_CHARS_MAX),
                family: inner.text("family", NAME_CHARS_MAX),
            };
            fields.absorb(inner);
            name
        }
    };
    fields.finish()?;
    Ok(User { username, email, mobile_phone, name, ..base })
}

/// Plausible, no more: only a message can tell whether somebody reads there.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty() && !domain.is_empty() && !text.contains(char::is_whitespace)
}

fn is_phone(text: &str) -> bool {
    let digits = normalize_login(text, LoginKind::Phone);
    digits.chars().filter(char::is_ascii_digit).count() >= PHONE_DIGITS_MIN
        && text.chars().all(|c| c.is_ascii_digit() || "+-() ./".contains(c))
}
