//! A type made ready: its schema and its template.

use std::fmt;

use jsonschema::{PatternOptions, Validator};
use minijinja::Environment;
use serde_json::Value;

use super::{DetailsType, SCHEMA_BYTES_MAX, is_unshowable, schema, template};
use crate::reason::Reason;

/// Longest text that an object may become, in characters: more is not read on a phone.
pub const WORDS_CHARS_MAX: usize = 1_000;
/// What one rendering may cost: an instruction costs one, so do 64 octets that it makes.
pub const FUEL: u64 = 20_000;
/// Largest compiled pattern in octets.
const PATTERN_BYTES_MAX: usize = 128 * 1024;

/// A type whose objects can be checked and put into words.
pub struct CompiledType {
    /// Whether the person may approve some objects of the type and refuse others.
    pub partial: bool,
    schema: Validator,
    template: Environment<'static>,
}

/// Why a type cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncompilable {
    /// The schema, and what is wrong with it.
    Schema(&'static str),
    /// The template, and what is wrong with it.
    Template(&'static str),
}

impl CompiledType {
    /// Makes a type ready.
    ///
    /// # Errors
    /// Its schema or its template is of no use.
    pub fn compile(kind: &DetailsType) -> Result<Self, Uncompilable> {
        Ok(Self {
            partial: kind.partial,
            schema: compile_schema(kind).map_err(Uncompilable::Schema)?,
            template: template::compile(&kind.template).map_err(Uncompilable::Template)?,
        })
    }

    /// What an object of this type means, in words for the person who is asked.
    ///
    /// # Errors
    /// The object does not fit its schema (RFC 9396 §5), or cannot be put into words that can be
    /// shown.
    pub fn words(&self, object: &Value) -> Result<String, Reason> {
        let invalid = Reason::AuthorizationDetailsInvalid;
        if !self.schema.is_valid(object) {
            return Err(invalid);
        }
        let template = self.template.get_template(template::TEMPLATE).map_err(|_| invalid)?;
        let object = minijinja::value::Serde(object);
        let words = template.render(object).map_err(|_| invalid)?;
        let words = words.trim();
        let showable = |c: char| c == '\n' || !is_unshowable(c);
        let fits = (1..=WORDS_CHARS_MAX).contains(&words.chars().count());
        if fits && words.chars().all(showable) { Ok(words.to_owned()) } else { Err(invalid) }
    }
}

fn compile_schema(kind: &DetailsType) -> Result<Validator, &'static str> {
    if kind.schema.len() > SCHEMA_BYTES_MAX {
        return Err("it is too long");
    }
    let schema = schema::close(&kind.schema, &kind.name)?;
    // Patterns are matched in linear time, whatever they are and whatever is matched.
    let patterns =
        PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    jsonschema::draft202012::options()
        .offline()
        .with_pattern_options(patterns)
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|_| "it is not a schema of draft 2020-12")
}

impl fmt::Debug for CompiledType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledType").field("partial", &self.partial).finish_non_exhaustive()
    }
}
