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

/// RFC 8259 §8.2: half a pair is no character, neither in a text nor in a name.
#[test]
fn lone_surrogates_are_refused_wherever_they_stand() {
    for half in [r"\ud800", r"\udbff", r"\udc00", r"\udfff"] {
        for text in [
            format!(r#"{{"a":"{half}"}}"#),
            format!(r#"{{"a":"x{half}y"}}"#),
            format!(r#"{{"{half}":1}}"#),
            format!(r#"{{"a":["{half}"]}}"#),
            format!(r#"{{"a":"{half}\u0061"}}"#),
            format!(r#"{{"a":"{half}{half}"}}"#),
            format!(r#"{{"a":"\ud83d{half}\ude00"}}"#),
        ] {
            // The last with a high half in the middle ends in a whole pair, after half a one.
            assert_eq!(parse_object(text.as_bytes()), Err(Error::Json), "{text}");
        }
    }
    assert_eq!(parse_object(br#"{"a":"\ude00\ud83d"}"#), Err(Error::Json), "the wrong way round");
    assert!(parse_object(br#"{"a":"\ud83d\ude00"}"#).is_ok());
    // The same octets that are not UTF-8 at all.
    assert_eq!(parse_object(b"{\"a\":\"\xed\xa0\x80\"}"), Err(Error::Json));
}

#[test]
fn what_only_looks_like_json_is_refused_at_every_level() {
    for value in [
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "undefined",
        "True",
        "'x'",
        "01",
        "-01",
        "1.",
        ".1",
        "1e",
        "1e+",
        "0x1",
        "1_000",
        "+1",
        "--1",
        "1e999",
        "-1e999",
        "[1,]",
        "[,1]",
        "{\"b\":1,}",
        "// x",
        "/* x */ 1",
        "1 // x",
        "1 /**/",
        "# x",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u{61}\"",
        "",
    ] {
        for text in [format!("{{\"a\":{value}}}"), format!("{{\"o\":{{\"a\":[{value}]}}}}")] {
            // An array may be empty.
            if text == "{\"o\":{\"a\":[]}}" {
                continue;
            }
            assert_eq!(parse_object(text.as_bytes()), Err(Error::Json), "{text}");
        }
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
