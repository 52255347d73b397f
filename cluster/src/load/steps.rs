//! Single questions, each recorded.

use std::time::Duration;

use assent_jose::base64url_decode;
use serde_json::Value;

use super::{Asked, Load, Token};
use crate::chance::Chance;
use crate::history::{Mode, Request as Recorded, Said, Through, What};
use crate::http::Request;
use crate::party::{Application, Assertion, Person};
use crate::recorder::{Outcome, gist};

const CIBA: &str = "urn:openid:params:grant-type:ciba";
/// A device sees so many waiting requests at once; what is beyond need not be found.
const SHOWN_MAX: usize = 50;

/// Nothing but the status and the code matters.
fn nothing(_: &Said, _: &Value) -> Option<bool> {
    None
}

impl Load {
    fn application(&self, number: usize) -> Option<&Application> {
        self.world.applications.get(number)
    }

    fn person(&self, number: usize) -> Option<&Person> {
        self.world.people.get(number)
    }

    /// The path of an environment.
    pub fn path(&self, env: usize, rest: &str) -> String {
        let env = self.world.envs.get(env).map_or("", String::as_str);
        format!("/{env}/{rest}")
    }

    fn issuer(&self, env: usize) -> &str {
        self.world.issuers.get(env).map_or("", String::as_str)
    }

    /// A new assertion of an application, if it uses them.
    pub fn assertion(&self, application: usize) -> Option<Assertion> {
        let application = self.application(application)?;
        self.recorder.assertion(application, self.issuer(application.env))
    }

    /// An application and a person of the same environment.
    pub fn pair(&self, chance: &mut Chance) -> (usize, usize) {
        let application = chance.below(self.world.applications.len());
        let env = self.application(application).map(|it| it.env);
        let mut people = self.world.people.iter().enumerate();
        let of_env: Vec<usize> =
            people.by_ref().filter(|(_, it)| Some(it.env) == env).map(|(place, _)| place).collect();
        (application, chance.pick(&of_env).copied().unwrap_or(0))
    }

    /// The same with an application that asks for its outcomes.
    pub fn polling_pair(&self, chance: &mut Chance) -> (usize, usize) {
        loop {
            let pair = self.pair(chance);
            if self.application(pair.0).is_none_or(|it| it.mode == Mode::Poll) {
                return pair;
            }
        }
    }

    /// Begins a request with a fresh assertion.
    pub async fn start(
        &self,
        through: Through,
        (application, person): (usize, usize),
        lives: u64,
    ) -> Option<Asked> {
        let assertion = self.assertion(application);
        self.start_with(through, (application, person), lives, assertion).await
    }

    /// Begins a request.
    pub async fn start_with(
        &self,
        through: Through,
        (application, person): (usize, usize),
        lives: u64,
        assertion: Option<Assertion>,
    ) -> Option<Asked> {
        let (asking, asked) = (self.application(application)?, self.person(person)?);
        let lives_for = Duration::from_secs(lives);
        let recorded = Recorded { env: asking.env, lives: lives_for, mode: asking.mode };
        let number = self.recorder.new_request(recorded);
        let (message, lives) = (format!("R-{number}"), lives.to_string());
        let bearer = self.recorder.bearer(number);
        let mut fields = vec![
            ("scope", "openid offline_access"),
            ("login_hint", asked.username.as_str()),
            ("binding_message", &message),
            ("requested_expiry", &lives),
        ];
        if asking.mode != Mode::Poll {
            fields.push(("client_notification_token", &bearer));
        }
        let path = self.path(asking.env, "as/cibaAuthorization");
        let request = asking.request(path, &fields, assertion.as_ref());
        let used = assertion.as_ref().map(|assertion| assertion.number);
        let what = What::Start { request: number, assertion: used };
        let outcome = self.recorder.perform(through, what, &request, nothing).await;
        let auth_req_id = outcome.text("auth_req_id")?.to_owned();
        self.recorder.history(|history| history.known.insert(number, gist(&auth_req_id)));
        Some(Asked { number, application, person, auth_req_id, assertion })
    }

    /// Asks what has become of a request, and does not wait.
    pub async fn poll(
        &self,
        through: Through,
        asked: &Asked,
        assertion: Option<Assertion>,
    ) -> Option<Outcome> {
        let request = self.question(asked, assertion.as_ref())?;
        Some(self.put(through, asked, assertion, (0, request)).await)
    }

    /// Asks what has become of a request, and would wait so many seconds for it.
    pub async fn hold(
        &self,
        through: Through,
        asked: &Asked,
        assertion: Option<Assertion>,
        wait: u64,
    ) -> Option<Outcome> {
        let request = self.question(asked, assertion.as_ref())?;
        let request = request.with("prefer", format!("wait={wait}"));
        Some(self.put(through, asked, assertion, (wait, request)).await)
    }

