//! Paths, their methods, and the permission that each needs. A method cannot be added without
//! naming the area it touches; whether it looks or changes follows from the method.

use std::sync::Arc;

use assent_protocol::administrator::{Access, Area};
use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use http::Method;

use crate::app::App;
use crate::audit::refusals::Why;
use crate::call::Call;
use crate::management::ask::{Ask, Place, Rule, permit, refused};
use crate::management::problem::Problem;

/// What a handler gives.
pub type Answer = Result<Response, Problem>;

/// A path and what may be done there.
pub struct Path {
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Its methods and what each needs.
    pub rules: Vec<(Method, Rule)>,
    /// The handlers behind the rules.
    pub methods: MethodRouter<Arc<App>>,
}

impl Path {
    /// A path without methods.
    pub fn new(path: &'static str) -> Self {
        Self { path, rules: Vec::new(), methods: MethodRouter::new() }
    }

    /// Shows something of `area`.
    pub fn get<P: Place, F, R>(self, area: Area, handler: F) -> Self
    where
        F: Fn(Ask<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send,
    {
        self.on((Method::GET, MethodFilter::GET), Rule { area, access: Access::Read }, handler)
    }

    /// Makes something in `area`.
    pub fn post<P: Place, F, R>(self, area: Area, handler: F) -> Self
    where
        F: Fn(Ask<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send,
    {
        self.on((Method::POST, MethodFilter::POST), Rule { area, access: Access::Write }, handler)
    }

    /// Changes something in `area`.
    pub fn put<P: Place, F, R>(self, area: Area, handler: F) -> Self
    where
        F: Fn(Ask<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send,
    {
        self.on((Method::PUT, MethodFilter::PUT), Rule { area, access: Access::Write }, handler)
    }

    /// Removes something of `area`.
    pub fn delete<P: Place, F, R>(self, area: Area, handler: F) -> Self
    where
        F: Fn(Ask<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send,
    {
        let method = (Method::DELETE, MethodFilter::DELETE);
        self.on(method, Rule { area, access: Access::Write }, handler)
    }

    fn on<P: Place, F, R>(
        mut self,
        (method, filter): (Method, MethodFilter),
        rule: Rule,
        handler: F,
    ) -> Self
    where
        F: Fn(Ask<P>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send,
    {
        self.rules.push((method, rule));
        self.methods = self.methods.on(filter, move |State(app), request: Request| async move {
            serve(app, rule, request, handler).await
        });
        self
    }
}

async fn serve<P: Place, F, R>(app: Arc<App>, rule: Rule, request: Request, handler: F) -> Response
where
    F: Fn(Ask<P>) -> R,
    R: Future<Output = Answer>,
{
    let (mut parts, body) = request.into_parts();
    let call = match Call::from_request_parts(&mut parts, &app).await {
        Ok(call) => call,
        Err(status) => return status.into_response(),
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    let answer = async {
        let ask = permit::<P>(app, call.clone(), rule, parts, body).await?;
        let (caller, app, env) = (ask.caller.clone(), Arc::clone(&ask.app), ask.place.env());
        let answer = handler(ask).await;
        if let Err(Problem::Forbidden) = &answer {
            refused(&app, env, caller.actor(), Why::Forbidden);
        }
        let answer = answer?;
        // Who looked at a secret matters as much as who changed something.
        if rule.access == Access::Write || rule.area == Area::Secrets {
            let correlation = call.correlation.as_str();
            tracing::info!(correlation, %caller, %method, path, "the management API acted");
        }
        Ok(answer)
    };
    answer.await.unwrap_or_else(|problem: Problem| problem.render(&call))
}
