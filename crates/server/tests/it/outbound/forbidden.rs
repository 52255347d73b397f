//! However an address is spelled, what may not be called is not called (T-74).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::{CallFault, Outbound};
use tokio::net::TcpListener;

use super::{get, internet, post};

/// Listens on every address of this machine, and counts who comes.
struct Canary {
    port: u16,
    hits: Arc<AtomicUsize>,
}

impl Canary {
    async fn start() -> Self {
        let hits = Arc::new(AtomicUsize::new(0));
        let first = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let socket =
            socket2::Socket::new(socket2::Domain::IPV6, socket2::Type::STREAM, None).unwrap();
        socket.set_only_v6(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into()).unwrap();
        socket.listen(16).unwrap();
        let second = TcpListener::from_std(socket.into()).unwrap();
        for listener in [first, second] {
            let hits = Arc::clone(&hits);
            tokio::spawn(async move {
                loop {
                    listener.accept().await.unwrap();
                    hits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { port, hits }
    }
}

/// Addresses inside, and of cloud machines' metadata.
const INSIDE: [[u8; 4]; 16] = [
    [127, 0, 0, 1],
    [127, 1, 2, 3],
    [127, 255, 255, 254],
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [100, 64, 0, 1],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [169, 254, 169, 254],
    [169, 254, 170, 2],
    [172, 16, 0, 1],
    [192, 0, 0, 192],
    [192, 168, 0, 1],
    [198, 18, 0, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
];

/// The ways to write an IPv4 address that some parser somewhere takes.
fn spellings([a, b, c, d]: [u8; 4]) -> Vec<String> {
    let number = u32::from_be_bytes([a, b, c, d]);
    let (low, lowest) = (number & 0xff_ffff, number & 0xffff);
    let (high, rest) = (number >> 16, number & 0xffff);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let odd = |offset: u32| -> String {
        let shift = |digit: char| {
            digit.to_digit(10).map_or(digit, |it| char::from_u32(offset + it).unwrap())
        };
        dotted.chars().map(shift).collect()
    };
    let escaped: String = dotted.bytes().map(|octet| format!("%{octet:02x}")).collect();
    let hidden = !number;
    let (not_high, not_rest) = (hidden >> 16, hidden & 0xffff);
    vec![
        format!("{dotted}."),
        number.to_string(),
        format!("{number:#x}"),
        format!("{number:#X}"),
        format!("0{number:o}"),
        format!("0x0000000{number:x}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{lowest}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.{b}.{c:#x}.0{d:o}"),
        format!("{a:#x}.{low}"),
        odd(0xff10),
        odd(0x1d7ce),
        dotted.replace('.', "\u{3002}"),
        dotted.replace('.', "\u{ff0e}"),
        dotted.replace('.', "%2e"),
        escaped,
        format!("[::ffff:{dotted}]"),
        format!("[::FFFF:{high:x}:{rest:x}]"),
        format!("[0:0:0:0:0:ffff:{high:04x}:{rest:04x}]"),
        format!("[::{dotted}]"),
        format!("[::ffff:0:{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[64:ff9b:1::{dotted}]"),
        format!("[2002:{high:x}:{rest:x}::1]"),
        format!("[2001:0:4136:e378:8000:63bf:{not_high:x}:{not_rest:x}]"),
        format!("[2a00:1450::5efe:{dotted}]"),
        format!("[fe80::200:5efe:{dotted}]"),
        dotted,
    ]
}

/// Names and addresses beside those.
const OTHERS: [&str; 62] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "LocalHost.",
    "x.localhost",
    "x.y.localhost.",
    "local%68ost",
    "%6c%6f%63%61%6c%68%6f%73%74",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "localho\u{17f}t",
    "l\u{ad}ocalhost",
    "localhost\u{3002}",
    "localhost.localdomain",
    "ip6-localhost",
    "ip6-loopback",
    "loopback",
    "broadcasthost",
    "127.0.0.1.nip.io",
    "localtest.me",
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "kubernetes.default.svc",
    "host.docker.internal",
    "xn--localhost-.example",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127.0.0.1。",
    "0",
    "00",
    "0x0",
    "0x",
    "0.0",
    "0x7f.1",
    "0177.1",
    "127.1.",
    "127.0.1.",
    "2130706433.",
    "4294967296",
    "256.256.256.256",
    "127.0.0.1.1",
    "0x7f000001.",
    "1.2.3.4:80@127.0.0.1",
    "example.com@127.0.0.1",
    "example.com:x@[::1]",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::0.0.0.1]",
    "[::1%25lo]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[FD20:CE::254]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
];

#[tokio::test]
async fn no_spelling_of_a_forbidden_address_reaches_anybody() {
    let canary = Canary::start().await;
    // Whatever gets as far as a resolver is led home.
    let internet =
        internet(|_| vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)]);
    let rules = OutboundSettings { allowed_ports: vec![canary.port], ..Default::default() };
    let mut hosts: BTreeSet<String> = INSIDE.into_iter().flat_map(spellings).collect();
    hosts.extend(OTHERS.map(str::to_owned));
    assert!(hosts.len() >= 300, "{}", hosts.len());
    for host in &hosts {
        for scheme in ["https", "HTTPS"] {
            let url = format!("{scheme}://{host}:{}/callback?q", canary.port);
            let fault = internet.call(&rules, &url, post()).await.expect_err(&url);
            assert!(matches!(fault, CallFault::Forbidden(_)), "{url}: {fault}");
        }
        let url = format!("https:\\\\{host}:{}", canary.port);
        let fault = internet.call(&rules, &url, get(10)).await.expect_err(&url);
        assert!(matches!(fault, CallFault::Forbidden(_)), "{url}: {fault}");
    }
    assert_eq!(canary.hits.load(Ordering::Relaxed), 0);
    // The canary lives: somebody who is allowed to reaches it.
    let rules = OutboundSettings {
        allowed_networks: vec![String::from("127.0.0.0/8"), String::from("::1/128")],
        ..Default::default()
    };
    for (count, host) in ["127.0.0.1", "0x7f.1", "[::1]", "name.example"].into_iter().enumerate() {
        let url = format!("https://{host}:{}/", canary.port);
        let fault = internet.call(&rules, &url, get(10)).await.expect_err(&url);
        assert!(matches!(fault, CallFault::Failed(_)), "{url}: {fault}");
        assert_eq!(canary.hits.load(Ordering::Relaxed), count + 1, "{url}");
    }
}

#[tokio::test]
async fn what_is_no_https_url_is_not_called() {
    let internet = internet(|_| panic!("nobody asks"));
    for url in [
        "",
        "x",
        "//shop.example.com/",
        "http://shop.example.com/",
        "ftp://shop.example.com/",
        "file:///etc/passwd",
        "unix:/run/docker.sock",
        "gopher://127.0.0.1:70/_x",
        "data:text/plain,x",
        "https://",
        "https://user@shop.example.com/",
        "https://user:password@shop.example.com/",
        "https://:password@shop.example.com/",
        "https://shop.example.com/#fragment",
        "https://shop.example.com:0/",
        "https://shop.example.com:65536/",
        "https://shop.example.com./",
        "https://shop..example.com:x/",
        "https://shop example.com/",
        "https://shop\u{0}.example.com/",
        "https://[::1",
    ] {
        let fault = internet.call(&OutboundSettings::default(), url, get(10)).await;
        assert!(matches!(fault, Err(CallFault::Forbidden(_))), "{url}: {fault:?}");
    }
}

#[tokio::test]
async fn a_name_is_called_where_the_rules_say_so() {
    let canary = Canary::start().await;
    let internet = internet(|name| match name {
        "inside.example" => vec![IpAddr::from(Ipv4Addr::LOCALHOST)],
        "public.example" => vec![IpAddr::from([1, 1, 1, 1])],
        "mixed.example" => vec![IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([1, 1, 1, 1])],
        _ => panic!("{name} was looked up"),
    });
    let rules = |hosts: &[&str], networks: &[&str], ports: &[u16]| OutboundSettings {
        allowed_hosts: hosts.iter().map(|it| String::from(*it)).collect(),
        allowed_networks: networks.iter().map(|it| String::from(*it)).collect(),
        allowed_ports: ports.to_vec(),
        ..OutboundSettings::default()
    };
    let home = ["127.0.0.0/8"];
    let port = canary.port;
    for (rules, name, why) in [
        (rules(&[], &[], &[port]), "inside.example", "a private address"),
        (rules(&[], &["127.0.0.2/32"], &[port]), "inside.example", "a private address"),
        (rules(&["inside.example"], &[], &[port]), "inside.example", "a private address"),
        (rules(&["other.example"], &home, &[]), "inside.example", "allowedHosts"),
        (rules(&["*.inside.example"], &home, &[]), "inside.example", "allowedHosts"),
        (rules(&["*.example"], &home, &[]), "insideexample", "allowedHosts"),
        (rules(&["inside.example"], &home, &[]), "127.0.0.1", "allowedHosts"),
        (rules(&[], &home, &[]), "public.example", "allowedPorts"),
        (rules(&[], &home, &[]), "mixed.example", "allowedPorts"),
        (rules(&[], &[], &[port]), "mixed.example", "a private address"),
    ] {
        let url = format!("https://{name}:{port}/");
        match internet.call(&rules, &url, get(10)).await {
            Err(CallFault::Forbidden(words)) => assert!(words.contains(why), "{url}: {words}"),
            other => panic!("{url} under {rules:?}: {other:?}"),
        }
    }
    assert_eq!(canary.hits.load(Ordering::Relaxed), 0);
    let mut count = 0;
    for hosts in [&[][..], &["inside.example"], &["INSIDE.example"], &["x.example", "*.example"]] {
        let url = format!("https://inside.example:{port}/");
        let reply = internet.call(&rules(hosts, &home, &[]), &url, get(10)).await;
        assert!(matches!(reply, Err(CallFault::Failed(_))), "{hosts:?}: {reply:?}");
        count += 1;
        assert_eq!(canary.hits.load(Ordering::Relaxed), count, "{hosts:?}");
    }
}
