//! Which members of a record were changed: by name, never what they were or are.

use serde_json::{Map, Value};

use crate::record::Record;

/// It changes with everything else, so it says nothing.
const STAMP: &str = "updated_at";

/// The names of the members that differ, two levels deep: `name`, `ciba.interval`.
///
/// # Errors
/// Never for the types of this crate; the signature is serde's.
pub fn changed(before: &Record, after: &Record) -> serde_json::Result<Vec<String>> {
    let before: Map<String, Value> = serde_json::from_str(&before.to_json()?)?;
    let after: Map<String, Value> = serde_json::from_str(&after.to_json()?)?;
    let mut names = Vec::new();
    for name in differing(&before, &after) {
        match (before.get(name), after.get(name)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => {
                names.extend(differing(before, after).map(|inner| format!("{name}.{inner}")));
            }
            (_, _) if name == STAMP => {}
            (_, _) => names.push(name.to_owned()),
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn differing<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let new = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    new.map(|(name, _)| name).chain(gone).map(String::as_str)
}
