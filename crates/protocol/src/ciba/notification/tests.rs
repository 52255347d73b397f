use super::*;
use crate::ciba::authentication::State;
use crate::id::{RequestId, UserId};
use crate::record::InboxKey;
use crate::sealing::{Context, RootKey};

const BEGAN: Timestamp = Timestamp::from_millis(1_000_000);
const LIFE: u32 = 120;

fn sealed() -> Sealed {
    let context = Context { label: "x", owner: &[0; 16] };
    RootKey::new([0; 32]).seal_fresh(context, b"secret", [0; 24]).unwrap()
}

fn armed() -> Notification {
    let about = Authentication {
        inbox: InboxKey {
            env: EnvironmentId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            request: RequestId::from_bytes([3; 16]),
        },
        auth_req_id: Digest::from_bytes([4; 32]),
        application: ApplicationId::from_bytes([5; 16]),
        scope: "openid".into(),
        binding_message: None,
        acr_values: None,
        created_at: BEGAN,
        expires_at: BEGAN.plus(Seconds::new(LIFE)),
        interval: Seconds::new(2),
        delivery: DeliveryMode::Ping,
        asked: None,
        state: State::Pending,
    };
    let to = Receiver { endpoint: "https://client.example.com/ping", lane: Lane(7) };
    Notification::armed(&about, to, sealed())
}

fn after(seconds: u32) -> Timestamp {
    BEGAN.plus(Seconds::new(seconds))
}

#[test]
fn what_is_to_be_done_follows_from_state_and_time() {
    let due = armed().told(None, None, after(10));
    let dead = due.dead("gone", after(20));
    let gone = LIFE + 660;
    for (it, seconds, expected) in [
        (&armed(), LIFE - 1, Step::Rest),
        (&armed(), LIFE, Step::Expire),
        (&due, 10, Step::Rest),
        (&due, 24, Step::Rest),
        (&due, 25, Step::Send),
        (&due, LIFE - 1, Step::Send),
        (&due, LIFE, Step::GiveUp),
        (&dead, gone - 1, Step::Rest),
        (&dead, gone, Step::Strip),
        (&dead.stripped(), gone, Step::Rest),
        (&dead.stripped(), gone + 7 * 24 * 3600, Step::Rest),
    ] {
        assert_eq!(it.step(after(seconds)), expected, "{:?} at {seconds}", it.state);
    }
}

#[test]
fn a_late_decision_is_told_for_a_minute() {
    for (decided, tried_until) in
        [(0, LIFE), (LIFE - 60, LIFE), (LIFE - 1, LIFE + 59), (LIFE, LIFE + 60)]
    {
        let told = armed().told(None, None, after(decided));
        assert_eq!(told.try_until, after(tried_until), "decided at {decided}");
    }
    let late = armed().told(None, None, after(LIFE + 659));
    assert_eq!(late.try_until, late.gone_at, "never after the request is forgotten");
}

#[test]
fn who_claimed_sends_only_while_a_call_ends_before_the_claim() {
    let due = armed().told(None, None, after(10));
    for (seconds, may) in [(10, true), (15, true), (16, false), (25, false)] {
        assert_eq!(due.may_be_sent(after(seconds)), may, "at {seconds}");
    }
    assert!(due.claimed(after(30)).may_be_sent(after(30)));
    assert!(!due.claimed(after(LIFE)).may_be_sent(after(LIFE)), "its time is over");
    assert!(!armed().claimed(after(1)).may_be_sent(after(1)), "there is nothing to tell");
}

