//! Access tokens that come back: read in either format, and looked at again, because a signature
//! only says what was true when it was made.

pub mod holder;

use std::sync::Arc;

use assent_jose::{Claims, CompactJws};
use assent_protocol::application::Application;
use assent_protocol::cut_off;
use assent_protocol::fapi;
use assent_protocol::grant::Grant;
use assent_protocol::id::{ApplicationId, GrantId, UserId};
use assent_protocol::keys::ACCESS_TOKEN_PREFIX;
use assent_protocol::record::Key;
use assent_protocol::revocation::{self, Revocation};
use assent_protocol::secret::Digest;
use assent_protocol::signing::SIGNING_ALGORITHMS;
use assent_protocol::time::Timestamp;
use assent_protocol::token::AccessToken;
use assent_protocol::user::User;

use crate::app::App;
use crate::call::Call;
use crate::failure::Broken;
use crate::oauth::issue;
use crate::registry::Tenant;

/// An access token that counts.
pub struct Valid {
    /// What it says.
    pub token: AccessToken,
    /// To whom it was issued.
    pub application: Arc<Application>,
    /// Whose it is; `None`: the application acts for itself.
    pub person: Option<Arc<User>>,
}

/// An access token of this environment that counts now; `None`: it is something else, or does not
/// count any more.
///
/// # Errors
/// The store cannot be read.
pub async fn read(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    token: &str,
) -> Result<Option<Valid>, Broken> {
    let Some(token) = open(tenant, token, call.now) else { return Ok(None) };
    let found = standing(app, tenant, &Behind::from(&token)).await?;
    if found.is_some()
        && is_revoked(app, tenant, revocation::of_token(tenant.id(), &token.jti)).await?
    {
        return Ok(None);
    }
    Ok(found.map(|Standing { application, person }| Valid { token, application, person }))
}

/// An access token that this environment made and that has not expired; it may be revoked.
pub fn open(tenant: &Tenant, token: &str, now: Timestamp) -> Option<AccessToken> {
    let claims = if token.starts_with(ACCESS_TOKEN_PREFIX) {
        let plain = tenant.keys.open_access_token(tenant.id(), token)?;
        Claims::from(assent_jose::parse_object(&plain).ok()?)
    } else {
        let jws = CompactJws::parse(token).ok()?;
        if !AccessToken::may_be(&jws) {
            return None;
        }
        jws.verify_with(&tenant.jwks, &SIGNING_ALGORITHMS).ok()?
    };
    AccessToken::read(claims, &tenant.keys, &tenant.issuer, now)
}

/// Who and what stands behind a token.
pub struct Behind {
    /// To whom it was issued.
    pub client: ApplicationId,
    /// Whose it is.
    pub user: Option<UserId>,
    /// The grant.
    pub grant: Option<GrantId>,
    /// When it was issued, or, if it is renewed again and again, when the person approved.
    pub issued_at: Timestamp,
}

impl From<&AccessToken> for Behind {
    fn from(token: &AccessToken) -> Self {
        let AccessToken { client, user, grant, issued_at, .. } = *token;
        Self { client, user, grant, issued_at }
    }
}

/// Those who stand behind a token, as they are now.
pub struct Standing {
    /// To whom it was issued.
    pub application: Arc<Application>,
    /// Whose it is.
    pub person: Option<Arc<User>>,
}

/// Whether all of it still is as it was when the token was made; `None`: something is not.
///
/// # Errors
/// The store cannot be read.
pub async fn standing(
    app: &App,
    tenant: &Tenant,
    behind: &Behind,
) -> Result<Option<Standing>, Broken> {
    // Of revocations before the epoch the store may know nothing.
    if behind.issued_at < app.store.epoch() {
        return Ok(None);
    }
    let env = tenant.id();
    if let Some(id) = behind.grant {
        let grant = app.store.find::<Grant>(&Key::grant(env, id)).await?;
        let ended = grant.is_some_and(|found| found.record.revoked_at.is_some());
        if ended || is_revoked(app, tenant, revocation::of_grant(env, id)).await? {
            return Ok(None);
        }
    }
    let key = Key::application(env, behind.client);
    let profile = tenant.environment.security.profile;
    let application = app.store.find::<Application>(&key).await?;
    let application = application.map(|found| fapi::held(found.record, profile));
    let Some(application) = application.filter(|it| it.enabled) else { return Ok(None) };
    let person = match behind.user {
        None => {
            let cut_offs = [tenant.environment.cut_off, application.cut_off];
            if !cut_off::counts(behind.issued_at, cut_offs) {
                return Ok(None);
            }
            None
        }
        Some(user) => {
            let given = (user, behind.issued_at);
            match issue::usable_person(app, tenant, &application, given).await? {
                None => return Ok(None),
                found => found,
            }
        }
    };
    Ok(Some(Standing { application, person }))
}

async fn is_revoked(app: &App, tenant: &Tenant, what: Digest) -> Result<bool, Broken> {
    Ok(app.store.find::<Revocation>(&Key::revocation(tenant.id(), what)).await?.is_some())
}
