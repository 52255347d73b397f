//! Rich authorization requests (RFC 9396): what an application asks for, checked against the
//! types of the environment and put into words. The same function serves the start, the device
//! and the decision, so what is accepted is what is shown is what is approved.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::authorization_details::{CompiledType, Details, DetailsType};
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Version};
use assent_store::Fault;
use quick_cache::sync::Cache;
use serde_json::Value;

use crate::app::App;
use crate::failure::{Broken, Failure};
use crate::registry::Tenant;

/// Types kept ready; the least used go first.
const COMPILED_MAX: usize = 256;

/// Types that are ready for use.
pub struct CompiledTypes(Cache<(EnvironmentId, String), (Version, Arc<CompiledType>)>);

impl Default for CompiledTypes {
    fn default() -> Self {
        Self(Cache::new(COMPILED_MAX))
    }
}

/// One object of `authorization_details`, in words.
pub struct Line {
    /// Its `type`.
    pub kind: String,
    /// What it means.
    pub words: String,
    /// Whether it can be left out.
    pub optional: bool,
    /// All of it.
    pub object: Value,
}

/// What `details` mean.
///
/// # Errors
/// A type that the application may not use, or that there is not (any more); an object that does
/// not fit its type; or a fault.
pub async fn lines(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    details: Details,
) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for detail in details.into_objects() {
        let permitted = application.ciba.authorization_details_types.contains(&detail.kind);
        let compiled = if permitted { find(app, tenant, &detail.kind).await? } else { None };
        let compiled = compiled.ok_or(Reason::AuthorizationDetailsTypeUnknown)?;
        let words = compiled.words(&detail.object)?;
        let (kind, object) = (detail.kind, detail.object);
        lines.push(Line { kind, words, optional: compiled.partial, object });
    }
    Ok(lines)
}

async fn find(
    app: &App,
    tenant: &Tenant,
    name: &str,
) -> Result<Option<Arc<CompiledType>>, Failure> {
    let key = Key::details_type(tenant.id(), name);
    let Some(found) = app.store.find::<DetailsType>(&key).await? else { return Ok(None) };
    let place = (tenant.id(), name.to_owned());
    let known = app.details_types.0.get(&place).filter(|(version, _)| *version == found.version);
    if let Some((_, compiled)) = known {
        return Ok(Some(compiled));
    }
    // It compiled when it was registered.
    let corrupt = |_| Broken::Store(Fault::Corrupt("a details type that does not compile"));
    let compiled = Arc::new(CompiledType::compile(&found.record).map_err(corrupt)?);
    app.details_types.0.insert(place, (found.version, Arc::clone(&compiled)));
    Ok(Some(compiled))
}
