//! Makes what an environment begins with: its root key, its signing keys, its OpenID Connect
//! resource. Used by `init`, `demo`, the management API and key rotation.

use assent_jose::{Algorithm, SigningKey};
use assent_protocol::audit::AuditSettings;
use assent_protocol::environment::{
    CibaSettings, Environment, EnvironmentStatus, EnvironmentType, LimitSettings, OutboundSettings,
    SecuritySettings,
};
use assent_protocol::id::{DeviceId, EnvironmentId, UserId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::Write;
use assent_protocol::registration::RegistrationPolicy;
use assent_protocol::resource::{AccessTokenFormat, OPENID_SCOPES, Resource, ResourceType, Scope};
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::signing::{SIGNING_ALGORITHMS, SigningKeyRecord};
use assent_protocol::time::Timestamp;
use assent_protocol::{administrator, device};

use crate::failure::Broken;
use crate::machine::Entropy;

/// With what the bearer tokens of administrators begin.
pub const ADMINISTRATOR_TOKEN_PREFIX: &str = "adm_";
/// With what the credentials of devices begin.
pub const DEVICE_TOKEN_PREFIX: &str = "dvc_";
/// With what the codes inside one-time links begin.
pub const LINK_CODE_PREFIX: &str = "lnk_";

/// With what the tokens that manage a registration begin.
const REGISTRATION_TOKEN_PREFIX: &str = "reg_";

/// A token that manages one registration (RFC 7592 §3), and what is kept of it.
///
/// # Errors
/// There is no randomness.
pub fn registration_token(
    env: EnvironmentId,
    entropy: &dyn Entropy,
) -> Result<(Secret, Digest), Broken> {
    let token = Secret::mint(REGISTRATION_TOKEN_PREFIX, entropy.octets()?);
    let digest = Digest::of(Purpose::RegistrationToken, env, token.expose().as_bytes());
    Ok((token, digest))
}

/// What an administrator decides about a new environment.
#[derive(Clone, Debug, Default)]
pub struct NewEnvironment {
    /// Its name.
    pub name: String,
    /// For administrators.
    pub description: String,
    /// Label.
    pub kind: EnvironmentType,
    /// CIBA settings.
    pub ciba: CibaSettings,
    /// Where the server may call for it.
    pub outbound: OutboundSettings,
    /// How strict it is, and whose certificates count.
    pub security: SecuritySettings,
    /// What it may use.
    pub limits: LimitSettings,
    /// Who may register clients.
    pub registration: RegistrationPolicy,
    /// How long its audit log is kept.
    pub audit: AuditSettings,
}

/// A new environment and everything it begins with, to be inserted in one commit. Generates RSA
/// keys, which takes a while: not for a thread that serves.
///
/// # Errors
/// There is no randomness, or a key cannot be made.
pub fn environment(
    master: &RootKey,
    entropy: &dyn Entropy,
    new: NewEnvironment,
    now: Timestamp,
) -> Result<(Environment, Vec<Write>), Broken> {
    let id: EnvironmentId = entropy.id(now)?;
    let root_key = entropy.octets::<32>()?;
    let resource = openid_resource(id, entropy, now)?;
    let environment = Environment {
        id,
        name: new.name,
        description: new.description,
        kind: new.kind,
        status: EnvironmentStatus::Active,
        ciba: new.ciba,
        outbound: new.outbound,
        security: new.security,
        limits: new.limits,
        registration: new.registration,
        audit: new.audit,
        cut_off: None,
        openid_resource: resource.id,
        root_key: Environment::seal_root_key(id, master, root_key, entropy.octets()?)?,
        created_at: now,
        updated_at: now,
    };
    let keys = EnvironmentKeys::derive(RootKey::new(root_key))?;
    let mut writes = vec![Write::insert(environment.clone()), Write::insert(resource)];
    for algorithm in SIGNING_ALGORITHMS {
        writes.push(Write::insert(signing_key(id, &keys, entropy, algorithm, now, now)?));
    }
    Ok((environment, writes))
}

/// A new signing key that signs from `use_from` on.
///
/// # Errors
/// There is no randomness, or the key cannot be made.
pub fn signing_key(
    env: EnvironmentId,
    keys: &EnvironmentKeys,
    entropy: &dyn Entropy,
    algorithm: Algorithm,
    use_from: Timestamp,
    now: Timestamp,
) -> Result<SigningKeyRecord, Broken> {
    let key = SigningKey::generate(algorithm)?;
    let pkcs8 = key.to_pkcs8()?;
    Ok(SigningKeyRecord {
        env,
        key_id: key.key_id().to_owned(),
        algorithm,
        private_key: keys.seal_signing_key(env.as_bytes(), &pkcs8, entropy.octets()?)?,
        use_from,
        created_at: now,
    })
}

fn openid_resource(
    env: EnvironmentId,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Resource, Broken> {
    let mut scopes = Vec::with_capacity(OPENID_SCOPES.len());
    for (name, words) in OPENID_SCOPES {
        scopes.push(Scope {
            id: entropy.id(now)?,
            name: name.to_owned(),
            description: Some(words.to_owned()),
            created_at: now,
            updated_at: now,
        });
    }
    Ok(Resource {
        env,
        id: entropy.id(now)?,
        name: String::from("openid"),
        description: Some(String::from("OpenID Connect")),
        kind: ResourceType::OpenidConnect,
        audience: format!("urn:assent:environment:{env}:openid"),
        access_token_validity: Resource::ACCESS_TOKEN_VALIDITY,
        access_token_format: AccessTokenFormat::default(),
        introspection: None,
        attributes: Vec::new(),
        scopes,
        created_at: now,
        updated_at: now,
    })
}

/// A new administrator and the token, which is shown once.
///
/// # Errors
/// There is no randomness.
pub fn administrator(
    entropy: &dyn Entropy,
    name: String,
    roles: Vec<administrator::RoleAssignment>,
    now: Timestamp,
) -> Result<(administrator::Administrator, Secret), Broken> {
    let token = Secret::mint(ADMINISTRATOR_TOKEN_PREFIX, entropy.octets()?);
    let administrator = administrator::Administrator {
        id: entropy.id(now)?,
        name,
        token: administrator_digest(token.expose()),
        roles,
        created_at: now,
    };
    Ok((administrator, token))
}

/// How an administrator's token is looked up.
pub fn administrator_digest(token: &str) -> Digest {
    Digest::of(Purpose::AdministratorToken, EnvironmentId::NIL, token.as_bytes())
}

/// A new client secret: 86 characters of base64url, long enough for HS512 (RFC 7518 §3.2).
///
/// # Errors
/// There is no randomness.
pub fn client_secret(entropy: &dyn Entropy) -> Result<Secret, Broken> {
    let half = Secret::mint("", entropy.octets()?);
    Ok(Secret::mint(half.expose(), entropy.octets()?))
}

/// A device that waits to be paired, and the two codes that can pair it.
pub struct NewDevice {
    /// The device.
    pub device: device::Device,
    /// To be typed.
    pub code: Secret,
    /// For a one-time link.
    pub link_code: Secret,
    /// What to insert.
    pub writes: Vec<Write>,
    /// Until when the codes work.
    pub expires_at: Timestamp,
}

/// A new device of a person.
///
/// # Errors
/// There is no randomness.
pub fn device(
    entropy: &dyn Entropy,
    env: EnvironmentId,
    user: UserId,
    nickname: String,
    kind: device::DeviceType,
    now: Timestamp,
) -> Result<NewDevice, Broken> {
    let id: DeviceId = entropy.id(now)?;
    let code = Secret::new(device::pairing_code(entropy.octets()?));
    let link_code = Secret::mint(LINK_CODE_PREFIX, entropy.octets()?);
    let digests = [&code, &link_code].map(|code| pairing_digest(env, code.expose()));
    let expires_at = now.plus(device::PAIRING_LIFETIME);
    let new = device::Device {
        env,
        user,
        id,
        nickname,
        kind,
        status: device::DeviceStatus::ActivationRequired,
        acr_values: Vec::new(),
        credential: None,
        pairings: digests.to_vec(),
        created_at: now,
        updated_at: now,
    };
    let mut writes = vec![Write::insert(new.clone())];
    for digest in digests {
        writes.push(Write::insert(device::Pairing { env, digest, user, device: id, expires_at }));
    }
    Ok(NewDevice { device: new, code, link_code, writes, expires_at })
}

/// How a pairing code is looked up.
pub fn pairing_digest(env: EnvironmentId, code: &str) -> Digest {
    Digest::of(Purpose::Pairing, env, device::normalize_pairing_code(code).as_bytes())
}
