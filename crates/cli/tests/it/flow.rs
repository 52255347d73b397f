//! A person is asked and answers: server, application and device as three processes.

use std::process::Output;

use serde_json::Value;

use crate::support::{Demo, fails_with, run, spawn, stderr, stdout};

fn ask(demo: &Demo, rest: &[&str]) -> Output {
    run(&[&["ask", "--env-file", demo.env_file()], rest].concat())
}

fn assert_nothing_secret(demo: &Demo, told: &str, issued: &[&str]) {
    let secrets = ["appSecret", "adminToken", "aliceDeviceToken", "appID"];
    for secret in secrets.map(|name| demo.value(name)) {
        assert!(!told.contains(&secret), "{told}");
    }
    for secret in issued {
        assert!(!secret.is_empty() && !told.contains(secret), "{told}");
    }
}

#[test]
fn every_way_to_authenticate_reaches_the_person_and_gets_tokens() {
    let demo = Demo::start();
    let apps = ["basic", "post", "secret-jwt", "private-key", "rsa-key"];
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "5"]);
    let asking = apps.map(|app| {
        let file = demo.env_file();
        let scope = "openid payments:write";
        let hint = ["--login-hint", "alice", "--message", "PAY-4711", "--scope", scope];
        spawn(&[&["ask", "--env-file", file, "--app", app, "--json"], &hint[..]].concat())
    });
    for (app, asking) in apps.into_iter().zip(asking) {
        let output = asking.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{app}: {}", stderr(&output));
        let response: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(response["token_type"], "Bearer");
        assert_eq!(response["scope"], "openid payments:write");
        let issued = [response["access_token"].as_str(), response["id_token"].as_str()];
        assert_nothing_secret(&demo, &stderr(&output), &issued.map(Option::unwrap_or_default));
        assert_eq!(stderr(&output), "waiting for alice, at most 120 s\nApproved.\n");
    }
    let phone = phone.wait_with_output().unwrap();
    assert_eq!(phone.status.code(), Some(0));
    assert_eq!(stdout(&phone).matches("approved: ").count(), 5);
    assert!(stdout(&phone).contains("approved: Corner Shop, PAY-4711\n"));
    assert_nothing_secret(&demo, &stderr(&phone), &[]);
}

#[test]
fn tokens_are_shown_decoded() {
    let demo = Demo::start();
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "1"]);
    let output = ask(&demo, &["--login-hint", "alice"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let issuer = format!("{}/{}/as", demo.value("authPath"), demo.value("envID"));
    for token in ["access_token", "id_token"] {
        assert_eq!(shown[token]["header"]["alg"], "RS256");
        assert_eq!(shown[token]["claims"]["iss"], issuer);
    }
    assert_eq!(shown["id_token"]["claims"]["aud"], demo.value("appID"));
    assert!(phone.wait_with_output().unwrap().status.success());
}

#[test]
fn the_exit_status_says_what_the_person_said() {
    let demo = Demo::start();
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--deny", "--count", "1"]);
    let denied = ask(&demo, &["--login-hint", "alice"]);
    assert_eq!(denied.status.code(), Some(3), "{}", stderr(&denied));
    assert_eq!(stdout(&denied), "");
    assert!(stderr(&denied).ends_with("Denied.\n"));
    assert!(phone.wait_with_output().unwrap().status.success());

    let expired = ask(&demo, &["--login-hint", "bob", "--expiry", "1"]);
    assert_eq!(expired.status.code(), Some(4), "{}", stderr(&expired));
    assert!(stderr(&expired).ends_with("Expired: nobody answered in time.\n"));

    let file = demo.env_file();
    let ask = ["ask", "--env-file", file, "--login-hint"];
    fails_with(&[&ask[..], &["mallory"]].concat(), "unknown_user_id");
    fails_with(&[&ask[..], &["alice", "--scope", "payments:read"]].concat(), "invalid_scope");
    let wrong = ["alice", "--client-secret", "wrong", "--client-id", &demo.value("appID")];
    fails_with(&[&ask[..], &wrong[..]].concat(), "invalid_client");
    let elsewhere = ["alice", "--env", "0197a000-0000-7000-8000-000000000000"];
    fails_with(&[&ask[..], &elsewhere[..]].concat(), "there is no such environment");
}

#[test]
fn the_phone_lists_what_waits() {
    let demo = Demo::start();
    let file = demo.env_file();
    let phone = ["phone", "list", "--env-file", file, "--as", "bob"];
    let empty = run(&phone);
    assert_eq!((stdout(&empty).as_str(), stderr(&empty).as_str()), ("", "Nothing waits.\n"));
    // Nobody answers Bob's: it stays for as long as it may.
    let mut asking = spawn(&["ask", "--env-file", file, "--login-hint", "bob", "--message", "A1"]);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(asking.stderr.take().unwrap()));
    assert_eq!(lines.next().unwrap().unwrap(), "waiting for bob, at most 120 s");
    let shown = run(&phone);
    let table = stdout(&shown);
    let row = table.lines().nth(1).unwrap();
    assert!(row.contains("Corner Shop  openid  A1"), "{table}");
    let json = run(&[&phone[..], &["--json"]].concat());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json[0]["bindingMessage"], "A1");
    assert_eq!(json[0]["application"]["name"], "Corner Shop");
    asking.kill().unwrap();
    asking.wait().unwrap();

    fails_with(&[&phone[..], &["--token", "dvc_wrong"]].concat(), "does not accept this device");
    let watch = ["phone", "--env-file", file, "--approve", "--token", "dvc_wrong"];
    fails_with(&watch, "does not accept this device");
    fails_with(&["phone", "pair", "--env-file", file, "--code", "AAAA-BBBB"], "The code is wrong");
}

#[test]
fn a_phone_is_paired_with_a_one_time_code() {
    let demo = Demo::start();
    let file = demo.env_file();
    let page = demo.value("alicePage");
    let (_, code) = page.split_once("code=").unwrap();
    let pair = ["phone", "pair", "--env-file", file, "--code", code];
    let paired = run(&pair);
    let printed = stdout(&paired);
    let token = printed.trim_end().strip_prefix("ASSENT_DEVICE_TOKEN=").unwrap();
    assert!(token.starts_with("dvc_") && !stderr(&paired).contains(token), "{printed}");
    let list = run(&["phone", "list", "--env-file", file, "--token", token]);
    assert_eq!((list.status.code(), stderr(&list).as_str()), (Some(0), "Nothing waits.\n"));
    fails_with(&pair, "The code is wrong, expired or was already used");
}

#[test]
fn a_server_drains_when_asked_to_stop() {
    let demo = Demo::start();
    let mut phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve"]);
    let mut told = std::io::BufRead::lines(std::io::BufReader::new(phone.stderr.take().unwrap()));
    assert!(told.next().unwrap().unwrap().starts_with("Connected"));
    let started = std::time::Instant::now();
    assert_eq!(demo.terminate(), Some(0));
    // An open stream of events does not hold it up.
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    assert!(told.next().unwrap().unwrap().contains("trying again in 1 s"));
    phone.kill().unwrap();
    phone.wait().unwrap();
}
