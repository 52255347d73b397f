//! What every backend promises. A backend is tested by calling [`all`] with it.

use std::sync::Arc;

use assent_protocol::audit::Entry;
use assent_protocol::audit::chain::{Anchor, Head, Link, Verifier};
use assent_protocol::id::{EnvironmentId, RequestId, UserId};
use assent_protocol::record::{Key, Kind, Lane, Stored, Write};
use assent_protocol::time::{Seconds, Timestamp};
use assent_protocol::user::User;
use assent_store::{Embedded, Faulty, Outcome, Range, Settings, Store, Topic};
use tokio::task::JoinSet;

use crate::records::{
    NOW, audit_entry, authentication, denied, env, keys, notification, pairing, spent, user,
    waiting,
};

type Backend = Arc<dyn Store>;

async fn find_user(store: &Backend, number: u8) -> Option<(String, u64)> {
    let found = store.find::<User>(&user(env(1), number).key()).await.unwrap();
    found.map(|found| (found.record.email.clone(), found.version))
}

async fn inserted_is_found_at_version_one(store: Backend) {
    let record = user(env(1), 1);
    assert_eq!(find_user(&store, 1).await, None);
    assert_eq!(store.commit(vec![Write::insert(record)]).await.unwrap(), Outcome::Done);
    assert_eq!(find_user(&store, 1).await, Some((String::from("user1@example.com"), 1)));
    let again = vec![Write::insert(user(env(1), 1))];
    assert_eq!(store.commit(again).await.unwrap(), Outcome::Lost(0));
}

async fn replacing_and_deleting_need_the_version_that_was_read(store: Backend) {
    let key = user(env(1), 1).key();
    let changed = || User { email: String::from("new"), ..user(env(1), 1) };
    assert_eq!(store.commit(vec![Write::replace(changed(), 1)]).await.unwrap(), Outcome::Lost(0));
    store.commit(vec![Write::insert(user(env(1), 1))]).await.unwrap();
    assert_eq!(store.commit(vec![Write::replace(changed(), 2)]).await.unwrap(), Outcome::Lost(0));
    assert_eq!(store.commit(vec![Write::replace(changed(), 1)]).await.unwrap(), Outcome::Done);
    assert_eq!(find_user(&store, 1).await, Some((String::from("new"), 2)));
    assert_eq!(store.commit(vec![Write::replace(changed(), 1)]).await.unwrap(), Outcome::Lost(0));
    let delete = |version| vec![Write::Delete(key.clone(), version)];
    assert_eq!(store.commit(delete(1)).await.unwrap(), Outcome::Lost(0));
    assert_eq!(store.commit(delete(2)).await.unwrap(), Outcome::Done);
    assert_eq!(store.commit(delete(2)).await.unwrap(), Outcome::Lost(0));
    assert_eq!(find_user(&store, 1).await, None);
}

/// All or none; `Lost` names the first loser.
async fn a_commit_is_atomic(store: Backend) {
    let one = waiting(env(1), 1, 1);
    store.commit(vec![Write::insert(user(env(1), 3)), Write::insert(one.clone())]).await.unwrap();
    let cases = [
        (vec![Write::insert(user(env(1), 3)), Write::insert(user(env(1), 4))], 0),
        (vec![Write::insert(user(env(1), 4)), Write::insert(user(env(1), 3))], 1),
        (vec![Write::insert(user(env(1), 4)), Write::insert(one.clone())], 1),
        (vec![Write::insert(waiting(env(1), 1, 2)), Write::replace(denied(&one), 7)], 1),
        (vec![Write::replace(denied(&one), 1), Write::insert(user(env(1), 3))], 1),
        (
            vec![
                Write::insert(user(env(1), 4)),
                Write::insert(waiting(env(1), 1, 2)),
                Write::Delete(one.key(), 2),
            ],
            2,
        ),
    ];
    for (writes, loser) in cases {
        assert_eq!(store.commit(writes).await.unwrap(), Outcome::Lost(loser));
        assert_eq!(find_user(&store, 4).await, None);
        let untouched = store.find_record(&one.key()).await.unwrap().unwrap();
        assert_eq!((authentication(untouched.0).as_ref(), untouched.1), (&one, 1));
        assert!(store.find_record(&waiting(env(1), 1, 2).key()).await.unwrap().is_none());
    }
}

