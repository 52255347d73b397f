//! Rich authorization requests (RFC 9396): the types that an environment knows, and how they are
//! put into words.
//!
//! 1. [`Details::parse`] reads what a client asks for.
//! 2. [`CompiledType::words`] checks one object against its type and says what it means.
//! 3. The person sees all of it, and may leave out what its type lets them leave out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::EnvironmentId;
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Stored};
use crate::time::Timestamp;

pub use compiled::{CompiledType, FUEL, Uncompilable, WORDS_CHARS_MAX};

mod compiled;
mod schema;
mod template;

/// Longest `authorization_details` in octets.
pub const DETAILS_BYTES_MAX: usize = 8 * 1024;
/// Most objects in one request.
pub const DETAILS_MAX: usize = 16;
/// Longest schema of a type in octets.
pub const SCHEMA_BYTES_MAX: usize = 16 * 1024;
/// Longest template of a type in octets.
pub const TEMPLATE_BYTES_MAX: usize = 4 * 1024;
/// Longest name of a type in octets.
pub const TYPE_BYTES_MAX: usize = 128;

/// A registered `type` of authorization details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailsType {
    /// Environment.
    pub env: EnvironmentId,
    /// The value of `type`; also the store key.
    pub name: String,
    /// A JSON Schema that every object of the type satisfies.
    pub schema: String,
    /// Turns an object of the type into words for the person who is asked.
    pub template: String,
    /// Whether the person may approve some objects of the type and refuse others.
    pub partial: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl DetailsType {
    /// Whether a type can have this name: it stands in paths of the management API.
    pub fn is_name(text: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        (1..=TYPE_BYTES_MAX).contains(&text.len()) && text.bytes().all(fits)
    }
}

impl Stored for DetailsType {
    const KIND: Kind = Kind::DetailsType;
    fn key(&self) -> Key {
        Key::details_type(self.env, &self.name)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::DetailsType(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::DetailsType(it)
    }
}

/// `authorization_details` as they were asked for, not yet checked against their types.
#[derive(Clone, Debug, PartialEq)]
pub struct Details(Vec<Detail>);

/// One object among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Its `type`.
    pub kind: String,
    /// All of it.
    pub object: Value,
}

impl Details {
    /// Reads the parameter (RFC 9396 §2).
    ///
    /// # Errors
    /// It is not an array of objects with a `type`, or larger than we read. Neither is what could
    /// not be shown.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        let malformed = Reason::AuthorizationDetailsMalformed;
        if text.len() > DETAILS_BYTES_MAX {
            return Err(malformed);
        }
        // The strict reader wants an object; a text that closes it early adds members to it.
        let wrapped = format!("{{\"\":{text}}}");
        let mut members = assent_jose::parse_object(wrapped.as_bytes()).map_err(|_| malformed)?;
        let (Some(Value::Array(objects)), true) = (members.remove(""), members.is_empty()) else {
            return Err(malformed);
        };
        if objects.is_empty() || objects.len() > DETAILS_MAX {
            return Err(malformed);
        }
        let details: Result<Vec<Detail>, Reason> = objects.into_iter().map(detail).collect();
        let details = Self(details?);
        // Written out, 1e15 is longer than it came: what is kept has to be readable again.
        if details.text().len() > DETAILS_BYTES_MAX { Err(malformed) } else { Ok(details) }
    }

    /// The objects, in the order asked for.
    pub fn into_objects(self) -> Vec<Detail> {
        self.0
    }

    /// What was read, as compact JSON: what is checked is what is shown is what is granted.
    pub fn text(&self) -> String {
        let objects: Vec<String> = self.0.iter().map(|detail| detail.object.to_string()).collect();
        format!("[{}]", objects.join(","))
    }
}

fn detail(object: Value) -> Result<Detail, Reason> {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if object.is_object() && !kind.is_empty() && is_showable(&object) {
        Ok(Detail { kind, object })
    } else {
        Err(Reason::AuthorizationDetailsMalformed)
    }
}

/// No text in it breaks a line, changes the direction of writing or is invisible: the words that a
/// person reads are made of these texts.
fn is_showable(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.chars().any(is_unshowable),
        Value::Array(values) => values.iter().all(is_showable),
        Value::Object(members) => {
            members.iter().all(|(name, it)| !name.chars().any(is_unshowable) && is_showable(it))
        }
    }
}

/// Control characters, and those without a shape that change how others are ordered or joined.
pub fn is_unshowable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests;
