//! Which server and environment `phone` and `ask` talk to.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use url::Url;

use crate::demo::files::{self, Values};
use crate::web::Web;

/// Where to go; a flag or variable wins over the file.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct PlaceArgs {
    /// URL of the server, the one its issuers begin with
    #[arg(long, global = true, value_name = "URL", env = "ASSENT_URL")]
    url: Option<String>,
    /// ID of the environment
    #[arg(long, global = true, value_name = "ID", env = "ASSENT_ENV")]
    env: Option<String>,
    /// Take what is not given from this file, written by `assent demo --env-file`
    #[arg(long, global = true, value_name = "FILE", env = "ASSENT_ENV_FILE")]
    env_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, global = true, value_name = "FILE", env = "ASSENT_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// One environment of one server.
pub struct Place {
    /// `{authPath}/{envID}`.
    pub base: String,
    /// How to talk to it.
    pub web: Web,
    values: Values,
}

impl Place {
    /// Finds the place.
    pub fn find(args: &PlaceArgs) -> Result<Self> {
        let values = match &args.env_file {
            Some(file) => files::read_env(file)?,
            None => Values::new(),
        };
        let find = |given: &Option<String>, name| given.clone().or_else(|| value(&values, name));
        let url = find(&args.url, "authPath").context(
            "say where the server is: --url https://auth.example.com, or --env-file FILE",
        )?;
        let env = find(&args.env, "envID")
            .context("say which environment: --env ID, or --env-file FILE")?;
        let base = Url::parse(&url).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
        let Some(base) = base else {
            bail!("--url must be an http or https URL, not {url:?}");
        };
        if env.is_empty()
            || !env.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        {
            bail!("--env must be the ID of an environment, not {env:?}");
        }
        // A demonstration's own authority speaks for its own server alone.
        let own = args.url.is_none().then(|| value(&values, "tlsAuthorityFile")).flatten();
        let authority = args.ca_file.clone().or(own.map(PathBuf::from));
        let web = Web::new(&base, authority.as_deref())?;
        Ok(Self { base: format!("{}/{env}", url.trim_end_matches('/')), web, values })
    }

    /// A value of the file.
    pub fn value(&self, name: &str) -> Option<String> {
        value(&self.values, name)
    }
}

fn value(values: &Values, name: &str) -> Option<String> {
    values.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}
