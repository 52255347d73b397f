use proptest::prelude::*;
use serde_json::json;

use super::*;

const PAYMENT: &str = r##"{
  "type": "object",
  "required": ["amount", "creditor"],
  "properties": {
    "amount": { "type": "string", "pattern": "^[0-9]{1,9}([.][0-9]{2})?$" },
    "currency": { "enum": ["EUR", "USD"] },
    "creditor": { "$ref": "#/$defs/party" },
    "tags": { "type": "array", "items": { "type": "string" } }
  },
  "$defs": { "party": { "type": "object", "properties": { "name": { "type": "string" } } } }
}"##;
const WORDS: &str = "Pay {{ amount }} {{ currency|default('EUR') }} to {{ creditor.name }}\
                     {% if tags is defined %} ({{ tags|join(', ') }}){% endif %}";

fn kind(schema: &str, template: &str) -> DetailsType {
    DetailsType {
        env: EnvironmentId::NIL,
        name: String::from("payment"),
        schema: schema.to_owned(),
        template: template.to_owned(),
        partial: false,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    }
}

fn words(schema: &str, template: &str, object: &Value) -> Result<String, Reason> {
    CompiledType::compile(&kind(schema, template)).unwrap().words(object)
}

fn payment() -> Value {
    json!({ "type": "payment", "amount": "12.50", "creditor": { "name": "Corner Shop" } })
}

fn with(name: &str, value: Value) -> Value {
    let mut object = payment();
    object[name] = value;
    object
}

