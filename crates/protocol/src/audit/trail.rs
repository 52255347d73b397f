//! What the writes of a commit mean for the log. The list of changes is the trail: an act cannot
//! be committed without being told, because it is told by what it writes.

use crate::audit::{Act, Actor, Entry, Object};
use crate::ciba::authentication::{Authentication, State};
use crate::ciba::delivery::DeliveryMode;
use crate::ciba::notification::{Delivery, Notification};
use crate::id::{ApplicationId, AuditEntryId, DeviceId, EnvironmentId, Id, UserId};
use crate::reason::Reason;
use crate::record::{Key, Kind, Record, Write};
use crate::time::Timestamp;

/// What is to be told, before it is known when and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Environment; nil for what belongs to the installation.
    pub env: EnvironmentId,
    /// What was done.
    pub act: Act,
    /// By whom, as far as the act says it.
    pub actor: Actor,
    /// For which application.
    pub application: Option<ApplicationId>,
    /// About whom.
    pub subject: Option<UserId>,
    /// To what.
    pub object: Option<Object>,
    /// What else it was done to.
    pub also: Option<Object>,
    /// Which members were changed.
    pub members: Vec<String>,
    /// The name of the reason why it was refused.
    pub refused: Option<String>,
    /// How often.
    pub count: u32,
}

/// When and how it came about.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Names the entry.
    pub id: AuditEntryId,
    /// When.
    pub at: Timestamp,
    /// How its answer is found in the log.
    pub correlation: Option<String>,
    /// From which address.
    pub source: Option<String>,
}

impl Told {
    /// An act of the server by itself; the rest is added.
    pub const fn new(env: EnvironmentId, act: Act) -> Self {
        Self {
            env,
            act,
            actor: Actor::SERVER,
            application: None,
            subject: None,
            object: None,
            also: None,
            members: Vec::new(),
            refused: None,
            count: 1,
        }
    }

    /// The entry.
    pub fn stamped(self, stamp: Stamp) -> Entry {
        Entry {
            act: self.act,
            actor: self.actor,
            also: self.also,
            application: self.application,
            at: stamp.at,
            correlation: stamp.correlation,
            count: self.count,
            env: self.env,
            id: stamp.id,
            members: self.members,
            object: self.object,
            refused: self.refused,
            source: stamp.source,
            subject: self.subject,
        }
    }

    fn by_application(env: EnvironmentId, act: Act, application: ApplicationId) -> Self {
        let actor = Actor::application(application);
        Self { actor, application: Some(application), ..Self::new(env, act) }
    }
}

/// Everything that these writes tell. `refused` is what was answered, when it was a refusal: those
/// write, too.
pub fn of(writes: &[Write], refused: Option<Reason>) -> Vec<Told> {
    let mut all: Vec<Told> =
        writes.iter().filter_map(|write| of_one(write, writes, refused)).collect();
    for told in &mut all {
        told.refused = refused.map(Reason::name);
    }
    all
}

fn of_one(write: &Write, all: &[Write], refused: Option<Reason>) -> Option<Told> {
    match write {
        Write::Insert(record) => inserted(record, all),
        Write::Replace(record, _) => replaced(record, all, refused),
        Write::Delete(key, _) => deleted(key, all),
    }
}

fn inserted(record: &Record, all: &[Write]) -> Option<Told> {
    match record {
        Record::Authentication(it) => Some(Told {
            subject: Some(it.inbox.user),
            object: Some(Object::request(it.inbox.request)),
            ..Told::by_application(it.env(), Act::RequestBegun, it.application)
        }),
        Record::Credential(it) => Some(Told {
            actor: Actor::person(it.user, it.device),
            subject: Some(it.user),
            object: Some(Object::new(Kind::Device, it.device)),
            ..Told::new(it.env, Act::DevicePaired)
        }),
        Record::Application(it) => Some(Told {
            object: Object::of(record),
            ..Told::by_application(it.env, Act::ClientRegistered, it.id)
        }),
        Record::SigningKey(it) => {
            Some(Told { object: Object::of(record), ..Told::new(it.env, Act::SigningKeyPublished) })
        }
        // With a grant that ends, its tokens end.
        Record::Revocation(it) if !all.iter().any(ends_grant) => {
            Some(Told { object: Object::of(record), ..Told::new(it.env, Act::TokenRevoked) })
        }
        Record::Revocation(_)
        | Record::Environment(_)
        | Record::Resource(_)
        | Record::User(_)
        | Record::Login(_)
        | Record::Device(_)
        | Record::Pairing(_)
        | Record::Administrator(_)
        | Record::SpentAssertion(_)
        | Record::Grant(_)
        | Record::Notification(_)
        | Record::DetailsType(_)
        | Record::InitialAccessToken(_)
        | Record::AuditEntry(_)
        | Record::AuditLink(_)
        | Record::AuditHead(_) => None,
    }
}

fn ends_grant(write: &Write) -> bool {
    matches!(write, Write::Replace(Record::Grant(it), _) if it.revoked_at.is_some())
}

