//! Reads the members of a JSON object and collects everything that is wrong with them, so that
//! one answer names all mistakes. A getter that finds a mistake notes it and gives something
//! harmless; nothing read may be used before [`Fields::finish`] said that there was none.

use std::ops::RangeInclusive;

use assent_protocol::id::Id;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::management::detail::Detail;
use crate::management::problem::Problem;

/// Longest name of anything, in characters.
pub const NAME_CHARS_MAX: usize = 256;
/// Longest description of anything, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 1024;

/// Longest list of choices, repetitions included.
const CHOICES_MAX: usize = 32;

/// Members that were not read yet, and mistakes in those that were. Members that nobody asks for
/// are ignored, as PingOne ignores them.
pub struct Fields {
    members: Map<String, Value>,
    prefix: String,
    mistakes: Vec<Detail>,
}

impl Fields {
    /// The members of a request's body.
    pub fn new(members: Map<String, Value>) -> Self {
        Self { members, prefix: String::new(), mistakes: Vec::new() }
    }

    /// The members of an object at `target`; give it back with [`Fields::absorb`].
    pub fn within(target: &str, members: Map<String, Value>) -> Self {
        Self { members, prefix: format!("{target}."), mistakes: Vec::new() }
    }

    /// Whether the member is there, be it `null`.
    pub fn is_given(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Notes a mistake.
    pub fn refuse(&mut self, mistake: Detail) {
        self.mistakes.push(mistake);
    }

    /// The path of a member.
    pub fn target(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes a member out; `null` is as good as absent.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A line of text.
    pub fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        self.string(name, chars_max, char::is_control)
    }

    /// A text that may have several lines.
    pub fn prose(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let refused = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        self.string(name, chars_max, refused)
    }

    /// A line of text that must be there and say something.
    pub fn required_text(&mut self, name: &str, chars_max: usize) -> String {
        let found = self.text(name, chars_max);
        if found.as_ref().is_some_and(|text| text.trim().is_empty()) {
            self.refuse(Detail::empty(&self.target(name)));
        }
        self.required(name, found, String::new())
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        if !value.is_boolean() {
            self.refuse(Detail::invalid(&self.target(name), format!("{name} must be a boolean")));
        }
        value.as_bool()
    }

    /// A whole number within a range.
    pub fn number(&mut self, name: &str, range: &RangeInclusive<u32>) -> Option<u32> {
        let value = self.take(name)?;
        let target = self.target(name);
        if value.as_i64().is_none() && value.as_u64().is_none() {
            self.refuse(Detail::invalid(&target, format!("{name} must be a whole number")));
            return None;
        }
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            self.refuse(Detail::out_of_range(&target, range));
        }
        fits
    }

    /// One of `allowed`, by its wire name.
    pub fn choice<T: Copy + Serialize>(&mut self, name: &str, allowed: &[T]) -> Option<T> {
        let value = self.take(name)?;
        let found = named(&value, allowed);
        if found.is_none() {
            self.refuse(Detail::not_among(&self.target(name), wire_names(allowed)));
        }
        found
    }

    /// Several of `allowed`, by their wire names, each once.
    pub fn choices<T: Copy + PartialEq + Serialize>(
        &mut self,
        name: &str,
        allowed: &[T],
    ) -> Option<Vec<T>> {
        let values = self.list(name, CHOICES_MAX)?;
        let mut found: Vec<T> = Vec::with_capacity(values.len());
        for value in &values {
            match named(value, allowed) {
                Some(item) if found.contains(&item) => {}
                Some(item) => found.push(item),
                None => {
                    self.refuse(Detail::not_among(&self.target(name), wire_names(allowed)));
                    return None;
                }
            }
        }
        if found.is_empty() {
            self.refuse(Detail::empty(&self.target(name)));
        }
        Some(found)
    }

