//! Applications that are called back, at receivers that take what they are sent and at others.

use serde_json::{Value, json};

use crate::receiver::{Behaviour, Receiver};
use crate::secrets::world::{World, text, tokens};
use crate::secrets::{Hidden, KEPT};

/// Pings and pushes that arrive, that are tried again, and that are given up.
pub fn exercise(world: &World) -> Vec<Hidden> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let mut secrets = Vec::new();
    for (mode, status) in
        [("PING", 204), ("PING", 503), ("PING", 403), ("PUSH", 200), ("PUSH", 500), ("PUSH", 401)]
    {
        let what = format!("{mode} answered {status}");
        let receiver = runtime.block_on(Receiver::start(Behaviour::status(status)));
        trust(world, &receiver);
        let endpoint = format!("{}/{KEPT}-path", receiver.url);
        let ciba = json!({ "deliveryMode": mode, "notificationEndpoint": endpoint });
        let app = world.register(&what, &ciba);
        let token = format!("CANARY-{mode}-{status}-notification-token");
        let scope = "openid offline_access";
        let id = world.start(&app, &[("scope", scope), ("client_notification_token", &token)]);
        world.allow(&id);
        let came = runtime.block_on(receiver.received_of(1));
        assert_eq!(came[0].header("authorization"), Some(format!("Bearer {token}").as_str()));
        let body: Value = serde_json::from_str(&came[0].body).unwrap();
        assert_eq!(text(&body, "auth_req_id"), id);
        let issued = if mode == "PUSH" { body } else { world.poll(&app, &id) };
        secrets.extend(tokens(&what, &issued));
        for (name, value) in [("auth_req_id", &id), ("token", &token), ("secret", &app.1)] {
            secrets.push(Hidden::new(&format!("{what} {name}"), value));
        }
    }
    given_up(world, &secrets);
    secrets
}

/// What administrators see of what did not arrive.
fn given_up(world: &World, secrets: &[Hidden]) {
    let list = world.client.manage("GET", "/notifications", &Value::Null).to_string();
    assert!(list.contains("DEAD"), "{list}");
    for secret in secrets {
        assert!(!secret.is_in(list.as_bytes()), "{list} tells the {}", secret.what);
    }
    assert!(!list.contains("CANARY"), "{list}");
}

fn trust(world: &World, receiver: &Receiver) {
    world.change("", |it| {
        it["outbound"] = json!({ "allowedNetworks": ["127.0.0.0/8"],
            "trustedCertificates": receiver.pem });
    });
}
