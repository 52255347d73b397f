//! `assent init`: master key, first environment, first administrator.

use anyhow::{Context, Result, bail};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::environment::{CibaSettings, EnvironmentType};
use assent_protocol::record::Write;
use assent_server::machine::{Clock, SystemClock, SystemEntropy};
use assent_server::provision::{self, NewEnvironment};
use assent_store::Outcome;

use crate::args::InitArgs;
use crate::{config, logging, master_key, serve};

/// Runs the command.
pub fn run(args: &InitArgs) -> Result<()> {
    let directory = config::store_directory(&args.store_url)?;
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let key_file = args.master_key_file.clone().unwrap_or_else(|| master_key::beside(&directory));
    let store = serve::open(&directory)?;
    let now = SystemClock.now();
    serve::runtime()?.block_on(async {
        if !store.list_environments(None, 1).await?.is_empty() {
            bail!("{} is prepared already; `assent serve` runs it", directory.display());
        }
        let master = master_key::read_or_create(&key_file)?;
        let new = NewEnvironment {
            name: args.environment.clone(),
            description: String::new(),
            kind: EnvironmentType::Production,
            ciba: CibaSettings::default(),
        };
        let (environment, mut writes) = provision::environment(&master, &SystemEntropy, new, now)?;
        let roles = vec![RoleAssignment { role: Role::OrganizationAdmin, environment: None }];
        let (administrator, token) =
            provision::administrator(&SystemEntropy, args.administrator.clone(), roles, now)?;
        writes.push(Write::insert(administrator));
        if store.commit(writes).await? != Outcome::Done {
            bail!("{} was prepared by somebody else meanwhile", directory.display());
        }
        logging::tell(&format!(
            "Prepared {}. Keep the master key {} safe and apart from backups: without it the \
             store cannot be read. The administrator's token is shown only now.",
            directory.display(),
            key_file.display()
        ));
        logging::print(&format!("envID={}\nadminToken={}", environment.id, token.expose()));
        Ok(())
    })
}