/// R-314.
#[test]
fn an_array_of_typed_objects_is_read() {
    let seventeen = vec![r#"{"type":"x"}"#; DETAILS_MAX + 1].join(",");
    let deep = format!("[{{\"type\":\"x\",\"a\":{}1{}}}]", "[".repeat(14), "]".repeat(14));
    let grows = format!("[{{\"type\":\"x\",\"a\":[{}]}}]", vec!["1e15"; 1000].join(","));
    let long = format!("[{{\"type\":\"x\",\"a\":\"{}\"}}]", "y".repeat(DETAILS_BYTES_MAX));
    for (text, understood) in [
        (r#" [ { "b" : 1.50 , "type" : "x" } ] "#, Some(r#"[{"b":1.5,"type":"x"}]"#)),
        (r#"[{"type":"x"},{"type":"y"}]"#, Some(r#"[{"type":"x"},{"type":"y"}]"#)),
        ("", None),
        ("null", None),
        ("[]", None),
        ("{}", None),
        (r#"{"type":"x"}"#, None),
        ("[1]", None),
        ("[[]]", None),
        ("[{}]", None),
        (r#"[{"type":""}]"#, None),
        (r#"[{"type":1}]"#, None),
        (r#"[{"type":["x"]}]"#, None),
        (r#"[{"type":"x","type":"y"}]"#, None),
        (r#"[{"type":"x","a":{"b":1,"b":2}}]"#, None),
        (r#"[{"type":"x"}],"":[{"type":"y"}]"#, None),
        (r#"[{"type":"x"}],"a":1"#, None),
        (r#"[{"type":"x"}]}"#, None),
        (r#"[{"type":"x"}] x"#, None),
        (&format!("[{seventeen}]"), None),
        (&deep, None),
        (&long, None),
        (&grows, None),
    ] {
        let read = Details::parse(text).map(|it| it.text());
        let understood = understood.map(str::to_owned);
        assert_eq!(read, understood.ok_or(Reason::AuthorizationDetailsMalformed), "{text}");
    }
}

/// R-321: texts that would mislead who reads them, wherever they stand.
#[test]
fn texts_that_cannot_be_shown_are_refused() {
    for text in ["a\nb", "a\rb", "a\tb", "\u{7}", "\u{202e}x", "\u{200b}", "\u{2028}", "\u{feff}"] {
        for object in [
            json!({ "type": "x", "a": text }),
            json!({ "type": "x", "a": [{ "b": text }] }),
            json!({ "type": "x", text: 1 }),
        ] {
            let read = Details::parse(&json!([object]).to_string());
            assert_eq!(read.unwrap_err(), Reason::AuthorizationDetailsMalformed, "{object}");
        }
    }
}

/// R-315.
#[test]
fn objects_must_fit_the_schema_of_their_type() {
    let words = |object: &Value| words(PAYMENT, WORDS, object);
    for (object, expected) in [
        (payment(), "Pay 12.50 EUR to Corner Shop"),
        (with("currency", json!("USD")), "Pay 12.50 USD to Corner Shop"),
        (with("tags", json!(["a", "b"])), "Pay 12.50 EUR to Corner Shop (a, b)"),
        (
            with("creditor", json!({ "name": "<b>&amp;\"'{{ amount }}" })),
            "Pay 12.50 EUR to <b>&amp;\"'{{ amount }}",
        ),
    ] {
        assert_eq!(words(&object).as_deref(), Ok(expected), "{object}");
    }
    for object in [
        with("unknown", json!(1)),
        with("amount", json!(12.5)),
        with("amount", json!("12,50")),
        with("amount", json!("12.50\n")),
        with("currency", json!("XXX")),
        with("type", json!("other")),
        with("tags", json!("a")),
        json!({ "type": "payment", "amount": "1" }),
        // It fits, but the template has nothing to say without the name.
        with("creditor", json!({})),
        // It cannot be read on a phone.
        with("creditor", json!({ "name": "x".repeat(WORDS_CHARS_MAX) })),
    ] {
        assert_eq!(words(&object), Err(Reason::AuthorizationDetailsInvalid), "{object}");
    }
}

#[test]
fn a_schema_that_says_so_takes_members_it_does_not_know() {
    let object = json!({ "type": "payment", "other": 1 });
    for (schema, fits) in [
        ("{}", false),
        (r#"{"additionalProperties":true}"#, true),
        (r#"{"unevaluatedProperties":true}"#, true),
        (r#"{"allOf":[{"properties":{"other":{}}}]}"#, true),
        (r#"{"additionalProperties":{"type":"string"}}"#, false),
    ] {
        assert_eq!(words(schema, "Yes", &object).is_ok(), fits, "{schema}");
    }
}

#[test]
fn schemas_that_reach_out_run_in_circles_or_are_no_schemas_are_not_registered() {
    let patterns: Vec<String> =
        (0..17).map(|n| format!("\"p{n}\":{{\"pattern\":\"x\"}}")).collect();
    // Each part refers twice to the next: 2^20 steps.
    let doubling: Vec<String> = (0..20)
        .map(|n| {
            let next = format!("{{\"$ref\":\"#/$defs/d{}\"}}", n + 1);
            format!("\"d{n}\":{{\"allOf\":[{next},{next}]}}")
        })
        .collect();
    // Each part checks all of the next twice: 2^60 steps, though each is referred to once.
    let checking_again: Vec<String> = (0..60)
        .map(|n| {
            let next = format!("{{\"$ref\":\"#/$defs/d{}\"}}", n + 1);
            format!("\"d{n}\":{{\"unevaluatedProperties\":false,\"allOf\":[{next}]}}")
        })
        .collect();
    for schema in [
        "",
        "[]",
        "true",
        r#"{"type":"nonsense"}"#,
        r#"{"properties":[]}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"$ref":"https://example.com/schema"}"#,
        r#"{"$ref":"file:///etc/passwd"}"#,
        r#"{"$ref":"other.json"}"#,
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#name"}"##,
        r##"{"$ref":"#/$defs/none"}"##,
        r##"{"$ref":"#/%24defs/a","$defs":{"a":{}}}"##,
        r##"{"properties":{"a":{"$ref":"#/properties/a"}}}"##,
        r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
        r##"{"properties":{"a":{"items":{"$ref":"#/properties/a"}}}}"##,
        r##"{"$dynamicRef":"#x"}"##,
        r#"{"$id":"https://example.com/x"}"#,
        r#"{"$anchor":"x"}"#,
        r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
        r#"{"$vocabulary":{}}"#,
        r#"{"properties":{"a":{"format":"regex"}}}"#,
        r#"{"properties":{"a":{"pattern":"("}}}"#,
        r#"{"properties":{"a":{"pattern":"(?=x)"}}}"#,
        r#"{"properties":{"a":{"pattern":"^\\p{L}{500}x$"}}}"#,
        r#"{"unevaluatedProperties":{}}"#,
        r#"{"properties":{"a":{"unevaluatedProperties":false}}}"#,
        r#"{"properties":{"a":{"unevaluatedItems":false}}}"#,
        &format!("{{\"$defs\":{{{},\"d60\":{{}}}}}}", checking_again.join(",")),
        &format!("{{\"properties\":{{{}}}}}", patterns.join(",")),
        &format!("{{\"$ref\":\"#/$defs/d0\",\"$defs\":{{{},\"d20\":{{}}}}}}", doubling.join(",")),
        &format!("{{\"title\":\"{}\"}}", "x".repeat(SCHEMA_BYTES_MAX)),
    ] {
        let compiled = CompiledType::compile(&kind(schema, "Yes")).map(|_| ());
        assert!(matches!(compiled, Err(Uncompilable::Schema(_))), "{schema}: {compiled:?}");
    }
    for schema in [
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#,
        r#"{"properties":{"id":{"type":"string"},"$ref":{"type":"string"}}}"#,
        r#"{"properties":{"a":{"format":"date"}}}"#,
    ] {
        assert!(CompiledType::compile(&kind(schema, "Yes")).is_ok(), "{schema}");
    }
}

#[test]
fn templates_that_are_none_or_too_long_are_not_registered() {
    let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
    for template in
        ["{{", "{% if %}", "{% nonsense %}", "{{ a|nonsense }}", "{% include 'x' %}", &long]
    {
        let compiled = CompiledType::compile(&kind("{}", template)).map(|_| ());
        let known = matches!(compiled, Err(Uncompilable::Template(_)));
        // A filter is looked for when it is needed.
        let unusable = || words("{}", template, &json!({ "type": "payment" })).is_err();
        assert!(known || unusable(), "{template}");
    }
}

/// What is cheap to make and never done being written out is not registered.
#[test]
fn templates_build_nothing() {
    let doubling = format!("{}{{{{ a }}}}", "{% set a = [a, a] %}".repeat(60));
    for template in [
        "{{ [type, type] }}",
        "{{ (type, type) }}",
        "{{ {'a': type} }}",
        "{{ a * 1000000000 }}",
        "{{ a + a }}",
        "{{ 9 ** n }}",
        "{{ range(9) }}",
        "{{ type.upper() }}",
        "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
        "{% do a() %}",
        "{% set a.b = 1 %}",
        &doubling,
    ] {
        let compiled = CompiledType::compile(&kind("{}", template)).map(|_| ());
        assert!(matches!(compiled, Err(Uncompilable::Template(_))), "{template}: {compiled:?}");
    }
}

/// R-316.
#[test]
fn templates_choose_repeat_and_write_out() {
    let schema = r#"{"properties":{"cents":{},"list":{},"to":{}}}"#;
    let object = json!({
        "type": "payment",
        "cents": 250,
        "list": [{ "name": "b" }, { "name": "a" }],
        "to": "shop"
    });
    for (template, expected) in [
        ("{{ cents / 100 }} to {{ to|upper }}", "2.5 to SHOP"),
        ("{{ list|map(attribute='name')|sort|join(', ') }}", "a, b"),
        ("{% for it in list %}{{ loop.index }}{{ it.name }}{% endfor %}", "1b2a"),
        ("{{ list[0].name ~ '!' }}", "b!"),
        ("{% if note is defined %}{{ note }}{% else %}none{% endif %}", "none"),
        ("{{ note|default('none') }}", "none"),
        ("{% set it = to|title %}{{ it }}", "Shop"),
    ] {
        assert_eq!(words(schema, template, &object).as_deref(), Ok(expected), "{template}");
    }
}

/// What a template does, it does within bounds.
#[test]
fn templates_cannot_run_long_nor_grow() {
    let object = json!({ "type": "payment", "list": vec![1; 100] });
    let words = |template: &str| words(r#"{"properties":{"list":{}}}"#, template, &object);
    let doubling =
        format!("{{% set a = 'xxxxxxxx' %}}{}{{{{ a }}}}", "{% set a = a~a %}".repeat(60));
    for template in [
        "{% for a in list %}{% for b in list %}{% for c in list %}{% endfor %}{% endfor %}\
         {% endfor %}Yes",
        "{% for a in list %}{% for b in list %}x{% endfor %}{% endfor %}",
        "{% for a in list %}{% set b = list|sort|join(list) %}{% endfor %}Yes",
        "{{ missing }}",
        "{{ type.missing.more }}",
        "   ",
        "{{ '\u{202e}' }}",
        "{{ '\\u202e' }}",
        "{{ '\\t' }}x{{ '\\r' }}y",
        &doubling,
    ] {
        assert_eq!(words(template), Err(Reason::AuthorizationDetailsInvalid), "{template}");
    }
    assert_eq!(words(" One\nTwo \n").as_deref(), Ok("One\nTwo"));
}

/// A pattern that other engines take exponential time for: this would not end.
#[test]
fn patterns_are_matched_in_linear_time() {
    let schema = r#"{"properties":{"a":{"pattern":"^(a+)+$"}}}"#;
    let object = json!({ "type": "payment", "a": format!("{}!", "a".repeat(8000)) });
    assert!(words(schema, "Yes", &object).is_err());
}

#[test]
fn names_of_types_stand_in_paths() {
    for (name, fits) in [
        ("payment_initiation", true),
        ("urn:example:payment.v1-a", true),
        ("", false),
        ("a/b", false),
        ("a b", false),
        ("ä", false),
        ("a%2fb", false),
        (&"x".repeat(129), false),
    ] {
        assert_eq!(DetailsType::is_name(name), fits, "{name}");
    }
}

proptest! {
    /// What was read says the same when it is read again: what is shown is what is granted.
    #[test]
    fn what_was_read_reads_the_same_again(
        name in "[a-z]{1,8}",
        text in "\\PC{0,20}",
        number in any::<f64>(),
        deep in 0_usize..12,
    ) {
        let inner = json!({ name: text, "n": number, "list": [1, -1, true, null] });
        let whole = (0..deep).fold(inner, |inner, _| json!({ "in": inner }));
        let written = json!([{ "type": "x", "a": whole }]).to_string();
        if let Ok(once) = Details::parse(&written) {
            let again = Details::parse(&once.text()).unwrap();
            prop_assert_eq!(again.text(), once.text());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}\":,a-z0-9\\\\ ]{0,60}") {
        let _ = Details::parse(&text);
    }
}
