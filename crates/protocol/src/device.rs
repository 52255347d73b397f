//! A person's authentication device, its credential, and the one-time code that pairs it.

use serde::{Deserialize, Serialize};

use crate::decision::{Change, Decision};
use crate::id::{DeviceId, EnvironmentId, UserId};
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Stored, Versioned, Write};
use crate::secret::Digest;
use crate::time::{Seconds, Timestamp};

/// Most devices of one person.
pub const DEVICES_PER_USER_MAX: usize = 20;
/// Life of a pairing code or one-time link.
pub const PAIRING_LIFETIME: Seconds = Seconds::new(600);

/// What kind of device it is; a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceType {
    /// An application that speaks the device API.
    Mobile,
    /// A browser with Assent's own page.
    Browser,
}

/// Whether the device was paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceStatus {
    /// It waits for its pairing code.
    ActivationRequired,
    /// It may answer.
    Active,
}

/// An authentication device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Environment.
    pub env: EnvironmentId,
    /// Whose it is.
    pub user: UserId,
    /// Identifier.
    pub id: DeviceId,
    /// What the person calls it.
    pub nickname: String,
    /// Label.
    pub kind: DeviceType,
    /// Whether it was paired.
    pub status: DeviceStatus,
    /// Authentication contexts that an answer on it reaches, beside the standard one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// Digest of its bearer credential, once paired.
    pub credential: Option<Digest>,
    /// Digests of the codes that can pair it.
    pub pairings: Vec<Digest>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Stored for Device {
    const KIND: Kind = Kind::Device;
    fn key(&self) -> Key {
        Key::device(self.env, self.user, self.id)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Device(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Device(it)
    }
}

/// From the digest of a bearer credential to its device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Environment.
    pub env: EnvironmentId,
    /// Digest of the credential.
    pub digest: Digest,
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
}

impl Stored for Credential {
    const KIND: Kind = Kind::Credential;
    fn key(&self) -> Key {
        Key::credential(self.env, self.digest)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Credential(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Credential(it)
    }
}

/// A one-time code that pairs a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// Environment.
    pub env: EnvironmentId,
    /// Digest of the code.
    pub digest: Digest,
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// Until when the code works.
    pub expires_at: Timestamp,
}

impl Stored for Pairing {
    const KIND: Kind = Kind::Pairing;
    fn key(&self) -> Key {
        Key::pairing(self.env, self.digest)
    }
    fn open(record: Record) -> Option<std::sync::Arc<Self>> {
        if let Record::Pairing(it) = record { Some(it) } else { None }
    }
    fn wrap(it: std::sync::Arc<Self>) -> Record {
        Record::Pairing(it)
    }
}

/// The form in which pairing codes are compared: typed codes may come in any case, with or
/// without the hyphen; links carry long codes that are compared as they are.
pub fn normalize_pairing_code(code: &str) -> String {
    let code = code.trim();
    if code.len() > 16 {
        return code.to_owned();
    }
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// A pairing code of eight letters and digits that are not mistaken for one another.
pub fn pairing_code(random: [u8; 8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letter =
        |byte: &u8| ALPHABET.get(usize::from(byte & 31)).map_or('A', |letter| char::from(*letter));
    let (left, right) = random.split_at(4);
    left.iter().map(letter).chain(['-']).chain(right.iter().map(letter)).collect()
}

/// Pairs a device: the code is spent, the device becomes active, the credential comes to life,
/// all in one commit. Two callers with one code: one wins.
pub fn pair(
    pairing: Option<&Versioned<Pairing>>,
    device: Option<&Versioned<Device>>,
    credential: Digest,
    now: Timestamp,
) -> Decision<Credential> {
    let (Some(pairing), Some(device)) = (pairing, device) else {
        return Decision::refuse(Reason::PairingCodeUnknown);
    };
    let usable =
        now < pairing.record.expires_at && device.record.status == DeviceStatus::ActivationRequired;
    if !usable {
        return Decision::refuse(Reason::PairingCodeUnknown);
    }
    let active = Device {
        status: DeviceStatus::Active,
        credential: Some(credential),
        pairings: Vec::new(),
        updated_at: now,
        ..Device::clone(&device.record)
    };
    let born =
        Credential { env: active.env, digest: credential, user: active.user, device: active.id };
    let change = |write| Change::new(write, Reason::PairingCodeUnknown);
    Decision::accept(born.clone())
        .and(change(Write::Delete(pairing.record.key(), pairing.version)))
        .and(change(Write::replace(active, device.version)))
        .and(change(Write::insert(born)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_compares_in_any_case_with_or_without_its_hyphen() {
        for typed in ["abcd-efgh", "ABCDEFGH", " AbCd EfGh "] {
            assert_eq!(normalize_pairing_code(typed), "ABCDEFGH");
        }
        let link = "dlk_MDEyMzQ1Njc4OWFiY2RlZg";
        assert_eq!(normalize_pairing_code(link), link);
    }

    #[test]
    fn codes_use_letters_that_are_not_mistaken_for_one_another() {
        let code = pairing_code([0, 31, 32, 255, 7, 8, 13, 14]);
        assert_eq!(code.len(), 9);
        assert!(!code.contains(['0', 'O', '1', 'I']));
    }
}
