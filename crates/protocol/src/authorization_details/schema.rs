//! Schemas that may be registered: complete in themselves, and cheap to check against.

use serde_json::{Map, Value, json};

/// Steps of a walk through a schema with all its references followed: what a check can cost for
/// each part of what is checked.
const STEPS_MAX: usize = 2_000;
/// Most patterns of one schema, each compiled and kept.
const PATTERNS_MAX: usize = 16;
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Words that give names to parts of a schema or point to what is not in it.
const REFUSED: [&str; 8] = [
    "$id",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$vocabulary",
    "id",
];

/// The schema that objects of the type `kind` are checked against. RFC 9396 §5: a member that the
/// type does not know is an error, so a schema that does not say otherwise knows its members.
///
/// # Errors
/// Why the schema cannot be registered.
pub fn close(text: &str, kind: &str) -> Result<Value, &'static str> {
    let mut schema = assent_jose::parse_object(text.as_bytes())
        .map_err(|_| "it is not a JSON object with members that occur once")?;
    let unevaluated = schema.get("unevaluatedProperties").and_then(Value::as_bool);
    if unevaluated.is_some() {
        schema.remove("unevaluatedProperties");
    }
    let root = Value::Object(schema.clone());
    Walk { root: &root, steps: 0, patterns: 0, followed: Vec::new() }.through(&root)?;
    let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    let properties = properties.as_object_mut().ok_or("properties is not an object")?;
    properties.entry("type").or_insert_with(|| json!({ "const": kind }));
    if unevaluated.is_some() || !schema.contains_key("additionalProperties") {
        let unevaluated = Value::Bool(unevaluated.unwrap_or(false));
        schema.insert(String::from("unevaluatedProperties"), unevaluated);
    }
    Ok(Value::Object(schema))
}

struct Walk<'a> {
    root: &'a Value,
    steps: usize,
    patterns: usize,
    followed: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn through(&mut self, node: &'a Value) -> Result<(), &'static str> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err("it is too large when its references are followed");
        }
        match node {
            Value::Array(parts) => parts.iter().try_for_each(|part| self.through(part)),
            Value::Object(parts) => parts.iter().try_for_each(|(name, part)| {
                self.look(name, part)?;
                self.through(part)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn look(&mut self, name: &str, part: &'a Value) -> Result<(), &'static str> {
        match (name, part) {
            ("$schema", part) if part != DIALECT => {
                Err("$schema must be https://json-schema.org/draft/2020-12/schema")
            }
            // A member of that name is described by an object; the keyword has a text.
            (name, Value::String(_)) if REFUSED.contains(&name) => {
                Err("it may not give names to its parts: use #/$defs/ and $ref")
            }
            // Each checks all below it once more: twenty of them inside each other take a minute,
            // and forty for ever.
            ("unevaluatedProperties" | "unevaluatedItems", _) => {
                Err("unevaluatedProperties is true or false and stands at the top, \
                     unevaluatedItems nowhere")
            }
            ("$vocabulary", _) => Err("it may not choose a vocabulary"),
            // Compiling what a client sends as a pattern is not for free.
            ("format", Value::String(format)) if format == "regex" => {
                Err("the format regex is not checked")
            }
            ("pattern", Value::String(_)) => self.count(1),
            ("patternProperties", Value::Object(patterns)) => self.count(patterns.len()),
            ("$ref", Value::String(target)) => self.follow(target),
            _ => Ok(()),
        }
    }

    fn count(&mut self, patterns: usize) -> Result<(), &'static str> {
        self.patterns += patterns;
        if self.patterns > PATTERNS_MAX { Err("it has too many patterns") } else { Ok(()) }
    }

    /// A reference leads into the schema itself and never back to where it was met: nothing is
    /// fetched, and no check runs in circles.
    fn follow(&mut self, target: &'a str) -> Result<(), &'static str> {
        let pointer = target.strip_prefix('#').filter(|it| it.starts_with('/'));
        let pointer = pointer.filter(|it| !it.contains('%'));
        let pointer = pointer.ok_or("$ref must lead into the schema itself, as #/$defs/…")?;
        if self.followed.contains(&pointer) {
            return Err("a $ref leads back to itself");
        }
        let part = self.root.pointer(pointer).ok_or("a $ref leads nowhere")?;
        self.followed.push(pointer);
        self.through(part)?;
        self.followed.pop();
        Ok(())
    }
}
