//! Requests that two parsers could read differently (T-72): each is refused and the connection
//! closed, or has exactly the one answer that everybody would give it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The request that would be smuggled: its answer must never be seen.
const SMUGGLED: &str = "GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";

/// What the server said until it closed or fell silent: the statuses, and whether it closed.
async fn said(address: SocketAddr, octets: &[u8]) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(octets).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let closed = tokio::time::timeout(Duration::from_millis(150), reading).await.is_ok();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let statuses = text.split("HTTP/1.").skip(1).filter_map(|it| it.get(2..5)?.parse().ok());
    (statuses.collect(), closed)
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /nowhere HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n{body}")
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused_and_ends_the_connection() {
    let served = super::served().await;
    let mut heads = Vec::new();
    // Lengths that are none, or two.
    for length in [
        "+5",
        "-5",
        "0x5",
        "5 5",
        "5,5",
        "5, 5",
        "5;5",
        "5.0",
        "5e0",
        "",
        " ",
        "\u{b}5",
        "05a",
        "five",
        "99999999999999999999",
        "18446744073709551616",
    ] {
        heads.push(post(&format!("content-length: {length}"), "abcde"));
    }
    heads.push(post("content-length: 5\r\ncontent-length: 6", "abcdef"));
    heads.push(post("content-length: 6\r\ncontent-length: 5", "abcdef"));
    heads.push(post("content-length : 5", "abcde"));
    heads.push(post("content-length\t: 5", "abcde"));
    heads.push(post(" content-length: 5", "abcde"));
    heads.push(post("x: y\r\n content-length: 5", "abcde"));
    heads.push(post("content-length:\r\n 5", "abcde"));
    // Codings that are not plainly `chunked`.
    for coding in [
        "identity",
        "gzip",
        "xchunked",
        "chunkedx",
        "chunked, identity",
        "chunked, gzip",
        "chunked,",
        "gzip, chunked",
        "chunked chunked",
        "chunked;q=1",
        "\"chunked\"",
        "\u{b}chunked",
        "chunked\u{b}",
        "\u{c}chunked",
        "chu\r\n nked",
        "\r\n chunked",
        ", chunked",
        "x\r\n\tchunked",
    ] {
        heads.push(post(&format!("transfer-encoding: {coding}"), "0\r\n\r\n"));
        let both = format!("transfer-encoding: {coding}\r\ncontent-length: 5");
        heads.push(post(&both, "0\r\n\r\n"));
    }
    for twice in [
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        " transfer-encoding: chunked",
        "x: y\rtransfer-encoding: chunked",
        "x: y\ntransfer-encoding: chunked",
        "x: y\n\ntransfer-encoding: chunked",
        "x\0: y",
        "x: y\0",
        "x y: z",
        ": y",
        "x",
        "x: y\r\n\u{7f}: z",
    ] {
        heads.push(post(twice, "0\r\n\r\n"));
    }
    // Lines that do not end, or begin, as lines do.
    for line in [
        "GET /healthz HTTP/1.1\nhost: x\n\n",
        "GET /healthz HTTP/1.1\r\nhost: x\n\r\n",
        "GET /healthz HTTP/1.1\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\rhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\ry: z\r\n\r\n",
        "GET  /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz  HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET\t/healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        " GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1 \r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n",
        "GET /healthz http/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/01.1\r\nhost: x\r\n\r\n",
        "GET /healthz\r\nhost: x\r\n\r\n",
        "GET /heal thz HTTP/1.1\r\nhost: x\r\n\r\n",
        "G\0T /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: bananas\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        heads.push(line.to_owned());
    }
    assert!(heads.len() > 80, "{}", heads.len());
    // First on the connection, behind a request without a body, and behind one with a body that
    // looks like the end of a head.
    let bodiless = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let places = ["", bodiless, &post("content-length: 4", "a\n\r\n")];
    for head in heads {
        for before in places {
            let whole = format!("{before}{head}{SMUGGLED}");
            let (statuses, closed) = said(served.address, whole.as_bytes()).await;
            assert!(closed, "{head:?} left the connection open: {statuses:?}");
            let statuses = statuses.get(usize::from(!before.is_empty())..).unwrap_or_default();
            assert!(statuses.len() <= 1, "{head:?}: {statuses:?}");
            let refused = |status: &u16| (400..600).contains(status) && *status != 404;
            assert!(statuses.iter().all(refused), "{head:?} behind {before:?}: {statuses:?}");
        }
    }
}

