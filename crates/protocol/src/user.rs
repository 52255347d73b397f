//! A person who can be asked, and the names by which a hint can find them.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::id::{ApplicationId, EnvironmentId, UserId};
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Stored};
use crate::time::Timestamp;

pub use code::{USER_CODE_FAILURES_MAX, USER_CODE_WINDOW, UserCode, check_user_code};

mod code;

/// Longest login hint in octets.
pub const LOGIN_HINT_BYTES_MAX: usize = 256;
/// Most applications that one person blocks; the one that was blocked first makes room.
pub const BLOCKED_MAX: usize = 100;

/// Parts of a name (`pingone.md` §18).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Name {
    /// As it is written in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Environment.
    pub env: EnvironmentId,
    /// The `sub`.
    pub id: UserId,
    /// Unique in the environment.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Phone number.
    pub mobile_phone: Option<String>,
    /// Name.
    pub name: Name,
    /// An administrator can disable a person.
    pub enabled: bool,
    /// When the account was locked, if it is.
    pub locked_at: Option<Timestamp>,
    /// The secret that the person tells a client whose requests they expect (CIBA §7.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_code: Option<UserCode>,
    /// Applications that may not ask this person: "this was not me".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<ApplicationId>,
    /// What was given out before counts no more (T-92).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<Timestamp>,
    /// When the person was made.
    pub created_at: Timestamp,
    /// When the person was last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// In place of somebody who does not exist (T-05); never stored.
    pub fn nobody(env: EnvironmentId, id: UserId, now: Timestamp) -> Self {
        Self {
            env,
            id,
            username: String::new(),
            email: String::new(),
            mobile_phone: None,
            name: Name::default(),
            enabled: true,
            locked_at: None,
            cut_off: None,
            user_code: None,
            blocked: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether the person may be asked, may answer, and tokens may be given for them (T-27).
    pub fn can_authenticate(&self) -> bool {
        self.enabled && self.locked_at.is_none()
    }

    /// The person after they said of a request by `application` that it was not theirs.
    pub fn blocking(&self, application: ApplicationId, now: Timestamp) -> Self {
        let mut next = Self { updated_at: now, ..self.clone() };
        next.blocked.retain(|known| *known != application);
        let excess = (next.blocked.len() + 1).saturating_sub(BLOCKED_MAX);
        next.blocked.drain(..excess);
        next.blocked.push(application);
        next
    }

    /// The name to greet the person with.
    pub fn display_name(&self) -> &str {
        let name = &self.name;
        name.formatted.as_deref().or(name.given.as_deref()).unwrap_or(&self.username)
    }

    /// The records by which a hint finds this person.
    pub fn logins(&self) -> Vec<Login> {
        let mut logins = vec![Login::new(self, LoginKind::Username, &self.username)];
        logins.push(Login::new(self, LoginKind::Email, &self.email));
        if let Some(phone) = &self.mobile_phone {
            logins.push(Login::new(self, LoginKind::Phone, phone));
        }
        logins
    }
}

impl Stored for User {
    const KIND: Kind = Kind::User;
    fn key(&self) -> Key {
        Key::user(self.env, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::User(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::User(it)
    }
}

/// What kind of name a login is. User names are unique; the others may be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginKind {
    /// The user name.
    Username,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

/// One name by which a hint can find a person. Inserted and removed with the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Environment.
    pub env: EnvironmentId,
    /// The name, normalised by [`normalize_login`].
    pub value: String,
    /// Kind.
    pub kind: LoginKind,
    /// Whose it is.
    pub user: UserId,
}

impl Login {
    fn new(user: &User, kind: LoginKind, value: &str) -> Self {
        Self { env: user.env, value: normalize_login(value, kind), kind, user: user.id }
    }
}

impl Stored for Login {
    const KIND: Kind = Kind::Login;
    fn key(&self) -> Key {
        Key::login(self)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Login(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Login(it)
    }
}

/// The form in which names are compared: NFKC, lower case; of a phone number only `+` and digits.
pub fn normalize_login(value: &str, kind: LoginKind) -> String {
    match kind {
        LoginKind::Username | LoginKind::Email => fold(value),
        LoginKind::Phone => phone_digits(value),
    }
}

fn fold(value: &str) -> String {
    value.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}

fn phone_digits(value: &str) -> String {
    value.nfkc().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}

/// What a `login_hint` may mean, checked and normalised (CIBA §7.1, T-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginHint {
    /// As an identifier, when it is one.
    pub user_id: Option<UserId>,
    /// As user name or e-mail address.
    pub name: String,
    /// As a phone number, when it looks like one.
    pub phone: Option<String>,
}

impl LoginHint {
    /// Reads a hint.
    ///
    /// # Errors
    /// Longer than [`LOGIN_HINT_BYTES_MAX`], or with control characters.
    pub fn parse(hint: &str) -> Result<Self, Reason> {
        if hint.len() > LOGIN_HINT_BYTES_MAX || hint.chars().any(char::is_control) {
            return Err(Reason::LoginHintMalformed);
        }
        let looks_like_phone = hint.chars().any(|c| c.is_ascii_digit())
            && hint.chars().all(|c| c.is_ascii_digit() || "+-() ./".contains(c));
        Ok(Self {
            user_id: UserId::parse(hint),
            name: fold(hint),
            phone: looks_like_phone.then(|| phone_digits(hint)),
        })
    }
}

/// Who is meant, given every login that equals the hint. A user name wins over a shared address;
/// an address of two people names nobody.
///
/// # Errors
/// Nobody, or more than one person.
pub fn resolve(logins: &[std::sync::Arc<Login>]) -> Result<UserId, Reason> {
    if let Some(login) = logins.iter().find(|login| login.kind == LoginKind::Username) {
        return Ok(login.user);
    }
    let first = logins.first().ok_or(Reason::EndUserUnknown)?;
    if logins.iter().all(|login| login.user == first.user) {
        Ok(first.user)
    } else {
        Err(Reason::EndUserAmbiguous)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn login(kind: LoginKind, user: u8) -> Arc<Login> {
        let value = "a@example.com".to_owned();
        Arc::new(Login {
            env: EnvironmentId::NIL,
            value,
            kind,
            user: UserId::from_bytes([user; 16]),
        })
    }

    #[test]
    fn a_user_name_wins_and_a_shared_address_names_nobody() {
        use LoginKind::{Email, Phone, Username};
        let one = UserId::from_bytes([1; 16]);
        let cases = [
            (vec![], Err(Reason::EndUserUnknown)),
            (vec![login(Email, 1)], Ok(one)),
            (vec![login(Email, 1), login(Phone, 1)], Ok(one)),
            (vec![login(Email, 1), login(Email, 2)], Err(Reason::EndUserAmbiguous)),
            (vec![login(Email, 2), login(Username, 1)], Ok(one)),
        ];
        for (logins, expected) in cases {
            assert_eq!(resolve(&logins), expected, "{logins:?}");
        }
    }

    #[test]
    fn a_block_is_kept_once_and_the_oldest_of_a_hundred_makes_room() {
        let named = |n: u8| ApplicationId::from_bytes([n; 16]);
        let mut person = crate::testing::person();
        for n in (0..=100).chain([50, 50]) {
            person = person.blocking(named(n), Timestamp::default());
        }
        assert_eq!(person.blocked.len(), BLOCKED_MAX);
        assert_eq!(person.blocked.first(), Some(&named(1)));
        assert_eq!(person.blocked.last(), Some(&named(50)));
    }

    #[test]
    fn names_compare_without_case_and_width() {
        for (one, other) in [("Alice", "alice"), ("ＡＬＩＣＥ", "alice"), (" alice ", "alice")]
        {
            assert_eq!(
                normalize_login(one, LoginKind::Username),
                normalize_login(other, LoginKind::Username)
            );
        }
        assert_eq!(normalize_login("+49 (170) 12-34", LoginKind::Phone), "+491701234");
    }

    #[test]
    fn hints_with_control_characters_or_too_long_are_refused() {
        for hint in ["a\r\nb", "a\u{0}", "\u{9d}", &"x".repeat(257)] {
            assert_eq!(LoginHint::parse(hint), Err(Reason::LoginHintMalformed), "{hint:?}");
        }
        assert!(LoginHint::parse(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn a_hint_is_a_phone_number_only_if_it_looks_like_one() {
        assert_eq!(LoginHint::parse("+49 170 1").unwrap().phone.as_deref(), Some("+491701"));
        assert_eq!(LoginHint::parse("alice1").unwrap().phone, None);
    }
}
