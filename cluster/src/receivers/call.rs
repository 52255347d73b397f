//! One call to a receiver.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::history::{Arrival, Content, End};
use crate::receivers::Shared;
use crate::recorder::gist;

/// A request larger than this was not sent by us.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    /// It is taken.
    Take,
    /// It is taken after a while.
    TakeLate(Duration),
    /// It is taken, and the answer is lost.
    TakeInSilence,
    /// It is answered with this status.
    Refuse(u16),
    /// It is read and broken off.
    Reset,
    /// It is not even greeted.
    Mute,
}

/// Reads a call, records it and does with it what its fate is.
pub async fn converse(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    (number, fate): (usize, Fate),
    shared: Rc<Shared>,
) -> io::Result<()> {
    if matches!(fate, Fate::Mute) {
        while stream.read(&mut [0; 1024]).await? > 0 {}
        return Ok(());
    }
    let mut stream = acceptor.accept(stream).await?;
    let Some((head, body)) = read(&mut stream).await? else { return Ok(()) };
    let (arrival, json) = understand(number, &head, &body, &shared);
    let request = arrival.request;
    let place = shared.recorder.arrived(arrival);
    if let (Some(env), Some(auth_req_id)) =
        (request.and_then(|it| shared.recorder.env_of(it)), json.get("auth_req_id"))
    {
        let auth_req_id = auth_req_id.as_str().unwrap_or_default().to_owned();
        tokio::task::spawn_local(Rc::clone(&shared).testify(place, env, auth_req_id));
    }
    let end = answer(&mut stream, fate).await.unwrap_or(End::Abandoned);
    shared.recorder.arrival_ended(place, end);
    if let (Some(request), true) = (request, end.is_taken()) {
        shared.letters.put(request, json);
    }
    if matches!(end, End::Taken | End::Refused(_)) {
        return stream.shutdown().await;
    }
    let (stream, _) = stream.into_inner();
    stream.set_zero_linger()
}

/// Head and body; `None` when the caller went away before.
async fn read(stream: &mut TlsStream<TcpStream>) -> io::Result<Option<(String, String)>> {
    let mut octets = Vec::new();
    loop {
        if stream.read_buf(&mut octets).await? == 0 || octets.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&octets);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = header(head, "content-length").and_then(|it| it.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Ok(Some((head.to_owned(), body.to_owned())));
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn understand(receiver: usize, head: &str, body: &str, shared: &Shared) -> (Arrival, Value) {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let bearer = header(head, "authorization").and_then(|it| it.strip_prefix("Bearer "));
    let members = json.as_object().map_or(0, serde_json::Map::len);
    let content = match (text("access_token"), text("error")) {
        (Some(token), None) => Content::Tokens(gist(token)),
        (None, None) if members == 1 => Content::Ping,
        (_, error) => Content::Error(error.unwrap_or_default().to_owned()),
    };
    let now = shared.recorder.now();
    let arrival = Arrival {
        receiver,
        request: bearer.and_then(|token| shared.recorder.of_bearer(token)),
        about: gist(text("auth_req_id").unwrap_or_default()),
        content,
        body: gist(body),
        at: now,
        ended: now,
        end: End::Open,
        witness: None,
    };
    (arrival, json)
}

/// Answers, or does not; how the call ended.
async fn answer(stream: &mut TlsStream<TcpStream>, fate: Fate) -> io::Result<End> {
    let status = match fate {
        Fate::Take => 204,
        Fate::TakeLate(late) => {
            // A caller that is killed meanwhile closes its end.
            let mut octet = [0];
            tokio::select! {
                () = tokio::time::sleep(late) => 204,
                _ = stream.read(&mut octet) => return Ok(End::Abandoned),
            }
        }
        Fate::Refuse(status) => status,
        Fate::TakeInSilence => return Ok(End::TakenInSilence),
        Fate::Reset | Fate::Mute => return Ok(End::Reset),
    };
    let head = format!("HTTP/1.1 {status} It\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    Ok(if status == 204 { End::Taken } else { End::Refused(status) })
}
