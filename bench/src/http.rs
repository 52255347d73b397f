//! HTTP/1.1 over one kept connection: the least that measures a server and not its client.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::with(TcpStream::connect(address).await.context("cannot connect")?)
    }

    /// Connects from another address of this machine: a server permits so many from one.
    pub async fn open_from(source: IpAddr, address: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        Self::with(socket.connect(address).await.context("cannot connect")?)
    }

    fn with(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.receive().await
    }

    /// Sends a request whose answer is read later.
    pub async fn put(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request).await?)
    }

    /// Reads a whole answer.
    pub async fn receive(&mut self) -> Result<Answer<'_>> {
        self.buffer.clear();
        let head = loop {
            self.fill().await?;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, length) = read_head(self.buffer.get(..head).unwrap_or_default())?;
        while self.buffer.len() < head + length {
            self.fill().await?;
        }
        Ok(Answer { status, body: self.buffer.get(head..).unwrap_or_default() })
    }

    async fn fill(&mut self) -> Result<()> {
        if self.buffer.len() > ANSWER_BYTES_MAX {
            bail!("an answer is larger than {ANSWER_BYTES_MAX} octets");
        }
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed a connection");
        }
        Ok(())
    }
}

fn read_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head).context("a head is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status: u16 = status.context("a status line is not understood")?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok());
    match (status, length) {
        (204, _) => Ok((status, 0)),
        (_, Some(length)) => Ok((status, length)),
        (_, None) => bail!("an answer has no Content-Length"),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The value of a JSON member that is a plain string; enough for what the servers send.
pub fn member<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_members_are_read() {
        let head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(read_head(head).unwrap(), (400, 12));
        assert_eq!(read_head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap(), (204, 0));
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert_eq!(member(b"{\"error\":\"slow_down\"}", "error"), Some("slow_down"));
        assert_eq!(member(b"{}", "error"), None);
    }
}