async fn another_environment_finds_nothing(store: Backend) {
    store
        .commit(vec![Write::insert(user(env(1), 1)), Write::insert(waiting(env(1), 1, 1))])
        .await
        .unwrap();
    assert!(store.find_record(&user(env(2), 1).key()).await.unwrap().is_none());
    assert!(store.find_record(&waiting(env(2), 1, 1).key()).await.unwrap().is_none());
    let person = UserId::from_bytes([1; 16]);
    assert!(store.list_inbox(env(2), person, NOW, 10).await.unwrap().is_empty());
    // The same names may exist in both.
    let twin = vec![Write::insert(user(env(2), 1)), Write::insert(waiting(env(2), 1, 1))];
    assert_eq!(store.commit(twin).await.unwrap(), Outcome::Done);
    assert_eq!(store.list_inbox(env(1), person, NOW, 10).await.unwrap().len(), 1);
}

async fn lists_are_ordered_bounded_and_go_on_where_they_ended(store: Backend) {
    for number in [5, 3, 1, 4, 2] {
        store.commit(vec![Write::insert(user(env(1), number))]).await.unwrap();
    }
    store.commit(vec![Write::insert(user(env(2), 9))]).await.unwrap();
    let range =
        |after, limit| Range { env: env(1), kind: Kind::User, prefix: vec![], after, limit };
    let names = |page: Vec<assent_protocol::record::Versioned<User>>| {
        page.into_iter().map(|it| it.record.username.clone()).collect::<Vec<_>>()
    };
    let first = store.list::<User>(&range(None, 2)).await.unwrap();
    let last = first.last().unwrap().record.key().name;
    assert_eq!(names(first), ["user1", "user2"]);
    let rest = store.list::<User>(&range(Some(last), 10)).await.unwrap();
    assert_eq!(names(rest), ["user3", "user4", "user5"]);
    let prefix = Range { prefix: vec![4; 3], ..range(None, 10) };
    assert_eq!(names(store.list::<User>(&prefix).await.unwrap()), ["user4"]);
    assert!(store.list::<User>(&range(None, 0)).await.unwrap().is_empty());
}

async fn an_inbox_holds_what_waits_for_its_person(store: Backend) {
    let (mine, theirs) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    for number in 0..4 {
        store.commit(vec![Write::insert(waiting(env(1), 1, number))]).await.unwrap();
    }
    store.commit(vec![Write::insert(waiting(env(1), 2, 9))]).await.unwrap();
    let decided = waiting(env(1), 1, 2);
    store.commit(vec![Write::replace(denied(&decided), 1)]).await.unwrap();
    let listed = store.list_inbox(env(1), mine, NOW, 10).await.unwrap();
    let requests: Vec<_> = listed.iter().map(|it| it.record.inbox.request).collect();
    let expected: Vec<_> = [0, 1, 3].map(|n| waiting(env(1), 1, n).inbox.request).to_vec();
    assert_eq!(requests, expected);
    assert_eq!(store.list_inbox(env(1), mine, NOW, 2).await.unwrap().len(), 2);
    assert_eq!(store.list_inbox(env(1), theirs, NOW, 10).await.unwrap().len(), 1);
    let expired = NOW.plus(Seconds::new(120));
    assert!(store.list_inbox(env(1), mine, expired, 10).await.unwrap().is_empty());
    let found = store.find_in_inbox(decided.inbox).await.unwrap().unwrap();
    assert_eq!((found.record.as_ref(), found.version), (&denied(&decided), 2));
    let not_mine = assent_protocol::record::InboxKey { user: theirs, ..decided.inbox };
    assert!(store.find_in_inbox(not_mine).await.unwrap().is_none());
}

