//! `GET` and `POST /{envID}/as/userinfo`: what the holder of an access token may know of its person
//! (OIDC Core §5.3), protected as RFC 6750, RFC 8705 and RFC 9449 say.

use std::sync::Arc;

use assent_protocol::application::Application;
use assent_protocol::claims::StandardClaims;
use assent_protocol::environment::Profile;
use assent_protocol::id::ApplicationId;
use assent_protocol::reason::Reason;
use assent_protocol::scope::OPENID;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde::Serialize;
use url::form_urlencoded;

use crate::access_token::holder::{self, Sent};
use crate::access_token::{self, Valid};
use crate::app::App;
use crate::call::Call;
use crate::dpop;
use crate::extract::credentials::Scheme;
use crate::extract::{body, credentials};
use crate::failure::{self, Broken, Endpoint, Failure};
use crate::oauth::{cors, interaction};
use crate::registry::Tenant;

/// The parameter that holds the token (RFC 6750 §2.2, §2.3).
const PARAMETER: &str = "access_token";

#[derive(Serialize)]
struct Userinfo<'a> {
    #[serde(flatten)]
    signed: Option<Signed<'a>>,
    /// As in the ID token (OIDC Core §5.3.2).
    sub: &'a str,
    #[serde(flatten)]
    claims: StandardClaims<'a>,
}

/// What only a signed answer says.
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: ApplicationId,
}

/// Handles the request.
pub async fn handle(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut application = None;
    let answer = async {
        let (token, place) = token(&method, &uri, &headers, body).await?;
        let found = access_token::read(&app, &tenant, &call, &token).await?;
        let valid = found.ok_or(Reason::AccessTokenInvalid)?;
        application = Some(Arc::clone(&valid.application));
        if valid.application.profile == Profile::FapiCiba && place == Place::Form {
            return Err(Reason::AccessTokenNotInHeader.into());
        }
        let scheme = match place {
            Place::Header(scheme) => scheme,
            Place::Form => Scheme::Bearer,
        };
        let urls = tenant.urls(&format!("{}/userinfo", tenant.issuer));
        let (token, headers, method, urls) = (&token, &headers, &method, &urls);
        let sent = Sent { scheme, token, headers, method, urls };
        holder::check(&app, &tenant, &call, &valid.token, sent).await?;
        tell(&tenant, &call, &valid)
    };
    let mut response = match answer.await {
        Ok(response) => response,
        Err(failure) => {
            app.audit.refusals.note(&tenant, application.as_deref(), &failure);
            failure::render(&call, Endpoint::Userinfo, &failure)
        }
    };
    dpop::announce_nonce(&mut response, &tenant, &call, call.now);
    if application.as_deref().is_some_and(|it| it.profile == Profile::FapiCiba) {
        interaction::name(&call, &mut response);
    }
    cors::allow(&mut response, headers.get(ORIGIN), application.as_deref());
    response
}

/// Where a token stood.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header(Scheme),
    /// Not under the FAPI profile.
    Form,
}

/// The one access token of the request: in the header, or in the form of a `POST`.
async fn token(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<(String, Place), Reason> {
    let query = uri.query().unwrap_or_default().as_bytes();
    if form_urlencoded::parse(query).any(|(name, _)| name == PARAMETER) {
        // RFC 9700 §4.3.2: addresses are logged and remembered.
        return Err(Reason::CredentialsInQuery);
    }
    if headers.get_all(AUTHORIZATION).iter().count() > 1 {
        return Err(Reason::AuthorizationHeaderRepeated);
    }
    let header = credentials::access_token(headers);
    let is_form = *method == Method::POST
        && body::is_media_type(headers, "application/x-www-form-urlencoded");
    let params = if is_form { Some(body::form(headers, None, body).await?) } else { None };
    let param = params.as_ref().and_then(|params| params.find(PARAMETER));
    match (header, param) {
        (Some(_), Some(_)) => Err(Reason::AccessTokenRepeated),
        (Some((scheme, token)), None) => Ok((token.to_owned(), Place::Header(scheme))),
        (None, Some(token)) => Ok((token.to_owned(), Place::Form)),
        (None, None) => Err(Reason::AccessTokenMissing),
    }
}

fn tell(tenant: &Tenant, call: &Call, valid: &Valid) -> Result<Response, Failure> {
    let Valid { token, application, person } = valid;
    let about = person.as_ref().zip(token.subject.as_deref());
    let (true, Some((person, sub))) = (token.scope.contains(OPENID), about) else {
        return Err(Reason::AccessTokenScopeInsufficient.into());
    };
    let claims = StandardClaims::of(person, &token.scope, &token.userinfo);
    let mut told = Userinfo { signed: None, sub, claims };
    let Some(algorithm) = application.userinfo_signing_alg else { return failure::json(&told) };
    told.signed = Some(signed(tenant, application));
    let key = tenant.signer(algorithm, call.now)?;
    // No `typ`: OIDC names none, and what it says is no token of ours: it lacks `exp` and `jti`.
    let jwt = assent_jose::sign_jwt(key, None, &told).map_err(Broken::from)?;
    let mut response = jwt.into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    Ok(response)
}

fn signed<'a>(tenant: &'a Tenant, application: &Application) -> Signed<'a> {
    Signed { iss: &tenant.issuer, aud: application.id }
}
