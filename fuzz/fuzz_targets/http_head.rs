//! Octets on a connection, through the real accept loop: every request is answered once or the
//! connection is closed, and requests that are sound are answered all, in order.
#![no_main]

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use assent_fuzz::harness::{World, basic};
use assent_server::listen;
use assent_server::listen::door::Door;
use assent_server::settings::Deadlines;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Longer than every deadline of the server under test.
const PATIENCE: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const DEADLINES: Deadlines = Deadlines {
    handshake: SECOND,
    first_octet: SECOND,
    head: SECOND,
    idle: SECOND,
    write_stall: SECOND,
};

struct Served {
    runtime: Runtime,
    address: SocketAddr,
    token_path: String,
    basic: String,
    _world: World,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (world, listener) = runtime.block_on(async {
        let world = World::with_settings(|it| it.deadlines = DEADLINES).await;
        (world, TcpListener::bind("127.0.0.1:0").await.expect("a listener"))
    });
    let address = listener.local_addr().expect("an address");
    runtime.spawn(listen::serve(
        Arc::clone(&world.app),
        vec![Door::plain(listener)],
        std::future::pending(),
    ));
    let token_path = format!("/{}/as/token", world.main.id);
    let basic = basic(&world.main.basic);
    Served { runtime, address, token_path, basic, _world: world }
});

fuzz_target!(|data: &[u8]| {
    let Some((switches, rest)) = data.split_first() else { return };
    if switches & 1 == 0 {
        anything(rest);
    } else {
        sound(*switches, rest);
    }
});

/// Whatever it is, it is not answered more often than it could have been asked.
fn anything(octets: &[u8]) {
    // Corpora cannot know the identifiers of this run.
    let octets = replace(octets, b"{token}", SERVED.token_path.as_bytes());
    let octets = replace(&octets, b"{basic}", SERVED.basic.as_bytes());
    let answers = answers(&exchange(&[&octets], true));
    assert!(answers.len() <= heads_max(&octets), "{answers:?} to {}", octets.escape_ascii());
}

/// How many heads that could be, the last one perhaps broken off: a line of a head ends with both
/// characters and no other way (T-72).
fn heads_max(octets: &[u8]) -> usize {
    octets.windows(4).filter(|it| it == b"\r\n\r\n").count() + 1
}

/// Requests one after the other, in pieces: exactly as many answers, the right ones in order.
fn sound(switches: u8, choices: &[u8]) {
    let served = &*SERVED;
    let (mut octets, mut expected) = (Vec::new(), Vec::new());
    let choices = choices.get(..8).unwrap_or(choices);
    for (place, choice) in choices.iter().enumerate() {
        let close = if place + 1 == choices.len() { "connection: close\r\n" } else { "" };
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let head = format!("host: x\r\n{close}authorization: {}\r\n{form}", served.basic);
        let path = &served.token_path;
        let (text, status) = match choice % 6 {
            0 => (format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{close}\r\n"), 200),
            1 => (format!("GET /nothing HTTP/1.1\r\nhost: x\r\n{close}\r\n"), 404),
            2 => {
                let body = "grant_type=x";
                let length = body.len();
                (
                    format!("POST {path} HTTP/1.1\r\n{head}content-length: {length}\r\n\r\n{body}"),
                    400,
                )
            }
            3 => {
                let chunks = "5\r\ngrant\r\n7\r\n_type=x\r\n0\r\n\r\n";
                let coding = "transfer-encoding: chunked\r\n\r\n";
                (format!("POST {path} HTTP/1.1\r\n{head}{coding}{chunks}"), 400)
            }
            4 => {
                // A body that looks like another request is a body.
                let body = "a=GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
                let length = body.len();
                (
                    format!("POST {path} HTTP/1.1\r\n{head}content-length: {length}\r\n\r\n{body}"),
                    400,
                )
            }
            _ => {
                (format!("PUT {path} HTTP/1.1\r\nhost: x\r\n{close}content-length: 0\r\n\r\n"), 405)
            }
        };
        octets.extend_from_slice(text.as_bytes());
        expected.push(status);
        if text.contains("chunked") {
            // Nothing is read behind what measures itself.
            break;
        }
    }
    if expected.is_empty() {
        return;
    }
    let piece = usize::from(switches >> 1) * 4 + 1;
    let pieces: Vec<&[u8]> = octets.chunks(piece).collect();
    assert_eq!(answers(&exchange(&pieces, false)), expected, "{choices:?}");
}

/// Sends pieces, says that no more comes if `finish`, and reads until the server closes.
fn exchange(pieces: &[&[u8]], finish: bool) -> Vec<u8> {
    SERVED.runtime.block_on(async {
        let mut stream = TcpStream::connect(SERVED.address).await.expect("somebody listens");
        stream.set_nodelay(true).expect("a socket");
        let mut answer = Vec::new();
        let talking = async {
            for piece in pieces {
                // The server may have closed already.
                let _ = stream.write_all(piece).await;
                tokio::task::yield_now().await;
            }
            if finish {
                let _ = stream.shutdown().await;
            }
            let _ = stream.read_to_end(&mut answer).await;
        };
        tokio::time::timeout(PATIENCE, talking).await.expect("an answer or a close");
        answer
    })
}

/// The statuses of what was answered; interim answers do not count.
fn answers(mut octets: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while !octets.is_empty() {
        let shown = || octets.escape_ascii().to_string();
        let end = octets.windows(4).position(|it| it == b"\r\n\r\n");
        let (head, rest) = octets.split_at(end.unwrap_or_else(|| panic!("{}", shown())) + 4);
        let head = std::str::from_utf8(head).unwrap_or_else(|_| panic!("{}", shown()));
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 ") || head.starts_with("http/1.0 "), "{}", shown());
        let status: u16 = head[9..12].parse().unwrap_or_else(|_| panic!("{}", shown()));
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |it| it.parse().unwrap_or_else(|_| panic!("{}", shown())));
        assert!(!head.contains("transfer-encoding"), "all of these answers have a length: {head}");
        // An answer to HEAD has a length and no body.
        let bare = rest.is_empty() || rest.starts_with(b"HTTP/1.");
        octets = if bare { rest } else { rest.get(length..).unwrap_or_default() };
        if status >= 200 {
            statuses.push(status);
        }
    }
    statuses
}

fn replace(octets: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(at) = rest.windows(from.len()).position(|it| it == from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}
