//! The device API from the device's side.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::terminal;
use crate::web::{Answer, Stream};

/// A paired device.
pub struct Phone {
    place: Place,
    token: String,
}

/// A request that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its name in the person's inbox.
    pub id: String,
    /// Who asks.
    pub application: Named,
    /// For what.
    pub scopes: Vec<Scope>,
    /// What else is asked for, in detail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Detail>,
    /// The number that the person has to show that they see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_matching: Option<NumberMatching>,
    /// What the person sees at the other end, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding_message: Option<String>,
    /// Seconds from now.
    pub expires_in: u64,
    /// The moment.
    pub expires_at: String,
}

/// An application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Its registered name.
    pub name: String,
}

/// A scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scope {
    /// Its name.
    pub name: String,
    /// In words for people.
    pub description: String,
}

/// One thing that is asked for in detail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detail {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words for people.
    pub text: String,
    /// All of it.
    pub detail: serde_json::Value,
}

/// How a number is matched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NumberMatching {
    /// Picked or typed.
    pub method: String,
    /// From what it is picked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// What the person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Yes.
    Approve,
    /// No.
    Deny,
    /// No, and whoever asks is to ask no more.
    Report,
}

impl Said {
    /// What was done, in words.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Deny => "denied",
            Self::Report => "denied and reported",
        }
    }
}

/// What comes with an answer.
#[derive(Default, Serialize)]
struct SaidBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reported: bool,
}

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Answered {
    /// It counts.
    Done,
    /// It came too late; the server says why.
    TooLate(String),
    /// It cannot be answered so; the server says why.
    Refused(String),
    /// The server could not take it now.
    NotNow(String),
}

/// What pairing yields.
#[derive(Deserialize)]
pub struct Paired {
    /// The credential.
    pub token: String,
    /// The device.
    pub device: Identified,
    /// The person.
    pub user: Identified,
}

/// Something with a name.
#[derive(Deserialize)]
pub struct Identified {
    /// The name.
    pub id: String,
}

#[derive(Deserialize)]
struct Listed {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Refusal {
    error_description: String,
}

impl Phone {
    /// The device with this credential.
    pub fn new(place: Place, token: String) -> Self {
        Self { place, token }
    }

    /// What waits, oldest first.
    pub fn list(&self) -> Result<Vec<Request>> {
        let answer = self.place.web.get(&self.path("requests"), Some(&self.token))?;
        if answer.status != 200 {
            bail!(refusal(&answer));
        }
        let listed: Listed = serde_json::from_str(&answer.body).context(NOT_OURS)?;
        Ok(listed.requests)
    }

    /// The stream of what comes and goes. The outer error passes, the inner one does not.
    pub fn events(&self) -> Result<Result<Stream, anyhow::Error>> {
        match self.place.web.events(&self.path("events"), &self.token)? {
            Ok(stream) => Ok(Ok(stream)),
            Err(answer) if answer.is_passing() => bail!(refusal(&answer)),
            Err(answer) => Ok(Err(anyhow::Error::msg(refusal(&answer)))),
        }
    }

    /// Answers a request; `number` is what the person sees at the other end.
    pub fn answer(&self, request: &str, said: Said, number: Option<&str>) -> Result<Answered> {
        if !request.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            bail!(NOT_OURS);
        }
        let verb = match said {
            Said::Approve => "approve",
            Said::Deny | Said::Report => "deny",
        };
        let body = SaidBody { number, reported: said == Said::Report };
        let body = serde_json::to_string(&body)?;
        let url = self.path(&format!("requests/{request}/{verb}"));
        let authorization = format!("Bearer {}", self.token);
        let headers = [("Authorization", Some(authorization.as_str()))];
        let sent = self.place.web.post(&url, &headers, "application/json", &body);
        match sent {
            Ok(answer) if answer.status == 200 => Ok(Answered::Done),
            Ok(answer) if matches!(answer.status, 404 | 409 | 410) => {
                Ok(Answered::TooLate(refusal(&answer)))
            }
            Ok(answer) if matches!(answer.status, 400 | 403) => {
                Ok(Answered::Refused(refusal(&answer)))
            }
            Ok(answer) if answer.is_passing() => Ok(Answered::NotNow(refusal(&answer))),
            Ok(answer) => bail!(refusal(&answer)),
            Err(error) => Ok(Answered::NotNow(format!("{error:#}"))),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/device/{rest}", self.place.base)
    }
}

/// Turns a one-time code into a credential.
pub fn pair(place: &Place, code: &str) -> Result<Paired> {
    let body = serde_json::json!({ "code": code }).to_string();
    let url = format!("{}/device/pair", place.base);
    let answer = place.web.post(&url, &[], "application/json", &body)?;
    if answer.status != 200 {
        bail!(refusal(&answer));
    }
    let paired: Paired = serde_json::from_str(&answer.body).context(NOT_OURS)?;
    if paired.token.bytes().all(|octet| octet.is_ascii_graphic()) {
        Ok(paired)
    } else {
        bail!(NOT_OURS)
    }
}

const NOT_OURS: &str = "the answer is not one of Assent; is the URL right?";

/// Why the server refused, and what to do.
fn refusal(answer: &Answer) -> String {
    if answer.status == 401 {
        return String::from(
            "the server does not accept this device: its credential is wrong, was removed, or \
             belongs to another environment; pair again with `assent phone pair --code CODE`",
        );
    }
    match serde_json::from_str::<Refusal>(&answer.body) {
        Ok(refusal) => terminal::harmless(&refusal.error_description),
        Err(_) if answer.status == 404 => {
            String::from("there is no such environment on this server; check --url and --env")
        }
        Err(_) => format!("the server answered with status {}", answer.status),
    }
}
