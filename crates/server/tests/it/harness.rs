//! A server in process with two environments that hold the same people and applications.

use assent_protocol::resource::AccessTokenFormat;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use assent_jose::{Algorithm, HmacKey, Jwks, SigningKey};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::{
    Application, CorsBehavior, CorsSettings, GrantType, ScopeGrant,
    TokenEndpointAuthMethod as Method,
};
use assent_protocol::device::{Credential, Device, DeviceStatus, DeviceType};
use assent_protocol::environment::{CibaSettings, Environment, EnvironmentType, LimitSettings};
use assent_protocol::id::{ApplicationId, EnvironmentId, ResourceId, UserId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{Key, Record, Write};
use assent_protocol::resource::{
    Introspection, IntrospectionAuthMethod, Resource, ResourceType, Scope,
};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::time::{Seconds, Timestamp};
use assent_protocol::user::{Name, User};
use assent_server::app::App;
use assent_server::listen;
use assent_server::listen::certificate::ClientCertificate;
use assent_server::machine::{Entropy, ManualClock, SeededEntropy, SystemEntropy};
use assent_server::provision::{self, NewEnvironment};
use assent_server::router;
use assent_server::settings::Settings;
use assent_store::{Embedded, Faulty, Outcome, Store};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method as HttpMethod, Request, StatusCode};
use http_body_util::BodyExt;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

/// 2026-11-23T08:00:00Z, the beginning of every test.
pub const START: Timestamp = Timestamp::from_millis(1_795_420_800_000);
/// The base URL of the server under test.
pub const AUTH_PATH: &str = "https://auth.example.com";
/// The CIBA grant on the wire.
pub const CIBA: &str = "urn:openid:params:grant-type:ciba";
const CLIENT_SECRET: &str =
    "a-secret-of-more-than-sixty-four-octets-so-that-hs512-is-possible-0123456789";

/// An application and what it authenticates with.
#[derive(Clone)]
pub struct Client {
    pub id: ApplicationId,
    pub method: Method,
    pub key: Option<Arc<SigningKey>>,
    /// What it shows on its connections.
    pub certificate: Option<ClientCertificate>,
}

/// A person and the credential of their phone.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub username: &'static str,
    pub device_token: String,
}

/// One environment's inhabitants.
pub struct Inhabited {
    pub id: EnvironmentId,
    pub basic: Client,
    pub post: Client,
    pub secret_jwt: Client,
    pub private_key: Client,
    pub alice: Person,
    pub bob: Person,
    /// A custom resource; it introspects by Basic with the secret of every application.
    pub payments: ResourceId,
}

/// The server and its surroundings.
pub struct World {
    pub app: Arc<App>,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    pub store: Arc<Faulty>,
    pub main: Inhabited,
    pub other: Inhabited,
    /// Bearer token of an administrator who may do everything.
    pub admin_token: String,
    _directory: tempfile::TempDir,
}

/// What a request shows beside its credentials.
#[derive(Clone, Default)]
pub struct Shows {
    /// The values of its `DPoP` headers.
    pub proofs: Vec<String>,
    /// The certificate on its connection.
    pub certificate: Option<ClientCertificate>,
    /// Its `Prefer` header.
    pub prefer: Option<&'static str>,
}

impl Shows {
    /// One proof.
    pub fn proof(proof: impl Into<String>) -> Self {
        Self { proofs: vec![proof.into()], ..Self::default() }
    }

    /// A certificate with these octets; what they mean is nobody's concern here.
    pub fn certificate(octets: &[u8]) -> Self {
        let certificate = ClientCertificate::new(vec![CertificateDer::from(octets.to_vec())]);
        Self { certificate, ..Self::default() }
    }