async fn sweeping_removes_only_what_may_be_forgotten(store: Backend) {
    let (request, assertion) = (waiting(env(1), 1, 1), spent(env(1), 1));
    let (code, other) = (pairing(env(1), 1), pairing(env(1), 2));
    let writes = vec![
        Write::insert(request.clone()),
        Write::insert(assertion.clone()),
        Write::insert(code.clone()),
        Write::insert(other.clone()),
        Write::insert(user(env(1), 1)),
    ];
    store.commit(writes).await.unwrap();
    assert_eq!(store.sweep(NOW, 100).await.unwrap(), 0);
    assert_eq!(store.sweep(assertion.forget_at(), 100).await.unwrap(), 1);
    assert!(store.find_record(&assertion.key()).await.unwrap().is_none());
    assert!(store.find_record(&request.key()).await.unwrap().is_some());
    let late = code.expires_at;
    assert_eq!(store.sweep(late, 1).await.unwrap(), 1, "bounded");
    assert_eq!(store.sweep(late, 100).await.unwrap(), 1);
    assert!(store.find_record(&code.key()).await.unwrap().is_none());
    assert!(store.find_record(&other.key()).await.unwrap().is_none());
    assert!(store.find_record(&request.key()).await.unwrap().is_some());
    // Live authentications may go together with others of the same minutes.
    store.sweep(request.forget_at().plus(Seconds::new(600)), 100).await.unwrap();
    assert!(store.find_record(&request.key()).await.unwrap().is_none());
    assert!(store.find_in_inbox(request.inbox).await.unwrap().is_none());
    assert_eq!(find_user(&store, 1).await.map(|it| it.1), Some(1), "people are not forgotten");
}

/// Which notifications are due after so many seconds, by the octet of their digests.
async fn due(store: &Backend, seconds: u32, except: &[i64], limit: usize) -> Vec<u8> {
    let except: Vec<Lane> = except.iter().copied().map(Lane).collect();
    let now = NOW.plus(Seconds::new(seconds));
    let found = store.list_due((Timestamp::default(), now), &except, limit).await.unwrap();
    found.iter().map(|it| it.record.auth_req_id.as_bytes()[0]).collect()
}

async fn what_is_due_is_listed_the_longest_due_first(store: Backend) {
    for (number, lane, seconds, of) in
        [(1, i64::MIN, 30, 1), (2, -1, 10, 1), (3, 7, 20, 2), (4, 7, 40, 1), (5, i64::MAX, 50, 3)]
    {
        let one = notification(env(of), number, lane, seconds);
        store.commit(vec![Write::insert(one)]).await.unwrap();
    }
    assert_eq!(due(&store, 9, &[], 10).await, [0; 0]);
    assert_eq!(due(&store, 10, &[], 10).await, [2], "at that very moment");
    assert_eq!(due(&store, 60, &[], 10).await, [2, 3, 1, 4, 5], "of every environment");
    assert_eq!(due(&store, 60, &[], 2).await, [2, 3], "bounded");
    assert_eq!(due(&store, 60, &[], 0).await, [0; 0]);
    let span = [20, 40].map(|seconds| NOW.plus(Seconds::new(seconds)));
    let between = store.list_due(span.into(), &[], 10).await.unwrap();
    let between: Vec<u8> = between.iter().map(|it| it.record.auth_req_id.as_bytes()[0]).collect();
    assert_eq!(between, [3, 1, 4], "both moments included");
    assert_eq!(due(&store, 60, &[7], 10).await, [2, 1, 5], "but for the lanes left out");
    assert_eq!(due(&store, 60, &[7, i64::MIN, 12], 1).await, [2]);
    assert_eq!(due(&store, 60, &[7, i64::MIN, -1, i64::MAX], 10).await, [0; 0]);
}

/// A notification is due when it says so last; what is done with, or forgotten, never again.
async fn what_is_due_changes_with_its_record(store: Backend) {
    let mut one = notification(env(1), 1, 7, 10);
    let other = notification(env(1), 2, 7, 20);
    let foreign = notification(env(2), 1, 7, 30);
    let all = [&one, &other, &foreign].map(|it| Write::insert(it.clone()));
    assert_eq!(store.commit(all.to_vec()).await.unwrap(), Outcome::Done);
    one.due_at = NOW.plus(Seconds::new(25));
    one.lane = Lane(8);
    assert_eq!(store.commit(vec![Write::replace(one.clone(), 1)]).await.unwrap(), Outcome::Done);
    assert_eq!(store.commit(vec![Write::replace(one.clone(), 1)]).await.unwrap(), Outcome::Lost(0));
    assert_eq!(due(&store, 24, &[], 10).await, [2]);
    let found = store
        .list_due((Timestamp::default(), NOW.plus(Seconds::new(25))), &[Lane(7)], 10)
        .await
        .unwrap();
    assert_eq!((found.len(), found[0].version, found[0].record.as_ref()), (1, 2, &one));
    let key = other.key();
    assert_eq!(store.commit(vec![Write::Delete(key.clone(), 1)]).await.unwrap(), Outcome::Done);
    assert!(store.find_record(&key).await.unwrap().is_none());
    assert_eq!(due(&store, 60, &[], 10).await, [1, 1]);
    while store.purge(env(2), 10).await.unwrap() > 0 {}
    assert_eq!(due(&store, 60, &[], 10).await, [1]);
    assert_eq!(store.sweep(one.forget_at, 10).await.unwrap(), 1);
    assert_eq!(due(&store, 10_000, &[], 10).await, [0; 0]);
}

