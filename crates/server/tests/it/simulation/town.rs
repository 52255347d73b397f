//! Who lives in a simulation: two environments with the same people and kinds of clients. Made
//! once for all seeds, from one seed.

use std::sync::OnceLock;

use assent_jose::{Algorithm, HmacKey, Jwks, SigningKey};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::{
    Application, CibaRegistration, GrantType, ScopeGrant, TokenEndpointAuthMethod as Method,
};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::{AssertionReplay, EnvironmentType};
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{Record, Write};
use assent_protocol::resource::Resource;
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::Secret;
use assent_protocol::signing::SigningKeyRecord;
use assent_protocol::time::Seconds;
use assent_server::machine::{Entropy, SeededEntropy};
use assent_server::provision::{self, NewEnvironment};
use serde_json::Value;

use crate::harness::{Person, START, person, secret, unlimited};

/// The master key of every node.
pub fn master() -> RootKey {
    RootKey::new([7; 32])
}

/// A client and what it authenticates with.
pub struct Client {
    pub id: ApplicationId,
    pub method: Method,
    /// How often its assertions may come; `None`: it has none.
    pub replay: Option<AssertionReplay>,
    key: Option<SigningKey>,
    /// How and where it is called back; `None`: it polls.
    pub told: Option<(DeliveryMode, String)>,
}

impl Client {
    /// A client assertion with these claims.
    pub fn assertion(&self, claims: &Value) -> String {
        match &self.key {
            Some(key) => assent_jose::sign_jwt(key, "JWT", claims).unwrap(),
            None => {
                let key = HmacKey::new(secret().as_bytes());
                assent_jose::sign_jwt_hmac(&key, Algorithm::HS256, "JWT", claims).unwrap()
            }
        }
    }
}

/// One environment.
pub struct Quarter {
    pub id: EnvironmentId,
    pub clients: Vec<Client>,
    pub people: Vec<Person>,
}

/// All of it.
pub struct Town {
    pub quarters: Vec<Quarter>,
    pub admin_token: String,
    /// What puts it into a store.
    pub writes: Vec<Write>,
}

impl Town {
    /// Whose address this is: environment and client.
    pub fn receiver(&self, url: &str) -> Option<(usize, usize)> {
        let is_it = |client: &Client| client.told.as_ref().is_some_and(|(_, own)| own == url);
        self.quarters.iter().enumerate().find_map(|(env, quarter)| {
            quarter.clients.iter().position(is_it).map(|client| (env, client))
        })
    }
}

/// The town.
pub fn town() -> &'static Town {
    static TOWN: OnceLock<Town> = OnceLock::new();
    TOWN.get_or_init(|| {
        let entropy = SeededEntropy::new(1);
        let entropy: &dyn Entropy = &entropy;
        let mut writes = Vec::new();
        let quarters = ["North", "South"].map(|name| quarter(name, entropy, &mut writes));
        let roles = vec![RoleAssignment { role: Role::OrganizationAdmin, environment: None }];
        let (administrator, token) =
            provision::administrator(entropy, String::from("Root"), roles, START).unwrap();
        writes.push(Write::insert(administrator));
        let admin_token = token.expose().to_owned();
        Town { quarters: quarters.into(), admin_token, writes }
    })
}

fn quarter(name: &str, entropy: &dyn Entropy, writes: &mut Vec<Write>) -> Quarter {
    let new = NewEnvironment {
        name: name.to_owned(),
        kind: EnvironmentType::Sandbox,
        ciba: unlimited(),
        ..NewEnvironment::default()
    };
    let (environment, made) = provision::environment(&master(), entropy, new, START).unwrap();
    let keys = EnvironmentKeys::derive(environment.open_root_key(&master()).unwrap()).unwrap();
    let mut openid = None;
    for write in made {
        if let Write::Insert(Record::Resource(resource)) = &write {
            openid = Some(Resource::clone(resource));
        }
        writes.push(without_rsa(write));
    }
    let id = environment.id;
    let grant = grant_of(&openid.unwrap(), entropy);
    let clients = [
        (Method::ClientSecretBasic, None, None),
        (Method::PrivateKeyJwt, Some(AssertionReplay::Bound), Some(())),
        (Method::ClientSecretJwt, Some(AssertionReplay::SingleUse), None),
    ]
    .map(|(method, replay, key)| {
        let key = key.map(|()| SigningKey::generate(Algorithm::ES256).unwrap());
        Client { id: entropy.id(START).unwrap(), method, replay, key, told: None }
    });
    let told = [DeliveryMode::Ping, DeliveryMode::Push].map(|mode| Client {
        id: entropy.id(START).unwrap(),
        method: Method::ClientSecretBasic,
        replay: None,
        key: None,
        told: Some((mode, format!("https://{mode:?}.{name}.example.com/told").to_lowercase())),
    });
    let clients: Vec<Client> = clients.into_iter().chain(told).collect();
    for client in &clients {
        writes.push(Write::insert(application(id, &keys, entropy, client, grant.clone())));
    }
    let people = ["alice", "bob"].map(|username| person(id, entropy, username, writes));
    Quarter { id, clients, people: people.into() }
}

/// RSA keys take long to make, so they never come of age: nothing here is signed with them, and
/// while one waits to be used the rotation makes no other.
fn without_rsa(write: Write) -> Write {
    match write {
        Write::Insert(Record::SigningKey(key))
            if matches!(key.algorithm, Algorithm::RS256 | Algorithm::PS256) =>
        {
            let use_from = START.plus(Seconds::new(u32::MAX));
            Write::insert(SigningKeyRecord { use_from, ..SigningKeyRecord::clone(&key) })
        }
        other => other,
    }
}

fn grant_of(resource: &Resource, entropy: &dyn Entropy) -> ScopeGrant {
    ScopeGrant {
        id: entropy.id(START).unwrap(),
        resource: resource.id,
        scopes: resource.scopes.iter().map(|scope| scope.id).collect(),
        created_at: START,
        updated_at: START,
    }
}

fn application(
    env: EnvironmentId,
    keys: &EnvironmentKeys,
    entropy: &dyn Entropy,
    client: &Client,
    grant: ScopeGrant,
) -> Application {
    let plain = Secret::new(secret().to_owned());
    let jwks = client.key.as_ref().map(|key| Jwks::from_keys(vec![key.public_key().clone()]));
    let secret = keys.seal_client_secret(client.id, &plain, entropy.octets().unwrap()).unwrap();
    Application {
        name: format!("{:?}", client.method),
        enabled: true,
        grant_types: vec![GrantType::Ciba, GrantType::RefreshToken],
        auth_method: client.method,
        jwks,
        token_signing_alg: Algorithm::ES256,
        assertion_replay: client.replay,
        grants: vec![grant],
        ciba: CibaRegistration {
            delivery_mode: client.told.as_ref().map_or(DeliveryMode::Poll, |(mode, _)| *mode),
            notification_endpoint: client.told.as_ref().map(|(_, url)| url.clone()),
            ..CibaRegistration::default()
        },
        ..Application::new(env, client.id, secret, START)
    }
}
