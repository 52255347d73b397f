//! `/users/{userID}/blockedApplications/{applicationID}`: applications of which the person said
//! that a request was not theirs.

use assent_protocol::id::ApplicationId;
use assent_protocol::record::Write;
use assent_protocol::user::User;

use crate::management::ask::Ask;
use crate::management::body::no_content;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::management::users::find;
use crate::registry::Tenant;

/// `DELETE /blockedApplications/{applicationID}`: it may ask this person again.
pub async fn remove(ask: Ask<Tenant>) -> Answer {
    let application: ApplicationId = ask.id("application")?;
    let found = find(&ask).await?;
    if !found.record.blocked.contains(&application) {
        return Err(Problem::NotFound);
    }
    let mut next = User { updated_at: ask.call.now, ..User::clone(&found.record) };
    next.blocked.retain(|known| *known != application);
    ask.commit(vec![Write::replace(next, found.version)]).await?;
    Ok(no_content())
}
