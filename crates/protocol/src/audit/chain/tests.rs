use proptest::prelude::*;

use super::*;
use crate::audit::{Act, Actor};
use crate::id::AuditEntryId;

const ENV: EnvironmentId = EnvironmentId::from_bytes([1; 16]);

fn key(octet: u8) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[octet; 32])
}

fn entry(number: u8) -> Arc<Entry> {
    Arc::new(Entry {
        act: Act::RequestBegun,
        actor: Actor::SERVER,
        also: None,
        application: None,
        at: Timestamp::from_millis(u64::from(number)),
        correlation: None,
        count: 1,
        env: ENV,
        id: AuditEntryId::from_bytes([number; 16]),
        members: Vec::new(),
        object: None,
        refused: None,
        source: None,
        subject: None,
    })
}

/// A chain of so many links, and its head.
fn chain(links: u8) -> (Vec<Link>, Head) {
    let head = Head::new(ENV, Timestamp::default(), &key(1));
    head.extend((1..=links).map(entry), &key(1)).unwrap()
}

/// What an inspection of these links and this head says.
fn verify(links: &[Link], head: &Head) -> Result<(), Misfit> {
    if !head.is_sealed(&key(1)) {
        return Err(Misfit::Seal);
    }
    let mut verifier = Verifier::after(head.trimmed);
    for link in links {
        let place = Anchor { hash: link.hash, seq: link.seq };
        verifier.follow(place, link.previous, &link.entry.canonical().unwrap())?;
    }
    verifier.end(head)
}

/// The same links as somebody would write them who has no key: every hash is right.
fn rehashed(entries: impl IntoIterator<Item = Arc<Entry>>) -> (Vec<Link>, Head) {
    Head::new(ENV, Timestamp::default(), &key(9)).extend(entries, &key(9)).unwrap()
}

#[test]
fn a_chain_that_nobody_touched_fits() {
    for links in [0, 1, 2, 100] {
        let (links, head) = chain(links);
        assert_eq!(verify(&links, &head), Ok(()));
    }
}

#[test]
fn a_chain_goes_on_where_it_ended() {
    let (mut links, head) = chain(3);
    let (more, longer) = head.extend((4..=6).map(entry), &key(1)).unwrap();
    links.extend(more);
    assert_eq!((&links, &longer), (&chain(6).0, &chain(6).1));
    assert_eq!(verify(&links, &longer), Ok(()));
}

#[test]
fn whatever_is_done_to_a_chain_is_found() {
    let (links, head) = chain(5);
    let with = |change: &dyn Fn(&mut Vec<Link>)| {
        let mut links = links.clone();
        change(&mut links);
        links
    };
    let other = |link: &mut Link| link.entry = entry(77);
    let flipped = with(&|it| other(&mut it[2]));
    let rehashed_one = with(&|it| {
        other(&mut it[2]);
        let before = Anchor { hash: it[1].hash, seq: 2 };
        it[2].hash = before.next(&it[2].entry.canonical().unwrap()).hash;
    });
    let (anew, its_head) = rehashed([1, 2, 77, 4, 5].map(entry));
    let (shorter, shorter_head) = rehashed((1..=4).map(entry));
    let of_key = |head: &Head| Head { mac: chain(5).1.mac, ..head.clone() };
    let table = [
        ("a flipped bit", flipped, &head, Misfit::Content(3)),
        ("a changed link with its own hash", rehashed_one, &head, Misfit::Previous(4)),
        (
            "a removed link",
            with(&|it| drop(it.remove(2))),
            &head,
            Misfit::Number { expected: 3, found: 4 },
        ),
        (
            "two links in each other's place",
            with(&|it| it.swap(1, 2)),
            &head,
            Misfit::Number { expected: 2, found: 3 },
        ),
        (
            "a link once more",
            with(&|it| it.insert(3, it[2].clone())),
            &head,
            Misfit::Number { expected: 4, found: 3 },
        ),
        ("a cut tail", with(&|it| it.truncate(3)), &head, Misfit::End { expected: 5, found: 3 }),
        (
            "a cut beginning",
            with(&|it| drop(it.remove(0))),
            &head,
            Misfit::Number { expected: 1, found: 2 },
        ),
        ("everything is gone", Vec::new(), &head, Misfit::End { expected: 5, found: 0 }),
        ("a chain written anew under its old head", anew.clone(), &head, Misfit::Last(5)),
        ("a chain written anew with a head of its own", anew.clone(), &its_head, Misfit::Seal),
        ("the same with the old seal", anew, &of_key(&its_head), Misfit::Seal),
        ("a cut tail with a head of its own", shorter, &of_key(&shorter_head), Misfit::Seal),
    ];
    for (what, links, head, expected) in table {
        assert_eq!(verify(&links, head), Err(expected), "{what}");
    }
}

#[test]
fn every_part_of_a_head_is_sealed() {
    let (links, head) = chain(5);
    assert!(head.is_sealed(&key(1)) && !head.is_sealed(&key(2)));
    let elsewhere = Anchor { seq: 4, ..head.last };
    for changed in [
        Head { env: EnvironmentId::NIL, ..head.clone() },
        Head { epoch: Timestamp::from_millis(1), ..head.clone() },
        Head { last: elsewhere, ..head.clone() },
        Head { trimmed: elsewhere, ..head.clone() },
    ] {
        assert!(!changed.is_sealed(&key(1)), "{changed:?}");
    }
    for by_key in
        [head.trimmed_to(&links[1], &key(1)), head.in_epoch(Timestamp::from_millis(9), &key(1))]
    {
        assert!(by_key.is_sealed(&key(1)), "{by_key:?}");
    }
}

#[test]
fn what_was_trimmed_is_not_missed_and_nothing_else_may_be() {
    let (links, head) = chain(5);
    let trimmed = head.trimmed_to(&links[1], &key(1));
    assert_eq!(verify(&links[2..], &trimmed), Ok(()));
    assert_eq!(verify(&links[1..], &trimmed), Err(Misfit::Number { expected: 3, found: 2 }));
    assert_eq!(verify(&links[3..], &trimmed), Err(Misfit::Number { expected: 3, found: 4 }));
}

/// The form that others compute: `docs/operator/audit.md` says how.
#[test]
fn a_link_is_hashed_so() {
    let (links, head) = chain(2);
    let stored: Vec<String> = links.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
    insta::assert_snapshot!(format!(
        "{}\n{}",
        stored.join("\n"),
        serde_json::to_string(&head).unwrap()
    ));
}

proptest! {
    /// However the entries came together, the chain is the same.
    #[test]
    fn batches_do_not_matter(cuts in proptest::collection::vec(0_u8..20, 0..6)) {
        let mut cuts = cuts;
        cuts.extend([0, 20]);
        cuts.sort_unstable();
        let mut head = Head::new(ENV, Timestamp::default(), &key(1));
        let mut links = Vec::new();
        for pair in cuts.windows(2) {
            let (more, next) = head.extend((pair[0] + 1..=pair[1]).map(entry), &key(1)).unwrap();
            links.extend(more);
            head = next;
        }
        prop_assert_eq!((links, head), chain(20));
    }
}
