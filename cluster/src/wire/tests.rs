use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(5);
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
const STARTUP: &[u8] = &[0, 0, 0, 8, 0, 3, 0, 0];

/// A wire, its node and its server.
async fn connected() -> (Wire, TcpStream, TcpStream) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let wire = Wire::open(any, server.local_addr().unwrap()).await.unwrap();
    let mut node = TcpStream::connect(wire.address()).await.unwrap();
    node.write_all(STARTUP).await.unwrap();
    let (mut server, _) = server.accept().await.unwrap();
    read(&mut server, STARTUP).await;
    (wire, node, server)
}

async fn read(stream: &mut TcpStream, expected: &[u8]) {
    let mut seen = vec![0; expected.len()];
    timeout(LONG, stream.read_exact(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen, expected);
}

async fn is_cut(stream: &mut TcpStream) -> bool {
    matches!(timeout(LONG, stream.read(&mut [0; 16])).await.unwrap(), Ok(0) | Err(_))
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(SHORT, stream.read(&mut [0; 16])).await.is_err()
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(LocalSet::new().run_until(test));
}

#[test]
fn a_commit_is_cut_before_the_server_sees_it() {
    run(async {
        let (wire, mut node, mut server) = connected().await;
        wire.change(|weather| weather.cut = Some((Cut::Before, 1)));
        node.write_all(COMMIT).await.unwrap();
        assert!(is_cut(&mut node).await);
        assert!(is_cut(&mut server).await);
        assert_eq!(wire.counts(), (1, 1));
    });
}

#[test]
fn a_commit_is_carried_out_and_its_answer_is_withheld() {
    run(async {
        let (wire, mut node, mut server) = connected().await;
        wire.change(|weather| weather.cut = Some((Cut::After, 1)));
        node.write_all(COMMIT).await.unwrap();
        read(&mut server, COMMIT).await;
        server.write_all(b"T\0\0\0\x04").await.unwrap();
        assert!(is_silent(&mut node).await);
        server.write_all(COMMITTED).await.unwrap();
        assert!(is_cut(&mut node).await);
    });
}

#[test]
fn a_held_direction_is_silent_and_loses_nothing() {
    run(async {
        let (wire, mut node, mut server) = connected().await;
        wire.change(|weather| weather.to_node = Flow::Hold);
        node.write_all(COMMIT).await.unwrap();
        read(&mut server, COMMIT).await;
        server.write_all(COMMITTED).await.unwrap();
        assert!(is_silent(&mut node).await);
        wire.clear();
        read(&mut node, COMMITTED).await;
    });
}

#[test]
fn a_refusing_wire_cuts_what_is_open_and_opens_again() {
    run(async {
        let (wire, mut node, _server) = connected().await;
        wire.change(|weather| weather.refuse = true);
        assert!(is_cut(&mut node).await);
        assert!(TcpStream::connect(wire.address()).await.is_err());
        wire.clear();
        tokio::time::sleep(SHORT).await;
        assert!(TcpStream::connect(wire.address()).await.is_ok());
    });
}