    /// At most `most` values.
    pub fn list(&mut self, name: &str, most: usize) -> Option<Vec<Value>> {
        let value = self.take(name)?;
        let target = self.target(name);
        let Value::Array(values) = value else {
            self.refuse(Detail::invalid(&target, format!("{name} must be an array")));
            return None;
        };
        if values.len() > most {
            self.refuse(Detail::too_large(&target, most));
            return None;
        }
        Some(values)
    }

    /// The members of an object within; give it back with [`Fields::absorb`].
    pub fn object(&mut self, name: &str) -> Option<Self> {
        let value = self.take(name)?;
        let target = self.target(name);
        let Value::Object(members) = value else {
            self.refuse(Detail::invalid(&target, format!("{name} must be an object")));
            return None;
        };
        Some(Self::within(&target, members))
    }

    /// Takes over the mistakes found in an object within.
    pub fn absorb(&mut self, inner: Self) {
        self.mistakes.extend(inner.mistakes);
    }

    /// What `{"id": …}` refers to.
    pub fn reference<T>(&mut self, name: &str) -> Option<Id<T>> {
        let value = self.take(name)?;
        let found = referred(&value);
        if found.is_none() {
            let message = format!("{name} must be an object with an id");
            self.refuse(Detail::invalid(&self.target(name), message));
        }
        found
    }

    /// What several `{"id": …}` refer to, each once; at least one.
    pub fn references<T>(&mut self, name: &str, most: usize) -> Option<Vec<Id<T>>> {
        let values = self.list(name, most)?;
        let target = self.target(name);
        let mut found = Vec::with_capacity(values.len());
        for value in &values {
            match referred(value) {
                Some(id) if found.contains(&id) => {}
                Some(id) => found.push(id),
                None => {
                    let message = format!("{name} must be objects with an id each");
                    self.refuse(Detail::invalid(&target, message));
                    return None;
                }
            }
        }
        if found.is_empty() {
            self.refuse(Detail::empty(&target));
        }
        Some(found)
    }

    /// What was found; when nothing was, and not for another mistake, that is the mistake.
    pub fn required<T>(&mut self, name: &str, found: Option<T>, instead: T) -> T {
        if found.is_none() {
            let target = self.target(name);
            if !self.mistakes.iter().any(|mistake| mistake.is_about(&target)) {
                self.refuse(Detail::required(&target));
            }
        }
        found.unwrap_or(instead)
    }

    /// A member that cannot be changed: it must be given as it is.
    pub fn fixed<T: Copy + Serialize>(&mut self, name: &str, value: T) {
        let found = self.choice(name, &[value]);
        self.required(name, found, value);
    }

    /// Says whether everything that was read is right.
    ///
    /// # Errors
    /// All mistakes.
    pub fn finish(self) -> Result<(), Problem> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Problem::Invalid(self.mistakes)) }
    }

    fn string(
        &mut self,
        name: &str,
        chars_max: usize,
        refused: impl Fn(char) -> bool,
    ) -> Option<String> {
        let value = self.take(name)?;
        let target = self.target(name);
        let Value::String(text) = value else {
            self.refuse(Detail::invalid(&target, format!("{name} must be a string")));
            return None;
        };
        if text.chars().count() > chars_max {
            self.refuse(Detail::too_large(&target, chars_max));
            return None;
        }
        if text.chars().any(refused) {
            let message = format!("{name} must not have control characters");
            self.refuse(Detail::invalid(&target, message));
            return None;
        }
        Some(text)
    }
}

fn wire_names<T: Serialize>(allowed: &[T]) -> Vec<Value> {
    allowed.iter().filter_map(|item| serde_json::to_value(item).ok()).collect()
}

fn named<T: Copy + Serialize>(value: &Value, allowed: &[T]) -> Option<T> {
    let is_it = |item: &&T| serde_json::to_value(**item).is_ok_and(|name| name == *value);
    allowed.iter().find(is_it).copied()
}

fn referred<T>(value: &Value) -> Option<Id<T>> {
    value.as_object()?.get("id")?.as_str().and_then(Id::parse)
}
