//! Server-sent events: a device waits for what comes next instead of asking again and again.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use assent_protocol::id::RequestId;
use assent_protocol::secret::Secret;
use assent_store::Topic;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::app::{App, drained};
use crate::call::Call;
use crate::device::api::{self, RequestBody};
use crate::device::{self, Holder};
use crate::extract::credentials;
use crate::failure::{self, Failure};
use crate::registry::Tenant;

/// A comment keeps the connection open through proxies.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Without news the inbox is looked at this often: requests also leave it by expiring.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// `GET /{envID}/device/events`: an event `request` for everything that waits and everything that
/// comes, an event `gone` for what was decided or expired.
pub async fn get(
    State(app): State<Arc<App>>,
    tenant: Tenant,
    call: Call,
    headers: HeaderMap,
) -> Response {
    match api::holder(&app, &tenant, &headers).await {
        Ok(holder) => {
            let credential = credentials::bearer(&headers).unwrap_or_default().to_owned();
            stream_of(app, tenant, holder, Secret::new(credential))
        }
        Err(failure) => api::speak(&call, Err(failure)),
    }
}

/// The stream of one person's inbox, as long as `credential` is good.
pub fn stream_of(app: Arc<App>, tenant: Tenant, holder: Holder, credential: Secret) -> Response {
    let subscription = app.store.feed().subscribe(Topic::Inbox(tenant.id(), holder.user.id));
    let inbox = Inbox {
        draining: app.draining.subscribe(),
        credential,
        app,
        tenant,
        holder,
        subscription,
        known: HashSet::new(),
        ready: Vec::new(),
        looked: false,
    };
    let mut response =
        Sse::new(events(inbox)).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    failure::no_store(&mut response);
    // A proxy that collects the stream before it passes it on would make it useless.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(unbuffered.0, unbuffered.1);
    response
}

struct Inbox {
    app: Arc<App>,
    tenant: Tenant,
    holder: Holder,
    credential: Secret,
    subscription: assent_store::Subscription,
    draining: tokio::sync::watch::Receiver<bool>,
    known: HashSet<RequestId>,
    ready: Vec<Event>,
    looked: bool,
}

fn events(inbox: Inbox) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(inbox, |mut inbox| async move {
        loop {
            if let Some(event) = inbox.ready.pop() {
                return Some((Ok(event), inbox));
            }
            if inbox.looked && !inbox.wait().await {
                return None;
            }
            inbox.looked = true;
            // A device that was removed, or a person who was locked, hears no more.
            inbox.look().await.ok()?;
        }
    })
}

impl Inbox {
    /// Waits for news; `false` when the server drains.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            () = self.subscription.changed() => true,
            () = tokio::time::sleep(LOOK_EVERY) => true,
            () = drained(self.draining.clone()) => false,
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let credential = self.credential.expose();
        self.holder = device::identify(&self.app, &self.tenant, credential).await?;
        let now = self.app.clock.now();
        let waiting = device::list_waiting(&self.app, &self.tenant, &self.holder.user, now).await?;
        let present: HashSet<RequestId> =
            waiting.iter().map(|it| it.authentication.inbox.request).collect();
        for gone in self.known.difference(&present) {
            self.ready.push(Event::default().event("gone").data(format!("{{\"id\":\"{gone}\"}}")));
        }
        // Taken from the end, so the oldest request is told first.
        for it in waiting.iter().rev() {
            if !self.known.contains(&it.authentication.inbox.request) {
                let body = serde_json::to_string(&RequestBody::new(it, now))
                    .map_err(crate::failure::Broken::from)?;
                self.ready.push(Event::default().event("request").data(body));
            }
        }
        self.known = present;
        Ok(())
    }
}
