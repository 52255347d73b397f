//! `assent ask` with all that a request can say: details, numbers, codes, contexts, resources.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::support::{Demo, assent, fails_with, path, run, spawn, stderr, stdout};

const DETAILS: &str = r#"[{"type":"payment_initiation","creditorName":"Merchant A",
    "instructedAmount":{"currency":"EUR","amount":"123.50"}}]"#;
const PAYMENTS: &str = "https://payments.example.com";
/// What the demo's people tell the Helpline.
const CODE: &str = "8421";

fn alice<'a>(demo: &'a Demo, rest: &[&'a str]) -> Vec<&'a str> {
    [&["ask", "--env-file", demo.env_file(), "--login-hint", "alice", "--json"], rest].concat()
}

fn response(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&assent_jose::base64url_decode(payload).unwrap()).unwrap()
}

#[test]
fn details_contexts_and_resources_reach_the_person_and_the_tokens() {
    let demo = Demo::start();
    let file = path(demo.home(), "details.json");
    std::fs::write(&file, DETAILS).unwrap();
    let expected: Value = serde_json::from_str(DETAILS).unwrap();
    for details in [DETAILS, &file] {
        let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "1"]);
        let rest = ["--mode", "wait", "--scope", "openid payments:read", "--details", details];
        let acr = "urn:example:acr:hardware urn:assent:acr:device";
        let more = ["--acr-values", acr, "--resource", PAYMENTS];
        let response = response(&run(&alice(&demo, &[&rest[..], &more].concat())));
        assert_eq!(response["authorization_details"], expected);
        assert_eq!(claims(&response["access_token"])["aud"], json!([PAYMENTS]));
        assert_eq!(claims(&response["id_token"])["acr"], "urn:assent:acr:device");
        assert!(phone.wait_with_output().unwrap().status.success());
    }
    let elsewhere = ["--resource", PAYMENTS, "--resource", "https://elsewhere.example.com"];
    fails_with(&alice(&demo, &elsewhere), "invalid_target: ");
    let unknown = ["--details", "[{\"type\":\"unknown\"}]"];
    fails_with(&alice(&demo, &unknown), "invalid_authorization_details: ");
    fails_with(&alice(&demo, &["--details", "[1"]), "--details is not a JSON array");
    fails_with(&alice(&demo, &["--details", "nowhere.json"]), "cannot read the --details nowhere");
}

#[test]
fn the_number_to_compare_is_told_and_answers_the_device() {
    let demo = Demo::start();
    let mut asking = spawn(&alice(&demo, &["--app", "number", "--mode", "wait"]));
    let mut told = BufReader::new(asking.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = told.next().unwrap();
    let number = first.strip_prefix("The number to compare on the other device: ").unwrap();
    assert!(number.len() == 2 && number.bytes().all(|it| it.is_ascii_digit()), "{first}");
    assert_eq!(told.next().unwrap(), "waiting for alice, at most 120 s");
    let list = run(&["phone", "list", "--env-file", demo.env_file(), "--json"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    let id = list[0]["id"].as_str().unwrap();
    let base = format!("{}/{}", demo.value("authPath"), demo.value("envID"));
    let bearer = format!("Bearer {}", demo.value("aliceDeviceToken"));
    let answered = ureq::post(format!("{base}/device/requests/{id}/approve"))
        .header("authorization", bearer)
        .header("content-type", "application/json")
        .send(json!({ "number": number }).to_string())
        .unwrap();
    assert_eq!(answered.status(), 200);
    assert_eq!(told.next().unwrap(), "Approved.");
    assert_eq!(asking.wait_with_output().unwrap().status.code(), Some(0));
}

/// Asks with a code that `standard_input` or the variable has.
fn ask_with_code(demo: &Demo, variable: Option<&str>, standard_input: &str) -> Output {
    let mut command = assent(&alice(demo, &["--app", "code", "--user-code", "--mode", "wait"]));
    if let Some(code) = variable {
        command.env("ASSENT_USER_CODE", code);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asking = command.spawn().unwrap();
    // It may not wait for what it does not need.
    let _ = asking.stdin.take().unwrap().write_all(standard_input.as_bytes());
    asking.wait_with_output().unwrap()
}

#[test]
fn a_user_code_comes_from_the_environment_or_standard_input() {
    let demo = Demo::start();
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "2"]);
    let line = format!("{CODE}\n");
    for (variable, standard_input) in [(Some(CODE), ""), (None, line.as_str())] {
        let output = ask_with_code(&demo, variable, standard_input);
        assert_eq!(response(&output)["token_type"], "Bearer");
        assert!(!stderr(&output).contains(CODE));
    }
    assert!(phone.wait_with_output().unwrap().status.success());
    for (variable, standard_input, words) in [
        (Some("0000"), line.as_str(), "invalid_user_code: "),
        (None, "0000\n", "invalid_user_code: "),
        (None, "\n", "--user-code needs a code"),
        (None, "", "--user-code needs a code"),
    ] {
        let output = ask_with_code(&demo, variable, standard_input);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    fails_with(&alice(&demo, &["--app", "code"]), "missing_user_code: ");
}

/// `assent ask` on a terminal of ours, where `keys` are typed once it asks; what the terminal
/// showed, and how it ended.
fn typed(demo: &Demo, keys: &str) -> (String, Output) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = File::options().read(true).write(true).open(name).unwrap();
    let mut command = assent(&alice(demo, &["--app", "code", "--user-code", "--mode", "wait"]));
    command.stdin(theirs.try_clone().unwrap()).stderr(theirs).stdout(Stdio::piped());
    let asking = command.spawn().unwrap();
    // Only the process holds the other end now; when it ends, reading does.
    drop(command);
    let mut ours = File::from(ours);
    let mut shown = Vec::new();
    let mut is_typed = false;
    let mut octet = [0];
    while ours.read(&mut octet).is_ok_and(|count| count > 0) {
        shown.push(octet[0]);
        if !is_typed && shown.ends_with(b"told you: ") {
            ours.write_all(keys.as_bytes()).unwrap();
            is_typed = true;
        }
    }
    (String::from_utf8(shown).unwrap(), asking.wait_with_output().unwrap())
}

#[test]
fn a_user_code_is_typed_unseen() {
    let demo = Demo::start();
    let phone = spawn(&["phone", "--env-file", demo.env_file(), "--approve", "--count", "1"]);
    let (shown, output) = typed(&demo, &format!("{CODE}9\u{7f}\r"));
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("Approved.") && !shown.contains(CODE), "{shown}");
    assert!(phone.wait_with_output().unwrap().status.success());
    let (shown, output) = typed(&demo, "84\u{3}");
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("--user-code needs a code") && !shown.contains("84"), "{shown}");
}
