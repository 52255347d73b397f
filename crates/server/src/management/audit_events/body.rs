//! An event on the wire, in the shape of PingOne's activities.

use assent_protocol::audit::chain::Link;
use assent_protocol::audit::{Act, Actor, ActorKind, Object};
use serde::Serialize;

use crate::management::body::Reference;

/// An event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventBody<'a> {
    id: String,
    recorded_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    action: Action,
    actor: ActorBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ResourceBody<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    changed_members: &'a [String],
    result: ResultBody<'a>,
    count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    chain: Chain<'a>,
}

#[derive(Serialize)]
struct Action {
    #[serde(rename = "type")]
    kind: Act,
}

#[derive(Serialize)]
struct ActorBody<'a> {
    #[serde(rename = "type")]
    kind: ActorKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<Reference>,
}

impl<'a> ActorBody<'a> {
    fn new(actor: &'a Actor) -> Self {
        let device = actor.device.map(Reference::new);
        Self { kind: actor.kind, id: actor.id.as_deref(), device }
    }
}

#[derive(Serialize)]
struct ResourceBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: &'a str,
}

impl<'a> From<&'a Object> for ResourceBody<'a> {
    fn from(object: &'a Object) -> Self {
        Self { kind: object.kind.to_uppercase(), id: &object.id }
    }
}

#[derive(Serialize)]
struct ResultBody<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    ip_address: &'a str,
}

/// Its place: what whoever verifies the log needs beside the export.
#[derive(Serialize)]
struct Chain<'a> {
    seq: u64,
    hash: &'a assent_protocol::secret::Digest,
}

impl<'a> EventBody<'a> {
    /// How the link looks.
    pub fn new(link: &'a Link) -> Self {
        let entry = &link.entry;
        let reason = entry.refused.as_deref();
        Self {
            id: entry.id.to_string(),
            recorded_at: entry.at.to_rfc3339(),
            correlation_id: entry.correlation.as_deref(),
            action: Action { kind: entry.act },
            actor: ActorBody::new(&entry.actor),
            application: entry.application.map(Reference::new),
            user: entry.subject.map(Reference::new),
            resources: entry.object.iter().chain(&entry.also).map(ResourceBody::from).collect(),
            changed_members: &entry.members,
            result: ResultBody {
                status: if reason.is_some() { "FAILED" } else { "SUCCESS" },
                reason,
            },
            count: entry.count,
            source: entry.source.as_deref().map(|ip_address| Source { ip_address }),
            chain: Chain { seq: link.seq, hash: &link.hash },
        }
    }
}
