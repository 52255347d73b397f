//! Typed identifiers: a UUID that knows what it names, so that no function can be handed a wrong one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::time::Timestamp;

/// What an [`Id`] can name. Empty types: they exist only in signatures.
pub mod named {
    /// An environment.
    pub enum Environment {}
    /// An application (OAuth client); its identifier is the `client_id`.
    pub enum Application {}
    /// A person; the identifier is the `sub` of tokens.
    pub enum User {}
    /// An authentication device of a person.
    pub enum Device {}
    /// A waiting request as the authentication device names it; not the `auth_req_id`.
    pub enum Request {}
    /// What a person granted; root of a refresh family.
    pub enum Grant {}
    /// A protected resource.
    pub enum Resource {}
    /// A scope of a resource.
    pub enum Scope {}
    /// The scopes of one resource that an application may ask for.
    pub enum ScopeGrant {}
    /// An administrator of the management API.
    pub enum Administrator {}
    /// A token that permits clients to register.
    pub enum InitialAccessToken {}
    /// An attribute of a resource's access tokens.
    pub enum Attribute {}
    /// A ping or push.
    pub enum Notification {}
    /// An entry of the audit log.
    pub enum AuditEntry {}
    /// A link of the audit log: its number.
    pub enum AuditLink {}
}

/// A UUID naming a `T`.
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

/// Names an [`crate::environment::Environment`].
pub type EnvironmentId = Id<named::Environment>;
/// Names an [`crate::application::Application`]; the `client_id`.
pub type ApplicationId = Id<named::Application>;
/// Names a [`crate::user::User`]; the `sub`.
pub type UserId = Id<named::User>;
/// Names a [`crate::device::Device`].
pub type DeviceId = Id<named::Device>;
/// Names a waiting request on the device.
pub type RequestId = Id<named::Request>;
/// Names a [`crate::grant::Grant`].
pub type GrantId = Id<named::Grant>;
/// Names a [`crate::resource::Resource`].
pub type ResourceId = Id<named::Resource>;
/// Names a [`crate::resource::Scope`].
pub type ScopeId = Id<named::Scope>;
/// Names a [`crate::application::ScopeGrant`].
pub type ScopeGrantId = Id<named::ScopeGrant>;
/// Names an [`crate::administrator::Administrator`].
pub type AdministratorId = Id<named::Administrator>;
/// Names a [`crate::registration::InitialAccessToken`].
pub type InitialAccessTokenId = Id<named::InitialAccessToken>;
/// Names a [`crate::resource::Attribute`].
pub type AttributeId = Id<named::Attribute>;
/// Names a [`crate::ciba::notification::Notification`].
pub type NotificationId = Id<named::Notification>;
/// Names an [`crate::audit::Entry`].
pub type AuditEntryId = Id<named::AuditEntry>;

impl<T> Id<T> {
    /// The all-zero identifier: the place of records that belong to the whole installation.
    pub const NIL: Self = Self(Uuid::nil(), PhantomData);

    /// A new identifier (UUID version 7): ordered by creation, unguessable in its 74 random bits.
    pub fn mint(now: Timestamp, random: [u8; 10]) -> Self {
        Self(
            uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid(),
            PhantomData,
        )
    }

    /// Reads the one canonical form, lower-case and hyphenated; anything else names nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let canonical = text.len() == 36
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
        if !canonical {
            return None;
        }
        Uuid::try_parse(text).ok().map(|uuid| Self(uuid, PhantomData))
    }

    /// The sixteen octets, as they stand in store keys.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The identifier with these octets.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(|uuid| Self(uuid, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_names_anything() {
        let canonical = "1c266114-a1be-4700-8ad1-04986c5b9ac1";
        assert!(ApplicationId::parse(canonical).is_some());
        for other in [
            "1C266114-A1BE-4700-8AD1-04986C5B9AC1",
            "{1c266114-a1be-4700-8ad1-04986c5b9ac1}",
            "1c266114a1be47008ad104986c5b9ac1",
            "urn:uuid:1c266114-a1be-4700-8ad1-04986c5b9ac1",
            "1c266114-a1be-4700-8ad1-04986c5b9ac1 ",
            "",
        ] {
            assert!(ApplicationId::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn identifiers_are_ordered_by_creation() {
        let first = UserId::mint(Timestamp::from_millis(1_000), [0xff; 10]);
        let second = UserId::mint(Timestamp::from_millis(1_001), [0; 10]);
        assert!(first < second);
    }
}
