//! Strict JSON, typed claims, and the `claims` parameter.
#![no_main]

use assent_jose::{Claims, DEPTH_MAX, NUMERIC_DATE_MAX, parse_object};
use assent_protocol::claims_request::ClaimsRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(map) = parse_object(data) else {
        if let Ok(Value::Object(lax)) = serde_json::from_slice(data) {
            check_refusal(&lax, data);
        }
        return;
    };
    let lax: Value = serde_json::from_slice(data).expect("the strict reader takes less");
    assert_eq!(Value::Object(map.clone()), lax);
    assert!(depth(&lax) <= DEPTH_MAX);
    let written = lax.to_string();
    assert_eq!(parse_object(written.as_bytes()).as_ref(), Ok(&map), "{written}");
    let claims = Claims::from(map);
    for (name, value) in claims.as_map() {
        match claims.text(name) {
            Ok(text) => assert_eq!(text, value.as_str()),
            Err(_) => assert!(!value.is_string()),
        }
        match claims.time(name) {
            Ok(Some(time)) => {
                assert!((0..=NUMERIC_DATE_MAX).contains(&time));
                let real = value.as_f64().expect("a number");
                assert!(time as f64 <= real && real < time as f64 + 1.0, "{value}");
            }
            Ok(None) => panic!("a claim that is there is not absent"),
            Err(_) => {
                let real = value.as_f64().unwrap_or(-1.0);
                assert!(real < 0.0 || real > NUMERIC_DATE_MAX as f64, "{value}");
            }
        }
    }
    match (claims.audience(), claims.get("aud")) {
        (Ok(audience), None) => assert!(audience.is_empty()),
        (Ok(audience), Some(Value::String(one))) => assert_eq!(audience, [one]),
        (Ok(audience), Some(Value::Array(many))) => assert_eq!(audience.len(), many.len()),
        (Err(_), Some(aud)) => assert!(!aud.is_string()),
        other => panic!("{other:?}"),
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(asked) = ClaimsRequest::parse(text)
    {
        assert_eq!(ClaimsRequest::parse(asked.text()).as_ref(), Ok(&asked), "{}", asked.text());
    }
});

/// What `serde_json` takes and we do not is nested too deeply or says something twice.
fn check_refusal(lax: &serde_json::Map<String, Value>, data: &[u8]) {
    let lax = Value::Object(lax.clone());
    // Written out again nothing is there twice.
    let unique = parse_object(lax.to_string().as_bytes()).is_ok();
    let repeats = members(data) > count(&lax);
    assert!(!unique || repeats || depth(&lax) > DEPTH_MAX, "{lax}");
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.len() + members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Members of well-formed JSON, repeated ones included: colons outside of texts.
fn members(json: &[u8]) -> usize {
    let (mut inside, mut escaped, mut colons) = (false, false, 0);
    for octet in json {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => colons += 1,
            _ => {}
        }
    }
    colons
}
