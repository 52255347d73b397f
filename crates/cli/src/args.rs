//! What was typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::ask::AskArgs;
use crate::audit::AuditArgs;
use crate::phone::PhoneArgs;

/// Ask a person, wherever they are, and hand the asking software a token only if they say yes.
#[derive(Parser, Debug)]
#[command(name = "assent", version, about, long_about = None)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Run everything on this machine with sample data, to try it out
    Demo(DemoArgs),
    /// Prepare a store: master key, first environment, first administrator
    Init(InitArgs),
    /// Bring the store's schema up to date, or show what that would do
    Migrate(MigrateArgs),
    /// Write everything in the store as JSON lines, to be imported into another store
    Export(ExportArgs),
    /// Read an export into an empty store
    Import(ImportArgs),
    /// Write a consistent copy of a sqlite store, also while the server runs
    Backup(BackupArgs),
    /// Make a store safe that was set back to an older state, before a server uses it
    Restore(RestoreArgs),
    /// Check settings, master key, store and clock, and say what to do about what is wrong
    Doctor(DoctorArgs),
    /// Read the audit log out of a store, or check that nobody changed it
    Audit(AuditArgs),
    /// Be an authentication device: wait for requests and answer them
    Phone(PhoneArgs),
    /// Be an application: ask a person, wait for the answer, show the tokens
    Ask(Box<AskArgs>),
}

/// Settings of a server; a flag wins over an environment variable, which wins over the file.
#[derive(ClapArgs, Debug, Clone, Default)]
pub struct ServeArgs {
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE", env = "ASSENT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:9400]
    #[arg(long, value_name = "ADDR", env = "ASSENT_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// URL under which clients reach this server; issuers begin with it
    #[arg(long, value_name = "URL", env = "ASSENT_AUTH_PATH")]
    pub auth_path: Option<String>,
    /// URL of the management API in links [default: {auth-path}/v1]
    #[arg(long, value_name = "URL", env = "ASSENT_API_PATH")]
    pub api_path: Option<String>,
    /// Speak TLS on --listen with this certificate and those that lead to its authority (PEM);
    /// renewed files are taken up within ten seconds
    #[arg(long, value_name = "FILE", env = "ASSENT_TLS_CERTIFICATE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", env = "ASSENT_TLS_KEY", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Second address, where clients are asked for their certificates (mutual TLS)
    #[arg(long, value_name = "ADDR", env = "ASSENT_MTLS_LISTEN")]
    pub mtls_listen: Option<SocketAddr>,
    /// URL under which clients reach --mtls-listen, or the same door of a proxy
    #[arg(long, value_name = "URL", env = "ASSENT_MTLS_AUTH_PATH")]
    pub mtls_auth_path: Option<String>,
    /// Network of proxies whose X-Forwarded-For counts, as 10.1.0.0/16; may be repeated
    #[arg(long, value_name = "NET", env = "ASSENT_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
    /// Header in which such a proxy passes on its client's certificate, as RFC 9440 writes it or as
    /// percent-encoded PEM
    #[arg(long, value_name = "NAME", env = "ASSENT_CLIENT_CERTIFICATE_HEADER")]
    pub client_certificate_header: Option<String>,
    /// Connections at once from one address that is no trusted proxy [default: 10000]
    #[arg(long, value_name = "N", env = "ASSENT_CONNECTIONS_PER_ADDRESS")]
    pub connections_per_address: Option<usize>,
    /// Where the store is: sqlite:DIRECTORY or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "ASSENT_STORE_URL", hide_env_values = true)]
    pub store_url: Option<String>,
    /// Connections to PostgreSQL, 5 to 100 [default: 8]
    #[arg(long, value_name = "N", env = "ASSENT_STORE_CONNECTIONS")]
    pub store_connections: Option<usize>,
    /// File with the master key [default with sqlite: master.key in the directory]
    #[arg(long, value_name = "FILE", env = "ASSENT_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    /// Address on which to serve /metrics, apart from clients [default: not served]
    #[arg(long, value_name = "ADDR", env = "ASSENT_METRICS")]
    pub metrics: Option<SocketAddr>,
    /// How long a server that ends is not ready before it closes, for load balancers to notice
    /// [default: 5]
    #[arg(long, value_name = "SECONDS", env = "ASSENT_DRAIN_NOTICE")]
    pub drain_notice: Option<u64>,
    /// Serve /{envID}/simulator/answer; for test suites, on a loopback address only
    #[arg(long, env = "ASSENT_SIMULATOR")]
    pub simulator: bool,
    /// What to log: error, warn, info, debug, or a filter such as assent_server=debug
    #[arg(long, value_name = "FILTER", env = "ASSENT_LOG")]
    pub log: Option<String>,
    /// How to log
    #[arg(long, value_name = "FORMAT", env = "ASSENT_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// Forms of a log line.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// How the demonstration runs.
