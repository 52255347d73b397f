//! From the URL in the settings to a connection: addresses, TLS, and what each session is told.

use std::collections::HashMap;
use std::future::poll_fn;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenFault;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// The same for every session: nothing waits for ever, and locks of the dead are soon free. What
/// was acknowledged is durable even where the database's default is otherwise.
const SESSION: &str = "SET statement_timeout = '2s'; SET lock_timeout = '1500ms'; \
    SET idle_in_transaction_session_timeout = '3s'; SET client_min_messages = 'warning'; \
    SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// Where the database is and how it is reached.
#[derive(Clone)]
pub struct Destination {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Destination {
    /// Understands `postgres://…`.
    ///
    /// # Errors
    /// The URL or the certificate authorities cannot be used.
    pub fn parse(url: &str) -> Result<Self, OpenFault> {
        let (url, authority, tls_named) = without_tls_words(url)?;
        // The error's text could repeat the password.
        let mut config = Config::from_str(&url).map_err(|_| {
            OpenFault::Unreadable(String::from("store.url is not a PostgreSQL URL"))
        })?;
        if !tls_named && !is_local(&config) {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_application_name().is_none() {
            config.application_name("assent");
        }
        config.connect_timeout(CONNECT);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(5));
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls: tls(authority.as_deref())? })
    }
}

/// Splits off what the driver does not know: `sslrootcert`, and the modes that verify. Ours
/// always verifies.
fn without_tls_words(url: &str) -> Result<(String, Option<String>, bool), OpenFault> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), None, false)) };
    let (mut rest, mut authority, mut named) = (Vec::new(), None, false);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", path)) => authority = Some(path.replace("%2F", "/")),
            Some(("sslmode", mode)) => {
                named = true;
                rest.push(match mode {
                    "verify-ca" | "verify-full" | "require" => String::from("sslmode=require"),
                    "disable" => String::from("sslmode=disable"),
                    "prefer" => String::from("sslmode=prefer"),
                    _ => {
                        return Err(OpenFault::Unreadable(String::from(
                            "sslmode in store.url must be disable, prefer, require or verify-full",
                        )));
                    }
                });
            }
            _ => rest.push(pair.to_owned()),
        }
    }
    Ok((format!("{base}?{}", rest.join("&")), authority, named))
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    })
}

fn tls(authority: Option<&str>) -> Result<MakeRustlsConnect, OpenFault> {
    let unusable = |what: String| OpenFault::Unreadable(what);
    let mut roots = RootCertStore::empty();
    match authority {
        Some(path) => {
            let bad = |error: &dyn std::fmt::Display| {
                unusable(format!("sslrootcert {path} cannot be read: {error}"))
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| bad(&error))?;
                roots.add(certificate).map_err(|error| bad(&error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A connection and what was prepared on it.
pub struct Session {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
    driver: JoinHandle<()>,
    ended: Arc<Notify>,
}

/// Statements kept prepared on one connection: far more than there are, but partitions come and go.
const STATEMENTS_MAX: usize = 500;

impl Session {
    /// Connects. `heard` is told of every notification.
    ///
    /// # Errors
    /// The database is away, or refuses.
    pub async fn open(destination: &Destination, heard: Arc<Notify>) -> Result<Self, String> {
        let connecting = destination.config.connect(destination.tls.clone());
        let connected = tokio::time::timeout(CONNECT + CONNECT, connecting).await;
        let (client, mut connection) = match connected {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(words(&error)),
            Err(_) => return Err(String::from("it does not answer")),
        };
        let ended = Arc::new(Notify::new());
        let at_end = Arc::clone(&ended);
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if matches!(message, AsyncMessage::Notification(_)) {
                    heard.notify_one();
                }
            }
            at_end.notify_one();
        });
        let session = Self { client, statements: Mutex::default(), driver, ended };
        session.batch(SESSION).await.map_err(|error| words(&error))?;
        Ok(session)
    }

    /// The prepared form of a statement.
    ///
    /// # Errors
    /// The statement is wrong, or the connection is gone.
    pub async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.statements.lock().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(sql).await?;
        let mut statements = self.statements.lock();
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Prepares and runs.
    ///
    /// # Errors
    /// The database's, or the connection is gone.
    pub async fn query(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = self.prepare(sql).await?;
        self.client.query(&statement, params).await
    }

    /// Runs what was prepared: sent at the first poll, so several go out together.
    ///
    /// # Errors
    /// The database's, or the connection is gone.
    pub async fn run(
        &self,
        statement: &Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.client.query(statement, params).await
    }

    /// Runs statements without parameters or results.
    ///
    /// # Errors
    /// The database's, or the connection is gone.
    pub async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// Whether it can still be used.
    pub fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Gives it up: it did not answer in time, and whatever it still says is too late.
    pub fn abandon(&self) {
        self.driver.abort();
        self.ended.notify_one();
    }

    /// Completes when it can no longer be used.
    pub async fn ended(&self) {
        self.ended.notified().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A connection for one task that is not part of serving.
pub async fn plain(destination: &Destination) -> Result<Client, OpenFault> {
    let connected = destination.config.connect(destination.tls.clone()).await;
    let (client, connection) = connected.map_err(|error| OpenFault::Unreachable(words(&error)))?;
    tokio::spawn(async move {
        // Its end is seen by who uses the client.
        let _ = connection.await;
    });
    Ok(client)
}

/// An error with its cause: the driver's own text leaves the cause out.
pub fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_databases_are_reached_without_tls_unless_the_url_says_so() {
        let mode = |url: &str| Destination::parse(url).unwrap().config.get_ssl_mode();
        assert_eq!(mode("postgres://assent@127.0.0.1/assent"), SslMode::Prefer);
        assert_eq!(mode("postgres://assent@db.example.com/assent"), SslMode::Require);
        assert_eq!(
            mode("postgres://assent@db.example.com/assent?sslmode=disable"),
            SslMode::Disable
        );
        assert_eq!(
            mode("postgres://assent@localhost/assent?sslmode=verify-full"),
            SslMode::Require
        );
        assert!(Destination::parse("postgres://assent@localhost/assent?sslmode=maybe").is_err());
        assert!(Destination::parse("postgres://h/db?sslrootcert=/no/such/file").is_err());
    }

    #[test]
    fn a_url_that_cannot_be_used_does_not_show_its_password() {
        let error = Destination::parse("postgres://u:hunter2@[/").err().unwrap().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