#[test]
fn a_status_delivers_ends_or_may_pass() {
    let kind = |status| match Met::status(status) {
        Met::Delivered => "delivered",
        Met::Refused(_) => "refused",
        Met::Failed(_) => "failed",
    };
    for (status, expected) in [
        (200, "delivered"),
        (202, "delivered"),
        (204, "delivered"),
        (199, "refused"),
        (301, "refused"),
        (302, "refused"),
        (307, "refused"),
        (308, "refused"),
        (400, "refused"),
        (401, "refused"),
        (403, "refused"),
        (404, "refused"),
        (408, "failed"),
        (410, "refused"),
        (429, "failed"),
        (500, "failed"),
        (502, "failed"),
        (503, "failed"),
        (599, "failed"),
        (600, "refused"),
    ] {
        assert_eq!(kind(status), expected, "{status}");
    }
}

#[test]
fn a_failure_is_tried_again_later_and_later_until_the_request_ends() {
    let mut it = armed().told(None, None, after(1));
    let failed = Met::Failed(String::from("no answer"));
    let mut pauses = Vec::new();
    let mut now = after(1);
    // The longest pause each time.
    while let Some(next) = it.after(&failed, now, u32::MAX - u32::MAX % 480_000 - 1) {
        if next.state != Delivery::Due {
            assert_eq!(next.state, Delivery::Dead { at: now, why: "no answer".into() });
            assert_eq!((next.attempts, next.due_at), (7, next.gone_at));
            break;
        }
        pauses.push(next.due_at.millis_since(now));
        now = next.due_at;
        it = next;
    }
    assert_eq!(pauses.len(), 6, "{pauses:?}");
    for (pause, longest) in pauses.iter().zip([1_000, 2_000, 4_000, 8_000, 16_000, 32_000]) {
        assert!((1..=longest).contains(pause), "{pauses:?}");
    }
}

#[test]
fn a_pause_is_anything_up_to_its_longest() {
    for attempts in [1, 2, 7, 40, 64, 65, u32::MAX] {
        let longest = 1000 * (1_u64 << attempts.min(7).saturating_sub(1)).min(60);
        assert_eq!(pause_millis(attempts, 0), 1, "{attempts}");
        let most = u32::try_from(longest - 1).unwrap();
        assert_eq!(pause_millis(attempts, most), longest, "{attempts}");
        assert_eq!(pause_millis(attempts, most + 1), 1, "{attempts}");
    }
}

#[test]
fn a_refusal_ends_it_at_once_and_a_delivery_removes_it() {
    let due = armed().told(Some(sealed()), None, after(1));
    assert_eq!(due.after(&Met::Delivered, after(2), 0), None);
    let refused = Met::Refused(String::from("the receiver answered 403"));
    let dead = due.after(&refused, after(2), 0).unwrap();
    assert_eq!(
        dead.state,
        Delivery::Dead { at: after(2), why: "the receiver answered 403".into() }
    );
    assert_eq!(dead.step(after(LIFE)), Step::Rest);
    assert!(dead.payload.is_some(), "it can be sent again");
}

#[test]
fn the_dead_are_sent_again_by_command_while_the_request_is_remembered() {
    let due = armed().told(None, None, after(1));
    assert_eq!(due.again(after(2)), None, "it is not dead");
    assert_eq!(armed().again(after(2)), None, "there is nothing to tell");
    let dead = due.dead("gone", after(3));
    let again = dead.again(after(300)).unwrap();
    assert!(again.may_be_sent(after(300)));
    assert_eq!(again.try_until, after(360));
    assert_eq!(dead.again(after(LIFE + 659)).unwrap().try_until, dead.gone_at);
    assert_eq!(dead.again(dead.gone_at), None);
    assert_eq!(dead.stripped().again(after(300)), None);
}

#[test]
fn what_is_stripped_holds_no_secret() {
    let tokens = PushedTokens { grant: GrantId::from_bytes([9; 16]), lifetime: Seconds::new(60) };
    let dead = armed().told(Some(sealed()), Some(tokens), after(1)).dead("gone", after(2));
    let json = serde_json::to_string(&dead.stripped()).unwrap();
    for member in ["credentials", "payload", "tokens"] {
        assert!(serde_json::to_string(&dead).unwrap().contains(member));
        assert!(!json.contains(member), "{json}");
    }
}
