//! Form bodies, beside another reading of them.
#![no_main]

use assent_protocol::params::{PARAMETERS_MAX, Params};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(params) = Params::parse(data) else { return };
    // The reading of browsers, which guesses where ours refuses.
    let pairs: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    assert!(pairs.len() <= PARAMETERS_MAX);
    for (place, (name, value)) in pairs.iter().enumerate() {
        assert!(!name.contains('\0') && !value.contains('\0'));
        assert!(!name.contains('\u{fffd}') || data.iter().any(|it| *it == 0xef || *it == b'%'));
        let first = pairs.iter().position(|(other, _)| other == name);
        assert!(name == "resource" || first == Some(place), "{name} occurs twice");
        let expected: Vec<&str> = pairs
            .iter()
            .filter(|(other, value)| other == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(params.find_all(name).collect::<Vec<_>>(), expected);
        assert_eq!(params.find(name), expected.first().copied());
        assert!(params.find_bounded(name, value.len()).is_ok() || name == "resource");
    }
    let written: String =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let again = Params::parse(written.as_bytes()).expect("written by the rules");
    for (name, _) in &pairs {
        assert_eq!(
            again.find_all(name).collect::<Vec<_>>(),
            params.find_all(name).collect::<Vec<_>>()
        );
    }
});
