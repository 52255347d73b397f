//! The demonstration's data: three environments with the same people, one of them held to the
//! FAPI-CIBA profile, and an application for each way to authenticate.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, bail};
use assent_jose::{Algorithm, Jwks, SigningKey};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::{
    Application, CibaRegistration, CorsBehavior, CorsSettings, GrantType, NumberMatching,
    ScopeGrant, TokenEndpointAuthMethod as Method,
};
use assent_protocol::audit::Object;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::client_certificate::CertificateSubject;
use assent_protocol::device::{Credential, Device, DeviceStatus, DeviceType};
use assent_protocol::environment::{
    CibaSettings, Environment, EnvironmentType, OutboundSettings, Profile, SecuritySettings,
};
use assent_protocol::id::UserId;
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{Kind, Record, Write};
use assent_protocol::resource::{AccessTokenFormat, Resource, ResourceType, Scope};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::time::Timestamp;
use assent_protocol::user::{Name, User, UserCode};
use assent_server::audit;
use assent_server::machine::{Clock, Entropy, SystemClock, SystemEntropy};
use assent_server::provision::{self, DEVICE_TOKEN_PREFIX, NewEnvironment};
use assent_server::settings::Settings;
use assent_store::{Outcome, Store};

use super::files::{self, Values};
use super::{bank, catcher, details, tls};

/// Kept beside the store, so that a second start with the same `--data` finds its secrets.
const SEEDED: &str = "demo.env";
/// Test suites ask for strangers on purpose; a product's default would stop them.
const UNKNOWN_PER_MINUTE: u32 = 10_000;

/// What Alice and Bob tell the Helpline, which has to send it.
const USER_CODE: &str = "8421";

/// Where `assent ask` catches notifications.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

const ENTROPY: &dyn Entropy = &SystemEntropy;

/// Seeds the store unless it is seeded, and tells what is in it.
pub async fn demo(
    store: &dyn Store,
    master: &RootKey,
    settings: &Settings,
    (data, catch): (&Path, SocketAddr),
) -> Result<Values> {
    let seeded = data.join(SEEDED);
    let mut values = if seeded.exists() {
        files::read_env(&seeded)?
    } else {
        let values = seed(store, master, data, catch).await?;
        files::write_env(&seeded, &values)?;
        values
    };
    let link = sign_in_link(store, settings, &values).await?;
    values.insert(0, (String::from("authPath"), settings.auth_path.clone()));
    values.insert(1, (String::from("apiPath"), settings.api_path.clone()));
    if let Some(mtls) = &settings.mtls_auth_path {
        values.push((String::from("mtlsAuthPath"), mtls.clone()));
    }
    values.push((String::from("alicePage"), link));
    Ok(values)
}