/// What is claimed by two at once is claimed by one.
async fn one_of_many_claims_a_notification(store: Backend) {
    let one = notification(env(1), 1, 7, 10);
    store.commit(vec![Write::insert(one.clone())]).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (store, claimed) = (Arc::clone(&store), one.claimed(NOW));
        tasks.spawn(async move { store.commit(vec![Write::replace(claimed, 1)]).await.unwrap() });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| **it == Outcome::Done).count(), 1);
}

async fn prompts_are_listed_newest_first_whatever_became_of_them(store: Backend) {
    let (mine, theirs) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    let asked = |person: u8, number: u64, seconds: u32| {
        let mut request = waiting(env(1), person, number);
        request.created_at = NOW.plus(Seconds::new(seconds));
        request.expires_at = request.created_at.plus(Seconds::new(120));
        let random = [0, 0, 0, 0, 0, 0, 0, 0, 0, u8::try_from(number).unwrap()];
        request.inbox.request = RequestId::mint(request.created_at, random);
        request
    };
    let all = [asked(1, 1, 0), asked(1, 2, 60), asked(1, 3, 120), asked(1, 4, 120)];
    for request in all.iter().chain(&[asked(2, 9, 60)]) {
        store.commit(vec![Write::insert(request.clone())]).await.unwrap();
    }
    store.commit(vec![Write::replace(denied(&all[1]), 1)]).await.unwrap();
    let listed = async |user, seconds, limit| {
        let since = NOW.plus(Seconds::new(seconds));
        let found = store.list_prompts(env(1), user, since, limit).await.unwrap();
        found.iter().map(|it| it.record.created_at.millis_since(NOW) / 1000).collect::<Vec<_>>()
    };
    assert_eq!(listed(mine, 0, 10).await, [120, 120, 60, 0]);
    assert_eq!(listed(mine, 60, 10).await, [120, 120, 60]);
    assert_eq!(listed(mine, 0, 3).await, [120, 120, 60], "bounded");
    assert_eq!(listed(mine, 121, 10).await, [0; 0]);
    assert_eq!(listed(theirs, 0, 10).await, [60]);
    assert!(store.list_prompts(env(2), mine, NOW, 10).await.unwrap().is_empty());
}

/// A lease is held by one at a time; here nobody else asks.
async fn a_lease_is_prolonged_by_its_holder(store: Backend) {
    for _ in 0..2 {
        assert!(store.lease("sweep", std::time::Duration::from_secs(60)).await.unwrap());
    }
}

async fn purging_empties_one_environment(store: Backend) {
    for number in 1..=2 {
        let writes = vec![
            Write::insert(user(env(number), 1)),
            Write::insert(waiting(env(number), 1, 1)),
            Write::insert(spent(env(number), 1)),
        ];
        store.commit(writes).await.unwrap();
    }
    assert!(find_user(&store, 1).await.is_some());
    let mut removed = 0;
    loop {
        match store.purge(env(1), 2).await.unwrap() {
            0 => break,
            some => removed += some,
        }
    }
    assert_eq!(removed, 3);
    assert_eq!(find_user(&store, 1).await, None);
    assert!(store.find_record(&waiting(env(1), 1, 1).key()).await.unwrap().is_none());
    assert!(store.find_record(&waiting(env(2), 1, 1).key()).await.unwrap().is_some());
    assert!(store.find_record(&spent(env(2), 1).key()).await.unwrap().is_some());
}

