//! Help is part of the product: a change of it is reviewed.

use crate::support::{run, stderr, stdout};

#[test]
fn every_command_explains_itself() {
    let commands: [&[&str]; 18] = [
        &[],
        &["serve"],
        &["demo"],
        &["init"],
        &["migrate"],
        &["export"],
        &["import"],
        &["backup"],
        &["restore"],
        &["doctor"],
        &["phone"],
        &["phone", "list"],
        &["phone", "pair"],
        &["ask"],
        &["audit"],
        &["audit", "export"],
        &["audit", "verify"],
        &["audit", "head"],
    ];
    for command in commands {
        let output = run(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}: {}", stderr(&output));
        let name = format!("assent {}", command.join(" ")).trim().replace(' ', "-");
        insta::assert_snapshot!(name, stdout(&output));
    }
}

#[test]
fn help_never_shows_a_secret_of_the_environment() {
    let mut command = crate::support::assent(&["ask", "--help"]);
    let output = command.env("ASSENT_CLIENT_SECRET", "hush").output().unwrap();
    assert!(!stdout(&output).contains("hush"));
    let mut command = crate::support::assent(&["serve", "--help"]);
    let output = command.env("ASSENT_STORE_URL", "postgres://u:hush@db/assent").output().unwrap();
    assert!(!stdout(&output).contains("hush"));
    let mut command = crate::support::assent(&["phone", "--help"]);
    let output = command.env("ASSENT_DEVICE_TOKEN", "hush").output().unwrap();
    assert!(!stdout(&output).contains("hush"));
}

#[test]
fn without_a_command_help_is_shown_and_the_exit_is_not_success() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("Usage: assent <COMMAND>"));
}
