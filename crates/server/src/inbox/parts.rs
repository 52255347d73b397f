//! The parts of what is asked for in full (RFC 9396), as a form shows them and says them again.

use assent_protocol::authorization_details::DETAILS_MAX;
use assent_protocol::params::Params;
use serde_json::Value;

use crate::details::Line;
use crate::inbox::pages::{DetailCard, Field};

/// The lines as cards. A part that cannot be left out says so in the form as well: if it could
/// when the page was made, what the person left out is not approved by mistake.
pub fn cards(lines: &[Line]) -> Vec<DetailCard> {
    let card = |(place, line): (u16, &Line)| DetailCard {
        name: member(place),
        kind: line.kind.clone(),
        words: line.words.clone(),
        optional: line.optional,
        fields: fields(&line.object),
    };
    (0_u16..).zip(lines).map(card).collect()
}

/// Which parts a form approves.
pub fn chosen(params: &Params) -> Vec<u16> {
    (0_u16..).take(DETAILS_MAX).filter(|place| params.find(&member(*place)).is_some()).collect()
}

fn member(place: u16) -> String {
    format!("detail-{place}")
}

/// All that an object says beside its type, in one list.
fn fields(object: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    for (name, value) in object.as_object().into_iter().flatten().filter(|(it, _)| *it != "type") {
        flatten(name, value, &mut fields);
    }
    fields
}

fn flatten(name: &str, value: &Value, fields: &mut Vec<Field>) {
    let mut say = |value: String| fields.push(Field { name: name.to_owned(), value });
    match value {
        Value::Null => say(String::from("–")),
        Value::Bool(value) => say(String::from(if *value { "yes" } else { "no" })),
        Value::Number(number) => say(number.to_string()),
        Value::String(text) => say(text.clone()),
        Value::Array(values) if values.is_empty() => say(String::from("–")),
        Value::Object(members) if members.is_empty() => say(String::from("–")),
        Value::Array(values) => {
            for (place, value) in (1_usize..).zip(values) {
                flatten(&format!("{name} {place}"), value, fields);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&format!("{name} › {member}"), value, fields);
            }
        }
    }
}
