//! Environments as the server works with them: settings, URLs, opened keys. Derived from records,
//! kept while the record's version stands, re-read every minute for what other nodes did.

use std::sync::Arc;

use assent_jose::{Jwks, SigningKey};
use assent_protocol::authorization_details::DetailsType;
use assent_protocol::discovery::Doors;
use assent_protocol::environment::{Environment, EnvironmentStatus};
use assent_protocol::id::EnvironmentId;
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::record::{Key, Kind, Version};
use assent_protocol::sealing::RootKey;
use assent_protocol::signing::SigningKeyRecord;
use assent_protocol::time::{Seconds, Timestamp};
use assent_store::{Range, Store};
use quick_cache::sync::Cache;

use crate::client_authorities::ClientAuthorities;
use crate::failure::Broken;

/// Environments kept ready; the least used go first.
const TENANTS_MAX: usize = 10_000;
/// How long opened signing keys are used before the store is asked for newer ones. Far shorter
/// than a new key is published before it signs.
const KEYS_FRESH: Seconds = Seconds::new(60);
/// Most signing keys of one environment; rotation keeps it near eight.
const SIGNING_KEYS_MAX: usize = 100;
/// Most types of authorization details that the metadata names.
const DETAILS_TYPES_MAX: usize = 200;

/// An environment ready for work. Cheap to clone.
#[derive(Clone)]
pub struct Tenant(Arc<Ready>);

/// What is ready.
pub struct Ready {
    /// The record.
    pub environment: Arc<Environment>,
    /// Its secret keys.
    pub keys: EnvironmentKeys,
    /// The issuer: `{authPath}/{envID}/as`.
    pub issuer: String,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The backchannel authentication endpoint.
    pub backchannel_endpoint: String,
    /// What takes the issuer's place at the door that asks clients for certificates.
    pub mtls_issuer: Option<String>,
    /// Whose certificates clients may authenticate with.
    pub client_authorities: ClientAuthorities,
    /// What it signs with.
    pub signers: Vec<Signer>,
    /// Every published key, the retired ones included.
    pub jwks: Jwks,
    /// The types of authorization details that it knows, for its metadata.
    pub details_types: Vec<String>,
    version: Version,
    read_at: Timestamp,
}

/// A signing key and from when on it signs.
#[derive(Clone)]
pub struct Signer {
    /// The stored form.
    pub record: Arc<SigningKeyRecord>,
    /// The key pair.
    pub key: Arc<SigningKey>,
}

impl std::ops::Deref for Tenant {
    type Target = Ready;
    fn deref(&self) -> &Ready {
        &self.0
    }
}

impl Ready {
    /// The environment's identifier.
    pub fn id(&self) -> EnvironmentId {
        self.environment.id
    }

    /// Where it is reached by clients, which can show `certificates` or not.
    pub fn doors(&self, certificates: bool) -> Doors<'_> {
        Doors { issuer: &self.issuer, mtls: self.mtls_issuer.as_deref(), certificates }
    }

    /// `endpoint` at the door that asks clients for certificates (RFC 8705 §5).
    pub fn alias(&self, endpoint: &str) -> Option<String> {
        let path = endpoint.strip_prefix(self.issuer.as_str())?;
        self.mtls_issuer.as_ref().map(|mtls| format!("{mtls}{path}"))
    }

    /// The URLs by which clients know `endpoint`, at every door.
    pub fn urls(&self, endpoint: &str) -> Vec<String> {
        [Some(endpoint.to_owned()), self.alias(endpoint)].into_iter().flatten().collect()
    }

    /// The key of `algorithm` that signs at `now`.
    ///
    /// # Errors
    /// There is none.
    pub fn signer(
        &self,
        algorithm: assent_jose::Algorithm,
        now: Timestamp,
    ) -> Result<&SigningKey, Broken> {
        let all = || self.signers.iter().filter(|it| it.record.algorithm == algorithm);
        let in_use = all().filter(|it| it.record.use_from <= now);
        in_use
            .max_by_key(|it| it.record.use_from)
            // A clock that was set back, or lags: the oldest key is published everywhere.
            .or_else(|| all().min_by_key(|it| it.record.use_from))
            .map(|it| it.key.as_ref())
            .ok_or(Broken::NoSigningKey)
    }
}

