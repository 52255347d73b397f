//! Reads the tree: what the documents claim exists, and files stay readable.

use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file below `directory` with this ending, build products aside.
fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let built = name.starts_with('.') || name == "build" || name == "node_modules";
        if path.is_dir() && !built && !name.starts_with("target") {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_production(path: &Path) -> bool {
    let path = path.to_string_lossy();
    path.contains("/crates/") && !path.contains("/tests/") && !path.ends_with("/tests.rs")
}

#[test]
fn production_files_hold_one_idea() {
    for path in files(&root(), ".rs").iter().filter(|path| is_production(path)) {
        let lines = read(path).lines().count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Spelled in halves so that this file does not find itself.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["XX", "X:"], ["unimplemented", "!("], ["#[ign", "ore"]];
    for path in files(&root(), ".rs") {
        let text = read(&path);
        for word in words.map(|halves| halves.concat()) {
            assert!(!text.contains(&word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn the_ledger_names_modules_and_tests_that_exist() {
    let root = root();
    let sources: String =
        files(&root.join("crates"), ".rs").iter().map(|path| read(path)).collect();
    let ledger = read(&root.join("docs/spec-ledger.md"));
    let mut rows = 0;
    for row in ledger.lines().filter(|line| line.starts_with("| R-")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, requirements, _, module, test, _] = cells[..] else { panic!("{row}") };
        for requirement in requirements.split(", ") {
            let number: u32 = requirement.strip_prefix("R-").unwrap().parse().unwrap();
            assert!((1..=356).contains(&number), "{row}");
        }
        assert!(root.join("crates").join(module).is_file(), "{row}");
        assert!(sources.contains(&format!("fn {test}(")), "{row}");
        rows += 1;
    }
    assert!(rows > 50, "the ledger was not read");
}

#[test]
fn links_in_documents_lead_somewhere() {
    for path in files(&root(), ".md") {
        let text = read(&path);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            let target = path.parent().unwrap().join(file);
            assert!(target.exists(), "{}: {link}", path.display());
        }
    }
}

/// Inside the server the mouths do not know each other; inside protocol nobody does anything.
#[test]
fn modules_keep_to_their_side() {
    let crates = root().join("crates");
    let forbidden = [
        (
            "protocol/src",
            vec!["tokio", "axum", "rusqlite", "tracing::", "SystemTime", "std::env::var"],
        ),
        ("jose/src", vec!["tokio", "oauth", "SystemTime"]),
        ("store/src", vec!["protocol::error_code", "axum", "protocol::reason"]),
        ("server/src", vec!["rusqlite", "std::env", "println!"]),
        ("server/src/management", vec!["crate::inbox", "crate::oauth"]),
        ("server/src/oauth", vec!["crate::inbox", "crate::management"]),
    ];
    for (place, words) in forbidden {
        for path in files(&crates.join(place), ".rs").iter().filter(|path| is_production(path)) {
            let text = read(path);
            for word in &words {
                let used = text.lines().any(|line| {
                    let line = line.trim_start();
                    line.contains(word) && !line.starts_with("//")
                });
                assert!(!used, "{} uses {word}", path.display());
            }
        }
    }
}
