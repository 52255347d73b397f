//! `authorization_details` that a person approved (RFC 9396): what of them a token carries.

use serde_json::Value;

use crate::authorization_details::DETAILS_BYTES_MAX;
use crate::reason::Reason;

/// Members whose values are sets of texts (RFC 9396 §2.2): fewer of them is less.
const SETS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];

/// Approved details: a list of objects with a `type` each.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GrantedDetails(Vec<Value>);

impl GrantedDetails {
    /// Reads a JSON array of objects.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        const REFUSED: Reason = Reason::AuthorizationDetailsMalformed;
        if text.len() > DETAILS_BYTES_MAX {
            return Err(REFUSED);
        }
        // As a member of an object, so that members that occur twice are refused here too.
        let whole = format!("{{\"d\":{text}}}");
        let mut members = assent_jose::parse_object(whole.as_bytes()).map_err(|_| REFUSED)?;
        let (Some(Value::Array(details)), true) = (members.remove("d"), members.is_empty()) else {
            return Err(REFUSED);
        };
        Self::of(details).ok_or(REFUSED)
    }

    /// Those of a token of ours; `None`: they are no such list.
    pub fn of(details: Vec<Value>) -> Option<Self> {
        let has_type = |detail: &Value| detail.get("type").is_some_and(Value::is_string);
        details.iter().all(has_type).then_some(Self(details))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The list.
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }

    /// `asked` in place of these, if each of its objects is one of these or less than one
    /// (RFC 9396 §6.1).
    ///
    /// # Errors
    /// It asks for more.
    pub fn narrowed(&self, asked: Self) -> Result<Self, Reason> {
        let covered = |part: &Value| self.0.iter().any(|whole| is_within(part, whole));
        if asked.0.iter().all(covered) {
            Ok(asked)
        } else {
            Err(Reason::AuthorizationDetailsWidened)
        }
    }

    /// Those that concern none but other resources are left out (RFC 9396 §9.1): `elsewhere` are
    /// the audiences that a token with these is not for.
    #[must_use]
    pub fn without(&self, elsewhere: &[String]) -> Self {
        let is_elsewhere = |location: &Value| {
            let Some(location) = location.as_str() else { return false };
            elsewhere.iter().any(|audience| is_below(location, audience))
        };
        let concerns = |detail: &&Value| match detail.get("locations").and_then(Value::as_array) {
            Some(locations) => locations.is_empty() || !locations.iter().all(is_elsewhere),
            None => true,
        };
        Self(self.0.iter().filter(concerns).cloned().collect())
    }
}

/// Whether `location` is the audience itself or something at it.
fn is_below(location: &str, audience: &str) -> bool {
    let rest = location.strip_prefix(audience);
    rest.is_some_and(|rest| rest.is_empty() || audience.ends_with('/') || rest.starts_with('/'))
}

fn is_within(part: &Value, whole: &Value) -> bool {
    let (Some(part), Some(whole)) = (part.as_object(), whole.as_object()) else { return false };
    part.len() == whole.len()
        && part.iter().all(|(name, value)| {
            whole.get(name).is_some_and(|known| {
                value == known || (SETS.contains(&name.as_str()) && is_subset(value, known))
            })
        })
}

/// Fewer members, but some: none might be read as all.
fn is_subset(part: &Value, whole: &Value) -> bool {
    let (Some(part), Some(whole)) = (part.as_array(), whole.as_array()) else { return false };
    !part.is_empty() && part.iter().all(|member| whole.contains(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTED: &str = r#"[{"type":"pay","amount":"5","actions":["read","write"],
        "locations":["https://a","https://b/v1"]},{"type":"see"}]"#;

    fn details(text: &str) -> GrantedDetails {
        GrantedDetails::parse(text).unwrap()
    }

    #[test]
    fn only_a_list_of_objects_with_a_type_is_one() {
        for text in ["", "{}", "[1]", "[{}]", r#"[{"type":1}]"#, "[]}", r#"[],"d":[]"#, "[]] "] {
            let verdict = GrantedDetails::parse(text);
            assert_eq!(verdict, Err(Reason::AuthorizationDetailsMalformed), "{text}");
        }
        let twice = r#"[{"type":"a","type":"b"}]"#;
        assert!(GrantedDetails::parse(twice).is_err());
        assert!(details("[]").is_empty());
    }

    #[test]
    fn a_token_request_may_narrow_and_never_widen() {
        for (asked, narrows) in [
            ("[]", true),
            (r#"[{"type":"see"}]"#, true),
            (r#"[{"type":"see","more":1}]"#, false),
            (r#"[{"type":"other"}]"#, false),
            (r#"[{"type":"pay","amount":"5","actions":["read"],"locations":["https://a"]}]"#, true),
            (
                r#"[{"type":"pay","amount":"6","actions":["read"],"locations":["https://a"]}]"#,
                false,
            ),
            (r#"[{"type":"pay","amount":"5","actions":[],"locations":["https://a"]}]"#, false),
            (r#"[{"type":"pay","amount":"5","actions":["read","x"],"locations":[]}]"#, false),
            (r#"[{"type":"pay","amount":"5","actions":["read"]}]"#, false),
        ] {
            assert_eq!(details(GRANTED).narrowed(details(asked)).is_ok(), narrows, "{asked}");
        }
    }

    #[test]
    fn what_concerns_only_others_is_left_out() {
        let left = |elsewhere: &[&str]| {
            let elsewhere: Vec<String> = elsewhere.iter().map(|it| (*it).to_owned()).collect();
            details(GRANTED).without(&elsewhere).as_slice().len()
        };
        assert_eq!(left(&[]), 2);
        assert_eq!(left(&["https://a"]), 2, "it concerns b too");
        assert_eq!(left(&["https://a", "https://b"]), 1);
        assert_eq!(left(&["https://a", "https://"]), 1);
        assert_eq!(left(&["https://a", "https://b/v"]), 2);
    }
}
