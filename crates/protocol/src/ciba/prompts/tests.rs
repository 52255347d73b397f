use super::*;
use crate::ciba::authentication::Approval;
use crate::ciba::delivery::DeliveryMode;
use crate::id::{ApplicationId, EnvironmentId, RequestId, UserId};
use crate::record::InboxKey;
use crate::secret::Digest;

const START: u64 = 10_000_000;
const NOW: u64 = 400;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

/// A request that came at `created` and lives for two minutes.
fn asked(created: u64, state: State) -> Authentication {
    Authentication {
        inbox: InboxKey {
            env: EnvironmentId::NIL,
            user: UserId::NIL,
            request: RequestId::from_bytes([0; 16]),
        },
        auth_req_id: Digest::from_bytes([0; 32]),
        application: ApplicationId::NIL,
        scope: "openid".into(),
        binding_message: None,
        acr_values: None,
        created_at: at(created),
        expires_at: at(created + 120),
        interval: Seconds::new(2),
        delivery: DeliveryMode::Poll,
        asked: None,
        state,
    }
}

fn approved(created: u64, decided: u64) -> Authentication {
    let approval = Approval {
        at: at(decided),
        device: None,
        acr: String::new(),
        amr: Vec::new(),
        details: None,
    };
    asked(created, State::Approved(Box::new(approval)))
}

fn denied(created: u64, decided: u64) -> Authentication {
    asked(created, State::Denied { at: at(decided) })
}

fn check(asked: &[Authentication], settings: &CibaSettings) -> Result<(), (Reason, u32)> {
    admit(asked, settings, at(NOW)).map_err(|(reason, wait)| (reason, wait.get()))
}

#[test]
fn a_person_is_asked_so_often_and_not_more() {
    let pending = |created| asked(created, State::Pending);
    let withdrawn = |created| asked(created, State::Withdrawn { at: at(created) });
    let lapsed = |created| asked(created, State::Expired { at: at(created + 121) });
    let table = [
        ("nothing was asked", vec![], Ok(())),
        ("two wait", vec![pending(300), pending(310)], Ok(())),
        (
            "three wait, the first until 420",
            vec![pending(320), pending(300), pending(310)],
            Err((Reason::PromptsWaiting, 20)),
        ),
        (
            "five came in a minute, the first at 341",
            (341..346).map(withdrawn).collect(),
            Err((Reason::PromptsTooMany, 1)),
        ),
        ("five came, the first a minute ago", (340..345).map(withdrawn).collect(), Ok(())),
        (
            "three were declined, the last at 390",
            vec![denied(200, 390), denied(210, 220), denied(220, 230)],
            Err((Reason::PromptsUnwanted, 290)),
        ),
        (
            "three were ignored, two of them still as they were; the last ended at 350",
            vec![pending(230), pending(220), lapsed(210)],
            Err((Reason::PromptsUnwanted, 250)),
        ),
        ("two were declined", vec![denied(200, 390), denied(210, 220)], Ok(())),
        (
            "one of three was declined five minutes ago",
            vec![denied(50, 100), denied(200, 390), denied(210, 220)],
            Ok(()),
        ),
        (
            "an approval says that the person wants to be asked",
            vec![denied(200, 210), denied(210, 220), denied(220, 230), approved(240, 250)],
            Ok(()),
        ),
        ("what was taken back counts as no answer", (100..110).map(withdrawn).collect(), Ok(())),
    ];
    for (words, asked, expected) in table {
        assert_eq!(check(&asked, &CibaSettings::default()), expected, "{words}");
    }
}

#[test]
fn zero_means_any_number() {
    let settings = CibaSettings {
        prompts_per_minute: 0,
        prompts_waiting: 0,
        prompts_unwanted: 0,
        ..CibaSettings::default()
    };
    assert!(!is_limited(&settings));
    let asked: Vec<_> =
        (0..50).flat_map(|n| [asked(390, State::Pending), denied(200, 200 + n)]).collect();
    assert_eq!(check(&asked, &settings), Ok(()));
}

#[test]
fn whatever_counts_is_among_what_is_looked_at() {
    let settings = CibaSettings::default();
    let longest = settings.expires_in_max;
    // Ignored, and ended just less than five minutes ago.
    let mut oldest = asked(0, State::Pending);
    oldest.created_at = at(NOW).minus(QUIET).minus(longest).plus(Seconds::new(1));
    oldest.expires_at = oldest.created_at.plus(longest);
    assert!(unwanted_at(&oldest, at(NOW)).is_some_and(|ended| at(NOW) < ended.plus(QUIET)));
    assert!(oldest.created_at >= since(&settings, at(NOW)));
}
