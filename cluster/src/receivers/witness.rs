//! Looks into the database at the moment when a client is told: what is told must be committed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use crate::history::RowState;
use crate::ledger::{Ledger, state_of};

/// A database that is broken on purpose is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The row of an `auth_req_id`: its key is a digest of purpose, environment and value.
const LOOK: &str = "select (body::jsonb -> 'state')::text from authentication \
    where env = decode(replace($1, '-', ''), 'hex') and key = sha256(convert_to('auth_req_id', \
    'UTF8') || '\\x00'::bytea || decode(replace($1, '-', ''), 'hex') || convert_to($2, 'UTF8'))";

/// A connection behind the nodes' backs.
pub struct Witness {
    url: String,
    ledger: RefCell<Option<Rc<Ledger>>>,
}

impl Witness {
    /// Looks into the database at `url`.
    pub const fn new(url: String) -> Self {
        Self { url, ledger: RefCell::new(None) }
    }

    /// What has become of a request: `Some(None)`, that there is none; `None`, that the database
    /// did not answer.
    pub async fn look(&self, env: &str, auth_req_id: &str) -> Option<Option<RowState>> {
        timeout(PATIENCE, self.ask(env, auth_req_id)).await.ok()?
    }

    async fn ask(&self, env: &str, auth_req_id: &str) -> Option<Option<RowState>> {
        let ledger = self.connected().await?;
        match ledger.client().query_opt(LOOK, &[&env, &auth_req_id]).await.ok()? {
            None => Some(None),
            Some(row) => {
                let text: String = row.try_get(0).ok()?;
                Some(Some(state_of(&serde_json::from_str(&text).ok()?)?))
            }
        }
    }

    async fn connected(&self) -> Option<Rc<Ledger>> {
        let known = self.ledger.borrow().clone();
        if let Some(ledger) = known.filter(|it| !it.client().is_closed()) {
            return Some(ledger);
        }
        let fresh = Rc::new(Ledger::open(&self.url).await.ok()?);
        *self.ledger.borrow_mut() = Some(Rc::clone(&fresh));
        Some(fresh)
    }
}
