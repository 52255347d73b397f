//! `?filter=recordedAt ge "…" and action.type eq "…"`: comparisons of SCIM's language (RFC 7644
//! §3.4.2.2), joined by `and`. Parsed into a value; it never becomes part of a query text (T-83).

use assent_protocol::audit::{Act, Entry};
use assent_protocol::id::{ApplicationId, Id, UserId};
use assent_protocol::time::Timestamp;

use crate::management::detail::Detail;
use crate::management::problem::Problem;

/// What is looked for; nothing: everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
    act: Option<Act>,
    user: Option<UserId>,
    application: Option<ApplicationId>,
}

impl Filter {
    /// Whether the entry is among what is looked for.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at <= until)
            && self.act.is_none_or(|act| entry.act == act)
            && self.user.is_none_or(|user| entry.subject == Some(user))
            && self.application.is_none_or(|it| entry.application == Some(it))
    }
}

/// Reads a filter.
///
/// # Errors
/// It is none, or compares something twice.
pub fn parse(text: &str) -> Result<Filter, Problem> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut filter = Filter::default();
    for (place, comparison) in words.split(|word| word.eq_ignore_ascii_case("and")).enumerate() {
        let [attribute, operator, literal] = comparison else { return Err(refused()) };
        let value = literal.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        let value = value.ok_or_else(refused)?;
        if place > 4 {
            return Err(refused());
        }
        read(&mut filter, attribute, &operator.to_ascii_lowercase(), value)?;
    }
    Ok(filter)
}

fn read(filter: &mut Filter, attribute: &str, operator: &str, value: &str) -> Result<(), Problem> {
    match (attribute.to_ascii_lowercase().as_str(), operator) {
        ("recordedat", "ge") => set(&mut filter.from, parse_time(value)),
        ("recordedat", "gt") => {
            set(&mut filter.from, parse_time(value).map(|it| it.plus_millis(1)))
        }
        ("recordedat", "le") => set(&mut filter.until, parse_time(value)),
        ("recordedat", "lt") => set(
            &mut filter.until,
            parse_time(value).map(|it| Timestamp::from_millis(it.as_millis().saturating_sub(1))),
        ),
        ("action.type", "eq") => set(&mut filter.act, Act::parse(value)),
        ("user.id", "eq") => set(&mut filter.user, Id::parse(value)),
        ("application.id", "eq") => set(&mut filter.application, Id::parse(value)),
        _ => Err(refused()),
    }
}

fn set<T>(member: &mut Option<T>, value: Option<T>) -> Result<(), Problem> {
    if member.is_some() || value.is_none() {
        return Err(refused());
    }
    *member = value;
    Ok(())
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(Timestamp::from_millis)
}

fn refused() -> Problem {
    let message = "The filter must compare recordedAt (ge, gt, le, lt a time as in RFC 3339), \
                   action.type, user.id or application.id (eq), each once, joined by and";
    Detail::parameter("filter", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_are_joined() {
        let text = "recordedAt GE \"1970-01-01T00:00:01Z\" and recordedat lt \"1970-01-01T00:00:03Z\" \
                    AND action.type eq \"REQUEST_BEGUN\"";
        let filter = parse(text).unwrap();
        assert_eq!(filter.from, Some(Timestamp::from_millis(1_000)));
        assert_eq!(filter.until, Some(Timestamp::from_millis(2_999)));
        assert_eq!(filter.act, Some(Act::RequestBegun));
        let user = "00000000-0000-4000-8000-000000000000";
        let filter = parse(&format!("user.id eq \"{user}\"")).unwrap();
        assert_eq!(filter.user, UserId::parse(user));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "and",
            "recordedAt ge",
            "recordedAt ge 5",
            "recordedAt ge \"yesterday\"",
            "recordedAt eq \"1970-01-01T00:00:01Z\"",
            "action.type eq \"request_begun\"",
            "action.type eq \"REQUEST_BEGUN\" or user.id eq \"x\"",
            "action.type eq \"REQUEST_BEGUN\" and action.type eq \"REFUSED\"",
            "user.id eq \"alice\"",
            "source eq \"203.0.113.7\"",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
