//! The person answers twice at once, while clients poll and time runs out.

use assent_protocol::ciba::answer::{self, Answer, Answerer};
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::id::{DeviceId, EnvironmentId};
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::time::Timestamp;
use shuttle::thread;

use crate::facts::{Clock, EXPIRY, START, auth_req_id, pending};
use crate::redeem::poll;
use crate::schedules::{catches, holds};
use crate::store::{Defect, Store};

type Verdict = Result<(), Reason>;

fn say(store: &Store, said: Answer, now: Timestamp) -> Verdict {
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(1));
    let found = store.find::<Authentication>(&key);
    let by = Answerer::Device { id: DeviceId::from_bytes([9; 16]), reaches: &[] };
    let found = found.ok_or(Reason::RequestUnknown)?;
    let answered = answer::answer(&found.record, &said.into(), by, &[], now)?;
    store.settle(None, answered.decide(&found))
}

fn state(store: &Store) -> State {
    let key = Key::authentication(EnvironmentId::NIL, auth_req_id(1));
    store.find::<Authentication>(&key).unwrap().record.state.clone()
}

/// What was told, and by which clock.
struct Told {
    approve: Verdict,
    deny: Verdict,
    /// Each poller's answers, in order.
    polls: Vec<Vec<Verdict>>,
}

impl Told {
    fn token_sets(&self) -> usize {
        self.polls.iter().flatten().filter(|it| it.is_ok()).count()
    }

    /// The first decision that was committed won, whoever asks.
    fn check(&self, end: &State) {
        let (approved, denied) = (self.approve.is_ok(), self.deny.is_ok());
        match end {
            State::Pending => assert!(!approved && !denied, "an acknowledged answer is lost"),
            State::Approved(_) => assert!(approved && !denied && self.token_sets() == 0),
            State::Redeemed { .. } => assert!(approved && !denied && self.token_sets() == 1),
            State::Denied { .. } => assert!(denied && !approved && self.token_sets() == 0),
            State::Withdrawn { .. } | State::Expired { .. } => panic!("nobody did that"),
        }
        for lost in [self.approve, self.deny].iter().filter_map(|it| it.err()) {
            let reasons = [Reason::RequestDecided, Reason::RequestExpired];
            assert!(reasons.contains(&lost), "{lost:?}");
        }
        for polls in &self.polls {
            self.check_polls(polls);
        }
    }

    /// What one client hears never goes backwards, and is what was decided. `expired_token` stands
    /// outside of the order: an answer that came in time may be committed just after it was said.
    fn check_polls(&self, polls: &[Verdict]) {
        let rank = |verdict: &Verdict| match verdict {
            Err(Reason::EndUserUndecided) => Some(0),
            Ok(()) | Err(Reason::EndUserDenied) => Some(1),
            Err(Reason::AuthReqIdRedeemed) => Some(2),
            Err(Reason::AuthReqIdExpired) => None,
            Err(other) => panic!("a poll heard {other:?}"),
        };
        assert!(polls.iter().filter_map(rank).is_sorted(), "{polls:?}");
        let heard = |verdict: Verdict| polls.contains(&verdict);
        assert!(!heard(Err(Reason::EndUserDenied)) || self.deny.is_ok());
        assert!(!heard(Err(Reason::AuthReqIdRedeemed)) || self.approve.is_ok());
    }
}

/// Two answers, two clients that poll twice, and a clock that passes the expiry if `expires`.
fn answers_and_polls(defect: Defect, expires: bool) {
    let store = Store::new(defect, vec![pending(1).into()]);
    let clock = Clock::new(START);
    let answers = [Answer::Approve, Answer::Deny].map(|said| {
        let (store, clock) = (store.clone(), clock.clone());
        thread::spawn(move || {
            let now = clock.now();
            let verdict = say(&store, said, now);
            assert!(verdict.is_err() || now < EXPIRY, "answered at {now:?}, after expiry");
            verdict
        })
    });
    let pollers = [1, 2].map(|token_set| {
        let (store, clock) = (store.clone(), clock.clone());
        thread::spawn(move || {
            let polls = [token_set, token_set + 2];
            polls.map(|token_set| poll(&store, 1, None, token_set, true, clock.now())).to_vec()
        })
    });
    if expires {
        clock.set(EXPIRY);
    }
    let [approve, deny] = answers.map(|it| it.join().unwrap());
    let polls = pollers.map(|it| it.join().unwrap()).to_vec();
    Told { approve, deny, polls }.check(&state(&store));
}

fn answers_in_time(defect: Defect) {
    answers_and_polls(defect, false);
}

fn answers_at_expiry(defect: Defect) {
    answers_and_polls(defect, true);
}

#[test]
fn the_first_committed_answer_wins() {
    holds(answers_in_time);
}

#[test]
fn a_lost_answer_would_be_noticed() {
    catches(Defect::VersionsIgnored, answers_in_time);
}

#[test]
fn an_answer_counts_if_it_came_before_the_expiry() {
    holds(answers_at_expiry);
}

#[test]
fn an_answer_that_overwrites_another_at_expiry_would_be_noticed() {
    catches(Defect::VersionsIgnored, answers_at_expiry);
}

/// The phone's «no» arrives while the «yes» is being redeemed: it comes too late or in time, and
/// both sides hear the same.
fn denial_and_redemption(defect: Defect) {
    let store = Store::new(defect, vec![pending(1).into()]);
    let redeemer = store.clone();
    let redeemer = thread::spawn(move || {
        let approve = say(&redeemer, Answer::Approve, START);
        (approve, poll(&redeemer, 1, None, 1, true, START))
    });
    let deny = say(&store, Answer::Deny, START);
    let (approve, polled) = redeemer.join().unwrap();
    match state(&store) {
        State::Redeemed { .. } => {
            assert_eq!((approve, polled, deny), (Ok(()), Ok(()), Err(Reason::RequestDecided)));
        }
        State::Denied { .. } => {
            assert_eq!((approve, deny), (Err(Reason::RequestDecided), Ok(())));
            assert_eq!(polled, Err(Reason::EndUserDenied));
        }
        other => panic!("neither decided nor redeemed: {other:?}"),
    }
}

#[test]
fn a_denial_comes_in_time_or_too_late_but_never_in_between() {
    holds(denial_and_redemption);
}

#[test]
fn a_denial_of_what_was_redeemed_would_be_noticed() {
    catches(Defect::VersionsIgnored, denial_and_redemption);
}
