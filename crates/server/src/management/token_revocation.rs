//! `/tokenRevocation` of an environment, an application or a person: from now on everything that was
//! given out before counts no more (T-92). What people approve afterwards does.

use assent_protocol::application::Application;
use assent_protocol::cut_off;
use assent_protocol::environment::Environment;
use assent_protocol::record::Write;
use assent_protocol::time::Timestamp;
use assent_protocol::user::User;
use serde::Serialize;

use crate::management::applications::role_assignments::check_rank;
use crate::management::ask::Ask;
use crate::management::body::{Links, Reference, links, ok};
use crate::management::route::Answer;
use crate::management::{applications, environments, users};
use crate::registry::Tenant;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(rename = "_links")]
    links: Links,
    environment: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_before: Option<String>,
}

/// `GET /environments/{envID}/tokenRevocation`
pub async fn of_environment(ask: Ask<Tenant>) -> Answer {
    let found = environments::current(&ask).await?;
    show(&ask, ask.env_href(), found.record.cut_off)
}

/// `POST /environments/{envID}/tokenRevocation`
pub async fn cut_environment(ask: Ask<Tenant>) -> Answer {
    let found = environments::current(&ask).await?;
    let (cut_off, now) = (Some(cut_off::at(ask.call.now)), ask.call.now);
    let next = Environment { cut_off, updated_at: now, ..Environment::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    show(&ask, ask.env_href(), cut_off)
}

/// `GET …/applications/{appID}/tokenRevocation`
pub async fn of_application(ask: Ask<Tenant>) -> Answer {
    let found = applications::find(&ask).await?;
    show(&ask, applications::body::href(&ask, &found.record), found.record.cut_off)
}

/// `POST …/applications/{appID}/tokenRevocation`
pub async fn cut_application(ask: Ask<Tenant>) -> Answer {
    let found = applications::find(&ask).await?;
    check_rank(&ask, &found.record)?;
    let (cut_off, now) = (Some(cut_off::at(ask.call.now)), ask.call.now);
    let next = Application { cut_off, updated_at: now, ..Application::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    show(&ask, applications::body::href(&ask, &found.record), cut_off)
}

/// `GET …/users/{userID}/tokenRevocation`
pub async fn of_user(ask: Ask<Tenant>) -> Answer {
    let found = users::find(&ask).await?;
    show(&ask, users::body::href(&ask, found.record.id), found.record.cut_off)
}

/// `POST …/users/{userID}/tokenRevocation`
pub async fn cut_user(ask: Ask<Tenant>) -> Answer {
    let found = users::find(&ask).await?;
    let (cut_off, now) = (Some(cut_off::at(ask.call.now)), ask.call.now);
    let next = User { cut_off, updated_at: now, ..User::clone(&found.record) };
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    show(&ask, users::body::href(&ask, found.record.id), cut_off)
}

fn show(ask: &Ask<Tenant>, owner: String, cut_off: Option<Timestamp>) -> Answer {
    ok(&Body {
        links: links([("self", format!("{owner}/tokenRevocation")), ("owner", owner)]),
        environment: Reference::new(ask.env()),
        revoked_before: cut_off.map(Timestamp::to_rfc3339),
    })
}
