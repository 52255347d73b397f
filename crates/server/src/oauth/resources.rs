//! The resources that an application may ask for.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::record::Key;
use assent_protocol::resource::Resource;

use crate::app::App;
use crate::failure::Failure;
use crate::registry::Tenant;

/// The environment's OpenID Connect resource and those the application was granted.
///
/// # Errors
/// The store cannot be read.
pub async fn of(
    app: &App,
    tenant: &Tenant,
    application: &Application,
) -> Result<Vec<Arc<Resource>>, Failure> {
    let openid = tenant.environment.openid_resource;
    let mut ids = vec![openid];
    ids.extend(application.grants.iter().map(|grant| grant.resource));
    ids.dedup();
    let mut resources = Vec::with_capacity(ids.len());
    for id in ids {
        // A grant may outlive its resource; it then grants nothing.
        if let Some(found) = app.store.find::<Resource>(&Key::resource(tenant.id(), id)).await? {
            resources.push(found.record);
        }
    }
    Ok(resources)
}