async fn seed(
    store: &dyn Store,
    master: &RootKey,
    data: &Path,
    catch: SocketAddr,
) -> Result<Values> {
    let now = SystemClock.now();
    let mut writes = Vec::new();
    let mut caught = Values::new();
    let catcher = catcher::make(catch, data, &mut caught)?;
    let mut values = Values::new();
    let mut put = |key: &str, value: String| values.push((key.to_owned(), value));

    let outbound = OutboundSettings {
        allowed_networks: LOOPBACK.map(str::to_owned).to_vec(),
        trusted_certificates: catcher.authority,
        ..OutboundSettings::default()
    };
    let client_authorities = tls::make(data, &mut caught)?;
    let trusts = SecuritySettings { client_authorities, ..SecuritySettings::default() };
    let held = SecuritySettings { profile: Profile::FapiCiba, ..trusts.clone() };
    let settings = (outbound.clone(), trusts);
    let main = Seeder::environment(master, ("Assent demo", settings), now, &mut writes)?;
    put("envID", main.environment.id.to_string());
    let roles = vec![RoleAssignment { role: Role::OrganizationAdmin, environment: None }];
    let (administrator, token) =
        provision::administrator(ENTROPY, String::from("Demo administrator"), roles, now)?;
    let made = Object::new(Kind::Administrator, administrator.id);
    writes.push(audit::made_by_operator(ENTROPY, made, now)?);
    writes.push(Write::insert(administrator));
    put("adminToken", token.expose().to_owned());

    for (key, value) in applications(&main, data, &catcher.endpoint, &mut writes)? {
        put(&key, value);
    }
    caught.into_iter().for_each(|(key, value)| put(&key, value));

    let fapi = Seeder::environment(master, ("Open banking", (outbound, held)), now, &mut writes)?;
    put("fapiEnvID", fapi.environment.id.to_string());
    for (key, value) in bank::applications(&fapi, data, &catcher.endpoint, &mut writes)? {
        put(&key, value);
    }
    let other =
        Seeder::environment(master, ("Another company", Default::default()), now, &mut writes)?;
    put("otherEnvID", other.environment.id.to_string());
    let (app, secret) =
        other.application("Corner Shop", Method::ClientSecretBasic, None, &mut writes)?;
    put("otherAppID", app);
    put("otherAppSecret", secret);

    let alice = ("alice", "Alice", "Example", "+49 170 1000001");
    let bob = ("bob", "Bob", "Example", "+49 170 1000002");
    put("cibaHint", String::from(alice.0));
    put("aliceDeviceToken", main.person(alice, &mut writes)?.1);
    put("bobHint", String::from(bob.0));
    put("bobDeviceToken", main.person(bob, &mut writes)?.1);
    put("userCode", String::from(USER_CODE));
    put("fapiAliceDeviceToken", fapi.person(alice, &mut writes)?.1);
    other.person(alice, &mut writes)?;
    other.person(bob, &mut writes)?;

    match store.commit(writes).await? {
        Outcome::Done => Ok(values),
        Outcome::Lost(_) => bail!("the data directory holds other data; choose another --data"),
    }
}

/// An application for each way to authenticate, and for each way to be told.
fn applications(
    main: &Seeder,
    data: &Path,
    endpoint: &str,
    writes: &mut Vec<Write>,
) -> Result<Values> {
    let mut values = Values::new();
    let mut put = |key: String, value: String| values.push((key, value));
    for (prefix, name, method) in [
        ("app", "Corner Shop", Method::ClientSecretBasic),
        ("postApp", "Call Centre", Method::ClientSecretPost),
        ("secretJwtApp", "Fuel Pump 7", Method::ClientSecretJwt),
    ] {
        let (app, secret) = main.application(name, method, None, writes)?;
        put(format!("{prefix}ID"), app);
        put(format!("{prefix}Secret"), secret);
    }
    for (prefix, name, algorithm, file) in [
        ("privateKey", "Travel Agent (AI)", Algorithm::ES256, "demo-es256.pem"),
        ("rsaKey", "Example Bank", Algorithm::PS256, "demo-ps256.pem"),
    ] {
        let key = SigningKey::generate(algorithm)?;
        let path = std::path::absolute(data.join(file))?;
        files::write_pem(&path, &key.to_pkcs8()?)?;
        let jwks = Jwks::from_keys(vec![key.public_key().clone()]);
        let (app, _) = main.application(name, Method::PrivateKeyJwt, Some(jwks), writes)?;
        put(format!("{prefix}AppID"), app);
        put(format!("{prefix}File"), path.display().to_string());
        put(format!("{prefix}Kid"), key.key_id().to_owned());
    }
    for (prefix, name, mode) in [
        ("ping", "Ticket Machine", DeliveryMode::Ping),
        ("push", "Parcel Service", DeliveryMode::Push),
    ] {
        let called = |ciba: &mut CibaRegistration| {
            ciba.delivery_mode = mode;
            ciba.notification_endpoint = Some(endpoint.to_owned());
        };
        let (app, secret) = main.registered(name, called, writes)?;
        put(format!("{prefix}AppID"), app);
        put(format!("{prefix}AppSecret"), secret);
    }
    let matching = |ciba: &mut CibaRegistration| {
        ciba.number_matching = NumberMatching::SelectNumber;
    };
    let (app, secret) = main.registered("High Street Bank", matching, writes)?;
    put(String::from("numberAppID"), app);
    put(String::from("numberAppSecret"), secret);
    let (app, _) = main.application("Cash Machine", Method::TlsClientAuth, None, writes)?;
    put(String::from("mtlsAppID"), app);
    let coded = |ciba: &mut CibaRegistration| ciba.user_code = true;
    let (app, secret) = main.registered("Helpline", coded, writes)?;
    put(String::from("codeAppID"), app);
    put(String::from("codeAppSecret"), secret);
    Ok(values)
}

