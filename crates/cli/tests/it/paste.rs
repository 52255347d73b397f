//! What the demo gives people to paste and to import works as it stands.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{assent, path};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A demo and what it printed; ends with the test.
struct Demo {
    process: Child,
    printed: Vec<String>,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let args = ["demo", "--listen", "127.0.0.1:0", "--catch", "127.0.0.1:0"];
        let mut process = assent(&[&args[..], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut printed = Vec::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap) {
            let is_last = line.starts_with("Metadata:");
            printed.push(line);
            if is_last {
                break;
            }
        }
        Self { process, printed }
    }

    /// The commands below the line that begins so.
    fn commands(&self, heading: &str) -> String {
        let mut below = self.printed.iter().skip_while(|line| !line.starts_with(heading));
        assert!(below.next().is_some(), "{heading}");
        below
            .take_while(|line| line.starts_with(' '))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    fn paste(&self, headings: &[&str]) -> String {
        let script: String = headings.iter().map(|heading| self.commands(heading)).collect();
        let output = Command::new("bash").args(["-euc", &script]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        String::from_utf8(output.stdout).unwrap() + &told
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_printed_commands_run_as_they_stand() {
    let demo = Demo::start(&[]);
    let shown = demo.paste(&["1. ", "2. ", "3. ", "4. "]);
    for expected in [
        "\"auth_req_id\":\"",
        "\"status\":\"APPROVED\"",
        "\"access_token\":\"",
        "\"active\":true",
        "{\"sub\":\"",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("\"error\""), "{shown}");
    let heard = demo.paste(&["1. ", "Or take the question back", "3. "]);
    assert!(heard.contains("\"error\":\"invalid_grant\""), "{heard}");
}

#[test]
fn the_postman_environment_is_ready_to_send() {
    let home = tempfile::tempdir().unwrap();
    let file = path(home.path(), "postman.json");
    let _demo = Demo::start(&["--postman", &file]);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let value = |name: &str| {
        let values = document["values"].as_array().unwrap();
        let found = values.iter().find(|it| it["key"] == name).unwrap_or_else(|| panic!("{name}"));
        found["value"].as_str().unwrap().to_owned()
    };
    for filled_later in ["cibaAuthID", "cibaAccessToken", "cibaRefreshToken"] {
        assert_eq!(value(filled_later), "");
    }
    let base = format!("{}/{}", value("authPath"), value("envID"));
    let post = |endpoint: &str, form: &[(&str, &str)], prefer: &str| -> Value {
        let request = ureq::post(format!("{base}/{endpoint}")).header("prefer", prefer);
        let mut answer = request.send_form(form.iter().copied()).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap_or_default()
    };
    let (details, hint) = (value("authorizationDetails"), value("cibaHint"));
    let plain = [("scope", "openid"), ("login_hint", &hint), ("authorization_details", &details)];
    let request = value("signedRequest");
    for (jwt, asked) in [
        (value("clientSecretJWT"), &plain[..]),
        (value("privateKeyJWT"), &[("request", request.as_str())]),
    ] {
        let client = [("client_assertion_type", JWT_BEARER), ("client_assertion", jwt.as_str())];
        let started = post("as/cibaAuthorization", &[&client, asked].concat(), "");
        let id = started["auth_req_id"].as_str().unwrap();
        post(&format!("simulator/answer?auth_req_id={id}&action=allow"), &[], "");
        let grant = [("grant_type", "urn:openid:params:grant-type:ciba"), ("auth_req_id", id)];
        let wait = format!("wait={}", value("longPollSeconds"));
        let tokens = post("as/token", &[client, grant].concat(), &wait);
        assert_eq!(tokens["token_type"], "Bearer", "{tokens}");
    }
}
