//! Runs the binary without the surroundings of whoever runs the tests.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// The binary with a clean environment.
pub fn assent(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assent"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    assent(args).output().unwrap()
}

/// Starts, to be waited for later.
pub fn spawn(args: &[&str]) -> Child {
    assent(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts that a command failed with one clear line.
pub fn fails_with(args: &[&str], words: &str) {
    let output = run(args);
    let complaint = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{args:?}: {complaint}");
    assert_eq!(complaint.lines().count(), 1, "{args:?}: {complaint}");
    assert!(complaint.starts_with("assent: "), "{args:?}: {complaint}");
    assert!(complaint.contains(words), "{args:?}: {complaint}");
    assert_eq!(stdout(&output), "", "{args:?}");
}

/// A running demonstration; ends with the test.
pub struct Demo {
    child: Child,
    home: TempDir,
    env_file: String,
}

impl Demo {
    /// Starts one on a free port and waits until it is ready.
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let env_file = path(home.path(), "demo.env");
        let data = path(home.path(), "data");
        let args = ["demo", "--listen", "127.0.0.1:0", "--data", &data, "--env-file", &env_file];
        let args = [&args[..], &["--catch", "127.0.0.1:0"]].concat();
        let mut child = assent(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The welcome comes when everything is in place.
        assert!(lines.any(|line| line.unwrap().starts_with("Metadata:")));
        Self { child, home, env_file }
    }

    pub fn env_file(&self) -> &str {
        &self.env_file
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> String {
        path(self.home.path(), "data")
    }

    /// A value of the environment file.
    pub fn value(&self, name: &str) -> String {
        let text = std::fs::read_to_string(&self.env_file).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap().trim_matches('\'').to_owned()
    }

    /// Asks it to stop, and says how it ended.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as an argument.
pub fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().unwrap().to_owned()
}
