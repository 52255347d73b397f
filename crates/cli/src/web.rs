//! HTTP as `phone` and `ask` speak it: bounded in time and size, no redirects (they would carry
//! secrets elsewhere), certificates checked against the system's roots or a given file.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::{Host, Url};

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
const ANSWER_DEADLINE: Duration = Duration::from_secs(30);
/// The server sends a comment every 15 seconds; after three missed ones the stream is dead.
const STREAM_SILENCE_MAX: Duration = Duration::from_secs(50);
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Where systems keep the certificates they trust; the first that exists is read.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A client of one server.
pub struct Web {
    agent: Agent,
}

/// What the server answered.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What `Retry-After` says, if in seconds.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: String,
}

/// The lines of an answer that does not end.
pub type Stream = BufReader<ureq::BodyReader<'static>>;

impl Web {
    /// A client for the server at `base`.
    pub fn new(base: &Url, ca_file: Option<&Path>) -> Result<Self> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_DEADLINE))
            .timeout_recv_response(Some(ANSWER_DEADLINE))
            .timeout_recv_body(Some(ANSWER_DEADLINE))
            .user_agent(concat!("assent/", env!("CARGO_PKG_VERSION")));
        if is_loopback(base) {
            config = config.proxy(None);
        }
        if base.scheme() == "https" {
            config = config.tls_config(tls(ca_file)?);
        }
        Ok(Self { agent: config.build().new_agent() })
    }

    /// `GET`, with a bearer credential if one is given.
    pub fn get(&self, url: &str, bearer: Option<&str>) -> Result<Answer> {
        let mut request = self.agent.get(url);
        if let Some(bearer) = bearer {
            request = request.header("Authorization", format!("Bearer {bearer}"));
        }
        answer(request.call().with_context(|| unreachable(url))?)
    }

    /// `POST`, with those of the headers that have a value.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, Option<&str>)],
        media_type: &str,
        body: &str,
    ) -> Result<Answer> {
        let mut request = self.agent.post(url).header("Content-Type", media_type);
        for (name, value) in headers {
            if let Some(value) = value {
                request = request.header(*name, *value);
            }
        }
        answer(request.send(body).with_context(|| unreachable(url))?)
    }

    /// `GET` of a stream of events: the stream, or the answer that is none.
    pub fn events(&self, url: &str, bearer: &str) -> Result<Result<Stream, Answer>> {
        let request = self
            .agent
            .get(url)
            .header("Accept", "text/event-stream")
            .header("Authorization", format!("Bearer {bearer}"))
            .config()
            .timeout_recv_body(None)
            .timeout_per_read(Some(STREAM_SILENCE_MAX))
            .build();
        let response = request.call().with_context(|| unreachable(url))?;
        if response.status().is_success() {
            Ok(Ok(BufReader::new(response.into_body().into_reader())))
        } else {
            answer(response).map(Err)
        }
    }
}

impl Answer {
    /// Whether asking again later may help.
    pub fn is_passing(&self) -> bool {
        self.status >= 500 || matches!(self.status, 408 | 429)
    }
}

fn answer(response: Response<Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("Retry-After");
    let retry_after =
        retry_after.and_then(|it| it.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let body = response
        .into_body()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .context("the answer broke off")?;
    Ok(Answer { status, retry_after, body })
}

/// Names the server, not the whole URL: some paths are secrets.
fn unreachable(url: &str) -> String {
    let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
    format!("cannot reach {}", origin.unwrap_or_default())
}

/// Whether the server is on this machine; a proxy does not lead there.
fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn tls(ca_file: Option<&Path>) -> Result<TlsConfig> {
    let file = match ca_file {
        Some(file) => file.to_owned(),
        None => system_roots()
            .context("found no certificates of this system; name a file with --ca-file")?,
    };
    let pem = std::fs::read(&file)
        .with_context(|| format!("cannot read the certificates {}", file.display()))?;
    let roots: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        bail!("{} holds no PEM certificate; name another with --ca-file", file.display());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

fn system_roots() -> Option<PathBuf> {
    SYSTEM_ROOTS.iter().map(PathBuf::from).find(|path| path.exists())
}
