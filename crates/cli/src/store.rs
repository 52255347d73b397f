//! Where the store is, and what the commands ask of it, whichever it is.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use assent_protocol::record::{Kind, Record};
use assent_protocol::time::Timestamp;
use assent_server::machine::{Clock, SystemClock};
use assent_store::{Embedded, Hold, Migration, Postgres, PostgresSettings, Store};

const FORMS: &str = "store.url must be sqlite:DIRECTORY, for example sqlite:/var/lib/assent, \
                     or postgres://USER:PASSWORD@HOST/DATABASE";

/// Where a store is. Its words never hold a password.
#[derive(Clone)]
pub enum Location {
    /// A data directory.
    Sqlite(PathBuf),
    /// A database that machines share.
    Postgres {
        /// How to reach it; the URL holds the password.
        settings: PostgresSettings,
        /// Host and database.
        shown: String,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(directory) => write!(f, "{}", directory.display()),
            Self::Postgres { shown, .. } => write!(f, "{shown}"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A store that was opened, and the clock of everybody who shares it.
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// The database's clock, which is one for all machines.
struct StoreClock(Arc<Postgres>);

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Takes one record after the other.
pub type Sink<'a> = &'a mut (dyn FnMut(Record) -> std::io::Result<()> + Send);

impl Location {
    /// Reads `store.url`.
    pub fn parse(url: &str) -> Result<Self> {
        match url.split_once(':') {
            Some(("sqlite", directory)) if !directory.trim_start_matches('/').is_empty() => {
                let path = directory.strip_prefix("//").unwrap_or(directory);
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            Some(("postgres" | "postgresql", rest)) => {
                let rest = rest.strip_prefix("//").context(FORMS)?;
                Ok(Self::Postgres { shown: shown(rest)?, settings: PostgresSettings::new(url) })
            }
            _ => bail!(FORMS),
        }
    }

    /// Opens the store, as a server does.
    pub async fn open(&self) -> Result<Opened> {
        match self {
            Self::Sqlite(directory) => {
                let store = Embedded::open(&assent_store::Settings::new(directory))?;
                Ok(Opened { store: Arc::new(store), clock: Arc::new(SystemClock) })
            }
            Self::Postgres { settings, .. } => {
                let store = Arc::new(Postgres::open(settings).await?);
                Ok(Opened { clock: Arc::new(StoreClock(Arc::clone(&store))), store })
            }
        }
    }

    /// Reads every record; answers how many there are.
    pub async fn inspect(&self) -> Result<usize> {
        match self {
            Self::Sqlite(directory) => Ok(Embedded::inspect(directory)?),
            Self::Postgres { settings, .. } => Ok(Postgres::inspect(settings).await?),
        }
    }

    /// The migrations that opening would apply.
    pub async fn plan(&self) -> Result<Vec<Migration>> {
        match self {
            Self::Sqlite(directory) => Ok(Embedded::plan(directory)?),
            Self::Postgres { settings, .. } => Ok(Postgres::plan(settings).await?),
        }
    }

    /// Applies them; answers which.
    pub async fn migrate(&self) -> Result<Vec<Migration>> {
        match self {
            Self::Sqlite(directory) => Ok(Hold::take(directory)?.migrate()?),
            Self::Postgres { settings, .. } => Ok(Postgres::migrate(settings).await?),
        }
    }

    /// Hands every record to `sink`, as they all were at one moment; answers how many.
    pub async fn export(&self, sink: Sink<'_>) -> Result<usize> {
        match self {
            Self::Sqlite(directory) => Ok(Embedded::export(directory, sink)?),
            Self::Postgres { settings, .. } => Ok(Postgres::export(settings, sink).await?),
        }
    }

    /// As [`Location::export`], of these kinds only, in this order.
    pub async fn export_kinds(&self, kinds: &[Kind], sink: Sink<'_>) -> Result<usize> {
        match self {
            Self::Sqlite(directory) => Ok(Embedded::export_kinds(directory, kinds, sink)?),
            Self::Postgres { settings, .. } => {
                Ok(Postgres::export_kinds(settings, kinds, sink).await?)
            }
        }
    }

    /// Begins a new epoch, because what is there is an older state.
    pub async fn restore(&self) -> Result<Timestamp> {
        match self {
            Self::Sqlite(directory) => Ok(Hold::take(directory)?.restore()?),
            Self::Postgres { settings, .. } => Ok(Postgres::restore(settings).await?),
        }
    }
}

/// Host and database of what stands behind `postgres://`. A password that is not encoded could
/// pass for either, so what is ambiguous is refused without being repeated.
fn shown(rest: &str) -> Result<String> {
    let encode = "store.url is ambiguous: write @ as %40, / as %2F, ? as %3F and # as %23 in its \
                  user name, password and parameters";
    let (credentials, rest) = rest.split_once('@').unwrap_or(("", rest));
    if credentials.contains(['/', '?', '#']) || rest.contains(['@', '#']) {
        bail!(encode);
    }
    let address = rest.split_once('?').map_or(rest, |(address, _)| address);
    let (hosts, database) = address.split_once('/').context(FORMS)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:,[]%".contains(c);
    if hosts.is_empty() || !hosts.chars().all(plain) {
        bail!(encode);
    }
    if database.is_empty() || !database.chars().all(plain) {
        bail!(FORMS);
    }
    Ok(format!("PostgreSQL {hosts}/{database}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_told_without_its_password() {
        for (url, expected) in [
            ("sqlite:/var/lib/assent", "/var/lib/assent"),
            ("sqlite:///var/lib/assent", "/var/lib/assent"),
            ("sqlite:data", "data"),
            ("postgres://db/assent", "PostgreSQL db/assent"),
            ("postgresql://u:hush@db:5433/assent?sslmode=require", "PostgreSQL db:5433/assent"),
            ("postgres://u:hu%40sh@[::1]:5432/a", "PostgreSQL [::1]:5432/a"),
            ("postgres://u@a:1,b:2/c?password=hush", "PostgreSQL a:1,b:2/c"),
        ] {
            let location = Location::parse(url).unwrap();
            assert_eq!(location.to_string(), expected);
            assert_eq!(format!("{location:?}"), expected);
        }
    }

    #[test]
    fn what_is_ambiguous_is_refused_and_not_repeated() {
        for url in [
            "postgres://u:hu@sh@db/assent",
            "postgres://u:hu/sh@db/assent",
            "postgres://u:hu?sh@db/assent",
            "postgres://u:hu#sh@db/assent",
            "postgres://u:hush@/assent",
            "postgres://u:hush@db",
            "postgres://u:hush@db/",
            "postgres:u:hush@db/assent",
            "postgres://db/assent?user=u@x&password=hush",
            "postgres://u:hush db/assent",
            "mysql://u:hush@db/assent",
            "u:hush@db/assent",
            "sqlite:",
            "sqlite://",
            "",
        ] {
            let refused = Location::parse(url).unwrap_err().to_string();
            assert!(refused.starts_with("store.url"), "{url}: {refused}");
            assert!(!refused.contains("hu") && !refused.contains("sh@"), "{url}: {refused}");
        }
    }
}
