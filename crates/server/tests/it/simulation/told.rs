//! I7: what clients are told without asking is true, is told only after it was committed and while
//! the request is remembered, and is told at least once or visibly given up.

use std::collections::BTreeMap;

use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification};
use assent_protocol::record::{Key, Kind, Record};
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::{Seconds, Timestamp};
use serde_json::Value;

use crate::simulation::act;
use crate::simulation::ledger::Token;
use crate::simulation::memory::{Memory, Past};
use crate::simulation::receivers::Arrival;
use crate::simulation::scene::{Changed, Note, Scene};
use crate::simulation::verdict::{Judge, signed_by};

/// What came to receivers about each request.
#[derive(Default)]
pub struct Heard(BTreeMap<Key, About>);

#[derive(Default)]
struct About {
    /// What was sent; the same each time.
    json: Value,
    /// How often it was taken.
    taken: usize,
}

impl Judge<'_> {
    /// Something came to a receiver; `note` is about who sent it.
    pub fn arrived(&mut self, arrival: &Arrival, note: &Note) {
        let Some((env, client)) = self.town.receiver(&arrival.url) else {
            self.scene.violate("I7 something was sent to nobody");
            return;
        };
        let id = self.town.quarters[env].id;
        let auth_req_id = arrival.json["auth_req_id"].as_str().unwrap_or_default();
        let digest = Digest::of(Purpose::AuthReqId, id, auth_req_id.as_bytes());
        let key = Key::authentication(id, digest);
        let place = format!("{:02x}{:02x}", key.name[30], key.name[31]);
        self.scene.log(format!("told of {place}: taken {}", arrival.taken));
        let ours = arrival.bearer == act::notification_token(env, client);
        self.hold(ours, "I5 another client's token", &place);
        let history = self.memory.history(&key);
        let Some(Record::Authentication(begun)) = first(&history) else {
            self.scene.violate(format!("I7 told of a request that never was: {place}"));
            return;
        };
        let same = begun.application == self.town.quarters[env].clients[client].id;
        self.hold(same, "I5 another client is told", &place);
        self.hold(note.earliest() < begun.forget_at(), "I7 told after it was forgotten", &place);
        let ended = history.iter().rev().find_map(|past| match &past.found {
            Some((Record::Authentication(it), _)) if it.state != State::Pending => Some(it.clone()),
            _ => None,
        });
        let Some(ended) = ended else {
            self.scene.violate(format!("I7 told before it was decided: {place}"));
            return;
        };
        let truth = is_true(&ended, &arrival.json);
        self.hold(truth, "I7 told what is not so", &place);
        let about = self.ledger.heard.0.entry(key.clone()).or_default();
        let again = about.json.is_null() || about.json == arrival.json;
        about.json = arrival.json.clone();
        about.taken += usize::from(arrival.taken);
        let news = arrival.taken && about.taken == 1;
        self.hold(again, "I2 told something else the next time", &place);
        if news && arrival.json["access_token"].is_string() {
            self.learn_pushed(&key, (env, client), &arrival.json, &ended);
        }
    }

    fn hold(&self, holds: bool, what: &str, place: &str) {
        if !holds {
            self.scene.violate(format!("{what}: {place}"));
        }
    }

    fn learn_pushed(
        &mut self,
        key: &Key,
        (env, client): (usize, usize),
        json: &Value,
        ended: &Authentication,
    ) {
        let State::Redeemed { at } = ended.state else { return };
        let key_id = signed_by(json["access_token"].as_str().unwrap());
        let known = Key::signing_key(key.env, &key_id);
        let published = self.memory.read(&known).is_some();
        self.hold(published, "I1 signed with a key that is not published", "a push");
        let seconds = u32::try_from(json["expires_in"].as_u64().unwrap()).unwrap();
        self.ledger.signed.push((key_id, at.plus(Seconds::new(seconds))));
        let grant = notifications(self.memory, key).iter().rev().find_map(|it| it.tokens);
        let people = &self.town.quarters[env].people;
        let person = people.iter().position(|it| it.id == ended.inbox.user).unwrap();
        let (Some(tokens), Some(text)) = (grant, json["refresh_token"].as_str()) else {
            self.scene.violate("I7 tokens without a family");
            return;
        };
        let grant = Key::grant(key.env, tokens.grant);
        let text = text.to_owned();
        self.ledger.tokens.push(Token { env, client, person, text, grant, generation: 0, uses: 0 });
    }
}

fn first(history: &[Past]) -> Option<Record> {
    history.iter().find_map(|past| past.found.as_ref()).map(|(record, _)| record.clone())
}

