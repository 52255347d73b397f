//! The list of what waits, one request with its two buttons, and the answer.

use assent_protocol::ciba::answer::{Answer, Said as Answered};
use assent_protocol::ciba::authentication::{Authentication, Number};
use assent_protocol::id::RequestId;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::time::Timestamp;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::{StatusCode, Uri};

use crate::details::Line;
use crate::device::{self, Waiting, api, events};
use crate::extract::body;
use crate::failure::{self, Endpoint, Failure};
use crate::inbox::forms::{self, Form};
use crate::inbox::outcome::Outcome;
use crate::inbox::pages::{self, Card, Inbox, Link, NumberAsked, Request, Said, ScopeLine, Tone};
use crate::inbox::parts;
use crate::inbox::session::Session;
use crate::inbox::stop::{self, Stop};
use crate::inbox::visit::{Paths, Visit};

/// How times are written for people; the script turns them into local time.
const FOR_PEOPLE: &str = "%Y-%m-%d %H:%M:%S UTC";

/// `GET /{envID}/inbox`
pub async fn list(visit: Visit) -> Response {
    let answer = async {
        let session = Session::of(&visit).await?;
        let (holder, now) = (&session.holder, visit.call.now);
        let waiting = device::list_waiting(&visit.app, &visit.tenant, &holder.user, now).await?;
        let requests = waiting.iter().map(|it| card(&visit.paths, it, now)).collect();
        let inbox = Inbox {
            frame: &visit.frame,
            person_name: holder.user.display_name(),
            device_name: &holder.device.nickname,
            sign_out_path: &visit.paths.sign_out(),
            csrf: &forms::token(&visit.tenant, session.digest(), Form::SignOut),
            events_path: &visit.paths.events(),
            requests,
        };
        Ok::<_, Stop>(pages::page(StatusCode::OK, &inbox))
    };
    let answer = answer.await;
    visit.speak(answer)
}

/// `GET /{envID}/inbox/events`: the device API's stream, opened by the cookie.
pub async fn events(visit: Visit) -> Response {
    match Session::of(&visit).await {
        Ok(Session { holder, credential }) => {
            events::stream_of(visit.app, visit.tenant, holder, credential)
        }
        // Read by a script, not by a person: no page.
        Err(Stop::Failed(failure)) => api::speak(&visit.call, Err(failure)),
        Err(Stop::SignedOut | Stop::Forged(_)) => {
            api::speak(&visit.call, Err(Reason::DeviceCredentialMissing.into()))
        }
    }
}

/// `GET /{envID}/inbox/requests/{id}`: the request, or in words what became of it.
pub async fn show(visit: Visit, Path((_, request)): Path<(String, String)>) -> Response {
    let answer = async {
        let session = Session::of(&visit).await?;
        let user = &session.holder.user;
        let found = device::find(&visit.app, &visit.tenant, user, &request).await?;
        match Outcome::of(&found.record, visit.call.now) {
            Some(outcome) => {
                let blocked = user.blocked.contains(&found.record.application);
                Ok(outcome.page(&visit, blocked))
            }
            None => ask(&visit, &session, found.record, (StatusCode::OK, "")).await,
        }
    };
    let answer = answer.await;
    visit.speak(answer)
}

/// The page with the buttons; `error` is what was wrong with an answer.
async fn ask(
    visit: &Visit,
    session: &Session,
    found: std::sync::Arc<Authentication>,
    (status, error): (StatusCode, &str),
) -> Result<Response, Stop> {
    let id = found.inbox.request;
    let number = found.asked.as_ref().and_then(|asked| asked.number).map(number);
    let waiting = device::describe(&visit.app, &visit.tenant, found).await?;
    let line =
        |(name, words): &(String, String)| ScopeLine { name: name.clone(), words: words.clone() };
    let scopes: Vec<ScopeLine> = waiting.scopes.iter().map(line).collect();
    let request = Request {
        frame: &visit.frame,
        person_name: session.holder.user.display_name(),
        error,
        scopes: &scopes,
        details: &parts::cards(&waiting.details),
        number,
        card: &card(&visit.paths, &waiting, visit.call.now),
        approve_path: &visit.paths.approve(id),
        deny_path: &visit.paths.deny(id),
        csrf: &forms::token(&visit.tenant, session.digest(), Form::Answer(id)),
        back_path: visit.paths.inbox(),
    };
    Ok(pages::page(status, &request))
}

fn number(number: Number) -> NumberAsked {
    match number.choices {
        Some(choices) => NumberAsked::Picked(choices.into_iter().map(Number::text).collect()),
        None => NumberAsked::Typed,
    }
}