async fn unchained(store: &Backend, after: Option<EnvironmentId>, limit: usize) -> Vec<(u8, u64)> {
    let found = store.list_unchained(after, limit).await.unwrap();
    found.iter().map(|it| (it.record.env.as_bytes()[0], it.record.at.as_millis())).collect()
}

async fn what_waits_for_its_place_is_listed_by_environment_and_time(store: Backend) {
    for (of, number, at) in [(2, 1, 10), (1, 1, 30), (1, 2, 20), (0, 1, 40), (1, 9, 10)] {
        let entry = audit_entry(env(of), number, at);
        assert_eq!(store.commit(vec![Write::insert(entry)]).await.unwrap(), Outcome::Done);
    }
    assert_eq!(unchained(&store, None, 10).await, [(0, 40), (1, 10), (1, 20), (1, 30), (2, 10)]);
    assert_eq!(unchained(&store, None, 2).await, [(0, 40), (1, 10)], "bounded");
    assert_eq!(unchained(&store, None, 0).await, []);
    assert_eq!(unchained(&store, Some(env(0)), 2).await, [(1, 10), (1, 20)]);
    assert_eq!(unchained(&store, Some(env(1)), 10).await, [(2, 10)]);
    assert_eq!(unchained(&store, Some(env(2)), 10).await, []);
}

/// Of two that make links of the same entries one wins, and the log does not fork.
async fn a_log_does_not_fork(store: Backend) {
    let keys = keys();
    let mut head = Head::new(env(1), Timestamp::default(), keys.audit());
    let mut version = 0;
    for round in 0..10_u8 {
        let entries: Vec<Entry> =
            (0..3).map(|number| audit_entry(env(1), 3 * round + number, 10)).collect();
        let told = entries.iter().cloned().map(Write::insert).collect();
        assert_eq!(store.commit(told).await.unwrap(), Outcome::Done);
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let mut entries: Vec<Arc<Entry>> = entries.iter().cloned().map(Arc::new).collect();
            // Each in another order: their links differ.
            entries.rotate_left(task % 3);
            let deleted = entries.iter().map(|it| Write::Delete(it.key(), 1));
            let mut writes: Vec<Write> = deleted.collect();
            let (links, next) = head.extend(entries, keys.audit()).unwrap();
            writes.extend(links.into_iter().map(Write::insert));
            writes.push(match version {
                0 => Write::insert(next.clone()),
                version => Write::replace(next.clone(), version),
            });
            let store = Arc::clone(&store);
            tasks.spawn(async move { (store.commit(writes).await.unwrap(), next) });
        }
        let outcomes = tasks.join_all().await;
        let won: Vec<_> = outcomes.into_iter().filter(|it| it.0 == Outcome::Done).collect();
        assert_eq!(won.len(), 1, "round {round}");
        head = won[0].1.clone();
        version += 1;
    }
    let (found, at) = store.find_record(&Key::audit_head(env(1))).await.unwrap().unwrap();
    assert_eq!((found, at), (head.clone().into(), version));
    let range =
        Range { env: env(1), kind: Kind::AuditLink, prefix: vec![], after: None, limit: 100 };
    let mut verifier = Verifier::after(head.trimmed);
    for link in store.list::<Link>(&range).await.unwrap() {
        let place = Anchor { hash: link.record.hash, seq: link.record.seq };
        let entry = link.record.entry.canonical().unwrap();
        verifier.follow(place, link.record.previous, &entry).unwrap();
    }
    assert_eq!((verifier.place().seq, verifier.end(&head)), (30, Ok(())));
    assert!(unchained(&store, None, 10).await.is_empty());
    while store.purge(env(1), 10).await.unwrap() > 0 {}
    assert!(store.list::<Link>(&range).await.unwrap().is_empty());
    assert!(store.find_record(&Key::audit_head(env(1))).await.unwrap().is_none());
}

