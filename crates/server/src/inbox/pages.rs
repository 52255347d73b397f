//! The pages as values. Every text is escaped where it is put (T-81): templates mark nothing safe.

use askama::Template;
use assent_protocol::authorization_details::is_unshowable;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

/// What every page shows.
pub struct Frame {
    /// What stands before every path.
    pub base_path: String,
    /// The environment's name; empty where there is none.
    pub environment_name: String,
}

/// Where a device signs in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// Frame.
    pub frame: &'a Frame,
    /// Where the form is sent.
    pub post_path: &'a str,
    /// The code of a link, or the one that was typed.
    pub code: &'a str,
    /// What was wrong; empty at first.
    pub error: &'a str,
}

/// What waits for the person.
#[derive(Template)]
#[template(path = "inbox.html")]
pub struct Inbox<'a> {
    /// Frame.
    pub frame: &'a Frame,
    /// Who is signed in.
    pub person_name: &'a str,
    /// On which device.
    pub device_name: &'a str,
    /// Where signing out is sent.
    pub sign_out_path: &'a str,
    /// Token of the form that signs out.
    pub csrf: &'a str,
    /// The events of the inbox.
    pub events_path: &'a str,
    /// Oldest first.
    pub requests: Vec<Card>,
}

/// A waiting request in the list.
pub struct Card {
    /// Its page.
    pub path: String,
    /// Who asks.
    pub application: String,
    /// What both devices show; may be empty.
    pub binding_message: String,
    /// The first of what is asked for in full; may be empty.
    pub summary: String,
    /// How many more there are.
    pub more: usize,
    /// When.
    pub requested_at: String,
    /// Until when it can be answered.
    pub expires_at_iso: String,
    /// How long that is.
    pub expires_in_seconds: i64,
}

/// One waiting request, with the buttons.
#[derive(Template)]
#[template(path = "request.html")]
pub struct Request<'a> {
    /// Frame.
    pub frame: &'a Frame,
    /// Who is asked.
    pub person_name: &'a str,
    /// What was wrong with an answer; empty at first.
    pub error: &'a str,
    /// What is asked for.
    pub scopes: &'a [ScopeLine],
    /// What is asked for in full.
    pub details: &'a [DetailCard],
    /// The number that the person has to show that they see.
    pub number: Option<NumberAsked>,
    /// Who asks, the message, the times.
    pub card: &'a Card,
    /// Where a yes is sent.
    pub approve_path: &'a str,
    /// Where a no is sent.
    pub deny_path: &'a str,
    /// Token of both forms.
    pub csrf: &'a str,
    /// The list.
    pub back_path: &'a str,
}

impl Request<'_> {
    /// The application's name for the window's title, where no element isolates it.
    fn title_name(&self) -> String {
        self.card.application.chars().filter(|c| !is_unshowable(*c)).collect()
    }

    /// Whether something can be left out.
    fn is_partial(&self) -> bool {
        self.details.iter().any(|detail| detail.optional)
    }
}

/// One of the `authorization_details`.
pub struct DetailCard {
    /// What its member of the form is called.
    pub name: String,
    /// Its `type`.
    pub kind: String,
    /// What it means.
    pub words: String,
    /// Whether it can be left out.
    pub optional: bool,
    /// All that it says.
    pub fields: Vec<Field>,
}

/// One member of an object, however deep.
pub struct Field {
    /// Where it stands.
    pub name: String,
    /// What it is.
    pub value: String,
}

/// How a number is matched.
pub enum NumberAsked {
    /// One of these is picked.
    Picked(Vec<String>),
    /// It is typed.
    Typed,
}

/// One scope in words.
pub struct ScopeLine {
    /// As the application asked for it.
    pub name: String,
    /// What it means; may be empty.
    pub words: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: &'a Frame,
    said: &'a Said<'a>,
}

/// What a page says that has nothing to decide on it.
pub struct Said<'a> {
    /// How it looks.
    pub tone: Tone,
    /// The heading.
    pub title: &'a str,
    /// A sentence or two.
    pub text: &'a str,
    /// Where to go from here.
    pub link: Option<Link<'a>>,
}

/// A link.
pub struct Link<'a> {
    /// Where to.
    pub path: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// How a message looks; the words say it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It was done.
    Good,
    /// It was not done.
    Bad,
    /// Neither.
    Neutral,
}

/// A message as a page.
pub fn message(status: StatusCode, frame: &Frame, said: &Said<'_>) -> Response {
    page(status, &Message { frame, said })
}

/// A template as a page.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