/// Everything that a request's notification ever was.
fn notifications(memory: &Memory, key: &Key) -> Vec<std::sync::Arc<Notification>> {
    let key = Key { kind: Kind::Notification, ..key.clone() };
    let history = memory.history(&key);
    history
        .into_iter()
        .filter_map(|past| match past.found {
            Some((Record::Notification(it), _)) => Some(it),
            _ => None,
        })
        .collect()
}

/// Whether this may be said of a request that ended so.
fn is_true(ended: &Authentication, json: &Value) -> bool {
    let members = json.as_object().map_or(0, serde_json::Map::len);
    let error = json["error"].as_str().unwrap_or_default();
    match (ended.delivery, &ended.state) {
        (DeliveryMode::Poll, _) | (DeliveryMode::Push, State::Withdrawn { .. }) => false,
        (DeliveryMode::Ping, _) => members == 1,
        (DeliveryMode::Push, State::Redeemed { .. }) => {
            error.is_empty() && json["id_token"].is_string() && json["refresh_token"].is_string()
        }
        (DeliveryMode::Push, State::Denied { .. }) => error == "access_denied",
        (DeliveryMode::Push, State::Expired { .. }) => error == "expired_token",
        (DeliveryMode::Push, State::Pending | State::Approved(_)) => false,
    }
}

/// What ends a request readies what its client is told, in one commit; so does what begins it.
pub fn check_commit(scene: &Scene, changes: &[Changed]) {
    for changed in changes {
        let Some(Record::Authentication(after)) = &changed.after else { continue };
        if !after.delivery.notifies() {
            continue;
        }
        let name = &changed.key.name;
        let mut beside = changes.iter().filter(|it| it.key.kind == Kind::Notification);
        let beside = beside.find(|it| it.key.name == *name).map(|it| (&it.before, &it.after));
        let holds = match (&changed.before, beside) {
            (None, Some((None, Some(Record::Notification(it))))) => it.state == Delivery::Armed,
            // Who takes a request back is not told of it.
            (
                Some(Record::Authentication(before)),
                Some((Some(Record::Notification(it)), None)),
            ) => {
                let withdrawn = matches!(after.state, State::Withdrawn { .. });
                withdrawn && before.state == State::Pending && it.state == Delivery::Armed
            }
            (
                Some(Record::Authentication(before)),
                Some((Some(Record::Notification(_)), Some(Record::Notification(it)))),
            ) => before.state == State::Pending && it.state == Delivery::Due,
            (Some(Record::Authentication(before)), None) => before.state != State::Pending,
            _ => false,
        };
        if !holds {
            scene.violate("I7 a request began or ended, and its client would not be told");
        }
    }
}

/// In the end: every outcome was taken by its receiver at least once, or is or was shown as given
/// up. Whoever did not look for a week finds nothing any more.
pub fn check_end(scene: &Scene, memory: &Memory, heard: &Heard, now: Timestamp) {
    for key in memory.keys(Kind::Notification) {
        let history = memory.history(&key);
        let Some((Record::Notification(last), _)) =
            history.iter().rev().find_map(|past| past.found.as_ref())
        else {
            continue;
        };
        let is_there = history.last().is_some_and(|past| past.found.is_some());
        let about = Key { kind: Kind::Authentication, ..key.clone() };
        let taken = heard.0.get(&about).is_some_and(|it| it.taken > 0);
        let forgotten = last.forget_at <= scene.time.latest();
        let fine = match (&last.state, is_there) {
            (Delivery::Due, true) => last.due_at > now,
            (Delivery::Due, false) => taken || forgotten,
            (Delivery::Armed, true) => last.due_at > now,
            // Nobody decided before the request was forgotten.
            (Delivery::Armed, false) => ended_untold(memory, &about) || withdrawn(memory, &about),
            (Delivery::Dead { .. }, _) => true,
        };
        if !fine {
            let place = format!("{:02x}{:02x}", key.name[30], key.name[31]);
            let state = &last.state;
            scene.violate(format!("I7 lost: {place} was {state:?}, there {is_there}"));
        }
    }
}

fn withdrawn(memory: &Memory, about: &Key) -> bool {
    memory.history(about).iter().any(|past| match &past.found {
        Some((Record::Authentication(it), _)) => matches!(it.state, State::Withdrawn { .. }),
        _ => false,
    })
}

fn ended_untold(memory: &Memory, about: &Key) -> bool {
    memory.history(about).iter().all(|past| match &past.found {
        Some((Record::Authentication(it), _)) => it.state == State::Pending,
        _ => true,
    })
}