    /// As [`Load::hold`], but that the client would wait is lost on the way.
    pub async fn hold_in_vain(
        &self,
        through: Through,
        asked: &Asked,
        wait: u64,
    ) -> Option<Outcome> {
        let assertion = self.assertion(asked.application);
        let request = self.question(asked, assertion.as_ref())?;
        Some(self.put(through, asked, assertion, (wait, request)).await)
    }

    fn question(&self, asked: &Asked, assertion: Option<&Assertion>) -> Option<Request> {
        let application = self.application(asked.application)?;
        let fields = [("grant_type", CIBA), ("auth_req_id", asked.auth_req_id.as_str())];
        let path = self.path(application.env, "as/token");
        Some(application.request(path, &fields, assertion))
    }

    async fn put(
        &self,
        through: Through,
        asked: &Asked,
        assertion: Option<Assertion>,
        (wait, request): (u64, Request),
    ) -> Outcome {
        let used = assertion.map(|assertion| assertion.number);
        let what = What::Poll { request: asked.number, assertion: used, wait };
        self.recorder.perform(through, what, &request, nothing).await
    }

    /// Takes a request back.
    pub async fn cancel(&self, through: Through, asked: &Asked) -> Option<Outcome> {
        let application = self.application(asked.application)?;
        let assertion = self.assertion(asked.application);
        let fields = [("token", asked.auth_req_id.as_str()), ("token_type_hint", "auth_req_id")];
        let path = self.path(application.env, "as/revoke");
        let request = application.request(path, &fields, assertion.as_ref());
        let used = assertion.map(|assertion| assertion.number);
        let what = What::Cancel { request: asked.number, assertion: used };
        Some(self.recorder.perform(through, what, &request, nothing).await)
    }

    /// The person's device looks for a request; the name under which it knows it.
    pub async fn seek(&self, through: Through, asked: &Asked) -> Option<String> {
        let person = self.person(asked.person)?;
        let request = Request::get(self.path(person.env, "device/requests")).bearer(&person.device);
        let message = format!("R-{}", asked.number);
        let what = What::Seek { request: asked.number };
        let seen = |said: &Said, body: &Value| {
            let listed = body.get("requests").and_then(Value::as_array).map_or(0, Vec::len);
            let found = find(body, &message).is_some();
            (said.status == 200 && (found || listed < SHOWN_MAX)).then_some(found)
        };
        let outcome = self.recorder.perform(through, what, &request, seen).await;
        find(&outcome.body, &message)
    }

    /// The person decides.
    pub async fn decide(
        &self,
        through: Through,
        asked: &Asked,
        id: &str,
        approve: bool,
    ) -> Option<Outcome> {
        let person = self.person(asked.person)?;
        let verb = if approve { "approve" } else { "deny" };
        let path = self.path(person.env, &format!("device/requests/{id}/{verb}"));
        let request = Request::form(path, &[]).bearer(&person.device);
        let what = What::Decide { request: asked.number, approve };
        Some(self.recorder.perform(through, what, &request, nothing).await)
    }

    /// The refresh token that came with the tokens of a request, polled or pushed.
    pub fn first_token(&self, asked: &Asked, body: &Value) -> Option<Token> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let grant = claim(text("id_token")?, "sid")?;
        let text = text("refresh_token")?.to_owned();
        let family = self.recorder.new_family(grant);
        Some(Token { family, generation: 0, application: asked.application, text })
    }

    /// Presents a refresh token; the next one.
    pub async fn refresh(
        &self,
        through: Through,
        token: &Token,
    ) -> (Option<Outcome>, Option<Token>) {
        let Some(application) = self.application(token.application) else { return (None, None) };
        let assertion = self.assertion(token.application);
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.text.as_str())];
        let path = self.path(application.env, "as/token");
        let request = application.request(path, &fields, assertion.as_ref());
        let used = assertion.map(|assertion| assertion.number);
        let (family, generation) = (token.family, token.generation);
        let what = What::Refresh { family, generation, assertion: used };
        let outcome = self.recorder.perform(through, what, &request, nothing).await;
        let next = outcome.text("refresh_token").map(|text| Token {
            generation: token.generation + 1,
            text: text.to_owned(),
            ..token.clone()
        });
        (Some(outcome), next)
    }

    /// Fetches the keys of an environment.
    pub async fn keys(&self, env: usize) {
        let request = Request::get(self.path(env, "as/jwks"));
        self.recorder.perform(Through::Balancer, What::Keys, &request, nothing).await;
    }

    /// Tries something that may not be.
    pub async fn trespass(&self, through: Through, name: &'static str, request: &Request) {
        self.recorder.perform(through, What::Trespass(name), request, nothing).await;
    }
}

fn find(body: &Value, message: &str) -> Option<String> {
    let requests = body.get("requests")?.as_array()?;
    let text = |request: &Value, name: &str| Some(request.get(name)?.as_str()?.to_owned());
    let found = requests.iter().find(|it| text(it, "bindingMessage").as_deref() == Some(message));
    text(found?, "id")
}

/// A text among the claims of a token.
fn claim(token: &str, name: &str) -> Option<String> {
    let payload = base64url_decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get(name)?.as_str()?.to_owned())
}