    /// The request, showing it.
    pub fn on(&self, mut request: Request<Body>) -> Request<Body> {
        for proof in &self.proofs {
            request.headers_mut().append("dpop", proof.parse().unwrap());
        }
        if let Some(prefer) = self.prefer {
            request.headers_mut().insert("prefer", prefer.parse().unwrap());
        }
        if let Some(certificate) = &self.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        request
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answer {
    /// The JSON body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// A member of the JSON body, as text.
    pub fn text(&self, member: &str) -> String {
        let json = self.json();
        json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}")).to_owned()
    }

    /// The registered error code.
    pub fn error(&self) -> String {
        self.text("error")
    }

    /// Status, headers and body as text for a snapshot; correlation ids are replaced.
    pub fn whole(&self) -> String {
        let headers: BTreeMap<&str, Vec<&str>> = self
            .headers
            .keys()
            .map(|name| {
                let values = self.headers.get_all(name).iter();
                (name.as_str(), values.filter_map(|value| value.to_str().ok()).collect())
            })
            .collect();
        let mut text = format!("{}\n", self.status);
        for (name, values) in headers {
            text.push_str(&format!("{name}: {}\n", values.join(" | ")));
        }
        let body = match serde_json::from_str::<Value>(&self.body) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
            Err(_) => self.body.clone(),
        };
        format!("{text}\n{}", without_correlation(&body))
    }
}

fn without_correlation(text: &str) -> String {
    let mark = "(Correlation ID: ";
    match text.find(mark) {
        Some(start) => {
            let id = start + mark.len();
            format!("{}[correlation]{}", &text[..id], &text[id + 36..])
        }
        None => text.to_owned(),
    }
}

/// The records of an environment take long to make (RSA keys), so they are made once a process.
struct Template {
    environment: Environment,
    writes: Vec<Write>,
}

fn template(place: usize) -> &'static Template {
    static TEMPLATES: [OnceLock<Template>; 2] = [OnceLock::new(), OnceLock::new()];
    TEMPLATES[place].get_or_init(|| {
        let new = NewEnvironment {
            name: ["Example", "Another"][place].to_owned(),
            kind: EnvironmentType::Sandbox,
            // Tests of prompt protection and of other limits turn them on.
            ciba: unlimited(),
            limits: LimitSettings {
                failed_authentications_per_minute: 0,
                ..LimitSettings::default()
            },
            ..NewEnvironment::default()
        };
        let (environment, writes) =
            provision::environment(&master(), &SystemEntropy, new, START).unwrap();
        Template { environment, writes }
    })
}

/// Settings under which one person can be asked any number of times.
pub fn unlimited() -> CibaSettings {
    CibaSettings {
        requests_per_minute: 0,
        prompts_per_minute: 0,
        prompts_waiting: 0,
        prompts_unwanted: 0,
        ..CibaSettings::default()
    }
}

fn client_key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    Arc::clone(KEY.get_or_init(|| Arc::new(SigningKey::generate(Algorithm::ES256).unwrap())))
}

fn master() -> RootKey {
    RootKey::new([42; 32])
}

impl World {
    /// A fresh server at [`START`].
    pub async fn new() -> Self {
        Self::with(Arc::new(SeededEntropy::new(7)), |_| ()).await
    }

