//! Makes access tokens: their claims, then a signature or a seal.

use assent_jose::{SigningKey, TOKEN_BYTES_MAX};
use assent_protocol::application::Application;
use assent_protocol::confirmation::Confirmation;
use assent_protocol::granted_details::GrantedDetails;
use assent_protocol::reason::Reason;
use assent_protocol::resource::{AccessTokenFormat, attribute};
use assent_protocol::scope_policy::Granted;
use assent_protocol::token::{
    ACCESS_TOKEN_TYPE, AccessTokenClaims, Additional, Authenticated, Subject,
};
use assent_protocol::user::User;

use crate::app::App;
use crate::call::Call;
use crate::failure::{Broken, Failure};
use crate::registry::Tenant;

/// What an access token is made of.
pub struct Ingredients<'a> {
    /// Who said yes, and how; `None`: the application acts for itself.
    pub by: Option<(Authenticated<'a>, &'a User)>,
    /// What it is for.
    pub granted: &'a Granted,
    /// `authorization_details` that it is for.
    pub details: &'a GrantedDetails,
    /// To whose keys it is bound.
    pub bound_to: &'a Confirmation,
    /// Claims that userinfo is to tell beside those of the scopes.
    pub userinfo: &'a [Box<str>],
}

/// What the tokens of `application` say about where they come from.
pub fn subject<'a>(tenant: &'a Tenant, application: &Application) -> Subject<'a> {
    Subject { issuer: &tenant.issuer, env: tenant.id(), client: application.id }
}

/// One access token, in the format that its resources want.
///
/// # Errors
/// A required attribute has no value, or there is too much to say; or a fault. Nothing was used up.
pub fn access_token(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    application: &Application,
    key: &SigningKey,
    of: &Ingredients<'_>,
) -> Result<String, Failure> {
    let granted = of.granted;
    let person = of.by.map(|(by, person)| (person, by.subject));
    let more = Additional {
        confirmation: Some(of.bound_to).filter(|it| !it.is_none()),
        authorization_details: of.details.as_slice(),
        userinfo: of.userinfo,
        attributes: attribute::claims(&granted.resources, person)?,
    };
    let jti = uuid::Builder::from_random_bytes(app.entropy.octets()?).into_uuid().to_string();
    let claims = AccessTokenClaims::new(
        subject(tenant, application),
        of.by.map(|(by, _)| by),
        (&granted.audience, &granted.scope),
        &jti,
        (call.now, granted.lifetime()),
        more,
    );
    let token = match granted.format() {
        AccessTokenFormat::Jwt => {
            let typ = application.at_jwt.then_some(ACCESS_TOKEN_TYPE);
            assent_jose::sign_jwt(key, typ, &claims).map_err(Broken::from)?
        }
        AccessTokenFormat::Opaque => {
            let plain = serde_json::to_vec(&claims)?;
            let salt = app.entropy.octets()?;
            tenant.keys.seal_access_token(tenant.id(), &plain, salt)?
        }
    };
    // What we do not read when it comes back could not be revoked either.
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Reason::AccessTokenTooLarge.into());
    }
    Ok(token)
}
