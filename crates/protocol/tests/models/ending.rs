//! A request of a client that is called back ends once, and what is told of it is what became of
//! it: the person answers, the client takes it back, and time runs out, all at once.

use assent_protocol::ciba::answer::{self, Answer, Answered, Answerer};
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification, Receiver, Step};
use assent_protocol::decision::{Change, Decision};
use assent_protocol::id::EnvironmentId;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Lane, Versioned, Write};
use assent_protocol::revocation;
use assent_protocol::sealing::{Context, RootKey};
use assent_protocol::time::{Seconds, Timestamp};
use shuttle::thread;

use crate::facts::{EXPIRY, auth_req_id, pending};
use crate::schedules::{catches, holds};
use crate::store::{Defect, Outcome, Store};

type Verdict = Result<(), Reason>;

fn in_time() -> Timestamp {
    EXPIRY.minus(Seconds::new(1))
}

fn waiting(mode: DeliveryMode) -> (Authentication, Notification) {
    let asked = Authentication { delivery: mode, ..pending(1) };
    let owner = Context { label: "model", owner: &[1; 16] };
    let sealed = RootKey::new([0; 32]).seal(owner, b"token", [0; 12]).unwrap();
    let to = Receiver { endpoint: "https://client.example.com/cb", lane: Lane(1) };
    let armed = Notification::armed(&asked, to, sealed);
    (asked, armed)
}

fn find(store: &Store) -> (Versioned<Authentication>, Option<Versioned<Notification>>) {
    let asked = store.find(&Key::authentication(EnvironmentId::NIL, auth_req_id(1))).unwrap();
    (asked, store.find(&Key::notification(EnvironmentId::NIL, auth_req_id(1))))
}

/// What is committed when a request ends so: the heart of `assent_server::delivery::tell`.
fn tell(
    store: &Store,
    asked: &Versioned<Authentication>,
    armed: Option<Versioned<Notification>>,
    state: State,
    now: Timestamp,
) -> Verdict {
    let armed = armed.filter(|it| it.record.state == Delivery::Armed);
    let told = armed.map(|it| {
        let told = Write::replace(it.record.told(None, None, now), it.version);
        Change::new(told, Reason::RequestDecided)
    });
    let answered = Answered { state, verdict: Ok(()) };
    store.settle(None, answered.decide(asked).and_maybe(told))
}

fn approve(store: &Store) -> Verdict {
    let (asked, armed) = find(store);
    let said = Answer::Approve.into();
    let answered = answer::answer(&asked.record, &said, Answerer::Simulator, &[], in_time())?;
    let state = match (answered.state, asked.record.delivery) {
        (State::Approved(_), DeliveryMode::Push) => State::Redeemed { at: in_time() },
        (state, _) => state,
    };
    tell(store, &asked, armed, state, in_time())
}

/// The worker, on any node, when the armed notification is due.
fn expire(store: &Store) -> Verdict {
    let (asked, armed) = find(store);
    let due = armed.as_ref().is_some_and(|it| it.record.step(EXPIRY) == Step::Expire);
    if !due || asked.record.state != State::Pending {
        return Err(Reason::RequestDecided);
    }
    tell(store, &asked, armed, State::Expired { at: EXPIRY }, EXPIRY)
}

fn withdraw(store: &Store) -> Verdict {
    let (asked, armed) = find(store);
    let changes = revocation::withdraw(&asked, armed.as_ref(), in_time());
    let changes = changes.ok_or(Reason::AuthReqIdRedeemed)?;
    store.settle(None, Decision { verdict: Ok(()), changes })
}

/// Ends in exactly one way, and the notification says so.
fn race(defect: Defect, mode: DeliveryMode) {
    let (asked, armed) = waiting(mode);
    let store = Store::new(defect, vec![asked.into(), armed.into()]);
    let acts: [fn(&Store) -> Verdict; 4] = [approve, expire, expire, withdraw];
    let threads = acts.map(|act| {
        let store = store.clone();
        thread::spawn(move || act(&store))
    });
    let [approved, expired, expired_too, withdrawn] = threads.map(|it| it.join().unwrap());
    let (asked, notification) = find(&store);
    let told = notification.as_ref().is_some_and(|it| it.record.state == Delivery::Due);
    match &asked.record.state {
        State::Approved(_) | State::Redeemed { .. } => assert!(approved.is_ok() && told),
        State::Expired { .. } => assert!((expired.is_ok() ^ expired_too.is_ok()) && told),
        // A ping that was on its way says no more than that there is an outcome.
        State::Withdrawn { .. } => {
            assert!(withdrawn.is_ok() && told == approved.is_ok());
            assert_eq!(notification.is_some(), told, "one that is armed would tell of expiry");
        }
        State::Pending | State::Denied { .. } => panic!("{:?}", asked.record.state),
    }
    // An approval may be taken back before it is redeemed; nothing else ends twice.
    let ends = [approved, expired, expired_too, withdrawn].iter().filter(|it| it.is_ok()).count();
    let taken_back = approved.is_ok() && withdrawn.is_ok() && mode == DeliveryMode::Ping;
    assert_eq!(ends, 1 + usize::from(taken_back), "{approved:?} {expired:?} {withdrawn:?}");
}

fn ping(defect: Defect) {
    race(defect, DeliveryMode::Ping);
}

fn push(defect: Defect) {
    race(defect, DeliveryMode::Push);
}

#[test]
fn a_pinged_request_ends_once_and_that_is_what_is_told() {
    holds(ping);
}

#[test]
fn a_pushed_request_ends_once_and_that_is_what_is_told() {
    holds(push);
}

#[test]
fn a_request_that_ends_twice_would_be_noticed() {
    catches(Defect::VersionsIgnored, push);
}

#[test]
fn a_notification_of_what_did_not_happen_would_be_noticed() {
    catches(Defect::VersionsIgnored, ping);
}

/// Two nodes find a due notification whose node died.
fn two_senders(defect: Defect) {
    let (asked, armed) = waiting(DeliveryMode::Ping);
    let due = armed.told(None, None, in_time());
    let store = Store::new(defect, vec![asked.into(), due.clone().into()]);
    let later = due.due_at;
    let threads = [(); 2].map(|()| {
        let store = store.clone();
        thread::spawn(move || {
            let found = find(&store).1.unwrap();
            if found.record.step(later) != Step::Send {
                return false;
            }
            let claimed = found.record.claimed(later);
            let mine = claimed.may_be_sent(later);
            store.commit(vec![Write::replace(claimed, found.version)]) == Outcome::Done && mine
        })
    });
    let sent = threads.map(|it| it.join().unwrap()).iter().filter(|sent| **sent).count();
    assert_eq!(sent, 1);
}

#[test]
fn a_notification_is_sent_by_one_node_at_a_time() {
    holds(two_senders);
}

#[test]
fn two_senders_at_once_would_be_noticed() {
    catches(Defect::VersionsIgnored, two_senders);
}