/// The environments in use.
pub struct Registry {
    master: RootKey,
    auth_path: String,
    mtls_auth_path: Option<String>,
    tenants: Cache<EnvironmentId, Tenant>,
}

impl Registry {
    /// An empty registry.
    pub fn new(master: RootKey, auth_path: String, mtls_auth_path: Option<String>) -> Self {
        Self { master, auth_path, mtls_auth_path, tenants: Cache::new(TENANTS_MAX) }
    }

    /// The server's master key.
    pub const fn master(&self) -> &RootKey {
        &self.master
    }

    /// The environment, if there is one that serves.
    ///
    /// # Errors
    /// The store cannot be read, or a key does not open.
    pub async fn find(
        &self,
        store: &dyn Store,
        id: EnvironmentId,
        now: Timestamp,
    ) -> Result<Option<Tenant>, Broken> {
        let Some(found) = store.find::<Environment>(&Key::environment(id)).await? else {
            return Ok(None);
        };
        if found.record.status != EnvironmentStatus::Active {
            return Ok(None);
        }
        let known = self.tenants.get(&id);
        let fresh = known.filter(|tenant| {
            tenant.version == found.version
                && now.millis_since(tenant.read_at) < KEYS_FRESH.as_millis()
        });
        if let Some(tenant) = fresh {
            return Ok(Some(tenant));
        }
        let tenant = self.prepare(store, found.record, found.version, now).await?;
        self.tenants.insert(id, tenant.clone());
        Ok(Some(tenant))
    }

    /// Forgets an environment, so that the next look reads its keys anew.
    pub fn forget(&self, id: EnvironmentId) {
        self.tenants.remove(&id);
    }

    async fn prepare(
        &self,
        store: &dyn Store,
        environment: Arc<Environment>,
        version: Version,
        now: Timestamp,
    ) -> Result<Tenant, Broken> {
        let id = environment.id;
        let keys = EnvironmentKeys::derive(environment.open_root_key(&self.master)?)?;
        let range = Range {
            env: id,
            kind: Kind::SigningKey,
            prefix: Vec::new(),
            after: None,
            limit: SIGNING_KEYS_MAX,
        };
        let known = self.tenants.get(&id);
        let mut signers = Vec::new();
        for found in store.list::<SigningKeyRecord>(&range).await? {
            let record = found.record;
            // Opening a key checks it, which takes long: one that is open already stays open.
            let open = known.as_ref().and_then(|tenant| {
                tenant.signers.iter().find(|it| it.record.key_id == record.key_id).cloned()
            });
            let key = match open {
                Some(signer) => signer.key,
                None => Arc::new(open_key(&keys, &record)?),
            };
            signers.push(Signer { record, key });
        }
        let jwks = Jwks::from_keys(signers.iter().map(|it| it.key.public_key().clone()).collect());
        let issuer = format!("{}/{id}/as", self.auth_path);
        Ok(Tenant(Arc::new(Ready {
            token_endpoint: format!("{issuer}/token"),
            backchannel_endpoint: format!("{issuer}/cibaAuthorization"),
            mtls_issuer: self.mtls_auth_path.as_ref().map(|path| format!("{path}/{id}/as")),
            client_authorities: ClientAuthorities::of(&environment.security),
            issuer,
            environment,
            keys,
            signers,
            jwks,
            details_types: details_types(store, id).await?,
            version,
            read_at: now,
        })))
    }
}

async fn details_types(store: &dyn Store, env: EnvironmentId) -> Result<Vec<String>, Broken> {
    let range = Range {
        env,
        kind: Kind::DetailsType,
        prefix: Vec::new(),
        after: None,
        limit: DETAILS_TYPES_MAX,
    };
    let found = store.list::<DetailsType>(&range).await?;
    Ok(found.into_iter().map(|it| it.record.name.clone()).collect())
}

fn open_key(keys: &EnvironmentKeys, record: &SigningKeyRecord) -> Result<SigningKey, Broken> {
    let pkcs8 = keys.open_signing_key(record.env.as_bytes(), &record.private_key)?;
    Ok(SigningKey::from_pkcs8(record.algorithm, &pkcs8, record.key_id.clone())?)
}
