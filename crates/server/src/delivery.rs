//! Ping and push: what a client is told without asking (CIBA §10.2, §10.3).

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::decision::Change;
use assent_protocol::record::Versioned;
use assent_protocol::secret::Secret;

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::registry::Tenant;

/// What is committed together with a decision so that the client hears of it.
pub struct Told {
    /// What becomes of the request: what was decided, except that what is pushed is redeemed.
    pub state: State,
    /// What rides in the same commit.
    pub changes: Vec<Change>,
}

/// Readies the notification of a new request, in the commit that begins it; `None` when the
/// client polls.
///
/// # Errors
/// A fault.
pub async fn arm(
    _app: &App,
    _tenant: &Tenant,
    _authentication: &Authentication,
    _auth_req_id: &Secret,
    _client_notification_token: Option<&Secret>,
) -> Result<Option<Change>, Failure> {
    Ok(None)
}

/// What a decision means for the client of the request.
///
/// # Errors
/// A fault; nothing was used up.
pub async fn tell(
    _app: &App,
    _tenant: &Tenant,
    _call: &Call,
    _found: &Versioned<Authentication>,
    state: State,
) -> Result<Told, Failure> {
    Ok(Told { state, changes: Vec::new() })
}
