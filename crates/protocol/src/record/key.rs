//! The keys of records.

use crate::id::{
    ApplicationId, AuditEntryId, DeviceId, EnvironmentId, GrantId, ResourceId, UserId,
};
use crate::record::Kind;
use crate::secret::Digest;
use crate::user::{Login, LoginKind};

/// Where a record is: always its environment first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The environment it belongs to; nil for what belongs to the installation.
    pub env: EnvironmentId,
    /// What it is.
    pub kind: Kind,
    /// Its name among its kind.
    pub name: Vec<u8>,
}

impl Key {
    fn new(env: EnvironmentId, kind: Kind, name: &[u8]) -> Self {
        Self { env, kind, name: name.to_vec() }
    }

    /// Of an environment: it is its own environment.
    pub fn environment(env: EnvironmentId) -> Self {
        Self::new(env, Kind::Environment, &[])
    }

    /// Of an application.
    pub fn application(env: EnvironmentId, id: ApplicationId) -> Self {
        Self::new(env, Kind::Application, id.as_bytes())
    }

    /// Of a resource.
    pub fn resource(env: EnvironmentId, id: ResourceId) -> Self {
        Self::new(env, Kind::Resource, id.as_bytes())
    }

    /// Of a person.
    pub fn user(env: EnvironmentId, id: UserId) -> Self {
        Self::new(env, Kind::User, id.as_bytes())
    }

    /// Of a login. A user name is unique, so its key does not say whose it is; addresses can be
    /// shared, so theirs does.
    pub fn login(login: &Login) -> Self {
        let mut name = Self::login_kind_prefix(&login.value, login.kind);
        if login.kind != LoginKind::Username {
            name.extend_from_slice(login.user.as_bytes());
        }
        Self { env: login.env, kind: Kind::Login, name }
    }

    /// With what the names of all logins of one normalised value begin.
    pub fn login_prefix(value: &str) -> Vec<u8> {
        [value.as_bytes(), b"\0"].concat()
    }

    /// With what the names of all logins of one normalised value and kind begin; of a user name,
    /// the whole name.
    pub fn login_kind_prefix(value: &str, kind: LoginKind) -> Vec<u8> {
        let mut name = Self::login_prefix(value);
        match kind {
            LoginKind::Username => name.push(0),
            LoginKind::Email => name.push(1),
            LoginKind::Phone => name.push(2),
        }
        name
    }

    /// Of a device: people's devices stand together.
    pub fn device(env: EnvironmentId, user: UserId, id: DeviceId) -> Self {
        Self::new(env, Kind::Device, &[user.as_bytes().as_slice(), id.as_bytes()].concat())
    }

    /// Of a device's credential.
    pub fn credential(env: EnvironmentId, digest: Digest) -> Self {
        Self::new(env, Kind::Credential, digest.as_bytes())
    }

    /// Of a pairing code.
    pub fn pairing(env: EnvironmentId, digest: Digest) -> Self {
        Self::new(env, Kind::Pairing, digest.as_bytes())
    }

    /// Of an administrator.
    pub fn administrator(token: Digest) -> Self {
        Self::new(EnvironmentId::NIL, Kind::Administrator, token.as_bytes())
    }

    /// Of a signing key.
    pub fn signing_key(env: EnvironmentId, key_id: &str) -> Self {
        Self::new(env, Kind::SigningKey, key_id.as_bytes())
    }

    /// Of an authentication.
    pub fn authentication(env: EnvironmentId, auth_req_id: Digest) -> Self {
        Self::new(env, Kind::Authentication, auth_req_id.as_bytes())
    }

    /// Of a spent assertion.
    pub fn spent_assertion(env: EnvironmentId, client: ApplicationId, digest: Digest) -> Self {
        let name = [client.as_bytes().as_slice(), digest.as_bytes()].concat();
        Self { env, kind: Kind::SpentAssertion, name }
    }

    /// Of a grant.
    pub fn grant(env: EnvironmentId, id: GrantId) -> Self {
        Self::new(env, Kind::Grant, id.as_bytes())
    }

    /// Of a ping or push.
    pub fn notification(env: EnvironmentId, auth_req_id: Digest) -> Self {
        Self::new(env, Kind::Notification, auth_req_id.as_bytes())
    }

    /// Of what was revoked.
    pub fn revocation(env: EnvironmentId, what: Digest) -> Self {
        Self::new(env, Kind::Revocation, what.as_bytes())
    }

    /// Of a type of authorization details.
    pub fn details_type(env: EnvironmentId, name: &str) -> Self {
        Self::new(env, Kind::DetailsType, name.as_bytes())
    }

    /// Of an initial access token.
    pub fn initial_access_token(env: EnvironmentId, token: Digest) -> Self {
        Self::new(env, Kind::InitialAccessToken, token.as_bytes())
    }

    /// Of an entry of the audit log that waits for its place in the chain.
    pub fn audit_entry(env: EnvironmentId, id: AuditEntryId) -> Self {
        Self::new(env, Kind::AuditEntry, id.as_bytes())
    }

    /// Of a link: links stand in the order of their numbers.
    pub fn audit_link(env: EnvironmentId, seq: u64) -> Self {
        Self::new(env, Kind::AuditLink, &seq.to_be_bytes())
    }

    /// Of the head of a chain: one in each environment.
    pub fn audit_head(env: EnvironmentId) -> Self {
        Self::new(env, Kind::AuditHead, b"head")
    }
}
