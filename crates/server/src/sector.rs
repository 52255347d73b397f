//! The document of a sector: who names one as its `sector_identifier_uri` has to be listed there
//! (OIDC Core §8.1, R-014, R-265).

use assent_protocol::application::Application;
use http::StatusCode;

use crate::app::App;
use crate::outbound::Errand;
use crate::registry::Tenant;

/// Longest document in octets.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// The document cannot be had, or does not list the application. Which of both it is would tell
/// about servers that only we can reach (T-76).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotListed;

/// Looks at the document that `next` names, unless it is the one that `before` named for the same
/// address: an application can be changed, and above all disabled, while the document is away.
///
/// # Errors
/// It does not list the application.
pub async fn check(
    app: &App,
    tenant: &Tenant,
    before: &Application,
    next: &Application,
) -> Result<(), NotListed> {
    let named = |it: &Application| {
        let address = it.address_in_sector().map(str::to_owned);
        it.sector_identifier_uri.clone().zip(address)
    };
    match named(next) {
        Some((document, address))
            if named(before).as_ref() != Some(&(document.clone(), address.clone())) =>
        {
            let listed = fetch(app, tenant, &document).await.ok_or(NotListed)?;
            if listed.contains(&address) { Ok(()) } else { Err(NotListed) }
        }
        _ => Ok(()),
    }
}

async fn fetch(app: &App, tenant: &Tenant, document: &str) -> Option<Vec<String>> {
    let errand = Errand::Get { bytes_max: DOCUMENT_BYTES_MAX };
    let reply = app.outbound.call(&tenant.environment.outbound, document, errand).await.ok()?;
    let found = reply.status == StatusCode::OK;
    found.then(|| serde_json::from_slice(&reply.body).ok()).flatten()
}