fn replaced(record: &Record, all: &[Write], refused: Option<Reason>) -> Option<Told> {
    match record {
        Record::Authentication(it) => decided(it, all),
        Record::Grant(it) => {
            let act = match it.revoked_at {
                None => Act::TokensRefreshed,
                Some(_) if refused == Some(Reason::RefreshTokenReused) => Act::RefreshTokenReused,
                Some(_) => Act::GrantRevoked,
            };
            Some(Told {
                subject: Some(it.user),
                object: Object::of(record),
                ..Told::by_application(it.env, act, it.application)
            })
        }
        Record::User(it) => {
            let told = |act| Told { subject: Some(it.id), ..Told::new(it.env, act) };
            let reported = all.iter().find_map(denied);
            match (refused, reported) {
                (Some(Reason::UserCodeWrong | Reason::UserCodeLocked), _) => {
                    Some(told(Act::UserCodeRefused))
                }
                (_, Some(request)) => Some(Told {
                    application: Some(request.application),
                    object: Some(Object::request(request.inbox.request)),
                    ..told(Act::PromptReported)
                }),
                // A code that was right: the request that begins says so.
                (_, None) => None,
            }
        }
        Record::Application(it) => Some(Told {
            object: Object::of(record),
            ..Told::by_application(it.env, Act::ClientChanged, it.id)
        }),
        Record::Notification(it) => given_up(it),
        Record::Environment(_)
        | Record::Resource(_)
        | Record::Login(_)
        | Record::Device(_)
        | Record::Credential(_)
        | Record::Pairing(_)
        | Record::Administrator(_)
        | Record::SigningKey(_)
        | Record::SpentAssertion(_)
        | Record::Revocation(_)
        | Record::DetailsType(_)
        | Record::InitialAccessToken(_)
        | Record::AuditEntry(_)
        | Record::AuditLink(_)
        | Record::AuditHead(_) => None,
    }
}

fn denied(write: &Write) -> Option<&Authentication> {
    match write {
        Write::Replace(Record::Authentication(it), _)
            if matches!(it.state, State::Denied { .. }) =>
        {
            Some(it)
        }
        Write::Insert(_) | Write::Replace(..) | Write::Delete(..) => None,
    }
}

fn decided(it: &Authentication, all: &[Write]) -> Option<Told> {
    let person = |device| Actor::person(it.inbox.user, device);
    let by_client = Actor::application(it.application);
    let (act, actor) = match &it.state {
        State::Pending => return None,
        State::Approved(approval) => {
            let partly = approval.details.is_some();
            let act = if partly { Act::RequestPartlyApproved } else { Act::RequestApproved };
            (act, approval.device.map_or(Actor::SIMULATOR, person))
        }
        State::Denied { .. } => (Act::RequestDenied, Actor::SERVER),
        State::Expired { .. } => (Act::RequestExpired, Actor::SERVER),
        State::Withdrawn { .. } => (Act::RequestWithdrawn, by_client),
        State::Redeemed { .. } if it.delivery == DeliveryMode::Push => {
            (Act::TokensPushed, Actor::SERVER)
        }
        State::Redeemed { .. } => (Act::TokensRedeemed, by_client),
    };
    let grant = all.iter().find_map(|write| match write {
        Write::Insert(Record::Grant(grant)) => Some(Object::grant(grant.id)),
        Write::Insert(_) | Write::Replace(..) | Write::Delete(..) => None,
    });
    Some(Told {
        actor,
        application: Some(it.application),
        subject: Some(it.inbox.user),
        object: Some(Object::request(it.inbox.request)),
        also: grant,
        ..Told::new(it.env(), act)
    })
}

/// What was given up keeps its secrets until its request is forgotten; what is stripped then was
/// told before.
fn given_up(it: &Notification) -> Option<Told> {
    let is_news = matches!(it.state, Delivery::Dead { .. }) && it.credentials.is_some();
    is_news.then(|| Told {
        application: Some(it.application),
        object: Some(Object::new(Kind::Notification, it.id())),
        ..Told::new(it.env, Act::NotificationGivenUp)
    })
}

fn deleted(key: &Key, all: &[Write]) -> Option<Told> {
    match key.kind {
        Kind::Device => device_of(key).map(|(user, device)| Told {
            actor: Actor::person(user, device),
            subject: Some(user),
            object: Some(Object::new(Kind::Device, device)),
            ..Told::new(key.env, Act::DeviceRemoved)
        }),
        // A credential alone: its device went before.
        Kind::Credential if !all.iter().any(|write| write.key().kind == Kind::Device) => {
            Some(Told::new(key.env, Act::DeviceRemoved))
        }
        Kind::Application => id_of(key).map(|id| Told {
            object: Some(Object::new(Kind::Application, id)),
            ..Told::by_application(key.env, Act::ClientRemoved, id)
        }),
        Kind::SigningKey => Some(Told {
            object: Some(Object::new(Kind::SigningKey, String::from_utf8_lossy(&key.name))),
            ..Told::new(key.env, Act::SigningKeyRemoved)
        }),
        Kind::Credential
        | Kind::Environment
        | Kind::Resource
        | Kind::User
        | Kind::Login
        | Kind::Pairing
        | Kind::Administrator
        | Kind::Authentication
        | Kind::SpentAssertion
        | Kind::Grant
        | Kind::Notification
        | Kind::Revocation
        | Kind::DetailsType
        | Kind::InitialAccessToken
        | Kind::AuditEntry
        | Kind::AuditLink
        | Kind::AuditHead => None,
    }
}

fn id_of<T>(key: &Key) -> Option<Id<T>> {
    key.name.as_slice().try_into().ok().map(Id::from_bytes)
}

/// People's devices stand together: the person's name, then the device's.
fn device_of(key: &Key) -> Option<(UserId, DeviceId)> {
    let (user, device) = key.name.split_first_chunk::<16>()?;
    Some((UserId::from_bytes(*user), DeviceId::from_bytes(device.try_into().ok()?)))
}

#[cfg(test)]
mod tests;
