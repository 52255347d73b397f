//! Why a visit ends without what was asked for, and the page that says so. Logged once, here,
//! like every other refusal.

use assent_protocol::reason::Reason;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::RETRY_AFTER;

use crate::call::Call;
use crate::failure::{self, Broken, Endpoint, Failure};
use crate::inbox::forms::{self, Forged};
use crate::inbox::pages::{self, Frame, Link, Said, Tone};
use crate::inbox::session;
use crate::inbox::visit::Visit;

/// Why a visit ends.
pub enum Stop {
    /// Nobody is signed in.
    SignedOut,
    /// The form is not ours.
    Forged(Forged),
    /// As everywhere.
    Failed(Failure),
}

impl From<Forged> for Stop {
    fn from(forged: Forged) -> Self {
        Self::Forged(forged)
    }
}

impl<T: Into<Failure>> From<T> for Stop {
    fn from(failure: T) -> Self {
        Self::Failed(failure.into())
    }
}

/// The page for a visit that ends.
pub fn explain(visit: &Visit, stop: Stop) -> Response {
    match stop {
        Stop::SignedOut => signed_out(visit),
        Stop::Forged(forged) => refuse_form(visit, forged),
        Stop::Failed(Failure::Refused(reason) | Failure::Wait(reason, _)) => refuse(visit, reason),
        Stop::Failed(Failure::Broken(broken)) => report(&visit.call, &visit.frame, &broken),
    }
}

/// A link from a message or another site comes without the cookie, which is `SameSite=Strict`:
/// one press on a page of ours brings it back.
fn signed_out(visit: &Visit) -> Response {
    let withheld = session::cookie(&visit.headers).is_none();
    if withheld && forms::is_from_another_site(&visit.headers) {
        let link = Some(Link { path: &visit.path, text: "Continue" });
        let said = Said {
            tone: Tone::Neutral,
            title: "You came from another site",
            text: "Continue only if you meant to look at your requests.",
            link,
        };
        return pages::message(StatusCode::OK, &visit.frame, &said);
    }
    Redirect::to(&visit.paths.sign_in()).into_response()
}

fn refuse_form(visit: &Visit, reason: Forged) -> Response {
    log(&visit.call, &reason);
    let own = format!("{}/{}/inbox", visit.app.settings.auth_path, visit.tenant.id());
    let text = match reason {
        Forged::OriginForeign => {
            "The form did not come from a page of this server, or you opened it at another \
             address than its own. Nothing was changed."
        }
        Forged::TokenMissing | Forged::TokenWrong => {
            "The form is not of your present session. Nothing was changed; open the page anew."
        }
    };
    let link = Some(Link { path: &own, text: "See your requests" });
    let said = Said { tone: Tone::Bad, title: "This was not accepted", text, link };
    pages::message(StatusCode::FORBIDDEN, &visit.frame, &said)
}

fn refuse(visit: &Visit, reason: Reason) -> Response {
    log(&visit.call, &reason);
    let link = Some(Link { path: visit.paths.inbox(), text: "See your requests" });
    let (title, text) = words(reason);
    let link = if reason == Reason::DeviceUserNotUsable { None } else { link };
    let said = Said { tone: Tone::Bad, title, text, link };
    pages::message(failure::status(Endpoint::Device, reason), &visit.frame, &said)
}

const fn words(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::RequestUnknown => {
            ("There is no such request", "It ended some time ago, or it is not addressed to you.")
        }
        Reason::RequestApplicationDisabled => (
            "This request cannot be answered",
            "The application that asks was switched off. Nothing was approved.",
        ),
        Reason::RequestDetailsGone => (
            "This request cannot be answered",
            "It asks for something that is not offered any more. Nothing was approved.",
        ),
        Reason::EndUserBlocksApplication => (
            "You blocked this application",
            "You said that a request of it was not yours, so nothing of it can be approved.",
        ),
        Reason::NumberWrong => (
            "That was another number",
            "This request was declined: whoever started it does not see what you see. Start again \
             only if you did so yourself.",
        ),
        Reason::DeviceUserNotUsable => (
            "Your account is locked or disabled",
            "You cannot answer requests at present. Ask the people who manage your account.",
        ),
        _ => ("This did not work", reason.detail()),
    }
}

/// What to do about an answer that could not be one.
pub const fn mend(reason: Reason) -> &'static str {
    match reason {
        Reason::NumberMissing => {
            "Give the number that you see where you started. If you see none, decline."
        }
        Reason::DetailsSelectionInvalid => {
            "Approve at least one part. If you approve none of them, decline."
        }
        Reason::AcrNotReached => {
            "This request needs a device with stronger authentication than this one. Use another \
             device, or decline."
        }
        _ => reason.detail(),
    }
}

/// Logs a refusal of the pages.
pub fn log(call: &Call, reason: &dyn std::fmt::Debug) {
    let correlation = call.correlation.as_str();
    tracing::info!(correlation, endpoint = "Inbox", ?reason, "refused");
}

/// Something of ours broke.
pub fn report(call: &Call, frame: &Frame, broken: &Broken) -> Response {
    let correlation = call.correlation.as_str();
    tracing::error!(correlation, error = %broken, "could not answer");
    let text = format!(
        "If you sent an answer, it may or may not have counted. Please look again in a moment. \
         (Correlation ID: {correlation})"
    );
    let said =
        Said { tone: Tone::Bad, title: "Something went wrong here", text: &text, link: None };
    if !broken.passes() {
        return pages::message(StatusCode::INTERNAL_SERVER_ERROR, frame, &said);
    }
    let mut response = pages::message(StatusCode::SERVICE_UNAVAILABLE, frame, &said);
    response.headers_mut().insert(RETRY_AFTER, failure::RETRY_AFTER_BROKEN);
    response
}

/// There is no such environment, or it does not serve.
pub fn no_environment(frame: &Frame) -> Response {
    let said = Said {
        tone: Tone::Bad,
        title: "There is no such page",
        text: "Check the address: the environment in it is not known here.",
        link: None,
    };
    pages::message(StatusCode::NOT_FOUND, frame, &said)
}

/// Any other path below the inbox.
pub async fn no_page(visit: Visit) -> Response {
    let link = Some(Link { path: visit.paths.inbox(), text: "See your requests" });
    let text = "Check the address.";
    let said = Said { tone: Tone::Bad, title: "There is no such page", text, link };
    pages::message(StatusCode::NOT_FOUND, &visit.frame, &said)
}

/// A page is asked for as only a form can be sent, or the other way round.
pub async fn wrong_method(visit: Visit) -> Response {
    let link = Some(Link { path: visit.paths.inbox(), text: "See your requests" });
    let text = "The address exists, but not for this. Nothing was changed.";
    let said = Said { tone: Tone::Bad, title: "There is nothing to see here", text, link };
    pages::message(StatusCode::METHOD_NOT_ALLOWED, &visit.frame, &said)
}
