//! HTTP/1.1, one connection for each request: whatever breaks, it is clear which request it was.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::history::Silence;

/// Longer than any answer may take (I6): who waits in vain has found a violation.
pub const PATIENCE: Duration = Duration::from_secs(33);
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A request: method, path, header fields, body.
#[derive(Debug, Default)]
pub struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Request {
    /// A request without a body.
    pub fn get(path: String) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    /// A form.
    pub fn form(path: String, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { method: "POST", path, body, ..Self::default() }
            .with("content-type", String::from("application/x-www-form-urlencoded"))
    }

    /// JSON.
    pub fn json(method: &'static str, path: String, body: &serde_json::Value) -> Self {
        Self { method, path, body: body.to_string(), ..Self::default() }
            .with("content-type", String::from("application/json"))
    }

    /// The same with a header field more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    fn render(&self, host: SocketAddr) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method != "GET" {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("connection: close\r\n\r\n");
        head.push_str(&self.body);
        head
    }
}

/// Sends a request and waits for the whole answer.
///
/// # Errors
/// How it was that none came.
pub async fn send(address: SocketAddr, request: &Request) -> Result<Reply, Silence> {
    send_within(PATIENCE, address, request).await
}

/// As [`send`], with less patience.
///
/// # Errors
/// As [`send`].
pub async fn send_within(
    patience: Duration,
    address: SocketAddr,
    request: &Request,
) -> Result<Reply, Silence> {
    match timeout(patience, exchange(address, request)).await {
        Ok(reply) => reply,
        Err(_) => Err(Silence::Late),
    }
}

async fn exchange(address: SocketAddr, request: &Request) -> Result<Reply, Silence> {
    let mut stream = TcpStream::connect(address).await.map_err(|_| Silence::Refused)?;
    let _ = stream.set_nodelay(true);
    let octets = request.render(address);
    stream.write_all(octets.as_bytes()).await.map_err(|_| Silence::Cut)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        if let Some(reply) = parse(&buffer) {
            return Ok(reply);
        }
        let read = stream.read_buf(&mut buffer).await.map_err(|_| Silence::Cut)?;
        if read == 0 || buffer.len() > ANSWER_BYTES_MAX {
            return Err(Silence::Cut);
        }
    }
}

/// The answer, once it is whole.
fn parse(buffer: &[u8]) -> Option<Reply> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = buffer.split_at_checked(end)?;
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let reply = Reply { status, headers, body: Vec::new() };
    let length = reply.header("content-length").and_then(|length| length.parse().ok());
    let body = rest.get(4..)?.get(..length.unwrap_or(0))?;
    Some(Reply { body: body.to_vec(), ..reply })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 503 No\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_none(), "{end}");
        }
        let reply = parse(whole).unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (503, b"{}".as_slice()));
        assert_eq!(reply.header("retry-after"), Some("1"));
    }

    #[test]
    fn a_form_is_encoded() {
        let request = Request::form(String::from("/x"), &[("scope", "openid a:b"), ("t", "ä&")]);
        assert_eq!(request.body, "scope=openid+a%3Ab&t=%C3%A4%26");
    }
}
