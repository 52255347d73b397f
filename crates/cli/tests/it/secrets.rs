//! Secrets and tokens reach neither the log, at its most talkative, nor the database (T-86).

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{assent, path};

const CIBA: &str = "urn:openid:params:grant-type:ciba";

struct Demo {
    child: std::process::Child,
    values: Vec<(String, String)>,
    agent: ureq::Agent,
}

impl Demo {
    fn value(&self, name: &str) -> &str {
        &self.values.iter().find(|(key, _)| key == name).unwrap().1
    }

    fn post(&self, path: &str, form: &[(&str, &str)], bearer: Option<&str>) -> Value {
        let url = format!("{}/{}{path}", self.value("authPath"), self.value("envID"));
        let mut request = self.agent.post(url);
        if let Some(bearer) = bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let mut answer = request.send_form(form.iter().copied()).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default()
    }
}

/// Every flow once, failures included; answers the secrets that came up.
fn exercise(demo: &Demo) -> Vec<String> {
    let (id, secret) = (demo.value("postAppID"), demo.value("postAppSecret"));
    let client = [("client_id", id), ("client_secret", secret)];
    let with = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
        let all = client.iter().chain(more);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let send = |path: &str, form: Vec<(String, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        demo.post(path, &form, None)
    };
    let start = with(&[
        ("scope", "openid offline_access"),
        ("login_hint", "alice"),
        ("binding_message", "CANARY-message"),
    ]);
    let started = send("/as/cibaAuthorization", start);
    let auth_req_id = started["auth_req_id"].as_str().unwrap().to_owned();
    let poll = || send("/as/token", with(&[("grant_type", CIBA), ("auth_req_id", &auth_req_id)]));
    assert_eq!(poll()["error"], "authorization_pending");
    demo.post(&format!("/simulator/answer?auth_req_id={auth_req_id}&action=allow"), &[], None);
    let tokens = poll();
    let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    let refresh = || {
        send(
            "/as/token",
            with(&[("grant_type", "refresh_token"), ("refresh_token", &refresh_token)]),
        )
    };
    let renewed = refresh();
    assert_eq!(refresh()["error"], "invalid_grant");
    // Failures of all sorts, each presenting something secret.
    demo.post("/as/token", &[("client_id", id), ("client_secret", "CANARY-wrong-secret")], None);
    demo.post(
        "/as/token",
        &[("client_assertion", "CANARY.wrong.jwt"), ("client_assertion_type", "x")],
        None,
    );
    send("/as/cibaAuthorization", with(&[("scope", "openid"), ("login_hint", "CANARY-hint")]));
    send("/as/cibaAuthorization", with(&[("scope", "openid"), ("id_token_hint", "CANARY.a.b")]));
    demo.post("/device/requests/x/approve", &[], Some("CANARY-device"));
    demo.post("/device/requests/x/approve", &[], Some(demo.value("aliceDeviceToken")));
    let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
    let mut secrets = vec![auth_req_id, refresh_token, String::from("CANARY")];
    secrets.extend(["access_token", "id_token"].map(|name| text(&tokens, name)));
    secrets.extend(["access_token", "id_token", "refresh_token"].map(|name| text(&renewed, name)));
    let given = [
        "adminToken",
        "appSecret",
        "postAppSecret",
        "secretJwtAppSecret",
        "aliceDeviceToken",
        "bobDeviceToken",
    ];
    secrets.extend(given.map(|name| demo.value(name).to_owned()));
    let link = demo.value("alicePage");
    secrets.push(link.split("code=").nth(1).unwrap().to_owned());
    secrets
}

#[test]
fn neither_log_nor_database_tells_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let (env_file, data, log) =
        (path(home.path(), "env"), path(home.path(), "data"), path(home.path(), "log"));
    let args = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--data",
        &data,
        "--env-file",
        &env_file,
        "--log",
        "trace",
    ];
    let mut child =
        assent(&args).stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("Metadata:")));
    let text = std::fs::read_to_string(&env_file).unwrap();
    let values = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.trim_matches('\'').to_owned()))
        .collect();
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut demo = Demo { child, values, agent };
    let secrets = exercise(&demo);
    let pid = demo.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    demo.child.wait().unwrap();

    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("RefreshTokenReused"), "the log was not written: {log}");
    let database = std::fs::read(path(home.path(), "data/assent.db")).unwrap();
    assert!(database.windows(6).any(|octets| octets == b"openid"), "the database was not read");
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "the log tells {secret}");
        // What a person reads on the device waits in the database; nothing else of a request does.
        if secret != "CANARY" {
            let found = database.windows(secret.len()).any(|octets| octets == secret.as_bytes());
            assert!(!found, "the database holds {secret}");
        }
    }
}
