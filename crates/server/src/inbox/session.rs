//! The browser's credential: the same as any device's, in a cookie that scripts cannot read.

use http::HeaderMap;
use http::header::COOKIE;

use assent_protocol::reason::Reason;
use assent_protocol::secret::{Digest, Secret};

use crate::device::{self, Holder};
use crate::failure::Failure;
use crate::inbox::stop::Stop;
use crate::inbox::visit::Visit;

/// Name of the cookie.
pub const COOKIE_NAME: &str = "assent_device";
/// 90 days, in seconds.
const COOKIE_LIFETIME: u32 = 90 * 24 * 60 * 60;

/// A signed-in browser.
pub struct Session {
    /// Whose it is.
    pub holder: Holder,
    /// What the cookie holds.
    pub credential: Secret,
}

impl Session {
    /// The session that the visitor's cookie opens.
    ///
    /// # Errors
    /// Nobody is signed in; the person's account is locked or disabled.
    pub async fn of(visit: &Visit) -> Result<Self, Stop> {
        let credential = cookie(&visit.headers).ok_or(Stop::SignedOut)?;
        match device::identify(&visit.app, &visit.tenant, credential).await {
            Ok(holder) => Ok(Self { holder, credential: Secret::new(credential.to_owned()) }),
            Err(Failure::Refused(Reason::DeviceCredentialUnknown)) => Err(Stop::SignedOut),
            Err(failure) => Err(Stop::Failed(failure)),
        }
    }

    /// What the store knows of the credential.
    pub fn digest(&self) -> &Digest {
        &self.holder.credential.record.digest
    }
}

/// The credential in the request's cookies.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

/// The cookie that signs a browser in. Its path keeps it to the pages of one environment.
pub fn set(visit: &Visit, credential: &Secret) -> String {
    written(visit, credential.expose(), COOKIE_LIFETIME)
}

/// The cookie that signs a browser out.
pub fn clear(visit: &Visit) -> String {
    written(visit, "", 0)
}

fn written(visit: &Visit, value: &str, lifetime: u32) -> String {
    let secure = if visit.app.settings.is_https() { "; Secure" } else { "" };
    format!(
        "{COOKIE_NAME}={value}; Path={}; Max-Age={lifetime}; HttpOnly; SameSite=Strict{secure}",
        visit.paths.inbox()
    )
}
