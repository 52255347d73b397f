//! The outcome is held for, told of, or sent: server, application and device as three processes.

use std::io::{BufRead, BufReader};
use std::sync::Arc;

use serde_json::Value;
use ureq::tls::TlsConfig;

use crate::support::{Demo, fails_with, run, spawn, stderr, stdout};

fn asked<'a>(demo: &'a Demo, mode: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["ask", "--env-file", demo.env_file(), "--mode", mode], rest].concat()
}

#[test]
fn an_outcome_comes_in_every_mode() {
    let demo = Demo::start();
    for (mode, told) in [
        ("poll", ""),
        ("wait", ""),
        ("ping", "Pinged; asking for the outcome.\n"),
        ("push", "The outcome was pushed.\n"),
    ] {
        let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "1"]);
        let output = run(&asked(&demo, mode, &["--login-hint", "alice", "--json"]));
        assert_eq!(output.status.code(), Some(0), "{mode}: {}", stderr(&output));
        let expected = format!("waiting for alice, at most 120 s\n{told}Approved.\n");
        assert_eq!(stderr(&output), expected, "{mode}");
        let response: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(response["token_type"], "Bearer", "{mode}");
        assert_eq!(response["id_token"].as_str().unwrap().split('.').count(), 3);
        assert_eq!(response.get("auth_req_id").is_some(), mode == "push");
        assert!(phone.wait_with_output().unwrap().status.success());
    }
}

#[test]
fn a_no_and_a_silence_come_in_every_mode() {
    let demo = Demo::start();
    for mode in ["wait", "ping", "push"] {
        let phone = spawn(&["phone", "--env-file", demo.env_file(), "--deny", "--count", "1"]);
        let denied = run(&asked(&demo, mode, &["--login-hint", "alice"]));
        assert_eq!(denied.status.code(), Some(3), "{mode}: {}", stderr(&denied));
        assert_eq!(stdout(&denied), "");
        assert!(stderr(&denied).ends_with("Denied.\n"), "{mode}: {}", stderr(&denied));
        assert!(phone.wait_with_output().unwrap().status.success());

        let expired = run(&asked(&demo, mode, &["--login-hint", "bob", "--expiry", "1"]));
        assert_eq!(expired.status.code(), Some(4), "{mode}: {}", stderr(&expired));
        assert!(stderr(&expired).ends_with("Expired: nobody answered in time.\n"), "{mode}");
    }
}

#[test]
fn a_call_without_our_token_is_refused_and_told() {
    let demo = Demo::start();
    let mut asking = spawn(&asked(&demo, "push", &["--login-hint", "alice"]));
    let mut told = BufReader::new(asking.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(told.next().unwrap(), "waiting for alice, at most 120 s");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        // The stranger does not care whom it talks to.
        .disable_verification(true)
        .build();
    let config = ureq::Agent::config_builder().http_status_as_error(false).tls_config(tls);
    let stranger = config.build().new_agent();
    let endpoint = demo.value("notificationEndpoint");
    for (bearer, status) in [("Bearer guessed", 401), ("", 401)] {
        let request = stranger.post(&endpoint).header("Authorization", bearer);
        let answer = request.send("{\"auth_req_id\":\"x\",\"access_token\":\"y\"}").unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(told.next().unwrap(), "A call was refused: it does not carry our token.");
    }
    // What comes from the server still counts.
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "1"]);
    assert_eq!(told.next().unwrap(), "The outcome was pushed.");
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(0));
    assert!(phone.wait_with_output().unwrap().status.success());
}

#[test]
fn what_is_missing_to_catch_is_named() {
    let demo = Demo::start();
    let bare = ["ask", "--url", "http://127.0.0.1:1", "--env", "x", "--client-id", "x"];
    let bare = [&bare[..], &["--client-secret", "x", "--login-hint", "alice", "--mode"]].concat();
    fails_with(&[&bare[..], &["ping"]].concat(), "say where to catch notifications: --catch");
    let address = ["push", "--catch", "127.0.0.1:0"];
    fails_with(&[&bare[..], &address].concat(), "needs --catch-cert");
    let (cert, key) = (demo.value("catcherCertFile"), demo.value("catcherKeyFile"));
    let swapped = ["--catch-cert", &key, "--catch-key", &cert];
    fails_with(&[&bare[..], &address, &swapped].concat(), "holds no PEM certificate");
    // An application that polls is not registered to be told.
    let other = ["--login-hint", "alice", "--app", "basic", "--expiry", "1"];
    let expired = run(&asked(&demo, "ping", &other));
    assert_eq!(expired.status.code(), Some(4), "{}", stderr(&expired));
    assert!(stderr(&expired).contains("No ping came; asking for the outcome."));
    fails_with(&["demo", "--catch", "192.0.2.1:9443"], "on a loopback address only");
}