/// A one-time link for Alice: a new browser that waits to be signed in.
async fn sign_in_link(store: &dyn Store, settings: &Settings, values: &Values) -> Result<String> {
    let find = |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let env = find("envID").and_then(|id| assent_protocol::id::EnvironmentId::parse(id));
    let (Some(env), Some(token)) = (env, find("aliceDeviceToken")) else {
        bail!("the data directory's {SEEDED} is damaged; choose another --data");
    };
    let digest = Digest::of(Purpose::DeviceCredential, env, token.as_bytes());
    let key = assent_protocol::record::Key::credential(env, digest);
    let Some((Record::Credential(credential), _)) = store.find_record(&key).await? else {
        bail!("the data directory was changed: Alice's device is gone; choose another --data");
    };
    let nickname = String::from("Browser");
    let new = provision::device(
        ENTROPY,
        env,
        credential.user,
        nickname,
        DeviceType::Browser,
        SystemClock.now(),
    )?;
    store.commit(new.writes).await?;
    let base = &settings.auth_path;
    Ok(format!("{base}/{env}/inbox/sign-in?code={}", new.link_code.expose()))
}

/// Writes the records of one environment.
pub struct Seeder {
    environment: Environment,
    keys: EnvironmentKeys,
    grants: Vec<ScopeGrant>,
    now: Timestamp,
}

impl Seeder {
    fn environment(
        master: &RootKey,
        (name, (outbound, security)): (&str, (OutboundSettings, SecuritySettings)),
        now: Timestamp,
        writes: &mut Vec<Write>,
    ) -> Result<Self> {
        let ciba = CibaSettings {
            unknown_users_per_minute: UNKNOWN_PER_MINUTE,
            unknown_requests_per_minute: UNKNOWN_PER_MINUTE,
            // Two people answer for everybody who tries something out.
            requests_per_minute: 0,
            prompts_per_minute: 0,
            prompts_waiting: 0,
            prompts_unwanted: 0,
            ..CibaSettings::default()
        };
        let new = NewEnvironment {
            security,
            outbound,
            name: name.to_owned(),
            description: String::from("Made by `assent demo`"),
            kind: EnvironmentType::Sandbox,
            ciba,
            ..NewEnvironment::default()
        };
        let (environment, made) = provision::environment(master, ENTROPY, new, now)?;
        let openid = made.iter().find_map(|write| match write {
            Write::Insert(Record::Resource(resource)) => Some(resource.as_ref().clone()),
            _ => None,
        });
        writes.extend(made);
        let made = Object::new(Kind::Environment, environment.id);
        writes.push(audit::made_by_operator(ENTROPY, made, now)?);
        let keys = EnvironmentKeys::derive(environment.open_root_key(master)?)?;
        let mut seeder = Self { environment, keys, grants: Vec::new(), now };
        let payments = seeder.payments()?;
        for resource in openid.iter().chain([&payments]) {
            let grant = seeder.grant(resource)?;
            seeder.grants.push(grant);
        }
        writes.push(Write::insert(payments));
        writes.extend(details::types(seeder.environment.id, now));
        Ok(seeder)
    }

    fn payments(&self) -> Result<Resource> {
        let mut scopes = Vec::new();
        for (name, words) in [
            ("payments:read", "See your payments"),
            ("payments:write", "Make a payment from your account"),
        ] {
            scopes.push(Scope {
                id: ENTROPY.id(self.now)?,
                name: name.to_owned(),
                description: Some(words.to_owned()),
                created_at: self.now,
                updated_at: self.now,
            });
        }
        Ok(Resource {
            access_token_format: AccessTokenFormat::Jwt,
            introspection: None,
            attributes: Vec::new(),
            env: self.environment.id,
            id: ENTROPY.id(self.now)?,
            name: String::from("Payments"),
            description: None,
            kind: ResourceType::Custom,
            audience: String::from("https://payments.example.com"),
            access_token_validity: Resource::ACCESS_TOKEN_VALIDITY,
            scopes,
            created_at: self.now,
            updated_at: self.now,
        })
    }

