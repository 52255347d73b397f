use super::*;

fn nested(levels: usize) -> String {
    let arrays = levels - 1;
    format!("{{\"a\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
}

#[test]
fn an_object_is_read_as_serde_json_reads_it() {
    let text = r#"{"s":"é\ud83d\ude00","n":null,"b":true,"i":-1,"u":18446744073709551615,
        "f":1.5,"a":[1,{"x":[]}],"o":{}}"#;
    let expected: Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(parse_object(text.as_bytes()), Ok(expected));
}

#[test]
fn what_is_not_one_json_object_is_refused() {
    let table: [(&[u8], Error); 27] = [
        (b"", Error::Json),
        (b" ", Error::Json),
        (b"[]", Error::JsonNotObject),
        (b"\"x\"", Error::JsonNotObject),
        (b"1", Error::JsonNotObject),
        (b"null", Error::JsonNotObject),
        (b"{", Error::Json),
        (b"{}{}", Error::Json),
        (b"{} x", Error::Json),
        (b"{}\0", Error::Json),
        (b"\xef\xbb\xbf{}", Error::Json),
        (b"{\"a\":\"\xff\"}", Error::Json),
        (b"{\"\xc0\xaf\":1}", Error::Json),
        (br#"{"a":"\ud800"}"#, Error::Json),
        (br#"{"a":NaN}"#, Error::Json),
        (br#"{"a":Infinity}"#, Error::Json),
        (br#"{"a":1e400}"#, Error::Json),
        (br#"{"a":-1e400}"#, Error::Json),
        (br#"{"a":01}"#, Error::Json),
        (br#"{"a":+1}"#, Error::Json),
        (br#"{"a":1,}"#, Error::Json),
        (br#"{'a':1}"#, Error::Json),
        (br#"{a:1}"#, Error::Json),
        (b"{/**/}", Error::Json),
        (b"{\"a\":\"\n\"}", Error::Json),
        (br#"{"a":1,"a":1}"#, Error::JsonDuplicate),
        (br#"{"a":1,"\u0061":2}"#, Error::JsonDuplicate),
    ];
    for (bytes, expected) in table {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(parse_object(bytes), Err(expected), "{shown:?}");
    }
}

#[test]
fn members_are_unique_at_every_level() {
    for text in [r#"{"o":{"a":1,"a":2}}"#, r#"{"o":[{"p":{"a":1,"b":2,"a":3}}]}"#] {
        assert_eq!(parse_object(text.as_bytes()), Err(Error::JsonDuplicate));
    }
    assert!(parse_object(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
}

#[test]
fn sixteen_levels_are_enough() {
    assert!(parse_object(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(parse_object(nested(DEPTH_MAX + 1).as_bytes()), Err(Error::JsonTooDeep));
    assert_eq!(parse_object("[".repeat(100_000).as_bytes()), Err(Error::JsonTooDeep));
    assert_eq!(parse_object("{\"a\":".repeat(100_000).as_bytes()), Err(Error::JsonTooDeep));
}

#[test]
fn a_number_of_a_million_digits_does_not_stall_or_become_infinite() {
    let text = format!("{{\"exp\":{}}}", "9".repeat(1_000_000));
    assert_eq!(parse_object(text.as_bytes()), Err(Error::Json));
}
