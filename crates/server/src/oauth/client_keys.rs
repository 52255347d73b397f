//! The public keys of a client: those it registered, or those at its `jwksUrl`.

use std::sync::Arc;

use assent_jose::Jwks;
use assent_protocol::application::Application;

use crate::app::App;
use crate::registry::Tenant;

/// The keys among which the one of a JWT with this `kid` is looked for; `None`: there are none.
pub async fn find(
    _app: &App,
    _tenant: &Tenant,
    application: &Application,
    _key_id: Option<&str>,
) -> Option<Arc<Jwks>> {
    application.jwks.clone().map(Arc::new)
}
