//! One visit to a page: the request's facts, and where the other pages are.

use std::sync::Arc;

use assent_protocol::id::{EnvironmentId, RequestId};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::request::Parts;
use url::Url;

use crate::app::App;
use crate::call::Call;
use crate::failure::Broken;
use crate::inbox::pages::Frame;
use crate::inbox::stop::{self, Stop};
use crate::registry::Tenant;
use crate::settings::Settings;

/// A request for a page of an environment that serves; for another one there is a page that says
/// so (T-66).
pub struct Visit {
    /// The server.
    pub app: Arc<App>,
    /// Whose pages these are.
    pub tenant: Tenant,
    /// When it came, and how it is found in the log.
    pub call: Call,
    /// What the browser says.
    pub headers: HeaderMap,
    /// What every page shows.
    pub frame: Frame,
    /// Where the pages are.
    pub paths: Paths,
    /// The page that is asked for.
    pub path: String,
}

impl Visit {
    /// The answer as a page.
    pub fn speak(&self, answer: Result<Response, Stop>) -> Response {
        answer.unwrap_or_else(|stop| stop::explain(self, stop))
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let call =
            Call::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let base = base_path(&app.settings);
        let nowhere = Frame { base_path: base.clone(), environment_name: String::new() };
        let tenant = match tenant(parts, app).await {
            Ok(Some(tenant)) => tenant,
            Ok(None) => return Err(stop::no_environment(&nowhere)),
            Err(broken) => return Err(stop::report(&call, &nowhere, &broken)),
        };
        let environment_name = tenant.environment.name.clone();
        Ok(Self {
            app: Arc::clone(app),
            paths: Paths { inbox: format!("{base}/{}/inbox", tenant.id()) },
            path: format!("{base}{}", parts.uri.path()),
            frame: Frame { environment_name, ..nowhere },
            headers: parts.headers.clone(),
            tenant,
            call,
        })
    }
}

async fn tenant(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Tenant>, Broken> {
    let Ok(path) = RawPathParams::from_request_parts(parts, app).await else { return Ok(None) };
    let named = path.iter().find(|(name, _)| *name == "env").map(|(_, value)| value);
    match named.and_then(EnvironmentId::parse) {
        Some(id) => app.tenant(id).await,
        None => Ok(None),
    }
}

/// What stands before every path when a proxy serves Assent below one.
pub fn base_path(settings: &Settings) -> String {
    Url::parse(&settings.auth_path)
        .map(|url| url.path().trim_end_matches('/').to_owned())
        .unwrap_or_default()
}

/// Where the pages of one environment are.
pub struct Paths {
    inbox: String,
}

impl Paths {
    /// What waits.
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// The form that signs in.
    pub fn sign_in(&self) -> String {
        format!("{}/sign-in", self.inbox)
    }

    /// Where signing out is sent.
    pub fn sign_out(&self) -> String {
        format!("{}/sign-out", self.inbox)
    }

    /// The events of the inbox.
    pub fn events(&self) -> String {
        format!("{}/events", self.inbox)
    }

    /// One request.
    pub fn request(&self, id: RequestId) -> String {
        format!("{}/requests/{id}", self.inbox)
    }

    /// Where a yes is sent.
    pub fn approve(&self, id: RequestId) -> String {
        format!("{}/approve", self.request(id))
    }

    /// Where a no is sent.
    pub fn deny(&self, id: RequestId) -> String {
        format!("{}/deny", self.request(id))
    }
}