/// Sixty-four tasks replace the same version: one is `Done`.
async fn of_many_at_once_one_wins(store: Backend) {
    for round in 0..20 {
        let request = waiting(env(1), 1, 100 + round);
        store.commit(vec![Write::insert(request.clone())]).await.unwrap();
        let mut tasks = JoinSet::new();
        for task in 0..64 {
            let (store, request) = (Arc::clone(&store), request.clone());
            tasks.spawn(async move {
                let mut writes = vec![Write::replace(denied(&request), 1)];
                if task % 2 == 0 {
                    writes.insert(0, Write::insert(spent(env(1), task)));
                }
                (task, store.commit(writes).await.unwrap())
            });
        }
        let outcomes = tasks.join_all().await;
        let winners: Vec<u8> =
            outcomes.iter().filter(|it| it.1 == Outcome::Done).map(|it| it.0).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        // Only the winner's other write happened.
        for task in (0..64).step_by(2) {
            let found = store.find_record(&spent(env(1), task).key()).await.unwrap();
            assert_eq!(found.is_some(), winners == [task], "round {round} task {task}");
        }
        store.purge(env(1), 10_000).await.unwrap();
    }
}

/// A cached record is never older than the last acknowledged commit.
async fn reads_see_every_acknowledged_commit(store: Backend) {
    store.commit(vec![Write::insert(user(env(1), 1))]).await.unwrap();
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let store = Arc::clone(&store);
        readers.spawn(async move {
            let mut seen = 0;
            while seen < 200 {
                let version = find_user(&store, 1).await.map_or(0, |it| it.1);
                assert!(version >= seen, "went back from {seen} to {version}");
                seen = version;
                tokio::task::yield_now().await;
            }
        });
    }
    for version in 1..200 {
        let write = Write::replace(user(env(1), 1), version);
        assert_eq!(store.commit(vec![write]).await.unwrap(), Outcome::Done);
        assert_eq!(find_user(&store, 1).await.map(|it| it.1), Some(version + 1));
    }
    readers.join_all().await;
}

async fn waiters_are_woken_by_the_commit(store: Backend) {
    let request = waiting(env(1), 1, 1);
    let inbox = store.feed().subscribe(Topic::Inbox(env(1), request.inbox.user));
    let other = store.feed().subscribe(Topic::Inbox(env(1), UserId::from_bytes([7; 16])));
    store.commit(vec![Write::insert(request.clone())]).await.unwrap();
    // It came before the wait began, and is not lost.
    inbox.changed().await;
    let decision = store.feed().subscribe(Topic::Authentication(env(1), request.auth_req_id));
    store.commit(vec![Write::replace(denied(&request), 1)]).await.unwrap();
    decision.changed().await;
    let silent = tokio::time::timeout(std::time::Duration::from_millis(20), other.changed()).await;
    assert!(silent.is_err(), "somebody else's inbox is silent");
    drop((inbox, other, decision));
    assert!(store.feed().is_empty(), "nothing is left behind");
}

/// The whole contract; `fresh` makes an empty store of the backend.
pub async fn all(fresh: impl Fn() -> Backend) {
    inserted_is_found_at_version_one(fresh()).await;
    replacing_and_deleting_need_the_version_that_was_read(fresh()).await;
    a_commit_is_atomic(fresh()).await;
    another_environment_finds_nothing(fresh()).await;
    lists_are_ordered_bounded_and_go_on_where_they_ended(fresh()).await;
    an_inbox_holds_what_waits_for_its_person(fresh()).await;
    sweeping_removes_only_what_may_be_forgotten(fresh()).await;
    what_is_due_is_listed_the_longest_due_first(fresh()).await;
    what_is_due_changes_with_its_record(fresh()).await;
    one_of_many_claims_a_notification(fresh()).await;
    prompts_are_listed_newest_first_whatever_became_of_them(fresh()).await;
    a_lease_is_prolonged_by_its_holder(fresh()).await;
    purging_empties_one_environment(fresh()).await;
    what_waits_for_its_place_is_listed_by_environment_and_time(fresh()).await;
    a_log_does_not_fork(fresh()).await;
    of_many_at_once_one_wins(fresh()).await;
    reads_see_every_acknowledged_commit(fresh()).await;
    waiters_are_woken_by_the_commit(fresh()).await;
    assert!(fresh().find_record(&Key::environment(env(1))).await.unwrap().is_none());
}

fn embedded() -> Backend {
    let directory = tempfile::tempdir().unwrap();
    // The directory lives as long as the process that tests; the system cleans up after it.
    Arc::new(Embedded::open(&Settings::new(directory.keep())).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_embedded_store_keeps_the_contract() {
    all(embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_decorator_without_a_plan_keeps_the_contract() {
    all(|| Arc::new(Faulty::new(embedded()))).await;
}
