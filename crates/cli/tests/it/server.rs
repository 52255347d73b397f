//! `assent serve` and `assent demo` as processes on one address, one after the other.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::client::{Client, values};
use crate::support::{assent, path};

/// An address that was free.
pub fn address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A running server; ends with the test.
pub struct Server {
    process: Child,
    values: HashMap<String, String>,
}

impl Server {
    /// The demo, whose data is in `home/data`.
    pub fn demo(home: &Path, listen: &str) -> Self {
        let (data, env_file) = (path(home, "data"), path(home, "env"));
        let args = ["demo", "--listen", listen, "--data", &data, "--env-file", &env_file];
        let mut process =
            assent(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("Metadata:")));
        answers(listen);
        Self { process, values: values(Path::new(&env_file)) }
    }

    /// A server at the place of the demo, on another store, with the demo's master key.
    pub fn serve(home: &Path, listen: &str, store: &str) -> Self {
        Self::serve_with(home, listen, store, &[])
    }

    /// The same with more settings.
    pub fn serve_with(home: &Path, listen: &str, store: &str, settings: &[&str]) -> Self {
        let (auth_path, key) = (format!("http://{listen}"), path(home, "data/master.key"));
        let args = ["serve", "--listen", listen, "--auth-path", &auth_path, "--store-url", store];
        let more = ["--master-key-file", &key, "--simulator", "--drain-notice", "0"];
        let mut process = assent(&[&args[..], &more[..], settings].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("serving")), "it does not start");
        // Its log goes on; nobody needs it, but it must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        answers(listen);
        Self { process, values: values(&home.join("env")) }
    }

    /// Everybody who talks to it.
    pub fn client(&self) -> Client {
        Client::new(&self.values)
    }

    pub fn value(&self, name: &str) -> &str {
        &self.values[name]
    }

    /// Asks it to stop, and waits for that.
    pub fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until it answers: from then on it also listens to signals.
fn answers(listen: &str) {
    assert_eq!(ureq::get(format!("http://{listen}/healthz")).call().unwrap().status(), 200);
}

#[test]
fn numbers_are_shown_apart_from_clients() {
    let home = tempfile::tempdir().unwrap();
    let (listen, metrics) = (address(), address());
    Server::demo(home.path(), &listen).stop();
    let store = format!("sqlite:{}", path(home.path(), "data"));
    let server = Server::serve_with(home.path(), &listen, &store, &["--metrics", &metrics]);
    let get = |address: &str| ureq::get(format!("http://{address}/metrics")).call();
    let shown = get(&metrics).unwrap().body_mut().read_to_string().unwrap();
    assert!(shown.contains("\nassent_draining 0\n"), "{shown}");
    assert!(matches!(get(&listen), Err(ureq::Error::StatusCode(404))));
    server.stop();
}
