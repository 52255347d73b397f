use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::id::{ApplicationId, UserId};
use crate::record::Record;
use crate::time::Seconds;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn grant(generation: u32) -> Grant {
    Grant {
        authorization_details: None,
        claims: None,
        resource: Vec::new(),
        rotated_at: Timestamp::default(),
        env: EnvironmentId::NIL,
        id: GrantId::NIL,
        application: ApplicationId::NIL,
        user: UserId::NIL,
        sector: None,
        scope: String::from("openid pay"),
        acr: String::new(),
        amr: Vec::new(),
        auth_time: at(0),
        generation,
        token_expires_at: at(1000),
        expires_at: at(5000),
        revoked_at: None,
        created_at: at(0),
    }
}

fn client(id: u8) -> Application {
    crate::testing::application(ApplicationId::from_bytes([id; 16]))
}

fn decide(
    grant: Grant,
    presented: u32,
    client: &Application,
    now: i64,
) -> (Result<u32, Reason>, Vec<Grant>) {
    let found = Versioned { record: Arc::new(grant), version: 4 };
    let presented = RefreshToken { grant: GrantId::NIL, generation: presented };
    let decision = refresh(Some(&found), presented, client, None, at(now));
    let written = decision
        .changes
        .iter()
        .filter_map(|change| match &change.write {
            Write::Replace(Record::Grant(grant), 4) => Some(Grant::clone(grant)),
            _ => None,
        })
        .collect();
    (decision.verdict.map(|renewal| renewal.next.generation), written)
}

fn check(
    grant: Grant,
    presented: u32,
    client_id: u8,
    now: i64,
) -> (Result<u32, Reason>, Vec<Grant>) {
    decide(grant, presented, &client(client_id), now)
}

#[test]
fn every_case_of_a_presented_token() {
    let revoked = Grant { revoked_at: Some(at(1)), ..grant(3) };
    let table = [
        (grant(3), 3, 0, 10, Ok(4)),
        (grant(3), 2, 0, 10, Err(Reason::RefreshTokenReused)),
        (grant(3), 0, 0, 10, Err(Reason::RefreshTokenReused)),
        (grant(3), 4, 0, 10, Err(Reason::RefreshTokenUnknown)),
        (grant(3), 3, 1, 10, Err(Reason::RefreshTokenOtherClient)),
        (grant(3), 2, 1, 10, Err(Reason::RefreshTokenOtherClient)),
        (grant(3), 3, 0, 1000, Err(Reason::RefreshTokenExpired)),
        (grant(3), 3, 0, 999, Ok(4)),
        (revoked.clone(), 3, 0, 10, Err(Reason::RefreshTokenRevoked)),
        (revoked, 2, 0, 10, Err(Reason::RefreshTokenRevoked)),
    ];
    for (grant, presented, client, now, expected) in table {
        let (verdict, written) = check(grant, presented, client, now);
        assert_eq!(verdict, expected, "{presented} by {client} at {now}");
        let revokes = written.iter().any(|grant| grant.revoked_at.is_some());
        assert_eq!(revokes, expected == Err(Reason::RefreshTokenReused));
        assert_eq!(written.len(), usize::from(revokes || expected.is_ok()));
    }
}

/// A family of which the newest token is the third, made at 100.
fn rotated() -> Grant {
    Grant { rotated_at: at(100), ..grant(3) }
}

fn graceful(grace: u32, replay_protection: bool) -> Application {
    let mut client = client(0);
    client.refresh.grace = Seconds::new(grace);
    client.refresh.replay_protection = replay_protection;
    client
}

#[test]
fn within_the_grace_the_token_before_gives_the_newest_one_again_and_only_once() {
    let client = graceful(60, true);
    let (verdict, written) = decide(rotated(), 2, &client, 159);
    assert_eq!(verdict, Ok(3));
    let [graced] = written.as_slice() else { panic!("{written:?}") };
    let expected = Grant { rotated_at: Timestamp::default(), ..rotated() };
    assert_eq!(*graced, expected, "nothing else changes");
    let (verdict, written) = decide(graced.clone(), 2, &client, 159);
    assert_eq!(verdict, Err(Reason::RefreshTokenReused));
    assert_eq!(written[0].revoked_at, Some(at(159)));
    // Whoever lost the answer goes on with the token that it holds now.
    let (verdict, written) = decide(graced.clone(), 3, &client, 159);
    assert_eq!((verdict, written[0].rotated_at), (Ok(4), at(159)));
}