    fn grant(&self, resource: &Resource) -> Result<ScopeGrant> {
        Ok(ScopeGrant {
            id: ENTROPY.id(self.now)?,
            resource: resource.id,
            scopes: resource.scopes.iter().map(|scope| scope.id).collect(),
            created_at: self.now,
            updated_at: self.now,
        })
    }

    fn application(
        &self,
        name: &str,
        method: Method,
        jwks: Option<Jwks>,
        writes: &mut Vec<Write>,
    ) -> Result<(String, String)> {
        let (plain, secret) = self.plain(name)?;
        let id = plain.id.to_string();
        // Who has a key may sign requests with it.
        let request_signing_alg = jwks.as_ref().and_then(|it| it.keys().first()?.algorithm());
        let ciba = CibaRegistration { request_signing_alg, ..plain.ciba.clone() };
        let certificate_subject = (method == Method::TlsClientAuth)
            .then(|| CertificateSubject::SubjectDn(tls::CLIENT_SUBJECT.to_owned()));
        writes.push(Write::insert(Application {
            auth_method: method,
            certificate_subject,
            jwks,
            ciba,
            ..plain
        }));
        Ok((id, secret))
    }

    /// An application that registered more about CIBA.
    fn registered(
        &self,
        name: &str,
        change: impl FnOnce(&mut CibaRegistration),
        writes: &mut Vec<Write>,
    ) -> Result<(String, String)> {
        let (mut plain, secret) = self.plain(name)?;
        change(&mut plain.ciba);
        let id = plain.id.to_string();
        writes.push(Write::insert(plain));
        Ok((id, secret))
    }

    /// An application that authenticates with HTTP Basic, and its secret.
    pub fn plain(&self, name: &str) -> Result<(Application, String)> {
        let id = ENTROPY.id(self.now)?;
        let secret = provision::client_secret(ENTROPY)?;
        let origins =
            ["http://127.0.0.1:9401", "http://localhost:9401"].map(str::to_owned).to_vec();
        let sealed = self.keys.seal_client_secret(id, &secret, ENTROPY.octets()?)?;
        let application = Application {
            name: name.to_owned(),
            enabled: true,
            grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
            cors: CorsSettings { behavior: CorsBehavior::AllowSpecificOrigins, origins },
            grants: self.grants.clone(),
            ciba: CibaRegistration {
                authorization_details_types: details::TYPES.map(str::to_owned).to_vec(),
                ..CibaRegistration::default()
            },
            ..Application::new(self.environment.id, id, sealed, self.now)
        };
        Ok((application, secret.expose().to_owned()))
    }

    fn person(
        &self,
        (username, given, family, phone): (&str, &str, &str, &str),
        writes: &mut Vec<Write>,
    ) -> Result<(UserId, String)> {
        let env = self.environment.id;
        let id = ENTROPY.id(self.now)?;
        let user = User {
            user_code: Some(UserCode::new(self.keys.user_code_digest(id, USER_CODE))),
            blocked: Vec::new(),
            env,
            id,
            username: username.to_owned(),
            email: format!("{username}@example.com"),
            mobile_phone: Some(phone.to_owned()),
            name: Name {
                formatted: Some(format!("{given} {family}")),
                given: Some(given.to_owned()),
                middle: None,
                family: Some(family.to_owned()),
            },
            enabled: true,
            locked_at: None,
            cut_off: None,
            created_at: self.now,
            updated_at: self.now,
        };
        let token = Secret::mint(DEVICE_TOKEN_PREFIX, ENTROPY.octets()?);
        let digest = Digest::of(Purpose::DeviceCredential, env, token.expose().as_bytes());
        let device = Device {
            acr_values: Vec::new(),
            env,
            user: user.id,
            id: ENTROPY.id(self.now)?,
            nickname: format!("{given}'s phone"),
            kind: DeviceType::Mobile,
            status: DeviceStatus::Active,
            credential: Some(digest),
            pairings: Vec::new(),
            created_at: self.now,
            updated_at: self.now,
        };
        let credential = Credential { env, digest, user: user.id, device: device.id };
        writes.extend(user.logins().into_iter().map(Write::insert));
        writes.push(Write::insert(user));
        writes.push(Write::insert(device));
        writes.push(Write::insert(credential));
        Ok((id, token.expose().to_owned()))
    }
}
