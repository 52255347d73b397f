//! The waiting authentications, in memory: found by `auth_req_id`, by inbox, and by the time when
//! they may be forgotten. Holds only what is durable; changed by the writer thread alone.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use assent_protocol::ciba::authentication::Authentication;
use assent_protocol::id::{EnvironmentId, RequestId, UserId};
use assent_protocol::record::{InboxKey, Key, Kind, Record, Version, Versioned};
use assent_protocol::secret::Digest;
use assent_protocol::time::Timestamp;
use hashbrown::HashTable;
use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;

use super::OpenFault;

/// Polls of different requests hardly ever meet at one lock.
const SHARDS: usize = 64;

/// One authentication and its row.
#[derive(Clone)]
pub struct Entry {
    /// The authentication.
    pub record: Arc<Authentication>,
    /// Its version.
    pub version: Version,
    /// The number of its row.
    pub seq: i64,
}

/// The authentications of this process.
pub struct Live {
    shards: Vec<RwLock<HashTable<Entry>>>,
    order: Mutex<Order>,
}

#[derive(Default)]
struct Order {
    inboxes: BTreeSet<ByInbox>,
    ends: BTreeSet<ByEnd>,
}

impl Live {
    /// Reads all rows.
    pub fn load(connection: &Connection) -> Result<Self, OpenFault> {
        let live = Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            order: Mutex::default(),
        };
        let mut statement =
            connection.prepare("SELECT seq, version, body FROM authentication ORDER BY seq")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let body: String = row.get(2)?;
            let damaged = |what: &str| OpenFault::Unreadable(format!("authentication row: {what}"));
            let record = match Record::from_json(Kind::Authentication, &body) {
                Ok(Record::Authentication(record)) => record,
                Ok(_) => return Err(damaged("another kind")),
                Err(error) => return Err(damaged(&error.to_string())),
            };
            let version = Version::try_from(row.get::<_, i64>(1)?)
                .map_err(|_| damaged("negative version"))?;
            live.put(Entry { record, version, seq: row.get(0)? });
        }
        Ok(live)
    }

    /// The authentication with this key.
    pub fn find(&self, key: &Key) -> Option<Versioned<Authentication>> {
        self.entry(key).map(|entry| Versioned { record: entry.record, version: entry.version })
    }

    /// The authentication with this key, and its row.
    pub fn entry(&self, key: &Key) -> Option<Entry> {
        let digest = Digest::from_bytes(key.name.as_slice().try_into().ok()?);
        let same =
            |entry: &Entry| entry.record.auth_req_id == digest && entry.record.env() == key.env;
        self.shard(&digest)?.read().find(hash(&digest), same).cloned()
    }

    /// The authentication that a device names so.
    pub fn find_in_inbox(&self, key: InboxKey) -> Option<Versioned<Authentication>> {
        let record = self.order.lock().inboxes.get(&key).map(|it| Arc::clone(&it.0))?;
        self.find(&Key::authentication(key.env, record.auth_req_id))
    }

    /// One person's waiting authentications, oldest first: request names are ordered by time.
    pub fn list_inbox(
        &self,
        env: EnvironmentId,
        user: UserId,
        now: Timestamp,
        limit: usize,
    ) -> Vec<Versioned<Authentication>> {
        let bound = |octet| {
            Bound::Included(InboxKey { env, user, request: RequestId::from_bytes([octet; 16]) })
        };
        let waiting: Vec<Arc<Authentication>> = {
            let order = self.order.lock();
            let inbox = order.inboxes.range::<InboxKey, _>((bound(0), bound(0xff)));
            let waiting = inbox.filter(|it| it.0.is_waiting(now)).take(limit);
            waiting.map(|it| Arc::clone(&it.0)).collect()
        };
        waiting
            .iter()
            .filter_map(|it| self.find(&Key::authentication(env, it.auth_req_id)))
            .collect()
    }

    /// One person's authentications since `since`, whatever has become of them, newest first.
    pub fn list_prompts(
        &self,
        env: EnvironmentId,
        user: UserId,
        since: Timestamp,
        limit: usize,
    ) -> Vec<Versioned<Authentication>> {
        // Request names are ordered by time.
        let first = InboxKey { env, user, request: RequestId::mint(since, [0; 10]) };
        let last = InboxKey { env, user, request: RequestId::from_bytes([0xff; 16]) };
        let asked: Vec<Arc<Authentication>> = {
            let order = self.order.lock();
            let inbox =
                order.inboxes.range::<InboxKey, _>((Bound::Included(first), Bound::Included(last)));
            inbox.rev().take(limit).map(|it| Arc::clone(&it.0)).collect()
        };
        asked.iter().filter_map(|it| self.find(&Key::authentication(env, it.auth_req_id))).collect()
    }

    /// The keys of at most `limit` authentications that may be forgotten at `now`.
    pub fn list_ended(&self, now: Timestamp, limit: usize) -> Vec<Key> {
        let order = self.order.lock();
        let ended = order.ends.iter().take_while(|it| it.0.forget_at() <= now).take(limit);
        ended.map(|it| Key::authentication(it.0.env(), it.0.auth_req_id)).collect()
    }

    /// The keys of at most `limit` authentications of one environment.
    pub fn list_of(&self, env: EnvironmentId, limit: usize) -> Vec<Key> {
        let lowest = InboxKey {
            env,
            user: UserId::from_bytes([0; 16]),
            request: RequestId::from_bytes([0; 16]),
        };
        let order = self.order.lock();
        let all = order.inboxes.range::<InboxKey, _>((Bound::Included(lowest), Bound::Unbounded));
        all.take_while(|it| it.0.env() == env)
            .take(limit)
            .map(|it| Key::authentication(env, it.0.auth_req_id))
            .collect()
    }

    /// Takes over what is now durable.
    pub fn put(&self, entry: Entry) {
        let digest = entry.record.auth_req_id;
        let Some(shard) = self.shard(&digest) else { return };
        {
            let mut order = self.order.lock();
            order.inboxes.replace(ByInbox(Arc::clone(&entry.record)));
            order.ends.replace(ByEnd(Arc::clone(&entry.record)));
        }
        let env = entry.record.env();
        let same = |other: &Entry| other.record.auth_req_id == digest && other.record.env() == env;
        let mut shard = shard.write();
        match shard.find_mut(hash(&digest), same) {
            Some(known) => *known = entry,
            None => {
                shard.insert_unique(hash(&digest), entry, |it| hash(&it.record.auth_req_id));
            }
        }
    }

    /// Drops what is durably gone.
    pub fn remove(&self, key: &Key) {
        let Some(entry) = self.entry(key) else { return };
        {
            let mut order = self.order.lock();
            order.inboxes.remove(&entry.record.inbox);
            order.ends.remove(&ByEnd(Arc::clone(&entry.record)));
        }
        let digest = entry.record.auth_req_id;
        if let Some(shard) = self.shard(&digest) {
            let same = |other: &Entry| other.record.inbox == entry.record.inbox;
            if let Ok(found) = shard.write().find_entry(hash(&digest), same) {
                found.remove();
            }
        }
    }

    fn shard(&self, digest: &Digest) -> Option<&RwLock<HashTable<Entry>>> {
        // The lowest bits choose the place inside the table, the highest the shard.
        let [first, ..] = digest.as_bytes();
        self.shards.get(usize::from(*first) % SHARDS)
    }
}

/// A digest is random already: eight of its octets are the hash.
fn hash(digest: &Digest) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *digest.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Ordered by inbox.
struct ByInbox(Arc<Authentication>);

impl Borrow<InboxKey> for ByInbox {
    fn borrow(&self) -> &InboxKey {
        &self.0.inbox
    }
}
impl PartialEq for ByInbox {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for ByInbox {}
impl PartialOrd for ByInbox {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ByInbox {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.inbox.cmp(&other.0.inbox)
    }
}

/// Ordered by the time when it may be forgotten; that time never changes.
struct ByEnd(Arc<Authentication>);

impl ByEnd {
    fn place(&self) -> (Timestamp, InboxKey) {
        (self.0.forget_at(), self.0.inbox)
    }
}
impl PartialEq for ByEnd {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for ByEnd {}
impl PartialOrd for ByEnd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ByEnd {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}
