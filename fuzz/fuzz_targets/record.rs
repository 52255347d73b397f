//! Stored rows of every kind: what is read is written the same way again.
#![no_main]

use assent_protocol::record::{Kind, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((kind, json)) = text.split_once('\n') else { return };
    let Some(kind) = Kind::parse(kind) else { return };
    let Ok(record) = Record::from_json(kind, json) else { return };
    let written = record.to_json().expect("our own types");
    let again = Record::from_json(kind, &written);
    let again = again.unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(again, record, "{written}");
    assert_eq!(again.to_json().expect("our own types"), written);
    let key = record.key();
    assert_eq!(key.kind, kind);
    assert_eq!(again.key(), key);
    assert_eq!((again.forget_at(), again.due()), (record.forget_at(), record.due()));
});
