use base64::engine::general_purpose::STANDARD;

use super::*;

mod hostile;

fn check(authorization: &[&str], body: &str) -> Result<String, Reason> {
    let params = Params::parse(body.as_bytes()).unwrap();
    Presented::collect(authorization, &params, None).map(|presented| {
        let kind = match &presented {
            Presented::Basic { secret, .. } => format!("basic {}", secret.expose()),
            Presented::Post { secret, .. } => format!("post {}", secret.expose()),
            Presented::Assertion { .. } => String::from("assertion"),
            Presented::Certificate { .. } => String::from("certificate"),
        };
        format!("{} {kind}", presented.client_id())
    })
}

fn encoded(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn jwt(claims: &serde_json::Value) -> String {
    let key = assent_jose::HmacKey::new(&[7; 32]);
    assent_jose::sign_jwt_hmac(&key, Algorithm::HS256, "JWT", claims).unwrap()
}

#[test]
fn basic_splits_at_the_first_colon_and_decodes_both_halves() {
    for (plain, expected) in [
        ("id:secret", "id basic secret"),
        ("id:a:b", "id basic a:b"),
        ("id:", "id basic "),
        ("i%64:s%3A+x", "id basic s: x"),
    ] {
        assert_eq!(check(&[&encoded(plain)], ""), Ok(expected.to_owned()), "{plain}");
    }
    for plain in ["id", "id%:x", "id:%f", "id:%ff"] {
        let verdict = check(&[&encoded(plain)], "");
        assert_eq!(verdict, Err(Reason::AuthorizationHeaderMalformed), "{plain}");
    }
}

#[test]
fn every_pair_of_credentials_is_refused() {
    let assertion = "client_assertion=x.y.z&client_assertion_type=x";
    let header = encoded("id:secret");
    for (headers, body, expected) in [
        (vec![], "", Reason::CredentialsMissing),
        (vec![], "client_id=id", Reason::CredentialsMissing),
        (vec![], "client_secret=x", Reason::CredentialsMissing),
        (vec![&header], "client_secret=x&client_id=id", Reason::CredentialsMultiple),
        (vec![&header], assertion, Reason::CredentialsMultipleWithAssertion),
        (vec![], &format!("client_secret=x&{assertion}"), Reason::CredentialsMultipleWithAssertion),
        (vec![&header, &header], "", Reason::AuthorizationHeaderRepeated),
        (vec![&header], "client_id=other", Reason::ClientIdMismatch),
    ] {
        let headers: Vec<&str> = headers.iter().map(|it| it.as_str()).collect();
        assert_eq!(check(&headers, body), Err(expected), "{body}");
    }
}

#[test]
fn a_certificate_is_a_credential_where_there_is_no_other() {
    let collect = |authorization: &[&str], body: &str| {
        let params = Params::parse(body.as_bytes()).unwrap();
        Presented::collect(authorization, &params, Some(b"der"))
    };
    let by_certificate = collect(&[], "client_id=id");
    assert!(
        matches!(by_certificate, Ok(Presented::Certificate { client_id, .. }) if client_id == "id")
    );
    assert_eq!(collect(&[], "").unwrap_err(), Reason::CredentialsMissing);
    let by_secret = collect(&[], "client_id=id&client_secret=x");
    assert!(matches!(by_secret, Ok(Presented::Post { .. })));
    assert!(matches!(collect(&[&encoded("id:x")], ""), Ok(Presented::Basic { .. })));
}

#[test]
fn an_assertion_names_its_client_by_sub() {
    let kind =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let good = jwt(&serde_json::json!({ "sub": "id" }));
    let body = |more: &str| format!("{kind}&client_assertion={good}{more}");
    assert_eq!(check(&[], &body("")), Ok(String::from("id assertion")));
    assert_eq!(check(&[], &body("&client_id=id")), Ok(String::from("id assertion")));
    assert_eq!(check(&[], &body("&client_id=other")), Err(Reason::ClientIdMismatch));
    assert_eq!(check(&[], kind), Err(Reason::AssertionMalformed));
    let nameless = jwt(&serde_json::json!({}));
    let nameless = format!("{kind}&client_assertion={nameless}");
    assert_eq!(check(&[], &nameless), Err(Reason::AssertionMalformed));
    let untyped = format!("client_assertion={good}");
    assert_eq!(check(&[], &untyped), Err(Reason::AssertionTypeWrong));
}

#[test]
fn only_the_listed_octet_strings_are_an_audience() {
    let audiences = |rule| Audiences {
        issuer: "https://a/as",
        endpoints: &["https://a/as/token", "https://a/as/x", "https://mtls/as/x"],
        rule,
    };
    let table: [(&[&str], bool, bool); 11] = [
        (&["https://a/as"], true, true),
        (&["https://a/as/token"], true, false),
        (&["https://a/as/x"], true, false),
        (&["https://mtls/as/x"], true, false),
        (&["https://mtls/as"], false, false),
        (&[], false, false),
        (&["https://a/as", "https://a/as"], false, false),
        (&["https://a/as/"], false, false),
        (&["https://a/AS"], false, false),
        (&["https://a"], false, false),
        (&[""], false, false),
    ];
    for (audience, pingone, strict) in table {
        assert_eq!(audiences(AssertionAudience::Pingone).accept(audience), pingone, "{audience:?}");
        assert_eq!(audiences(AssertionAudience::Strict).accept(audience), strict, "{audience:?}");
    }
}

#[test]
fn an_assertion_lives_from_now_to_at_most_an_hour() {
    let at = Timestamp::from_seconds;
    let now = at(10_000);
    for (exp, nbf, iat, expected) in [
        (10_001, None, None, Ok(())),
        (10_000, None, None, Err(Reason::AssertionExpired)),
        (9_999, None, None, Err(Reason::AssertionExpired)),
        (13_610, None, None, Ok(())),
        (13_611, None, None, Err(Reason::AssertionTooLongLived)),
        (10_060, Some(10_010), None, Ok(())),
        (10_060, Some(10_011), None, Err(Reason::AssertionNotYetValid)),
        (10_060, None, Some(10_011), Err(Reason::AssertionNotYetValid)),
        (10_060, None, Some(1), Ok(())),
    ] {
        let verdict = check_times(at(exp), nbf.map(at), iat.map(at), now);
        assert_eq!(verdict, expected, "{exp} {nbf:?} {iat:?}");
    }
}

#[test]
fn an_assertion_of_before_the_epoch_counts_as_used() {
    let at = Timestamp::from_seconds;
    let refused = Err(Reason::AssertionReplayed);
    for (epoch, exp, nbf, iat, expected) in [
        // Never restored: everything is known.
        (0, 10_060, None, None, Ok(())),
        (0, 10_060, None, Some(0), Ok(())),
        // A clock ahead of ours by the skew may have signed it before.
        (10_000, 10_060, None, Some(9_999), refused),
        (10_000, 10_060, None, Some(10_009), refused),
        (10_000, 10_060, None, Some(10_010), Ok(())),
        // `iat` says it best, then `nbf`.
        (10_000, 10_060, Some(10_010), Some(9_000), refused),
        (10_000, 10_060, Some(9_000), Some(10_010), Ok(())),
        (10_000, 10_060, Some(10_009), None, refused),
        (10_000, 10_060, Some(10_010), None, Ok(())),
        // Without both it may be as old as it may live.
        (10_000, 13_609, None, None, refused),
        (10_000, 13_610, None, None, Ok(())),
    ] {
        let accepted = AcceptedAssertion {
            digest: Digest::from_bytes([1; 32]),
            expires_at: at(exp),
            issued_at: earliest_issue(at(exp), nbf.map(at), iat.map(at)),
        };
        let verdict = accepted.require_since(at(epoch));
        assert_eq!(verdict, expected, "{epoch} {exp} {nbf:?} {iat:?}");
    }
}
