//! The `claims` parameter (OIDC Core §5.5): single claims that the client asks for, beside those
//! that scopes release.

use serde_json::{Map, Value};

use crate::reason::Reason;

/// Longest `claims` in octets.
pub const CLAIMS_BYTES_MAX: usize = 4096;
/// Most claims that one request names, ID token and userinfo together.
pub const CLAIMS_MAX: usize = 64;
/// Most values that one claim may be asked to have.
pub const CLAIM_VALUES_MAX: usize = 16;
/// Longest name of a claim in octets.
const CLAIM_NAME_BYTES_MAX: usize = 128;

/// Which claims are asked for, and where they are to stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimsRequest {
    id_token: Vec<(String, Wanted)>,
    userinfo: Vec<(String, Wanted)>,
    text: String,
}

/// How a claim is asked for (OIDC Core §5.5.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Whether the client cannot do without it.
    pub essential: bool,
    /// What it is to be, by preference; empty: anything.
    pub values: Vec<Value>,
}

impl ClaimsRequest {
    /// Reads the parameter. Members that nobody defined are ignored, as §5.5 wants.
    ///
    /// # Errors
    /// It is not such an object, or larger than we read.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        if text.len() > CLAIMS_BYTES_MAX {
            return Err(Reason::ClaimsMalformed);
        }
        let mut members =
            assent_jose::parse_object(text.as_bytes()).map_err(|_| Reason::ClaimsMalformed)?;
        let id_token = read(members.remove("id_token"))?;
        let userinfo = read(members.remove("userinfo"))?;
        if id_token.len() + userinfo.len() > CLAIMS_MAX {
            return Err(Reason::ClaimsMalformed);
        }
        let mut asked = Self { id_token, userinfo, text: String::new() };
        asked.text = asked.render();
        // Written out, 1e15 is longer than it came: what is kept has to be readable again.
        if asked.text.len() > CLAIMS_BYTES_MAX { Err(Reason::ClaimsMalformed) } else { Ok(asked) }
    }

    /// What was understood of it as compact JSON; [`ClaimsRequest::parse`] reads the same again.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of claims that the ID token is to have.
    pub fn requested_id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.iter().map(|(name, _)| name.as_str())
    }

    /// The names of claims that userinfo is to have.
    pub fn requested_userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.iter().map(|(name, _)| name.as_str())
    }

    /// How `name` is asked for in the ID token.
    pub fn id_token(&self, name: &str) -> Option<&Wanted> {
        self.id_token.iter().find(|(known, _)| known == name).map(|(_, wanted)| wanted)
    }

    /// Whether the request can be about the person with this `sub`. A `sub` that is asked for by
    /// value names one person (§5.5.1), and the hint must name the same.
    pub fn permits_subject(&self, subject: &str) -> bool {
        self.id_token
            .iter()
            .chain(&self.userinfo)
            .filter(|(name, wanted)| name == "sub" && !wanted.values.is_empty())
            .all(|(_, wanted)| wanted.values.iter().any(|value| value == subject))
    }

    fn render(&self) -> String {
        let mut members = Map::new();
        for (place, claims) in [("id_token", &self.id_token), ("userinfo", &self.userinfo)] {
            let claims: Map<String, Value> =
                claims.iter().map(|(name, wanted)| (name.clone(), wanted.render())).collect();
            if !claims.is_empty() {
                members.insert(place.to_owned(), Value::Object(claims));
            }
        }
        Value::Object(members).to_string()
    }
}

impl Wanted {
    /// The values that are texts, by preference.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(Value::as_str)
    }

    fn render(&self) -> Value {
        let mut members = Map::new();
        if self.essential {
            members.insert(String::from("essential"), Value::Bool(true));
        }
        if !self.values.is_empty() {
            members.insert(String::from("values"), Value::Array(self.values.clone()));
        }
        if members.is_empty() { Value::Null } else { Value::Object(members) }
    }
}

fn read(place: Option<Value>) -> Result<Vec<(String, Wanted)>, Reason> {
    let claims = match place {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(Reason::ClaimsMalformed),
    };
    claims
        .into_iter()
        .map(|(name, how)| {
            if name.is_empty() || name.len() > CLAIM_NAME_BYTES_MAX {
                return Err(Reason::ClaimsMalformed);
            }
            Ok((name, wanted(how)?))
        })
        .collect()
}

