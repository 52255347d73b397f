//! One request and what is taken of its answer.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST,
    USER_AGENT,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;
use url::{Position, Url};

use crate::outbound::{CallFault, Errand, Reply};

/// Octets of the head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Header fields of an answer.
const HEADERS_MAX: usize = 64;
/// What is taken of an answer that nobody reads, so that its sender can finish.
const DROPPED_BYTES_MAX: usize = 4 * 1024;
/// How long that may take.
const DROP_DEADLINE: Duration = Duration::from_secs(1);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends the errand and takes its answer, the head within `deadline`. The connection ends with it.
///
/// # Errors
/// The answer does not come, or is not one.
pub async fn exchange<S>(
    stream: S,
    url: &Url,
    errand: &Errand,
    deadline: tokio::time::Instant,
) -> Result<Reply, CallFault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    // Whatever comes beside head and body, interim answers without end, say, has a bound, too.
    let bounded = tokio::io::join(reader.take(octets_max(errand)), writer);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(bounded))
        .await
        .map_err(|_| broken_off())?;
    let request = request(url, errand)?;
    let conversation = async move {
        let response = tokio::time::timeout_at(deadline, sender.send_request(request)).await;
        let response = response.map_err(|_| CallFault::TimedOut)?.map_err(explain)?;
        match errand {
            Errand::Post { .. } => Ok(drop_body(response).await),
            Errand::Get { bytes_max } => {
                let reading = read_body(response, *bytes_max);
                let read = tokio::time::timeout_at(deadline, reading).await;
                read.map_err(|_| CallFault::TimedOut)?
            }
        }
    };
    let (conversation, connection) = (pin!(conversation), pin!(connection));
    match select(conversation, connection).await {
        Either::Left((reply, _)) => reply,
        // The connection is at its end; what was read of it is still there.
        Either::Right((_, conversation)) => conversation.await,
    }
}

/// Octets that are read from a connection, all in all.
fn octets_max(errand: &Errand) -> u64 {
    let body = match errand {
        Errand::Post { .. } => DROPPED_BYTES_MAX,
        // Its chunks have heads of their own.
        Errand::Get { bytes_max } => bytes_max.saturating_mul(2),
    };
    u64::try_from(HEAD_BYTES_MAX.saturating_mul(2).saturating_add(body)).unwrap_or(u64::MAX)
}

fn request(url: &Url, errand: &Errand) -> Result<Request<Full<Bytes>>, CallFault> {
    let unusable = |_| CallFault::Forbidden("it is not a URL that can be called");
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let mut request = Request::builder()
        .uri(target)
        .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, concat!("assent/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, JSON)
        .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
        .header(CONNECTION, HeaderValue::from_static("close"));
    let body = match errand {
        Errand::Post { bearer, body } => {
            let bearer = format!("Bearer {}", bearer.expose());
            let mut bearer = HeaderValue::try_from(bearer)
                .map_err(|_| CallFault::Forbidden("the token cannot be sent in a header"))?;
            bearer.set_sensitive(true);
            request = request.method(Method::POST).header(CONTENT_TYPE, JSON);
            request = request.header(AUTHORIZATION, bearer);
            Bytes::from(body.expose().to_owned())
        }
        Errand::Get { .. } => Bytes::new(),
    };
    request.body(Full::new(body)).map_err(unusable)
}

/// The sender may finish, up to a point; what it says does not matter.
async fn drop_body(response: Response<Incoming>) -> Reply {
    let (parts, body) = response.into_parts();
    let dropping = Limited::new(body, DROPPED_BYTES_MAX).collect();
    let _ = timeout(DROP_DEADLINE, dropping).await;
    Reply { status: parts.status, body: Vec::new() }
}

async fn read_body(response: Response<Incoming>, bytes_max: usize) -> Result<Reply, CallFault> {
    let (parts, body) = response.into_parts();
    if parts.status != StatusCode::OK {
        return Ok(Reply { status: parts.status, body: Vec::new() });
    }
    let coding = parts.headers.get(CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding != "identity") {
        return Err(CallFault::Failed(String::from("the document is compressed")));
    }
    let too_large = || CallFault::Failed(String::from("the document is too large"));
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(too_large());
    }
    let read = Limited::new(body, bytes_max).collect().await;
    let body = read
        .map_err(|error| if error.is::<LengthLimitError>() { too_large() } else { broken_off() })?;
    Ok(Reply { status: parts.status, body: body.to_bytes().to_vec() })
}

fn explain(error: hyper::Error) -> CallFault {
    if error.is_parse() {
        return CallFault::Failed(String::from("the answer is not HTTP, or its head too large"));
    }
    broken_off()
}

fn broken_off() -> CallFault {
    CallFault::Failed(String::from("the connection broke off"))
}
