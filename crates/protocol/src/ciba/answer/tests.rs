use super::*;
use crate::ciba::authentication::{Asked, Number};
use crate::ciba::delivery::DeliveryMode;
use crate::id::{ApplicationId, EnvironmentId, RequestId, UserId};
use crate::record::InboxKey;
use crate::secret::Digest;
use crate::time::Seconds;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn pending(acr_values: &str, asked: Asked) -> Authentication {
    Authentication {
        inbox: InboxKey { env: EnvironmentId::NIL, user: UserId::NIL, request: RequestId::NIL },
        auth_req_id: Digest::from_bytes([0; 32]),
        application: ApplicationId::NIL,
        scope: "openid".into(),
        binding_message: None,
        acr_values: (!acr_values.is_empty()).then(|| acr_values.into()),
        created_at: NOW,
        expires_at: NOW.plus(Seconds::new(120)),
        interval: Seconds::new(2),
        delivery: DeliveryMode::Poll,
        asked: Some(Box::new(asked)),
        state: State::Pending,
    }
}

fn yes(number: Option<u8>, details: Option<&[u16]>) -> Said {
    Said { number, details: details.map(<[u16]>::to_vec), ..Answer::Approve.into() }
}

/// The approval, or what is heard instead.
fn approve(
    found: &Authentication,
    said: &Said,
    reaches: &[&str],
    optional: &[bool],
) -> Result<Approval, Reason> {
    let reaches: Vec<String> = reaches.iter().map(|it| (*it).to_owned()).collect();
    let by = Answerer::Device { id: DeviceId::NIL, reaches: &reaches };
    match answer(found, said, by, optional, NOW)? {
        Answered { state: State::Approved(approval), verdict: Ok(()) } => Ok(*approval),
        Answered { state: State::Denied { .. }, verdict: Err(reason) } => {
            assert_eq!(reason, Reason::NumberWrong, "the one refusal that denies");
            Err(reason)
        }
        other => panic!("{other:?}"),
    }
}

/// R-032: the first that is asked for and reached, else the standard one.
#[test]
fn the_context_reached_is_the_first_one_wanted() {
    for (wanted, reaches, acr) in [
        ("", vec![], ACR_DEVICE),
        ("", vec!["strong"], ACR_DEVICE),
        ("strong", vec!["strong"], "strong"),
        ("stronger strong", vec!["strong"], "strong"),
        ("stronger strong", vec!["strong", "stronger"], "stronger"),
        ("stronger", vec!["strong"], ACR_DEVICE),
        ("stronger urn:assent:acr:device strong", vec!["strong"], ACR_DEVICE),
        ("urn:assent:acr:simulator", vec!["strong"], ACR_DEVICE),
        ("stron", vec!["strong"], ACR_DEVICE),
    ] {
        let found = pending(wanted, Asked::default());
        let approval = approve(&found, &yes(None, None), &reaches, &[]).unwrap();
        assert_eq!(approval.acr, acr, "{wanted} of {reaches:?}");
    }
    let found = pending("strong urn:assent:acr:device", Asked::default());
    let answered = answer(&found, &yes(None, None), Answerer::Simulator, &[], NOW).unwrap();
    let State::Approved(approval) = answered.state else { panic!() };
    assert_eq!(approval.acr, ACR_SIMULATOR, "nobody was asked");
}

/// OIDC Core §5.5.1.1.
#[test]
fn an_essential_context_that_is_not_reached_leaves_the_request_waiting() {
    let missed = Err(Reason::AcrNotReached);
    for (claims, reaches, heard) in [
        (r#"{"id_token":{"acr":null}}"#, vec![], Ok(ACR_DEVICE)),
        (r#"{"id_token":{"acr":{"essential":true}}}"#, vec![], Ok(ACR_DEVICE)),
        (r#"{"id_token":{"acr":{"value":"strong"}}}"#, vec![], Ok(ACR_DEVICE)),
        (r#"{"id_token":{"acr":{"value":"strong"}}}"#, vec!["strong"], Ok("strong")),
        (r#"{"id_token":{"acr":{"essential":true,"value":"strong"}}}"#, vec![], missed),
        (r#"{"id_token":{"acr":{"essential":true,"values":[1]}}}"#, vec!["1"], missed),
        (
            r#"{"id_token":{"acr":{"essential":true,"values":["stronger","strong"]}}}"#,
            vec!["strong", "weak"],
            Ok("strong"),
        ),
        // It is the ID token that says how somebody authenticated.
        (r#"{"userinfo":{"acr":{"essential":true,"value":"strong"}}}"#, vec![], Ok(ACR_DEVICE)),
    ] {
        let asked = Asked { claims: Some(claims.into()), ..Asked::default() };
        let found = pending("weak", asked);
        let approval = approve(&found, &yes(None, None), &reaches, &[]);
        assert_eq!(approval.map(|it| it.acr), heard.map(str::to_owned), "{claims}");
    }
}

/// T-04: a wrong number ends the request, none does not.
#[test]
fn the_number_must_be_the_one_that_is_shown() {
    let number =
        |choices| Asked { number: Some(Number { shown: 42, choices }), ..Asked::default() };
    for choices in [None, Some([17, 42, 99])] {
        let found = pending("", number(choices));
        let say = |number| approve(&found, &yes(number, None), &[], &[]).map(|_| ());
        assert_eq!(say(Some(42)), Ok(()));
        assert_eq!(say(Some(17)), Err(Reason::NumberWrong));
        assert_eq!(say(Some(24)), Err(Reason::NumberWrong));
        assert_eq!(say(None), Err(Reason::NumberMissing));
        let by = Answerer::Simulator;
        let denied = answer(&found, &Answer::Deny.into(), by, &[], NOW).unwrap();
        assert_eq!(denied, Answered { state: State::Denied { at: NOW }, verdict: Ok(()) });
    }
    let found = pending("", Asked::default());
    assert!(approve(&found, &yes(Some(17), None), &[], &[]).is_ok(), "none was asked for");
}

#[test]
fn only_what_is_optional_can_be_left_out_and_not_everything() {
    let invalid = Err(Reason::DetailsSelectionInvalid);
    type Case = (&'static [bool], Option<&'static [u16]>, Result<Option<Vec<u16>>, Reason>);
    let table: [Case; 15] = [
        (&[], None, Ok(None)),
        (&[], Some(&[]), invalid.clone()),
        (&[], Some(&[0]), invalid.clone()),
        (&[false], None, Ok(None)),
        (&[false], Some(&[0]), Ok(None)),
        (&[false], Some(&[]), invalid.clone()),
        (&[true, true], Some(&[]), invalid.clone()),
        (&[true, true], Some(&[1]), Ok(Some(vec![1]))),
        (&[true, true], Some(&[1, 0]), Ok(None)),
        (&[true, true], Some(&[1, 1]), invalid.clone()),
        (&[true, true], Some(&[1, 2]), invalid.clone()),
        (&[true, false, true], Some(&[1]), Ok(Some(vec![1]))),
        (&[true, false, true], Some(&[2, 1]), Ok(Some(vec![1, 2]))),
        (&[true, false, true], Some(&[0, 2]), invalid.clone()),
        (&[true, true], Some(&[0, 65_535]), invalid),
    ];
    for (optional, chosen, approved) in table {
        let found = pending("", Asked::default());
        let approval = approve(&found, &yes(None, chosen), &[], optional);
        assert_eq!(approval.map(|it| it.details), approved, "{chosen:?} of {optional:?}");
    }
}
