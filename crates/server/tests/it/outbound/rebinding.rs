//! Names that change their minds (T-75).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::{CallFault, Outbound};
use tokio::net::TcpListener;

use super::{get, internet};
use crate::receiver::{Behaviour, Identity, Receiver};

const TRIES: usize = 10_000;
/// Stands for what may be called.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const INSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Two receivers on one port, and rules that allow the one outside.
async fn receivers() -> (Receiver, Receiver, OutboundSettings) {
    let outside = TcpListener::bind((OUTSIDE, 0)).await.unwrap();
    let port = outside.local_addr().unwrap().port();
    let inside = TcpListener::bind((INSIDE, port)).await.unwrap();
    // A conversation that ends at once: what counts is who is connected to.
    let start = |listener| Receiver::start_on(listener, Identity::Right, Behaviour::Plain);
    let rules = OutboundSettings {
        allowed_networks: vec![format!("{OUTSIDE}/32")],
        ..OutboundSettings::default()
    };
    (start(outside), start(inside), rules)
}

#[tokio::test]
async fn a_name_that_alternates_is_called_only_where_it_was_checked() {
    let (outside, inside, rules) = receivers().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let internet = internet(move |_| {
        let count = counter.fetch_add(1, Ordering::Relaxed);
        vec![IpAddr::from(if count.is_multiple_of(2) { OUTSIDE } else { INSIDE })]
    });
    let url = format!("https://rebinding.example:{}/", outside.address.port());
    for count in 0..TRIES {
        let fault = internet.call(&rules, &url, get(10)).await.unwrap_err();
        match fault {
            CallFault::Failed(_) => assert_eq!(count % 2, 0),
            CallFault::Forbidden(_) => assert_eq!(count % 2, 1),
            CallFault::TimedOut => panic!("nothing here takes long"),
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), TRIES, "each call asks once");
    assert_eq!((outside.connections(), inside.connections()), (TRIES / 2, 0));
}

#[tokio::test]
async fn one_forbidden_address_among_others_spoils_them_all() {
    let (outside, inside, rules) = receivers().await;
    let url = format!("https://mixed.example:{}/", outside.address.port());
    for addresses in [[OUTSIDE, INSIDE], [INSIDE, OUTSIDE]] {
        let internet = internet(move |_| addresses.map(IpAddr::from).to_vec());
        let fault = internet.call(&rules, &url, get(10)).await.unwrap_err();
        assert_eq!(fault, CallFault::Forbidden("it is a private address"));
    }
    assert_eq!((outside.connections(), inside.connections()), (0, 0));
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let (outside, _, _) = receivers().await;
    let rules = OutboundSettings {
        allowed_networks: vec![String::from("127.0.0.0/8"), String::from("::1/128")],
        ..OutboundSettings::default()
    };
    let url = format!("https://several.example:{}/", outside.address.port());
    let nobody = ["127.0.0.3", "::1"].map(|text| text.parse::<IpAddr>().unwrap());
    let internet = internet(move |_| nobody.into_iter().chain([IpAddr::from(OUTSIDE)]).collect());
    internet.call(&rules, &url, get(10)).await.unwrap_err();
    assert_eq!(outside.connections(), 1);
}
