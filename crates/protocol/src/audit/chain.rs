//! The chain: each link holds the hash of the one before it, so that none can be changed, removed,
//! added or moved without every later hash being another. The head says where the chain ends, under
//! a MAC of the environment: who has no master key cannot write the chain anew and close it.
//!
//! What no chain can show is a store that was set back as a whole. Whoever noted `number:hash`
//! elsewhere finds that out, too.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use crate::audit::Entry;
use crate::id::EnvironmentId;
use crate::record::{Key, Kind, Record, Stored};
use crate::secret::Digest;
use crate::time::Timestamp;

/// With what a MAC of a head begins.
const HEAD: &[u8] = b"audit_head\0";

/// A place in the chain: the number of a link and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The link's hash; of the place before the first link, zeros.
    pub hash: Digest,
    /// The link's number; the first is 1.
    pub seq: u64,
}

impl Anchor {
    /// Before the first link.
    pub const BEGINNING: Self = Self { hash: Digest::from_bytes([0; 32]), seq: 0 };

    /// The place after this one, when `canonical` follows it: SHA-256 over the hash before, the
    /// number in eight octets, and the entry.
    #[must_use]
    pub fn next(&self, canonical: &str) -> Self {
        let seq = self.seq.saturating_add(1);
        Self { hash: hash(self.hash, seq, canonical), seq }
    }
}

fn hash(previous: Digest, seq: u64, canonical: &str) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(previous.as_bytes());
    context.update(&seq.to_be_bytes());
    context.update(canonical.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Digest::from_bytes(hash)
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What is told.
    pub entry: Arc<Entry>,
    /// Its hash.
    pub hash: Digest,
    /// The hash of the link before it.
    pub previous: Digest,
    /// Its number; the first is 1.
    pub seq: u64,
}

/// Where the chain of an environment ends and where what is kept of it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Environment; nil for the installation.
    pub env: EnvironmentId,
    /// The epoch of the store that the chain knows of.
    pub epoch: Timestamp,
    /// The last link.
    pub last: Anchor,
    /// Over everything else, under a key of the environment.
    pub mac: Digest,
    /// The last link that was removed because its time was over.
    pub trimmed: Anchor,
}

impl Head {
    /// Of a chain without links.
    pub fn new(env: EnvironmentId, epoch: Timestamp, key: &hmac::Key) -> Self {
        let (last, trimmed) = (Anchor::BEGINNING, Anchor::BEGINNING);
        Self { env, epoch, last, mac: Digest::from_bytes([0; 32]), trimmed }.sealed(key)
    }

    /// The links that these entries become, and the head after them.
    ///
    /// # Errors
    /// Never for the types of this crate; the signature is serde's.
    pub fn extend(
        &self,
        entries: impl IntoIterator<Item = Arc<Entry>>,
        key: &hmac::Key,
    ) -> serde_json::Result<(Vec<Link>, Self)> {
        let mut last = self.last;
        let mut links = Vec::new();
        for entry in entries {
            let previous = last.hash;
            last = last.next(&entry.canonical()?);
            links.push(Link { entry, hash: last.hash, previous, seq: last.seq });
        }
        Ok((links, Self { last, ..self.clone() }.sealed(key)))
    }

    /// The head when this link and everything before it is removed.
    #[must_use]
    pub fn trimmed_to(&self, link: &Link, key: &hmac::Key) -> Self {
        let trimmed = Anchor { hash: link.hash, seq: link.seq };
        Self { trimmed, ..self.clone() }.sealed(key)
    }

    /// The head when the store has begun another epoch.
    #[must_use]
    pub fn in_epoch(&self, epoch: Timestamp, key: &hmac::Key) -> Self {
        Self { epoch, ..self.clone() }.sealed(key)
    }

    /// Whether it was written with this key and not changed since.
    pub fn is_sealed(&self, key: &hmac::Key) -> bool {
        hmac::verify(key, &self.mac_input(), self.mac.as_bytes()).is_ok()
    }

    fn sealed(self, key: &hmac::Key) -> Self {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(key, &self.mac_input()).as_ref());
        Self { mac: Digest::from_bytes(mac), ..self }
    }

    fn mac_input(&self) -> Vec<u8> {
        let place = |anchor: &Anchor| {
            [anchor.seq.to_be_bytes().as_slice(), anchor.hash.as_bytes()].concat()
        };
        let epoch = self.epoch.as_millis().to_be_bytes();
        [HEAD, self.env.as_bytes(), &epoch, &place(&self.last), &place(&self.trimmed)].concat()
    }
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A link is missing, doubled or moved.
    #[error("link {found} stands where link {expected} should be")]
    Number {
        /// What should be there.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// It belongs after another link.
    #[error("link {0} does not follow the link before it")]
    Previous(u64),
    /// What it tells is not what was told.
    #[error("link {0} was changed: its hash is not that of its content")]
    Content(u64),
    /// The chain goes on, or ends before, where its head says.
    #[error("the chain ends with link {found}, but its head says link {expected}")]
    End {
        /// What the head says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The last link is another than the head says.
    #[error("link {0} is not the link that the head names")]
    Last(u64),
    /// The head was not written with this key.
    #[error("the head was not written by this installation, or was changed since")]
    Seal,
}

/// Follows a chain from link to link.
#[derive(Clone, Debug)]
pub struct Verifier(Anchor);

impl Verifier {
    /// Begins after this place.
    pub const fn after(place: Anchor) -> Self {
        Self(place)
    }

    /// Where it is.
    pub const fn place(&self) -> Anchor {
        self.0
    }

    /// The next link, with its entry as canonical JSON.
    ///
    /// # Errors
    /// It does not fit.
    pub fn follow(&mut self, link: Anchor, previous: Digest, entry: &str) -> Result<(), Misfit> {
        let next = self.0.next(entry);
        if link.seq != next.seq {
            return Err(Misfit::Number { expected: next.seq, found: link.seq });
        }
        if previous != self.0.hash {
            return Err(Misfit::Previous(link.seq));
        }
        if link.hash != next.hash {
            return Err(Misfit::Content(link.seq));
        }
        self.0 = next;
        Ok(())
    }

    /// The chain ends here.
    ///
    /// # Errors
    /// The head says otherwise.
    pub fn end(&self, head: &Head) -> Result<(), Misfit> {
        if self.0.seq != head.last.seq {
            return Err(Misfit::End { expected: head.last.seq, found: self.0.seq });
        }
        if self.0.hash == head.last.hash { Ok(()) } else { Err(Misfit::Last(self.0.seq)) }
    }
}

impl Stored for Link {
    const KIND: Kind = Kind::AuditLink;
    fn key(&self) -> Key {
        Key::audit_link(self.entry.env, self.seq)
    }
    fn open(record: Record) -> Option<Arc<Self>> {
        if let Record::AuditLink(it) = record { Some(it) } else { None }
    }
    fn wrap(it: Arc<Self>) -> Record {
        Record::AuditLink(it)
    }
}

impl Stored for Head {
    const KIND: Kind = Kind::AuditHead;
    fn key(&self) -> Key {
        Key::audit_head(self.env)
    }
    fn open(record: Record) -> Option<Arc<Self>> {
        if let Record::AuditHead(it) = record { Some(it) } else { None }
    }
    fn wrap(it: Arc<Self>) -> Record {
        Record::AuditHead(it)
    }
}

#[cfg(test)]
mod tests;
