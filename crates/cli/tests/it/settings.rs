//! Bad settings end a command at once, with one line that says what to do.

use std::fs;

use crate::support::{fails_with, path};

const URL: &str = "https://auth.example.com";

#[test]
fn serve_refuses_bad_settings_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", path(home.path(), "data"));
    let file = |name: &str, content: &str| {
        fs::write(home.path().join(name), content).unwrap();
        path(home.path(), name)
    };
    let unknown = file("unknown.toml", "[server]\nauth_path = \"https://a\"\nport = 80\n");
    let not_toml = file("broken.toml", "[server\n");
    let days = file("days.toml", "[keys]\nrotation_days = 0\n");
    let short = file("short.key", "abcd\n");
    let table: [(&[&str], &str); 18] = [
        (&["--config", &unknown], "line 3: unknown field `port`"),
        (&["--config", &not_toml], "broken.toml line 1"),
        (&["--config", "/nowhere/assent.toml"], "cannot read the settings file"),
        (&["--auth-path", URL, "--store-url", &store, "--config", &days], "keys.rotation_days"),
        (&["--store-url", &store], "server.auth_path is missing"),
        (&["--auth-path", "auth.example.com", "--store-url", &store], "auth_path must be an http"),
        (&["--auth-path", "ftp://x", "--store-url", &store], "auth_path must be an http"),
        (&["--auth-path", "https://x?a", "--store-url", &store], "auth_path must be an http"),
        (
            &["--auth-path", URL, "--api-path", "x", "--store-url", &store],
            "api_path must be an http",
        ),
        (&["--auth-path", URL], "store.url is missing"),
        (
            &["--auth-path", URL, "--store-url", "mysql://u:hush@db/assent"],
            "store.url must be sqlite:DIRECTORY",
        ),
        (
            &["--auth-path", URL, "--store-url", "postgres://u:hu/sh@db/assent"],
            "store.url is ambiguous",
        ),
        (
            &["--auth-path", URL, "--store-url", "postgres://u:hush@db/assent"],
            "keys.master_key_file is missing: with PostgreSQL",
        ),
        (
            &["--auth-path", URL, "--store-url", &store, "--store-connections", "1"],
            "store.connections must be between 5 and 100",
        ),
        (
            &["--auth-path", URL, "--store-url", &store, "--simulator", "--listen", "0.0.0.0:1"],
            "it needs a loopback server.listen",
        ),
        (
            &["--auth-path", URL, "--store-url", &store, "--drain-notice", "61"],
            "server.drain_notice must be at most 60 seconds",
        ),
        (&["--auth-path", URL, "--store-url", &store], "`assent init` makes one"),
        (
            &["--auth-path", URL, "--store-url", &store, "--master-key-file", &short],
            "is not 64 hexadecimal digits",
        ),
    ];
    for (args, words) in table {
        fails_with(&[&["serve"], args].concat(), words);
    }
}

#[test]
fn the_demo_listens_on_loopback_only() {
    for listen in ["0.0.0.0:9400", "192.0.2.1:9400", "[::]:9400"] {
        fails_with(&["demo", "--listen", listen], "it listens on a loopback address only");
    }
}

#[test]
fn phone_and_ask_say_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let pem = path(home.path(), "key.pem");
    fs::write(&pem, "-----BEGIN RSA PRIVATE KEY-----\n").unwrap();
    let at = ["--url", "http://127.0.0.1:1", "--env", "e"];
    let ask = |rest: &[&'static str]| [&["ask", "--login-hint", "a"], rest].concat();
    let table: [(Vec<&str>, &str); 12] = [
        (vec!["phone", "list"], "say where the server is"),
        (vec!["phone", "list", "--url", "http://x"], "say which environment"),
        (vec!["phone", "list", "--url", "x", "--env", "e"], "--url must be an http or https URL"),
        (vec!["phone", "list", "--url", "http://x", "--env", "../e"], "--env must be the ID"),
        ([&["phone", "list"], &at[..]].concat(), "there is no credential for \"alice\""),
        ([&["phone"], &at[..]].concat(), "standard input is not a terminal"),
        ([&["phone", "list", "--token", "t"], &at[..]].concat(), "cannot reach http://127.0.0.1:1"),
        (ask(&["--env-file", "/nowhere/demo.env"]), "cannot read /nowhere/demo.env"),
        ([&ask(&[])[..], &at[..]].concat(), "say which application asks"),
        (
            [&ask(&["--client-id", "c"])[..], &at[..]].concat(),
            "say how the application authenticates",
        ),
        (
            [
                &ask(&["--client-id", "c", "--client-secret", "s", "--private-key", "k"])[..],
                &at[..],
            ]
            .concat(),
            "not both",
        ),
        (
            [
                &ask(&["--client-id", "c", "--kid", "k", "--alg", "RS256"])[..],
                &["--private-key", &pem],
                &at[..],
            ]
            .concat(),
            "openssl pkcs8 -topk8 -nocrypt",
        ),
    ];
    for (args, words) in table {
        fails_with(&args, words);
    }
}
