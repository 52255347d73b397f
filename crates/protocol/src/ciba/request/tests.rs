use proptest::prelude::*;

use super::*;
use crate::ciba::delivery::DeliveryMode;
use crate::environment::BindingMessageRule;

fn settings() -> CibaSettings {
    CibaSettings::default()
}

fn message(text: &str) -> Result<Option<String>, Reason> {
    let body: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("binding_message", text)
        .finish();
    binding_message(&Params::parse(body.as_bytes()).unwrap(), &settings())
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

fn client(change: impl FnOnce(&mut Application)) -> Application {
    let mut client = crate::testing::application(crate::id::ApplicationId::NIL);
    change(&mut client);
    client
}

fn parse(pairs: &[(&str, &str)], client: &Application) -> Result<Request, Reason> {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Request::parse(&Params::parse(body.as_bytes()).unwrap(), client, &settings())
}

const FINE: [(&str, &str); 2] = [("scope", "openid"), ("login_hint", "alice")];

/// R-029, R-030, T-22.
#[test]
fn a_notification_token_is_a_bearer_token_of_some_length() {
    let longest = format!("{}=", "x".repeat(1023));
    let table = [
        ("", Err(Reason::NotificationTokenMissing)),
        ("8d67dc78-7faa-4d41-aabd-67707b374255", Ok(())),
        ("aA0-._~+/aA0-._~+/aA0-._~+/===", Ok(())),
        (&"x".repeat(22), Ok(())),
        (&longest, Ok(())),
        (&"x".repeat(21), Err(Reason::NotificationTokenMalformed)),
        (&"x".repeat(1025), Err(Reason::NotificationTokenMalformed)),
        (&"=".repeat(30), Err(Reason::NotificationTokenMalformed)),
        ("xxxxxxxxxxxxxxxxxxxxxx=x", Err(Reason::NotificationTokenMalformed)),
        ("xxxxxxxxxxxxxxxxxxxxxx x", Err(Reason::NotificationTokenMalformed)),
        ("xxxxxxxxxxxxxxxxxxxxxx\"", Err(Reason::NotificationTokenMalformed)),
        ("xxxxxxxxxxxxxxxxxxxxxxé", Err(Reason::NotificationTokenMalformed)),
        ("xxxxxxxxxxxxxxxxxxxxxx\r\nx: y", Err(Reason::NotificationTokenMalformed)),
    ];
    for (token, verdict) in table {
        let pairs = [FINE.as_slice(), &[("client_notification_token", token)]].concat();
        for mode in [DeliveryMode::Ping, DeliveryMode::Push] {
            let parsed = parse(&pairs, &client(|it| it.ciba.delivery_mode = mode));
            let kept = parsed.map(|it| it.client_notification_token.unwrap());
            assert_eq!(kept.as_ref().map(|_| ()).map_err(|it| *it), verdict, "{token:?}");
            if let Ok(kept) = kept {
                assert_eq!(kept.expose(), token);
            }
        }
        let polled = parse(&pairs, &client(|_| ())).unwrap();
        assert!(polled.client_notification_token.is_none(), "{token:?}");
    }
}

/// R-039, R-040.
#[test]
fn a_user_code_comes_from_who_registered_to_send_it() {
    let long = "x".repeat(USER_CODE_BYTES_MAX + 1);
    for (registered, code, verdict) in [
        (true, "1234", Ok(Some("1234"))),
        (true, "", Err(Reason::UserCodeMissing)),
        (true, &long, Err(Reason::ParameterTooLong)),
        (false, "1234", Err(Reason::UserCodeUnsupported)),
        (false, "", Ok(None)),
    ] {
        let pairs = [FINE.as_slice(), &[("user_code", code)]].concat();
        let parsed = parse(&pairs, &client(|it| it.ciba.user_code = registered));
        let kept = parsed.map(|it| it.user_code.map(|code| code.expose().to_owned()));
        assert_eq!(kept, verdict.map(|code| code.map(str::to_owned)), "{code}");
    }
}

/// R-322, R-323.
#[test]
fn a_resource_is_an_absolute_uri_without_a_fragment() {
    let long = format!("https://example.com/{}", "x".repeat(RESOURCE_BYTES_MAX));
    let fine = ["https://payments.example.com", "urn:example:payments", "https://x/a?b=c", "x:y"];
    for uri in fine {
        let pairs = [FINE.as_slice(), &[("resource", uri)]].concat();
        assert_eq!(parse(&pairs, &client(|_| ())).map(|it| it.resource), Ok(vec![uri.into()]));
    }
    for uri in [
        "payments",
        "/payments",
        "//payments.example.com",
        "https://payments.example.com#",
        "https://payments.example.com#part",
        "https:",
        ":x",
        "1https://x",
        "https://a b",
        "https://ä",
        "https://x\"",
        "https://x\n",
        &long,
    ] {
        let pairs = [FINE.as_slice(), &[("resource", uri)]].concat();
        let verdict = parse(&pairs, &client(|_| ())).map(|_| ());
        assert_eq!(verdict, Err(Reason::ResourceMalformed), "{uri}");
    }
    let several = [("resource", "x:b"), ("resource", "x:a"), ("resource", "x:b")];
    let several = parse(&[FINE.as_slice(), &several].concat(), &client(|_| ()));
    assert_eq!(several.map(|it| it.resource), Ok(vec!["x:b".into(), "x:a".into()]));
    let uris: Vec<String> = (0..=RESOURCES_MAX).map(|n| format!("x:{n}")).collect();
    let many: Vec<(&str, &str)> = uris.iter().map(|it| ("resource", it.as_str())).collect();
    let verdict = parse(&[FINE.as_slice(), &many].concat(), &client(|_| ())).map(|_| ());
    assert_eq!(verdict, Err(Reason::ResourceMalformed));
}

#[test]
fn an_environment_can_want_short_binding_messages_and_always_one() {
    let strict = CibaSettings {
        binding_message: BindingMessageRule::Pingone,
        binding_message_required: true,
        ..settings()
    };
    for (text, verdict) in [
        ("", Err(Reason::BindingMessageMissing)),
        ("PAYMENT1", Ok(Some(String::from("PAYMENT1")))),
        ("éééééééé", Ok(Some("é".repeat(8)))),
        ("PAYMENT12", Err(Reason::BindingMessageTooLong)),
        ("PAY\u{202e}", Err(Reason::BindingMessageUnshowable)),
        ("PAY\u{3164}", Err(Reason::BindingMessageUnshowable)),
        ("\u{115f}\u{ffa0}", Err(Reason::BindingMessageUnshowable)),
    ] {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("binding_message", text)
            .finish();
        let params = Params::parse(body.as_bytes()).unwrap();
        assert_eq!(binding_message(&params, &strict), verdict, "{text}");
    }
}

#[test]
fn a_mode_that_is_not_offered_is_refused_before_anything_is_read() {
    let only_poll = CibaSettings { delivery_modes: vec![DeliveryMode::Poll], ..settings() };
    let push = client(|it| it.ciba.delivery_mode = DeliveryMode::Push);
    assert_eq!(admit(&push, &only_poll), Err(Reason::DeliveryModeNotOffered));
    assert_eq!(admit(&push, &settings()), Ok(()));
    let without_grant = client(|it| it.grant_types.clear());
    assert_eq!(admit(&without_grant, &settings()), Err(Reason::GrantTypeNotAllowed));
}
