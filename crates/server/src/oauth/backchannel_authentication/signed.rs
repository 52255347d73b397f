//! The signed authentication request (CIBA §7.1.1).

use assent_protocol::application::Application;
use assent_protocol::ciba::request_object::{self, Accepted};
use assent_protocol::params::Params;

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::oauth::client_keys;
use crate::registry::Tenant;

/// A signed request that is as it must be.
pub struct Signed {
    /// What it says.
    pub accepted: Accepted,
    /// How it came.
    pub text: String,
}

/// The signed request among `params`, if there is one. Nothing is written (T-37): it is
/// remembered in the commit that begins the request.
///
/// # Errors
/// It is missing where it must be, or not as it must be.
pub async fn read(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    params: &Params,
) -> Result<Option<Signed>, Failure> {
    let settings = &tenant.environment.ciba;
    let Some(presented) = request_object::find(params, application, settings)? else {
        return Ok(None);
    };
    let keys = client_keys::find(app, tenant, application, presented.key_id()).await;
    let accepted = presented.verify(keys.as_deref(), &tenant.issuer, application, call.now)?;
    accepted.require_since(app.store.epoch())?;
    Ok(Some(Signed { accepted, text: presented.text().to_owned() }))
}
