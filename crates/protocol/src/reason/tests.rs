use std::fmt::Write as _;

use super::detail::CLIENT_DENIED;
use super::*;
use crate::error_code::ErrorCode;

#[test]
fn every_description_keeps_to_the_characters_of_rfc_6749() {
    for reason in Reason::ALL {
        let text = format!("{}{}", reason.preamble().text(), reason.detail());
        assert!(
            text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{reason:?}: {text}"
        );
        assert!(!reason.detail().is_empty(), "{reason:?}");
    }
}

#[test]
fn the_table_lists_every_reason_once_and_in_order() {
    for (position, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, position, "{reason:?}");
    }
    assert_eq!(Reason::ALL.len(), Reason::AcrNotReached as usize + 1);
}

#[test]
fn failed_client_authentications_read_alike() {
    let texts: Vec<&str> = Reason::ALL
        .into_iter()
        .filter(|reason| reason.code() == ErrorCode::InvalidClient)
        .map(Reason::detail)
        .collect();
    assert!(texts.len() > 15);
    assert!(texts.iter().all(|text| *text == CLIENT_DENIED));
}

/// `docs/reasons.md` is the table; this fails when the document is not what the code says.
/// Set `ASSENT_WRITE_DOCS` to write it anew.
#[test]
fn the_document_of_reasons_is_current() {
    let mut document = String::from(
        "# Reasons\n\nEvery refusal, its registered error code and what the client reads. \
         Generated from `crates/protocol/src/reason.rs`; \
         `ASSENT_WRITE_DOCS=1 cargo test -p assent-protocol reasons` writes it anew.\n\n\
         | reason (log) | `error` | `error_description`, before the correlation id |\n|---|---|---|\n",
    );
    for reason in Reason::ALL {
        writeln!(
            document,
            "| `{reason:?}` | `{}` | {}{} |",
            reason.code().wire(),
            reason.preamble().text(),
            reason.detail()
        )
        .unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reasons.md");
    if std::env::var_os("ASSENT_WRITE_DOCS").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), document);
}
