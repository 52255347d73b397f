//! What a server that speaks TLS says of its keys, and of what is whispered to it.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{values, wait};
use crate::secrets::Hidden;
use crate::secrets::world::tokens;
use crate::server::address;
use crate::support::{assent, path, run, spawn, stderr};

#[test]
fn a_talkative_server_tells_neither_its_keys_nor_what_came_by_tls() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (data, env_file, listen, asking) =
        (path(home, "data"), path(home, "env"), address(), address());
    let args = ["demo", "--tls", "--listen", &listen, "--mtls-listen", &asking, "--data", &data];
    let more = ["--env-file", &env_file, "--catch", "127.0.0.1:0", "--log", "trace"];
    let mut demo = assent(&[&args[..], &more].concat())
        .stdout(Stdio::null())
        .stderr(File::create(home.join("log")).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !home.join("env").exists() {
        assert!(Instant::now() < deadline, "it does not start");
        wait(50);
    }
    let values = values(&home.join("env"));
    let given = ["--env-file", &env_file, "--ca-file", &values["tlsAuthorityFile"]];
    let phone = spawn(&[&["phone", "--approve", "--count", "1"][..], &given].concat());
    let asked = ["ask", "--login-hint", "alice", "--scope", "openid offline_access", "--json"];
    let answered = run(&[&asked[..], &given].concat());
    assert!(answered.status.success(), "{}", stderr(&answered));
    let body: Value = serde_json::from_slice(&answered.stdout).unwrap();
    assert!(phone.wait_with_output().unwrap().status.success());
    demo.kill().unwrap();
    demo.wait().unwrap();

    let log = fs::read(home.join("log")).unwrap();
    let mut secrets = tokens("whispered", &body);
    for name in ["tlsKeyFile", "clientKeyFile", "catcherKeyFile"] {
        let pem = fs::read_to_string(&values[name]).unwrap();
        let lines = pem.lines().filter(|line| !line.starts_with('-') && line.len() >= 40);
        secrets.extend(lines.map(|line| Hidden::new(name, line)));
    }
    assert!(secrets.len() > 6);
    for secret in &secrets {
        assert!(!secret.is_in(&log), "the log tells the {}: {}", secret.what, secret.value);
    }
}
