//! Proof that a form comes from a page of ours and from the person to whom it was shown (T-78).
//!
//! The browser says where a form was sent from, and scripts cannot make it lie. Every form that
//! acts for a signed-in person also carries a token of its session and its purpose: a token of
//! another session, another request or another form does not fit.

use assent_protocol::id::RequestId;
use assent_protocol::secret::Digest;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::ORIGIN;
use url::Url;

use crate::registry::Tenant;
use crate::settings::Settings;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// How a form showed that it was not sent by a page of ours to this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// The browser says it came from another origin.
    OriginForeign,
    /// It has no token.
    TokenMissing,
    /// Its token is of another session, request or form.
    TokenWrong,
}

/// What a form does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Approves or declines this request.
    Answer(RequestId),
    /// Ends the session.
    SignOut,
}

/// Whether the form was sent by a page of this server. Browsers too old to say are believed: the
/// token stands in their way.
///
/// # Errors
/// It was not.
pub fn check_origin(settings: &Settings, headers: &HeaderMap) -> Result<(), Forged> {
    let own = Url::parse(&settings.auth_path).map(|url| url.origin());
    let own = own.ok().filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization());
    let from_us = headers
        .get_all(ORIGIN)
        .iter()
        .all(|origin| own.as_deref().is_some_and(|own| origin.as_bytes() == own.as_bytes()));
    // `none`: the person did it in the browser itself, by reloading for example.
    let near = headers
        .get_all(SEC_FETCH_SITE)
        .iter()
        .all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    if from_us && near { Ok(()) } else { Err(Forged::OriginForeign) }
}

/// Whether the browser says that another site led it here.
pub fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "cross-site")
}

/// The token of a form in the session of this credential.
pub fn token(tenant: &Tenant, credential: &Digest, form: Form) -> String {
    let tag = hmac::sign(tenant.keys.forms(), &meaning(credential, form));
    URL_SAFE_NO_PAD.encode(tag.as_ref())
}

/// Whether `presented` is the token of this form in this session; takes the same time wherever
/// the difference is.
///
/// # Errors
/// It is another one, or none.
pub fn check_token(
    tenant: &Tenant,
    credential: &Digest,
    form: Form,
    presented: Option<&str>,
) -> Result<(), Forged> {
    let presented = presented.ok_or(Forged::TokenMissing)?;
    let tag = URL_SAFE_NO_PAD.decode(presented).map_err(|_| Forged::TokenWrong)?;
    hmac::verify(tenant.keys.forms(), &meaning(credential, form), &tag)
        .map_err(|_| Forged::TokenWrong)
}

/// What a token says. The credential's digest has one length, so no two meanings are alike.
fn meaning(credential: &Digest, form: Form) -> Vec<u8> {
    let credential = credential.as_bytes().as_slice();
    match form {
        Form::Answer(request) => [credential, b"answer\0", request.as_bytes()].concat(),
        Form::SignOut => [credential, b"sign-out\0"].concat(),
    }
}