#[test]
fn the_grace_is_for_the_token_before_and_for_its_time() {
    for (grace, presented, now, expected) in [
        (60, 2, 160, Err(Reason::RefreshTokenReused)),
        (60, 1, 110, Err(Reason::RefreshTokenReused)),
        (60, 4, 110, Err(Reason::RefreshTokenUnknown)),
        (0, 2, 100, Err(Reason::RefreshTokenReused)),
        (86_400, 2, 1000, Err(Reason::RefreshTokenExpired)),
    ] {
        let (verdict, _) = decide(rotated(), presented, &graceful(grace, true), now);
        assert_eq!(verdict, expected, "{presented} at {now} with {grace}");
    }
    let revoked = Grant { revoked_at: Some(at(101)), ..rotated() };
    let (verdict, _) = decide(revoked, 2, &graceful(60, true), 110);
    assert_eq!(verdict, Err(Reason::RefreshTokenRevoked));
}

#[test]
fn without_replay_protection_a_reused_token_is_refused_and_the_family_lives() {
    let (verdict, written) = decide(rotated(), 1, &graceful(0, false), 110);
    assert_eq!((verdict, written), (Err(Reason::RefreshTokenReused), Vec::new()));
    let (verdict, _) = decide(rotated(), 3, &graceful(0, false), 110);
    assert_eq!(verdict, Ok(4));
}

#[test]
fn the_newest_token_of_a_family_that_lives_is_live() {
    let live = |grant: &Grant, generation, now| {
        is_live(grant, RefreshToken { grant: GrantId::NIL, generation }, at(now))
    };
    assert!(live(&rotated(), 3, 999));
    assert!(!live(&rotated(), 2, 999) && !live(&rotated(), 4, 999) && !live(&rotated(), 3, 1000));
    let revoked = Grant { revoked_at: Some(at(1)), ..rotated() };
    assert!(!live(&revoked, 3, 10));
    assert!(revoked.forget_at() > at(2_592_000), "its access tokens may live that long");
}

#[test]
fn a_token_never_outlives_its_family() {
    let lifetime = RefreshLifetime {
        grace: Seconds::default(),
        replay_protection: true,
        duration: Seconds::new(100),
        rolling_duration: Seconds::new(150),
    };
    assert_eq!(token_expires_at(lifetime, at(150), at(0)), at(100));
    assert_eq!(token_expires_at(lifetime, at(150), at(80)), at(150));
}

fn key(octet: u8) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[octet; 32])
}

proptest! {
    #[test]
    fn parse_of_render_is_the_same(grant: [u8; 16], generation: u32) {
        let token = RefreshToken { grant: GrantId::from_bytes(grant), generation };
        let env = EnvironmentId::from_bytes([1; 16]);
        let rendered = token.render(env, &key(1));
        prop_assert_eq!(RefreshToken::parse(rendered.expose(), env, &key(1)), Ok(token));
        let elsewhere = EnvironmentId::from_bytes([2; 16]);
        prop_assert!(RefreshToken::parse(rendered.expose(), elsewhere, &key(1)).is_err());
        prop_assert!(RefreshToken::parse(rendered.expose(), env, &key(2)).is_err());
    }

    #[test]
    fn an_altered_token_is_unknown(place in 4_usize..72, by in 1_u8..26) {
        let token = RefreshToken { grant: GrantId::NIL, generation: 1 };
        let mut text = token.render(EnvironmentId::NIL, &key(1)).expose().to_owned().into_bytes();
        let place = place.min(text.len() - 1);
        text[place] = b'A' + (text[place] + by) % 26;
        let text = String::from_utf8(text).unwrap();
        let same = token.render(EnvironmentId::NIL, &key(1)).expose() == text;
        let verdict = RefreshToken::parse(&text, EnvironmentId::NIL, &key(1));
        prop_assert_eq!(verdict.is_ok(), same);
    }
}
