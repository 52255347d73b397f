use proptest::prelude::*;

use super::*;

fn settings() -> CibaSettings {
    CibaSettings::default()
}

fn message(text: &str) -> Result<Option<String>, Reason> {
    let body: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("binding_message", text)
        .finish();
    binding_message(&Params::parse(body.as_bytes()).unwrap())
}

fn expiry(text: &str) -> Result<Seconds, Reason> {
    let body = format!("requested_expiry={text}");
    expires_in(&Params::parse(body.as_bytes()).unwrap(), &settings())
}

#[test]
fn sixty_four_characters_are_counted_as_people_count() {
    assert_eq!(message(&"é".repeat(64)), Ok(Some("é".repeat(64))));
    assert_eq!(message(&"é".repeat(65)), Err(Reason::BindingMessageTooLong));
    assert_eq!(message(&"x".repeat(10_000)), Err(Reason::BindingMessageTooLong));
}

#[test]
fn what_could_mislead_is_not_shown() {
    for text in [
        "<script>",
        "a&b",
        "a\"b",
        "a\nb",
        "a\tb",
        "a\r",
        "\u{202e}gnp",
        "a\u{200d}b",
        "\u{feff}",
        "a\u{0007}",
        "😀",
        "a\u{2028}b",
        " a",
        "a ",
        "a  b",
        "50%",
    ] {
        assert_eq!(message(text), Err(Reason::BindingMessageUnshowable), "{text:?}");
    }
    for text in ["PAY-4711", "Order #12.50: ok_1", "Überweisung 7", "支払い 42", "دفع 42"] {
        assert_eq!(message(text), Ok(Some(text.to_owned())), "{text:?}");
    }
}

#[test]
fn requested_expiry_is_a_positive_decimal() {
    for (text, expected) in [
        ("", Ok(120)),
        ("1", Ok(1)),
        ("599", Ok(599)),
        ("601", Ok(600)),
        ("4294967296", Ok(600)),
        ("0", Err(())),
        ("-5", Err(())),
        ("%2B5", Err(())),
        ("5.0", Err(())),
        ("0x10", Err(())),
        ("007", Err(())),
        ("1e3", Err(())),
        ("NaN", Err(())),
        ("999999999999999999999", Err(())),
    ] {
        let verdict = expiry(text).map(Seconds::get).map_err(|_| ());
        assert_eq!(verdict, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn an_accepted_message_is_never_altered(text in "\\PC{0,80}") {
        if let Ok(Some(shown)) = message(&text) {
            prop_assert_eq!(shown, text);
        }
    }

    #[test]
    fn an_expiry_is_never_beyond_the_limit(asked in 1_u64..) {
        if let Ok(given) = expiry(&asked.to_string()) {
            prop_assert!(given <= settings().expires_in_max);
            prop_assert!(u64::from(given.get()) <= asked);
        }
    }
}
