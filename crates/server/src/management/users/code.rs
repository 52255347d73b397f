//! `/users/{userID}/userCode`: the secret that a person tells the applications whose requests
//! they expect (CIBA §7.1). It can be set and removed; nobody can read it, not even here.

use assent_protocol::record::Write;
use assent_protocol::user::{User, UserCode};
use serde::Serialize;

use crate::management::ask::Ask;
use crate::management::body::{Links, links, no_content, ok};
use crate::management::detail::Detail;
use crate::management::route::Answer;
use crate::management::users::body::href;
use crate::management::users::find;
use crate::registry::Tenant;

/// Shortest and longest code, in characters: a person remembers and types it.
const CODE_CHARS: std::ops::RangeInclusive<usize> = 4..=64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "_links")]
    links: Links,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<String>,
}

fn body(ask: &Ask<Tenant>, user: &User) -> Body {
    let user_href = href(ask, user.id);
    let locked_until = user.user_code.and_then(|code| code.locked_until(ask.call.now));
    let status = match (user.user_code, locked_until) {
        (None, _) => "NONE",
        (Some(_), None) => "SET",
        (Some(_), Some(_)) => "LOCKED",
    };
    Body {
        links: links([("self", ask.href()), ("user", user_href)]),
        status,
        locked_until: locked_until.map(|until| until.to_rfc3339()),
    }
}

/// `GET /userCode`: whether there is one, and whether it was guessed at too often.
pub async fn show(ask: Ask<Tenant>) -> Answer {
    ok(&body(&ask, &find(&ask).await?.record))
}

/// `PUT /userCode`
pub async fn replace(ask: Ask<Tenant>) -> Answer {
    let mut fields = ask.fields()?;
    let found = find(&ask).await?;
    let code = fields.required_text("userCode", *CODE_CHARS.end());
    if (1..*CODE_CHARS.start()).contains(&code.chars().count()) {
        let message = format!("userCode must have at least {} characters", CODE_CHARS.start());
        fields.refuse(Detail::invalid("userCode", message));
    }
    fields.finish()?;
    let digest = ask.place.keys.user_code_digest(found.record.id, &code);
    let next = User {
        user_code: Some(UserCode::new(digest)),
        updated_at: ask.call.now,
        ..User::clone(&found.record)
    };
    ask.commit(vec![Write::replace(next.clone(), found.version)]).await?;
    ok(&body(&ask, &next))
}

/// `DELETE /userCode`: applications that have to send one cannot ask this person.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let found = find(&ask).await?;
    let next = User { user_code: None, updated_at: ask.call.now, ..User::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    Ok(no_content())
}
