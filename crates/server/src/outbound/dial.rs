//! From checked addresses to a peer that proved its name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use crate::outbound::CallFault;

/// All attempts to connect together.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Addresses of one host that are tried.
const ATTEMPTS_MAX: u32 = 3;

/// Connects to the first of `addresses` that answers, and lets it prove that it is `host`.
///
/// # Errors
/// None answers, or what answers is somebody else.
pub async fn dial(
    host: &Host<&str>,
    addresses: &[IpAddr],
    port: u16,
    tls: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, CallFault> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from((*name).to_owned())
            .map_err(|_| CallFault::Forbidden("its name cannot be on a certificate"))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::V6(*address)),
    };
    let stream = connect(addresses, port).await?;
    let _ = stream.set_nodelay(true);
    let greeted = TlsConnector::from(tls).connect(name, stream).await;
    greeted.map_err(|error| CallFault::Failed(explain(&error).to_owned()))
}

async fn connect(addresses: &[IpAddr], port: u16) -> Result<TcpStream, CallFault> {
    let order = in_turn(addresses);
    let attempts = u32::try_from(order.len()).unwrap_or(ATTEMPTS_MAX).clamp(1, ATTEMPTS_MAX);
    let mut fault = CallFault::Failed(String::from("the name has no address"));
    for address in order.into_iter().take(usize::try_from(attempts).unwrap_or(1)) {
        let connecting = TcpStream::connect(SocketAddr::new(address, port));
        fault = match timeout(CONNECT_DEADLINE / attempts, connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(_)) => CallFault::Failed(String::from("it does not accept connections")),
            Err(_) => CallFault::TimedOut,
        };
    }
    Err(fault)
}

/// The first of each family first: where one family leads nowhere, the other is tried soon.
fn in_turn(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let first = addresses.first().copied();
    let other = first.and_then(|first| {
        addresses.iter().copied().find(|address| address.is_ipv4() != first.is_ipv4())
    });
    let mut order: Vec<IpAddr> = first.into_iter().chain(other).collect();
    order.extend(addresses.iter().filter(|it| Some(**it) != first && Some(**it) != other));
    order
}

fn explain(error: &std::io::Error) -> &'static str {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            // The second is signed by somebody who took the name of an authority.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is of an unknown authority"
            }
            _ => "its certificate is not accepted",
        },
        Some(_) => "it does not speak TLS as we do",
        None => "the connection broke off",
    }
}
