//! The requests, as octets.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::{Connection, member};
use crate::load::Mix;

const GRANT: &str = "urn%3Aopenid%3Aparams%3Agrant-type%3Aciba";
/// Long enough for a whole run.
const EXPIRY: &str = "600";

/// An application at a server.
#[derive(Clone)]
pub struct Client {
    start: String,
    poll: String,
    approve: String,
}

impl Client {
    /// An application of an Assent environment.
    pub fn new(address: SocketAddr, env: &str, id: &str, secret: &str) -> Self {
        let head = |path: &str| head(address, &format!("/{env}{path}"), id, secret);
        Self {
            start: head("/as/cibaAuthorization"),
            poll: head("/as/token"),
            approve: format!("POST /{env}/simulator/answer?action=allow&auth_req_id="),
        }
    }

    /// The client of the peer; nobody approves there.
    pub fn of_peer(address: SocketAddr, id: &str, secret: &str) -> Self {
        let head = |path: &str| head(address, path, id, secret);
        Self { start: head("/backchannel"), poll: head("/token"), approve: String::new() }
    }

    /// Begins a request; its `auth_req_id`.
    pub async fn start(&self, connection: &mut Connection, number: usize) -> Result<String> {
        let person = if number.is_multiple_of(2) { "alice" } else { "bob" };
        let body = format!(
            "scope=openid&login_hint={person}&binding_message=PAY-4711&requested_expiry={EXPIRY}"
        );
        let answer = connection.send(with_body(&self.start, &body).as_bytes()).await?;
        match (answer.status, member(answer.body, "auth_req_id")) {
            (200, Some(id)) => Ok(id.to_owned()),
            (status, _) => bail!("a start was answered with status {status}"),
        }
    }

    /// Polls an undecided request and counts what the server says.
    pub async fn poll(&self, connection: &mut Connection, id: &str, mix: &Mix) -> Result<()> {
        let answer = self.token(connection, id).await?;
        match (answer.status, member(answer.body, "error")) {
            // The last is said to who never slows down, as a loop that measures does not.
            (400, Some(said @ ("authorization_pending" | "slow_down" | "invalid_request"))) => {
                count(mix, said);
                Ok(())
            }
            (status, said) => {
                bail!("a poll was answered with status {status} {}", said.unwrap_or_default())
            }
        }
    }

    /// Polls for what does not exist, whatever the answer is.
    pub async fn poll_whatever(&self, connection: &mut Connection) -> Result<()> {
        self.token(connection, "x").await.map(drop)
    }

    /// Fetches the tokens of an approved request.
    pub async fn redeem(&self, connection: &mut Connection, id: &str) -> Result<()> {
        let answer = self.token(connection, id).await?;
        match (answer.status, member(answer.body, "id_token")) {
            (200, Some(_)) => Ok(()),
            (status, _) => bail!("a redemption was answered with status {status}"),
        }
    }

    /// Polls and lets the server hold the poll; the answer is read later.
    pub async fn hold(&self, connection: &mut Connection, id: &str) -> Result<()> {
        let body = format!("grant_type={GRANT}&auth_req_id={id}");
        let head = self.poll.replacen("Content-Type", "Prefer: wait=25\r\nContent-Type", 1);
        connection.put(with_body(&head, &body).as_bytes()).await
    }

    /// Approves through the simulator.
    pub async fn approve(&self, connection: &mut Connection, id: &str) -> Result<()> {
        let request =
            format!("{}{id} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n", self.approve);
        match connection.send(request.as_bytes()).await?.status {
            204 => Ok(()),
            status => bail!("an approval was answered with status {status}"),
        }
    }

    async fn token<'a>(
        &self,
        connection: &'a mut Connection,
        id: &str,
    ) -> Result<crate::http::Answer<'a>> {
        let body = format!("grant_type={GRANT}&auth_req_id={id}");
        connection.send(with_body(&self.poll, &body).as_bytes()).await
    }
}

fn count(mix: &Mix, said: &str) {
    let mut mix = mix.borrow_mut();
    match mix.get_mut(said) {
        Some(count) => *count += 1,
        None => {
            mix.insert(said.to_owned(), 1);
        }
    }
}

fn head(address: SocketAddr, path: &str, id: &str, secret: &str) -> String {
    let credentials = STANDARD.encode(format!("{id}:{secret}"));
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    )
}

fn with_body(head: &str, body: &str) -> String {
    format!("{head}{}\r\n\r\n{body}", body.len())
}
