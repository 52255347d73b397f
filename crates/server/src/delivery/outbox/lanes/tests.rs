use super::*;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::Delivery;
use assent_protocol::id::ApplicationId;
use assent_protocol::secret::Digest;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn one(env: u8, lane: i64, number: u32) -> Versioned<Notification> {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    let until = NOW.plus(Seconds::new(600));
    let record = Notification {
        env: EnvironmentId::from_bytes([env; 16]),
        auth_req_id: Digest::from_bytes(digest),
        application: ApplicationId::NIL,
        mode: DeliveryMode::Ping,
        endpoint: "https://client.example.com/".into(),
        lane: Lane(lane),
        credentials: None,
        payload: None,
        tokens: None,
        state: Delivery::Due,
        attempts: 0,
        due_at: NOW,
        try_until: until,
        gone_at: until,
        forget_at: until,
        created_at: NOW,
    };
    Versioned { record: Arc::new(record.claimed(NOW)), version: 1 }
}

fn land(lanes: &mut Lanes, lane: i64, answers: bool) {
    lanes.land(Lane(lane), Some(Landing { answers, at: NOW, random: 0 }));
}

fn take(lanes: &mut Lanes) -> Option<(i64, u32)> {
    lanes.next(NOW).map(|it| {
        let number = it.record.auth_req_id.as_bytes()[..4].try_into().unwrap();
        (it.record.lane.0, u32::from_be_bytes(number))
    })
}

/// A receiver that is known to answer.
fn good(lanes: &mut Lanes, env: u8, lane: i64) {
    assert!(lanes.offer(one(env, lane, 0), NOW));
    assert_eq!(take(lanes), Some((lane, 0)));
    land(lanes, lane, true);
}

#[test]
fn a_stranger_gets_one_call_and_who_answers_gets_eight() {
    let mut lanes = Lanes::default();
    for number in 0..20 {
        assert!(lanes.offer(one(1, 7, number), NOW));
    }
    assert_eq!(take(&mut lanes), Some((7, 0)));
    assert_eq!(take(&mut lanes), None);
    land(&mut lanes, 7, true);
    for number in 1..9 {
        assert_eq!(take(&mut lanes), Some((7, number)), "in order");
    }
    assert_eq!(take(&mut lanes), None);
    land(&mut lanes, 7, true);
    assert_eq!(take(&mut lanes), Some((7, 9)), "as soon as one has landed");
    assert_eq!(lanes.sizes(NOW), (10, 8, 0));
}

#[test]
fn receivers_take_turns() {
    let mut lanes = Lanes::default();
    for lane in [1, 2, 3] {
        good(&mut lanes, 1, lane);
    }
    for lane in [1, 1, 1, 2, 3, 3] {
        assert!(lanes.offer(one(1, lane, 5), NOW));
    }
    let order: Vec<i64> = std::iter::from_fn(|| take(&mut lanes)).map(|it| it.0).collect();
    assert_eq!(order, [1, 2, 3, 1, 3, 1]);
}

#[test]
fn who_fails_keeps_little_and_who_fails_again_and_again_nothing() {
    let mut lanes = Lanes::default();
    for number in 0..200 {
        assert_eq!(lanes.offer(one(1, 7, number), NOW), number < 64, "{number}");
    }
    take(&mut lanes);
    land(&mut lanes, 7, false);
    assert_eq!(lanes.sizes(NOW), (8, 0, 0), "what is dropped is found in the store");
    for _ in 0..4 {
        assert!(take(&mut lanes).is_some());
        assert_eq!(take(&mut lanes), None, "one call at a time");
        land(&mut lanes, 7, false);
    }
    assert_eq!(lanes.sizes(NOW), (0, 0, 1));
    assert!(!lanes.offer(one(1, 7, 1), NOW), "it is left alone");
    assert_eq!(lanes.full(NOW, 10), [Lane(7)]);
    let later = NOW.plus(Seconds::new(1));
    assert_eq!(lanes.room(Lane(7), EnvironmentId::from_bytes([1; 16]), later), 1);
    assert!(lanes.full(later, 10).is_empty());
}

#[test]
fn what_waited_too_long_is_not_sent() {
    let mut lanes = Lanes::default();
    assert!(lanes.offer(one(1, 7, 1), NOW));
    assert!(lanes.next(NOW.plus(Seconds::new(6))).is_none());
    assert_eq!(lanes.sizes(NOW), (0, 0, 0));
}

#[test]
fn one_environment_leaves_room_for_others() {
    let mut lanes = Lanes::default();
    let many = i64::try_from(CALLS_PER_ENVIRONMENT_MAX).unwrap() + 10;
    for lane in 0..many {
        assert!(lanes.offer(one(1, lane, 0), NOW));
    }
    assert!(lanes.offer(one(2, 1_000, 0), NOW));
    let taken: Vec<i64> = std::iter::from_fn(|| take(&mut lanes)).map(|it| it.0).collect();
    assert_eq!(taken.len(), CALLS_PER_ENVIRONMENT_MAX + 1);
    assert_eq!(taken.last(), Some(&1_000), "after all that the first may have");
    land(&mut lanes, 0, true);
    assert!(take(&mut lanes).is_some());
    assert_eq!(take(&mut lanes), None);
}

#[test]
fn everything_is_bounded_and_what_is_idle_is_forgotten() {
    let mut lanes = Lanes::default();
    let mut taken = 0;
    for lane in 0..200 {
        for number in 0..64 {
            taken += usize::from(lanes.offer(one(1, lane, number), NOW));
        }
    }
    assert_eq!(taken, QUEUED_PER_ENVIRONMENT_MAX);
    for env in 2..20 {
        for lane in 0..32 {
            for number in 0..64 {
                let lane = i64::from(env) * 1_000 + lane;
                taken += usize::from(lanes.offer(one(env, lane, number), NOW));
            }
        }
    }
    assert_eq!(taken, QUEUED_MAX);
    let late = NOW.plus(Seconds::new(60));
    assert!(lanes.next(late).is_none());
    assert_eq!(lanes.sizes(late), (0, 0, 0));
    lanes.sweep(NOW.plus(Seconds::new(599)));
    assert!(!lanes.lanes.is_empty());
    lanes.sweep(NOW.plus(Seconds::new(600)));
    assert!(lanes.lanes.is_empty() && lanes.loads.is_empty() && lanes.turns.is_empty());
}

#[test]
fn so_many_receivers_are_known_and_a_new_one_takes_the_place_of_an_idle_one() {
    let mut lanes = Lanes::default();
    for lane in 0..i64::try_from(LANES_MAX).unwrap() {
        good(&mut lanes, 1, lane);
    }
    assert_eq!(lanes.lanes.len(), LANES_MAX);
    assert!(lanes.offer(one(1, -1, 0), NOW));
    assert!(lanes.lanes.len() <= LANES_MAX);
    assert_eq!(take(&mut lanes), Some((-1, 0)));
}
