//! A door: where connections come in, and how they are spoken with.

use std::net::SocketAddr;
use std::time::Duration;

use http::Version;
use tokio::net::{TcpListener, TcpStream};

use crate::listen::certificate::ClientCertificate;
use crate::listen::stream::Stream;
use crate::listen::tls::Tls;

/// A listener and its manner of speaking.
pub struct Door {
    listener: TcpListener,
    tls: Option<Tls>,
}

/// A connection that is ready for HTTP.
pub struct Greeted {
    /// The octets.
    pub stream: Stream,
    /// Which version of HTTP.
    pub version: Version,
    /// What the client showed of itself.
    pub certificate: Option<ClientCertificate>,
}

impl Door {
    /// Plain HTTP/1.1.
    pub const fn plain(listener: TcpListener) -> Self {
        Self { listener, tls: None }
    }

    /// HTTP/1.1 and HTTP/2 under TLS.
    pub const fn tls(listener: TcpListener, tls: Tls) -> Self {
        Self { listener, tls: Some(tls) }
    }

    /// The next connection.
    ///
    /// # Errors
    /// None can be accepted at present.
    pub async fn accept(&self) -> std::io::Result<(TcpStream, SocketAddr)> {
        self.listener.accept().await
    }

    /// How its connections are greeted, for tasks of their own.
    pub fn tls_of(&self) -> Option<Tls> {
        self.tls.clone()
    }
}

/// Makes a connection ready for HTTP, within `deadline`. `None`: it came to nothing.
pub async fn greet(stream: TcpStream, tls: Option<Tls>, deadline: Duration) -> Option<Greeted> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        let stream = Stream::Plain(stream);
        return Some(Greeted { stream, version: Version::HTTP_11, certificate: None });
    };
    match tokio::time::timeout(deadline, tls.greet(stream)).await {
        Ok(Ok(secured)) => Some(Greeted {
            stream: Stream::Tls(Box::new(secured.stream)),
            version: secured.version,
            certificate: secured.certificate,
        }),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection did not get to TLS");
            None
        }
        Err(_) => {
            tracing::debug!("a connection took too long to get to TLS");
            None
        }
    }
}
