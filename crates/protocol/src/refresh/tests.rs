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

fn check(
    grant: Grant,
    presented: u32,
    client_id: u8,
    now: i64,
) -> (Result<u32, Reason>, Vec<Grant>) {
    let found = Versioned { record: Arc::new(grant), version: 4 };
    let presented = RefreshToken { grant: GrantId::NIL, generation: presented };
    let decision = refresh(Some(&found), presented, &client(client_id), None, at(now));
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
