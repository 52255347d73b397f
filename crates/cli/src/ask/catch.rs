//! The client's notification endpoint (CIBA §10.2, §10.3): HTTPS on an address of this machine.
//! What is not ours, or does not carry our token, is refused and told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use assent_jose::parse_object;
use assent_protocol::secret::Secret;
use assent_server::machine::{Entropy, SystemEntropy};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use clap::Args as ClapArgs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::{Map, Value};
use url::Url;

use crate::place::Place;

const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// A connection that says nothing so long is closed; the next one waits meanwhile.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const PIECE_BYTES: usize = 8 * 1024;

/// Where notifications are caught.
#[derive(ClapArgs, Debug, Clone)]
pub struct CatchArgs {
    /// Address to catch notifications at, with --mode ping or push
    #[arg(long, value_name = "ADDR")]
    catch: Option<SocketAddr>,
    /// PEM file with the certificate of that address, which the server trusts
    #[arg(long, value_name = "FILE")]
    catch_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE")]
    catch_key: Option<PathBuf>,
}

/// What came.
pub enum Caught {
    /// A notification with our token: its members.
    Notification(Map<String, Value>),
    /// Something else, and what was wrong with it.
    Refused(&'static str),
}

/// A notification endpoint that is open.
pub struct Catcher {
    /// The token that notifications have to carry; the server learns it with the request.
    pub token: Secret,
    /// What comes, in the order in which it came.
    pub caught: Receiver<Caught>,
}

impl Catcher {
    /// Opens the endpoint, before anybody is told of it.
    pub fn open(args: &CatchArgs, place: &Place) -> Result<Self> {
        let address = match args.catch {
            Some(address) => address,
            None => registered(place)?,
        };
        let file = |given: &Option<PathBuf>, flag: &str, name: &str| {
            given.clone().or_else(|| place.value(name).map(PathBuf::from)).with_context(|| {
                format!("catching notifications needs {flag}, or an --env-file with {name}")
            })
        };
        let config = tls(
            &file(&args.catch_cert, "--catch-cert", "catcherCertFile")?,
            &file(&args.catch_key, "--catch-key", "catcherKeyFile")?,
        )?;
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot catch notifications at {address}; is another `assent ask` running?")
        })?;
        let entropy: &dyn Entropy = &SystemEntropy;
        let token = Secret::mint("", entropy.octets()?);
        let (sender, caught) = mpsc::channel();
        let expected = token.clone();
        std::thread::spawn(move || serve(&listener, &config, &expected, &sender));
        Ok(Self { token, caught })
    }
}

/// The address of the endpoint that the demonstration registered.
fn registered(place: &Place) -> Result<SocketAddr> {
    let endpoint = place.value("notificationEndpoint").context(
        "say where to catch notifications: --catch ADDR, or an --env-file with notificationEndpoint",
    )?;
    let url = Url::parse(&endpoint).ok();
    let address = url.and_then(|url| url.socket_addrs(|| None).ok()?.into_iter().next());
    address.context("the notificationEndpoint of the --env-file is not understood")
}

fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .ok()
        .filter(|chain| !chain.is_empty());
    let Some(chain) = chain else { bail!("{} holds no PEM certificate", certificate.display()) };
    let Ok(key_der) = PrivateKeyDer::from_pem_file(key) else {
        bail!("{} holds no PEM private key", key.display());
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .with_context(|| format!("{} does not fit its certificate", key.display()))?;
    Ok(Arc::new(config))
}

/// One connection after the other, until nobody listens to what came.
fn serve(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
    token: &Secret,
    caught: &Sender<Caught>,
) {
    for stream in listener.incoming().flatten() {
        // Whoever breaks off or cannot shake hands has told us nothing.
        let Ok(found) = converse(stream, config, token) else { continue };
        if caught.send(found).is_err() {
            return;
        }
    }
}

fn converse(
    mut socket: TcpStream,
    config: &Arc<ServerConfig>,
    token: &Secret,
) -> std::io::Result<Caught> {
    socket.set_read_timeout(Some(SILENCE_MAX))?;
    socket.set_write_timeout(Some(SILENCE_MAX))?;
    let mut connection =
        ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    let request = read(&mut stream)?;
    let (status, found) = judge(&request, token);
    stream.write_all(
        format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(found)
}

/// Head and body.
fn read(stream: &mut impl Read) -> std::io::Result<(String, String)> {
    let mut octets = Vec::new();
    let mut piece = [0; PIECE_BYTES];
    loop {
        let count = stream.read(&mut piece)?;
        octets.extend_from_slice(piece.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&octets);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|it| it.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok((head.to_owned(), body.to_owned()));
            }
        }
        if count == 0 || octets.len() > REQUEST_BYTES_MAX {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The status line and what to make of it.
fn judge((head, body): &(String, String), token: &Secret) -> (&'static str, Caught) {
    if !head.starts_with("POST ") {
        return ("405 Method Not Allowed", Caught::Refused("it is not a POST"));
    }
    let bearer = header(head, "authorization").and_then(|it| it.split_once(' '));
    let ours = bearer.is_some_and(|(scheme, value)| {
        scheme.eq_ignore_ascii_case("bearer")
            && verify_slices_are_equal(value.as_bytes(), token.expose().as_bytes()).is_ok()
    });
    if !ours {
        return ("401 Unauthorized", Caught::Refused("it does not carry our token"));
    }
    match parse_object(body.as_bytes()) {
        Ok(members) => ("204 No Content", Caught::Notification(members)),
        Err(_) => ("400 Bad Request", Caught::Refused("its body is not a JSON object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_with_our_token_is_a_notification() {
        let token = Secret::new(String::from("ours"));
        let head = |first: &str, bearer: &str| {
            format!("{first} /callback HTTP/1.1\r\nhost: x\r\nAuthorization: {bearer}")
        };
        for (head, body, expected) in [
            (head("POST", "Bearer ours"), "{\"auth_req_id\":\"x\"}", "204"),
            (head("POST", "bearer ours"), "{}", "204"),
            (head("POST", "Bearer theirs"), "{}", "401"),
            (head("POST", "Basic ours"), "{}", "401"),
            (head("POST", "ours"), "{}", "401"),
            (String::from("POST / HTTP/1.1"), "{}", "401"),
            (head("GET", "Bearer ours"), "{}", "405"),
            (head("POST", "Bearer ours"), "[]", "400"),
            (head("POST", "Bearer ours"), "{\"a\":1,\"a\":2}", "400"),
        ] {
            let (status, found) = judge(&(head.clone(), body.to_owned()), &token);
            assert!(status.starts_with(expected), "{head}: {status}");
            assert_eq!(matches!(found, Caught::Notification(_)), expected == "204", "{head}");
        }
    }
}