#[derive(ClapArgs, Debug, Clone)]
pub struct DemoArgs {
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9400")]
    pub listen: SocketAddr,
    /// Keep the data here instead of in a temporary directory
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Keep the records in this empty PostgreSQL database; secrets stay in the data directory
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub store_url: Option<String>,
    /// Loopback address at which `assent ask --mode ping` and `push` catch notifications; kept
    /// with the data
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9443")]
    pub catch: SocketAddr,
    /// Speak TLS, with a throw-away authority that is made for it and kept with the data
    #[arg(long)]
    pub tls: bool,
    /// With --tls: loopback address where clients are asked for their certificates
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9401")]
    pub mtls_listen: SocketAddr,
    /// Write everything a script needs as KEY=value lines
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Write a Postman environment
    #[arg(long, value_name = "FILE")]
    pub postman: Option<PathBuf>,
    /// What to log
    #[arg(long, value_name = "FILTER", env = "ASSENT_LOG", default_value = "info")]
    pub log: String,
}

/// Where the store is; a flag wins over an environment variable, which wins over the file.
#[derive(ClapArgs, Debug, Clone)]
pub struct StoreArgs {
    /// Settings file (TOML) of the server
    #[arg(long, value_name = "FILE", env = "ASSENT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the store is: sqlite:DIRECTORY or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "ASSENT_STORE_URL", hide_env_values = true)]
    pub store_url: Option<String>,
}

/// How a store is prepared.
#[derive(ClapArgs, Debug, Clone)]
pub struct InitArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// File for the master key; made unless it exists [default with sqlite: master.key in the
    /// directory]
    #[arg(long, value_name = "FILE", env = "ASSENT_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    /// Name of the first environment
    #[arg(long, default_value = "Default")]
    pub environment: String,
    /// Name of the first administrator
    #[arg(long, default_value = "First administrator")]
    pub administrator: String,
}

/// What becomes of the schema.
#[derive(ClapArgs, Debug, Clone)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only print what would be applied
    #[arg(long)]
    pub plan: bool,
}

/// What is written where.
#[derive(ClapArgs, Debug, Clone)]
pub struct ExportArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The new file, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub to: String,
    /// Move the store: only while no server uses it, and none will serve it afterwards (sqlite)
    #[arg(long = "final")]
    pub is_final: bool,
}

/// What is read into which store.
#[derive(ClapArgs, Debug, Clone)]
pub struct ImportArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The export, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub from: String,
    /// Go on with an import that was interrupted
    #[arg(long = "continue")]
    pub resume: bool,
    /// File with the master key of the exported store, to check that it is the right one
    #[arg(long, value_name = "FILE", env = "ASSENT_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
}

/// What is copied where.
#[derive(ClapArgs, Debug, Clone)]
pub struct BackupArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// The new file
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
}

/// What was restored.
#[derive(ClapArgs, Debug, Clone)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What is checked.
#[derive(ClapArgs, Debug, Clone)]
pub struct DoctorArgs {
    /// The settings to check
    #[command(flatten)]
    pub serve: ServeArgs,
}