    /// A fresh server with other settings.
    pub async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with(Arc::new(SeededEntropy::new(7)), change).await
    }

    /// A fresh server with real randomness, for tests that run many requests at once.
    pub async fn random() -> Self {
        Self::with(Arc::new(SystemEntropy), |_| ()).await
    }

    async fn with(entropy: Arc<dyn Entropy>, change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(&assent_store::Settings::new(directory.path())).unwrap();
        let store = Arc::new(Faulty::new(Arc::new(embedded)));
        let clock = Arc::new(ManualClock::new(START));
        let mut settings = Settings::new(AUTH_PATH, Some("https://api.example.com/v1")).unwrap();
        settings.simulator = true;
        change(&mut settings);
        let main = inhabit(store.as_ref(), template(0), entropy.as_ref()).await;
        let other = inhabit(store.as_ref(), template(1), entropy.as_ref()).await;
        let roles = vec![RoleAssignment { role: Role::OrganizationAdmin, environment: None }];
        let (administrator, token) =
            provision::administrator(entropy.as_ref(), String::from("Root"), roles, START).unwrap();
        store.commit(vec![Write::insert(administrator)]).await.unwrap();
        let shared: Arc<dyn Store> = store.clone();
        let app = Arc::new(App::new(shared, clock.clone(), entropy, master(), settings));
        Self {
            router: router::router(Arc::clone(&app)),
            app,
            clock,
            store,
            main,
            other,
            admin_token: token.expose().to_owned(),
            _directory: directory,
        }
    }

    /// Sends a request through everything but the socket.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let peer = SocketAddr::from(([203, 0, 113, 7], 40_000));
        let response = listen::answer(&self.app, self.router.clone(), request, peer).await;
        let (parts, body) = response.into_parts();
        let octets = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&octets).into_owned(),
        }
    }

    /// A request without a body.
    pub async fn call(&self, method: HttpMethod, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(method, path, headers, Body::empty())).await
    }

    /// A form.
    pub async fn form(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send(request(HttpMethod::POST, path, &all, Body::from(body.to_owned()))).await
    }

    /// A JSON request with a bearer token.
    pub async fn json(&self, method: HttpMethod, path: &str, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        self.send(request(method, path, &headers, Body::from(body.to_string()))).await
    }

    /// `POST …/as/cibaAuthorization` by `client`, authenticated its way.
    pub async fn start(&self, env: &Inhabited, client: &Client, params: &[(&str, &str)]) -> Answer {
        let endpoint = format!("/{}/as/cibaAuthorization", env.id);
        self.authenticated(env, client, &endpoint, params).await
    }

    /// `POST …/as/token` by `client`, authenticated its way.
    pub async fn token(&self, env: &Inhabited, client: &Client, params: &[(&str, &str)]) -> Answer {
        let endpoint = format!("/{}/as/token", env.id);
        self.authenticated(env, client, &endpoint, params).await
    }

    /// A start for `person` that must succeed; answers the `auth_req_id`.
    pub async fn started(&self, env: &Inhabited, client: &Client, person: &Person) -> String {
        let params = [("scope", "openid"), ("login_hint", person.username)];
        let answer = self.start(env, client, &params).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.text("auth_req_id")
    }

    /// Tokens of `person` for `scope`; they approve at once.
    pub async fn tokens(
        &self,
        env: &Inhabited,
        client: &Client,
        person: &Person,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut params = vec![("login_hint", person.username)];
        params.extend_from_slice(more);
        let answer = self.start(env, client, &params).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(self.decide(env, person, "approve").await.status, StatusCode::OK);
        self.poll(env, client, &answer.text("auth_req_id")).await
    }

    /// `POST …/as/introspect` by `client`, authenticated its way.
    pub async fn introspect(&self, env: &Inhabited, client: &Client, token: &str) -> Answer {
        let endpoint = format!("/{}/as/introspect", env.id);
        self.authenticated(env, client, &endpoint, &[("token", token)]).await
    }

    /// `POST …/as/revoke` by `client`, authenticated its way.
    pub async fn revoke(&self, env: &Inhabited, client: &Client, token: &str) -> Answer {
        let endpoint = format!("/{}/as/revoke", env.id);
        self.authenticated(env, client, &endpoint, &[("token", token)]).await
    }

    /// `GET …/as/userinfo`
    pub async fn userinfo(&self, env: &Inhabited, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let path = format!("/{}/as/userinfo", env.id);
        self.call(HttpMethod::GET, &path, &[("authorization", &bearer)]).await
    }

    /// A poll.
    pub async fn poll(&self, env: &Inhabited, client: &Client, auth_req_id: &str) -> Answer {
        self.token(env, client, &[("grant_type", CIBA), ("auth_req_id", auth_req_id)]).await
    }

    /// A call of the device API with the person's phone.
    pub async fn phone(
        &self,
        env: &Inhabited,
        person: &Person,
        method: HttpMethod,
        path: &str,
    ) -> Answer {
        let bearer = format!("Bearer {}", person.device_token);
        let path = format!("/{}/device{path}", env.id);
        self.call(method, &path, &[("authorization", &bearer)]).await
    }

    /// The newest waiting request of the person, as the device names it.
    pub async fn newest(&self, env: &Inhabited, person: &Person) -> String {
        let answer = self.phone(env, person, HttpMethod::GET, "/requests").await;
        let json = answer.json();
        let last = json["requests"].as_array().unwrap().last().expect("something waits");
        last["id"].as_str().unwrap().to_owned()
    }

    /// The person's phone approves or denies the newest request.
    pub async fn decide(&self, env: &Inhabited, person: &Person, action: &str) -> Answer {
        let id = self.newest(env, person).await;
        self.phone(env, person, HttpMethod::POST, &format!("/requests/{id}/{action}")).await
    }

    /// Changes an application.
    pub async fn change_application(
        &self,
        env: &Inhabited,
        client: &Client,
        change: impl FnOnce(&mut Application),
    ) {
        let store: &dyn Store = self.store.as_ref();
        let key = Key::application(env.id, client.id);
        let found = store.find::<Application>(&key).await.unwrap().unwrap();
        let mut next = Application::clone(&found.record);
        change(&mut next);
        let writes = vec![Write::replace(next, found.version)];
        assert_eq!(self.store.commit(writes).await.unwrap(), Outcome::Done);
    }

    /// Changes the custom resource.
    pub async fn change_resource(&self, env: &Inhabited, change: impl FnOnce(&mut Resource)) {
        let store: &dyn Store = self.store.as_ref();
        let key = Key::resource(env.id, env.payments);
        let found = store.find::<Resource>(&key).await.unwrap().unwrap();
        let mut next = Resource::clone(&found.record);
        change(&mut next);
        let writes = vec![Write::replace(next, found.version)];
        assert_eq!(self.store.commit(writes).await.unwrap(), Outcome::Done);
    }

    /// An application and a person as they are.
    pub async fn those(
        &self,
        env: &Inhabited,
        client: &Client,
        person: &Person,
    ) -> (User, Application) {
        let store: &dyn Store = self.store.as_ref();
        let user = store.find::<User>(&Key::user(env.id, person.id)).await.unwrap().unwrap();
        let key = Key::application(env.id, client.id);
        let application = store.find::<Application>(&key).await.unwrap().unwrap();
        (User::clone(&user.record), Application::clone(&application.record))
    }

    /// Changes a person.
    pub async fn change_user(
        &self,
        env: &Inhabited,
        person: &Person,
        change: impl FnOnce(&mut User),
    ) {
        let store: &dyn Store = self.store.as_ref();
        let found = store.find::<User>(&Key::user(env.id, person.id)).await.unwrap().unwrap();
        let mut next = User::clone(&found.record);
        change(&mut next);
        let writes = vec![Write::replace(next, found.version)];
        assert_eq!(self.store.commit(writes).await.unwrap(), Outcome::Done);
    }

    /// Changes an environment's CIBA settings.
    pub async fn change_settings(&self, env: &Inhabited, change: impl FnOnce(&mut CibaSettings)) {
        self.change_environment(env, |environment| change(&mut environment.ciba)).await;
    }

    /// Changes an environment.
    pub async fn change_environment(&self, env: &Inhabited, change: impl FnOnce(&mut Environment)) {
        let store: &dyn Store = self.store.as_ref();
        let key = Key::environment(env.id);
        let found = store.find::<Environment>(&key).await.unwrap().unwrap();
        let mut next = Environment::clone(&found.record);
        change(&mut next);
        let writes = vec![Write::replace(next, found.version)];
        assert_eq!(self.store.commit(writes).await.unwrap(), Outcome::Done);
    }

    /// Another node takes over: the same store, and nothing in memory.
    pub fn move_to_another_node(&mut self) {
        let (store, clock) = (self.app.store.clone(), self.app.clock.clone());
        let (entropy, settings) = (self.app.entropy.clone(), self.app.settings.clone());
        self.app = Arc::new(App::new(store, clock, entropy, master(), settings));
        self.router = router::router(Arc::clone(&self.app));
    }

    /// Moves the clock on.
    pub fn wait(&self, seconds: u64) {
        self.clock.advance_millis(seconds * 1000);
    }

    /// Claims of a client assertion as they should be.
    pub fn assertion_claims(&self, env: &Inhabited, client: &Client) -> Value {
        let now = self.app.clock.now().as_seconds();
        json!({
            "iss": client.id.to_string(),
            "sub": client.id.to_string(),
            "aud": format!("{AUTH_PATH}/{}/as", env.id),
            "iat": now,
            "exp": now + 300,
            "jti": uuid::Uuid::new_v4().to_string(),
        })
    }

    /// A client assertion with these claims.
    pub fn assertion(&self, client: &Client, claims: &Value) -> String {
        match &client.key {
            Some(key) => assent_jose::sign_jwt(key, "JWT", claims).unwrap(),
            None => {
                let key = HmacKey::new(CLIENT_SECRET.as_bytes());
                assent_jose::sign_jwt_hmac(&key, Algorithm::HS256, "JWT", claims).unwrap()
            }
        }
    }

    async fn authenticated(
        &self,
        env: &Inhabited,
        client: &Client,
        path: &str,
        params: &[(&str, &str)],
    ) -> Answer {
        self.showing(env, client, (path, &Shows::default()), params).await
    }

    /// A form by `client`, authenticated its way, that shows keys.
    pub async fn showing(
        &self,
        env: &Inhabited,
        client: &Client,
        (path, shows): (&str, &Shows),
        params: &[(&str, &str)],
    ) -> Answer {
        let (headers, credentials) = match client.method {
            Method::ClientSecretBasic => (vec![basic(client)], Vec::new()),
            Method::ClientSecretPost => {
                let id = (String::from("client_id"), client.id.to_string());
                (vec![], vec![id, (String::from("client_secret"), secret().to_owned())])
            }
            Method::ClientSecretJwt | Method::PrivateKeyJwt => {
                let jwt = self.assertion(client, &self.assertion_claims(env, client));
                (vec![], assertion_params(&jwt))
            }
            Method::TlsClientAuth | Method::SelfSignedTlsClientAuth => {
                (vec![], vec![(String::from("client_id"), client.id.to_string())])
            }
        };
        let body = {
            let mut body = form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(params);
            body.extend_pairs(&credentials);
            body.finish()
        };
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers.iter().map(|value| ("authorization", value.as_str())));
        let mut request = request(HttpMethod::POST, path, &all, Body::from(body));
        if let Some(certificate) = &client.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        self.send(shows.on(request)).await
    }
}