/// What everybody reads alike has its one answer, and so has what follows. Behind chunks nothing is
/// read: their end is told by no length, and the smallest difference would be enough.
#[tokio::test]
async fn what_is_read_alike_everywhere_is_answered_and_goes_on() {
    let served = super::served().await;
    for (head, first) in [
        (String::from("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"), 200),
        (String::from("\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"), 200),
        (String::from("GET http://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n"), 200),
        (post("content-length: 5", "abcde"), 404),
        (post("content-length: 5\r\ncontent-length: 5", "abcde"), 404),
        (post("transfer-encoding: chunked", "5\r\nabcde\r\n0\r\n\r\n"), 404),
        (post("transfer-encoding: CHUNKED", "0\r\n\r\n"), 404),
        (post("transfer-encoding: chunked", "5;a=b\r\nabcde\r\n0\r\n\r\n"), 404),
        (post("transfer-encoding: chunked", "0\r\nx: y\r\n\r\n"), 404),
    ] {
        let whole = format!("{head}{SMUGGLED}");
        let (statuses, closed) = said(served.address, whole.as_bytes()).await;
        let chunked = head.to_ascii_lowercase().contains("chunked");
        let expected = if chunked { vec![first] } else { vec![first, 200] };
        assert_eq!((statuses, closed), (expected, chunked), "{head:?}");
    }
}

/// Chunks that are none end the connection; what comes after them is never a request.
#[tokio::test]
async fn broken_chunks_end_the_connection() {
    let served = super::served().await;
    let env = served.world.main.id;
    for body in [
        "fffffffffffffffff\r\n",
        "-1\r\n",
        "0x5\r\nabcde\r\n0\r\n\r\n",
        "5\nabcde\r\n0\r\n\r\n",
        "5\r\nabcdef\r\n0\r\n\r\n",
        "\r\n",
        "g\r\n",
        "5 5\r\nabcde\r\n0\r\n\r\n",
        "5\rabcde\r\n0\r\n\r\n",
        "0\n\n",
    ] {
        let head = format!(
            "POST /{env}/as/token HTTP/1.1\r\nhost: x\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             transfer-encoding: chunked\r\n\r\n{body}{SMUGGLED}"
        );
        let (statuses, closed) = said(served.address, head.as_bytes()).await;
        assert!(closed, "{body:?} left the connection open: {statuses:?}");
        assert!(statuses.len() <= 1 && !statuses.contains(&200), "{body:?}: {statuses:?}");
    }
}

/// However the octets of requests that are sent ahead are cut, each has its answer.
#[tokio::test]
async fn requests_that_are_sent_ahead_may_be_cut_anywhere() {
    let served = super::served().await;
    let lines = "a=1\nb=2\n";
    let whole = format!(
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nPOST /{}/as/token HTTP/1.1\r\nhost: x\r\n\
         content-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n\r\n{lines}GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        served.world.main.id,
        lines.len()
    );
    for cut in 1..whole.len() {
        let (first, second) = whole.split_at(cut);
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(first.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        let _ = stream.write_all(second.as_bytes()).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let statuses: Vec<&str> =
            answer.split("HTTP/1.1 ").skip(1).filter_map(|it| it.get(..3)).collect();
        assert_eq!(statuses, ["200", "401", "200"], "cut at {cut}");
    }
}
