//! `assent init`: master key, first environment, first administrator.

use assent_protocol::audit::Object;
use std::time::Duration;

use anyhow::{Result, bail};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::environment::EnvironmentType;
use assent_protocol::record::{Kind, Write};
use assent_server::audit;
use assent_server::machine::SystemEntropy;
use assent_server::provision::{self, NewEnvironment};
use assent_store::Outcome;

use crate::args::InitArgs;
use crate::config::StoreConfig;
use crate::store::Opened;
use crate::{logging, master_key, serve};

/// How long one process may take to prepare a store that others may want to prepare, too.
const TERM: Duration = Duration::from_secs(60);

/// Runs the command.
pub fn run(args: &InitArgs) -> Result<()> {
    let config = StoreConfig::read(&args.store)?;
    let location = &config.location;
    let key_file = config.master_key_file(args.master_key_file.as_deref());
    let key_file = master_key::place(key_file, location)?;
    let _logs = logging::start_quietly()?;
    serve::runtime()?.block_on(async {
        let Opened { store, clock } = location.open().await?;
        let now = clock.now();
        if !store.list_environments(None, 1).await?.is_empty() {
            bail!("{location} is prepared already; `assent serve` runs it");
        }
        let master = master_key::read_or_create(&key_file)?;
        let new = NewEnvironment {
            name: args.environment.clone(),
            kind: EnvironmentType::Production,
            ..NewEnvironment::default()
        };
        let (environment, mut writes) = provision::environment(&master, &SystemEntropy, new, now)?;
        let roles = vec![RoleAssignment { role: Role::OrganizationAdmin, environment: None }];
        let (administrator, token) =
            provision::administrator(&SystemEntropy, args.administrator.clone(), roles, now)?;
        for made in [
            Object::new(Kind::Environment, environment.id),
            Object::new(Kind::Administrator, administrator.id),
        ] {
            writes.push(audit::made_by_operator(&SystemEntropy, made, now)?);
        }
        writes.push(Write::insert(administrator));
        let alone = store.lease("init", TERM).await?
            && store.list_environments(None, 1).await?.is_empty()
            && store.commit(writes).await? == Outcome::Done;
        if !alone {
            bail!("{location} was prepared by somebody else meanwhile");
        }
        logging::tell(&format!(
            "Prepared {location}. Keep the master key {} safe and apart from backups: without it the \
             store cannot be read. The administrator's token is shown only now.",
            key_file.display()
        ));
        logging::print(&format!("envID={}\nadminToken={}", environment.id, token.expose()));
        Ok(())
    })
}