/// The secret of every application of the harness.
pub fn secret() -> &'static str {
    CLIENT_SECRET
}

/// The value of an `Authorization` header.
pub fn basic(client: &Client) -> String {
    basic_of(&client.id.to_string())
}

/// The same, for whatever has this identifier.
pub fn basic_of(id: &str) -> String {
    basic_with(id, CLIENT_SECRET)
}

/// The same, with this secret.
pub fn basic_with(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The parameters that present an assertion.
pub fn assertion_params(jwt: &str) -> Vec<(String, String)> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    [("client_assertion_type", kind), ("client_assertion", jwt)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// A request.
pub fn request(
    method: HttpMethod,
    path: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

async fn inhabit(store: &dyn Store, template: &Template, entropy: &dyn Entropy) -> Inhabited {
    let environment = &template.environment;
    let keys = EnvironmentKeys::derive(environment.open_root_key(&master()).unwrap()).unwrap();
    let mut writes = template.writes.clone();
    let openid = writes
        .iter()
        .find_map(|write| match write {
            Write::Insert(Record::Resource(resource)) => Some(Resource::clone(resource)),
            _ => None,
        })
        .unwrap();
    let payments = payments(environment.id, &keys, entropy);
    let payments_id = payments.id;
    let grants = [&openid, &payments].map(|resource| ScopeGrant {
        id: entropy.id(START).unwrap(),
        resource: resource.id,
        scopes: resource.scopes.iter().map(|scope| scope.id).collect(),
        created_at: START,
        updated_at: START,
    });
    writes.push(Write::insert(payments));
    let mut client = |name: &str, method: Method| {
        let key = (method == Method::PrivateKeyJwt).then(client_key);
        let application =
            application(environment.id, &keys, entropy, name, method, key.as_deref(), &grants);
        let client = Client { id: application.id, method, key, certificate: None };
        writes.push(Write::insert(application));
        client
    };
    let basic = client("Corner Shop", Method::ClientSecretBasic);
    let post = client("Call Centre", Method::ClientSecretPost);
    let secret_jwt = client("Fuel Pump 7", Method::ClientSecretJwt);
    let private_key = client("Travel Agent", Method::PrivateKeyJwt);
    let alice = person(environment.id, entropy, "alice", &mut writes);
    let bob = person(environment.id, entropy, "bob", &mut writes);
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
    let (id, payments) = (environment.id, payments_id);
    Inhabited { id, basic, post, secret_jwt, private_key, alice, bob, payments }
}

fn payments(env: EnvironmentId, keys: &EnvironmentKeys, entropy: &dyn Entropy) -> Resource {
    let scope = |name: &str, words: &str| Scope {
        id: entropy.id(START).unwrap(),
        name: name.to_owned(),
        description: Some(words.to_owned()),
        created_at: START,
        updated_at: START,
    };
    let id = entropy.id(START).unwrap();
    let secret = Secret::new(CLIENT_SECRET.to_owned());
    let secret = keys.seal_client_secret(id, &secret, [0; 12]).unwrap();
    let auth_method = IntrospectionAuthMethod::ClientSecretBasic;
    Resource {
        access_token_format: AccessTokenFormat::Jwt,
        introspection: Some(Introspection { auth_method, secret }),
        attributes: Vec::new(),
        env,
        id,
        name: String::from("Payments"),
        description: None,
        kind: ResourceType::Custom,
        audience: String::from("https://payments.example.com"),
        access_token_validity: Seconds::new(3600),
        scopes: vec![scope("payments:read", "See your payments"), scope("payments:write", "Pay")],
        created_at: START,
        updated_at: START,
    }
}

fn application(
    env: EnvironmentId,
    keys: &EnvironmentKeys,
    entropy: &dyn Entropy,
    name: &str,
    method: Method,
    key: Option<&SigningKey>,
    grants: &[ScopeGrant],
) -> Application {
    let id = entropy.id(START).unwrap();
    let secret = Secret::new(CLIENT_SECRET.to_owned());
    let secret = keys.seal_client_secret(id, &secret, entropy.octets().unwrap()).unwrap();
    Application {
        name: name.to_owned(),
        enabled: true,
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        auth_method: method,
        jwks: key.map(|key| Jwks::from_keys(vec![key.public_key().clone()])),
        // Fast in tests; RS256 has tests of its own.
        token_signing_alg: Algorithm::ES256,
        cors: CorsSettings {
            behavior: CorsBehavior::AllowSpecificOrigins,
            origins: vec![String::from("https://shop.example.com")],
        },
        grants: grants.to_vec(),
        ..Application::new(env, id, secret, START)
    }
}

/// A person with a phone.
pub fn person(
    env: EnvironmentId,
    entropy: &dyn Entropy,
    username: &'static str,
    writes: &mut Vec<Write>,
) -> Person {
    let user = User {
        user_code: None,
        blocked: Vec::new(),
        env,
        id: entropy.id(START).unwrap(),
        username: username.to_owned(),
        email: format!("{username}@example.com"),
        mobile_phone: Some(format!("+49 170 {}", username.len())),
        name: Name { formatted: Some(format!("{username} Example")), ..Name::default() },
        enabled: true,
        locked_at: None,
        cut_off: None,
        created_at: START,
        updated_at: START,
    };
    let token = Secret::mint("dvc_", entropy.octets().unwrap());
    let digest = Digest::of(Purpose::DeviceCredential, env, token.expose().as_bytes());
    let device = Device {
        acr_values: Vec::new(),
        env,
        user: user.id,
        id: entropy.id(START).unwrap(),
        nickname: String::from("Phone"),
        kind: DeviceType::Mobile,
        status: DeviceStatus::Active,
        credential: Some(digest),
        pairings: Vec::new(),
        created_at: START,
        updated_at: START,
    };
    let credential = Credential { env, digest, user: user.id, device: device.id };
    let id = user.id;
    writes.extend(user.logins().into_iter().map(Write::insert));
    writes.push(Write::insert(user));
    writes.push(Write::insert(device));
    writes.push(Write::insert(credential));
    Person { id, username, device_token: token.expose().to_owned() }
}
