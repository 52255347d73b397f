//! What a management request tells in the audit log: who made, changed or removed what, and which
//! members of it; in the commit that does it.

use assent_protocol::audit::trail::{self, Told};
use assent_protocol::audit::{Act, Actor, Object, members};
use assent_protocol::environment::EnvironmentStatus;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Kind, Record, Write};
use assent_store::Outcome;

use crate::app::App;
use crate::management::ask::{Ask, Caller};
use crate::management::problem::Problem;

impl Caller {
    /// For the audit log.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Administrator(administrator) => Actor::administrator(administrator.id),
            Self::Application(application) => Actor::application(application.id),
        }
    }
}

impl<P> Ask<P> {
    /// Writes all or nothing, and tells it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn settle(&self, mut writes: Vec<Write>) -> Result<Outcome, Problem> {
        let told = told(&self.app, &writes).await?;
        let call = self.call.by(self.caller.actor());
        self.app.audit.tell(&call, told, &mut writes);
        Ok(self.app.store.commit(writes).await?)
    }

    /// Tells that a secret is shown; it is shown only after that.
    ///
    /// # Errors
    /// The store failed.
    pub async fn tell_secret(&self, env: EnvironmentId, object: Object) -> Result<(), Problem> {
        let call = self.call.by(self.caller.actor());
        let told = Told { object: Some(object), ..Told::new(env, Act::SecretRead) };
        let mut writes = Vec::new();
        self.app.audit.tell(&call, vec![told], &mut writes);
        match self.app.store.commit(writes).await? {
            Outcome::Done => Ok(()),
            Outcome::Lost(_) => Err(Problem::Changed),
        }
    }
}

async fn told(app: &App, writes: &[Write]) -> Result<Vec<Told>, Problem> {
    let mut told = Vec::new();
    // The first thing that has a name is what it is about; the rest are its parts.
    for write in writes {
        if let Some(about) = about(app, write).await? {
            told.push(about);
            break;
        }
    }
    // Except for tokens that end with it.
    let ends = writes.iter().filter(|it| matches!(it.key().kind, Kind::Grant | Kind::Revocation));
    let ends: Vec<Write> = ends.cloned().collect();
    told.extend(trail::of(&ends, None));
    Ok(told)
}

async fn about(app: &App, write: &Write) -> Result<Option<Told>, Problem> {
    let key = write.key();
    let before = match write {
        Write::Insert(_) => None,
        Write::Replace(..) | Write::Delete(..) => {
            app.store.find_record(&key).await?.map(|(record, _)| record)
        }
    };
    let after = match write {
        Write::Insert(record) | Write::Replace(record, _) => Some(record),
        Write::Delete(..) => None,
    };
    let Some(record) = after.or(before.as_ref()) else { return Ok(None) };
    let Some(object) = Object::of(record) else { return Ok(None) };
    let act = match (write, record) {
        (Write::Insert(_), _) => Act::ObjectCreated,
        (Write::Delete(..), _) => Act::ObjectRemoved,
        (Write::Replace(..), Record::Environment(it))
            if it.status == EnvironmentStatus::DeletePending =>
        {
            Act::ObjectRemoved
        }
        (Write::Replace(..), _) => Act::ObjectChanged,
    };
    let members = match (act, &before, after) {
        (Act::ObjectChanged, Some(before), Some(after)) => members::changed(before, after)?,
        _ => Vec::new(),
    };
    // An environment's log ends with it: that it began and ended is told elsewhere.
    let is_environment = key.kind == Kind::Environment && act != Act::ObjectChanged;
    let env = if is_environment { EnvironmentId::NIL } else { key.env };
    let (application, subject) = match record {
        Record::Application(it) => (Some(it.id), None),
        Record::Notification(it) => (Some(it.application), None),
        Record::User(it) => (None, Some(it.id)),
        Record::Device(it) => (None, Some(it.user)),
        _ => (None, None),
    };
    let object = Some(object);
    Ok(Some(Told { object, members, application, subject, ..Told::new(env, act) }))
}
