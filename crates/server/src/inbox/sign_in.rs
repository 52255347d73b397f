//! A browser becomes a device, and ceases to be one. A link carries a code, but following it uses
//! nothing up: mail scanners follow links too. Only the form does.

use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use axum::Extension;
use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{StatusCode, Uri};

use crate::device::pairing;
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::inbox::forms::{self, Form};
use crate::inbox::pages::{self, SignIn};
use crate::inbox::session::{self, Session};
use crate::inbox::stop::{self, Stop};
use crate::inbox::visit::Visit;
use crate::listen::Peer;

/// Longest code that is put into the form.
const CODE_BYTES_MAX: usize = 128;
/// Typed codes are shorter, codes of links longer.
const TYPED_BYTES_MAX: usize = 24;

/// `GET /{envID}/inbox/sign-in`, with `?code=` from a link.
pub async fn show(visit: Visit, uri: Uri) -> Response {
    let query = Params::parse(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let code = query.find_bounded("code", CODE_BYTES_MAX).ok().flatten().unwrap_or_default();
    form(&visit, StatusCode::OK, code, "")
}

/// `POST /{envID}/inbox/sign-in` with `code`.
pub async fn submit(
    visit: Visit,
    Extension(Peer(peer)): Extension<Peer>,
    uri: Uri,
    body: Body,
) -> Response {
    let answer = async {
        forms::check_origin(&visit.app.settings, &visit.headers)?;
        let params = body::form(&visit.headers, uri.query(), body).await?;
        let code = params.find("code").unwrap_or_default();
        match pairing::pair(&visit.app, &visit.tenant, &visit.call, peer, code).await {
            Ok((credential, _)) => {
                end_former_session(&visit).await;
                Ok(leave_with(&session::set(&visit, &credential), visit.paths.inbox()))
            }
            Err(Failure::Refused(reason)) => Ok(refuse(&visit, reason, code)),
            Err(failure) => Err(failure.into()),
        }
    };
    let answer = answer.await;
    visit.speak(answer)
}

/// T-80: a browser that signs in anew leaves no former credential behind. The new one is alive
/// already, so a fault here is logged and does not stand in its way.
async fn end_former_session(visit: &Visit) {
    let Ok(former) = Session::of(visit).await else { return };
    if let Err(failure) =
        pairing::unpair(&visit.app, &visit.tenant, &visit.call, &former.holder).await
    {
        let correlation = visit.call.correlation.as_str();
        tracing::error!(correlation, ?failure, "a former session could not be ended");
    }
}

fn refuse(visit: &Visit, reason: Reason, code: &str) -> Response {
    stop::log(&visit.call, &reason);
    let throttled = reason == Reason::PairingThrottled;
    let error = if throttled {
        "Too many wrong codes came from your network. Wait a minute, then try again."
    } else {
        "The code is wrong, has expired or was already used. Ask for a new one."
    };
    // The code of a link is not for typing, so it is not shown for correction.
    let typed = if code.len() <= TYPED_BYTES_MAX { code } else { "" };
    let mut response = form(visit, failure::status(Endpoint::Device, reason), typed, error);
    if throttled {
        response.headers_mut().insert(RETRY_AFTER, failure::RETRY_AFTER_THROTTLED);
    }
    response
}

fn form(visit: &Visit, status: StatusCode, code: &str, error: &str) -> Response {
    let post_path = &visit.paths.sign_in();
    pages::page(status, &SignIn { frame: &visit.frame, post_path, code, error })
}

/// `POST /{envID}/inbox/sign-out` with the form's token.
pub async fn sign_out(visit: Visit, uri: Uri, body: Body) -> Response {
    let answer = async {
        forms::check_origin(&visit.app.settings, &visit.headers)?;
        let session = Session::of(&visit).await?;
        let params = body::form(&visit.headers, uri.query(), body).await?;
        let token = params.find("csrf");
        forms::check_token(&visit.tenant, session.digest(), Form::SignOut, token)?;
        pairing::unpair(&visit.app, &visit.tenant, &visit.call, &session.holder).await?;
        Ok::<_, Stop>(leave_with(&session::clear(&visit), &visit.paths.sign_in()))
    };
    let answer = answer.await;
    visit.speak(answer)
}

fn leave_with(cookie: &str, path: &str) -> Response {
    ([(SET_COOKIE, cookie)], Redirect::to(path)).into_response()
}