fn card(paths: &Paths, waiting: &Waiting, now: Timestamp) -> Card {
    let asked = &waiting.authentication;
    let left = now.seconds_until(asked.expires_at);
    Card {
        path: paths.request(asked.inbox.request),
        application: waiting.application.clone(),
        binding_message: asked.binding_message.as_deref().unwrap_or_default().to_owned(),
        summary: waiting.details.first().map(first_line).unwrap_or_default(),
        more: waiting.details.len().saturating_sub(1),
        requested_at: for_people(asked.created_at),
        expires_at_iso: asked.expires_at.to_rfc3339(),
        expires_in_seconds: i64::try_from(left).unwrap_or(i64::MAX),
    }
}

fn first_line(line: &Line) -> String {
    line.words.lines().next().unwrap_or_default().to_owned()
}

fn for_people(moment: Timestamp) -> String {
    jiff::Timestamp::from_second(moment.as_seconds())
        .map(|moment| moment.strftime(FOR_PEOPLE).to_string())
        .unwrap_or_default()
}

/// `POST /{envID}/inbox/requests/{id}/approve`
pub async fn approve(
    visit: Visit,
    Path((_, request)): Path<(String, String)>,
    uri: Uri,
    body: Body,
) -> Response {
    let answer = answer(&visit, &request, Answer::Approve, &uri, body).await;
    visit.speak(answer)
}

/// `POST /{envID}/inbox/requests/{id}/deny`
pub async fn deny(
    visit: Visit,
    Path((_, request)): Path<(String, String)>,
    uri: Uri,
    body: Body,
) -> Response {
    let answer = answer(&visit, &request, Answer::Deny, &uri, body).await;
    visit.speak(answer)
}

async fn answer(
    visit: &Visit,
    request: &str,
    answer: Answer,
    uri: &Uri,
    body: Body,
) -> Result<Response, Stop> {
    forms::check_origin(&visit.app.settings, &visit.headers)?;
    let session = Session::of(visit).await?;
    let params = body::form(&visit.headers, uri.query(), body).await?;
    let id = RequestId::parse(request).ok_or(Reason::RequestUnknown)?;
    let form = Form::Answer(id);
    forms::check_token(&visit.tenant, session.digest(), form, params.find("csrf"))?;
    let user = &session.holder.user;
    let found = device::find(&visit.app, &visit.tenant, user, request).await?;
    let said = said(&found.record, &params, answer);
    let by = session.holder.answerer();
    let decided = device::decide(&visit.app, &visit.tenant, &found, &said, by, &visit.call).await;
    match decided {
        Ok(()) => Ok(Redirect::to(&visit.paths.request(id)).into_response()),
        Err(Failure::Refused(reason @ (Reason::RequestDecided | Reason::RequestExpired))) => {
            too_late(visit, &session, request, answer, reason).await
        }
        // It still waits for an answer that can be one.
        Err(Failure::Refused(
            reason @ (Reason::NumberMissing
            | Reason::DetailsSelectionInvalid
            | Reason::AcrNotReached),
        )) => {
            stop::log(&visit.call, &reason);
            let status = failure::status(Endpoint::Device, reason);
            ask(visit, &session, found.record, (status, stop::mend(reason))).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// What a form says.
fn said(found: &Authentication, params: &Params, answer: Answer) -> Answered {
    let details = found.asked.as_ref().and_then(|asked| asked.authorization_details.as_ref());
    Answered {
        answer,
        number: params.find("number").and_then(Number::parse),
        details: details.map(|_| parts::chosen(params)),
        reported: params.find("reported").is_some(),
    }
}

/// Somebody was first, or time was. Who pressed twice sees the outcome; who said the opposite is
/// told that it did not count.
async fn too_late(
    visit: &Visit,
    session: &Session,
    request: &str,
    answer: Answer,
    reason: Reason,
) -> Result<Response, Stop> {
    stop::log(&visit.call, &reason);
    let user = &session.holder.user;
    let found = device::find(&visit.app, &visit.tenant, user, request).await?;
    let outcome = Outcome::of(&found.record, visit.call.now).ok_or(reason)?;
    if outcome.is(answer) {
        let path = visit.paths.request(found.record.inbox.request);
        return Ok(Redirect::to(&path).into_response());
    }
    let (title, text) = outcome.against();
    let link = Some(Link { path: visit.paths.inbox(), text: "See your requests" });
    let said = Said { tone: Tone::Bad, title, text, link };
    Ok(pages::message(failure::status(Endpoint::Device, reason), &visit.frame, &said))
}