fn wanted(how: Value) -> Result<Wanted, Reason> {
    let mut members = match how {
        Value::Null => return Ok(Wanted::default()),
        Value::Object(members) => members,
        _ => return Err(Reason::ClaimsMalformed),
    };
    let essential = match members.remove("essential") {
        None => false,
        Some(Value::Bool(essential)) => essential,
        Some(_) => return Err(Reason::ClaimsMalformed),
    };
    let values = match (members.remove("value"), members.remove("values")) {
        (None, None) => Vec::new(),
        (Some(value), None) => vec![value],
        (None, Some(Value::Array(values))) if !values.is_empty() => values,
        _ => return Err(Reason::ClaimsMalformed),
    };
    if values.len() > CLAIM_VALUES_MAX {
        return Err(Reason::ClaimsMalformed);
    }
    Ok(Wanted { essential, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) -> Result<String, Reason> {
        ClaimsRequest::parse(text).map(|asked| asked.text().to_owned())
    }

    #[test]
    fn what_is_defined_is_read_and_the_rest_ignored() {
        for (text, understood) in [
            ("{}", "{}"),
            (r#"{"id_token":{}}"#, "{}"),
            (r#"{"userinfo":null,"other":[1]}"#, "{}"),
            (r#"{ "userinfo" : { "email" : null } }"#, r#"{"userinfo":{"email":null}}"#),
            (
                r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}"#,
                r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]}}}"#,
            ),
            (
                r#"{"id_token":{"sub":{"value":"x","hint":1},"email":{"essential":false}}}"#,
                r#"{"id_token":{"email":null,"sub":{"values":["x"]}}}"#,
            ),
        ] {
            assert_eq!(check(text).as_deref(), Ok(understood), "{text}");
        }
    }

    #[test]
    fn what_is_not_such_an_object_is_refused() {
        let many: Vec<String> = (0..=CLAIMS_MAX).map(|n| format!("\"c{n}\":null")).collect();
        let values = vec!["1"; CLAIM_VALUES_MAX + 1].join(",");
        let grows = vec!["1e15"; CLAIM_VALUES_MAX].join(",");
        let long_when_written: Vec<String> =
            (0..20).map(|n| format!("\"c{n}\":{{\"values\":[{grows}]}}")).collect();
        for text in [
            "",
            "x",
            "null",
            "[]",
            r#"{"id_token":[]}"#,
            r#"{"id_token":{"acr":true}}"#,
            r#"{"id_token":{"acr":{"essential":"yes"}}}"#,
            r#"{"id_token":{"acr":{"values":"a"}}}"#,
            r#"{"id_token":{"acr":{"values":[]}}}"#,
            r#"{"id_token":{"acr":{"value":"a","values":["a"]}}}"#,
            r#"{"id_token":{"":null}}"#,
            r#"{"id_token":{},"id_token":{}}"#,
            r#"{"userinfo":{"a":null,"a":null}}"#,
            &format!("{{\"userinfo\":{{{}}}}}", many.join(",")),
            &format!("{{\"userinfo\":{{\"a\":{{\"values\":[{values}]}}}}}}"),
            &format!("{{\"a\":\"{}\"}}", "x".repeat(CLAIMS_BYTES_MAX)),
            &format!("{{\"id_token\":{{{}}}}}", long_when_written.join(",")),
        ] {
            assert_eq!(check(text), Err(Reason::ClaimsMalformed), "{text}");
        }
    }

    #[test]
    fn a_subject_by_value_names_one_person() {
        for (text, permitted) in [
            ("{}", true),
            (r#"{"id_token":{"sub":null}}"#, true),
            (r#"{"id_token":{"sub":{"value":"alice"}}}"#, true),
            (r#"{"userinfo":{"sub":{"values":["bob","alice"]}}}"#, true),
            (r#"{"id_token":{"sub":{"value":"bob"}}}"#, false),
            (r#"{"userinfo":{"sub":{"value":"bob"}}}"#, false),
            (r#"{"id_token":{"sub":{"value":1}}}"#, false),
            (r#"{"id_token":{"sub":{"value":"alice"}},"userinfo":{"sub":{"value":"b"}}}"#, false),
        ] {
            let asked = ClaimsRequest::parse(text).unwrap();
            assert_eq!(asked.permits_subject("alice"), permitted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_understood_reads_the_same_again(
            names in proptest::collection::vec("[a-z_]{1,12}", 0..6),
            essential in any::<bool>(),
            value in proptest::option::of("\\PC{0,12}"),
        ) {
            let how = match &value {
                Some(value) => serde_json::json!({ "essential": essential, "value": value }),
                None => serde_json::json!({ "essential": essential }),
            };
            let claims: Map<String, Value> =
                names.into_iter().map(|name| (name, how.clone())).collect();
            let text = serde_json::json!({ "id_token": claims, "userinfo": claims }).to_string();
            let once = ClaimsRequest::parse(&text).unwrap();
            prop_assert_eq!(ClaimsRequest::parse(once.text()).unwrap(), once);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = ClaimsRequest::parse(&text);
        }
    }
}
