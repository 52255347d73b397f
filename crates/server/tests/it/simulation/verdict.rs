//! Holds an answer against the truth: I1 to I6.

use assent_protocol::ciba::authentication::State;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::AssertionReplay;
use assent_protocol::grant::Grant;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::{Key, Kind, Record};
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::{Seconds, Timestamp};
use serde_json::Value;

use crate::simulation::act::Act;
use crate::simulation::documented;
use crate::simulation::ledger::{Account, Asked, Ledger, Token, Use};
use crate::simulation::memory::Memory;
use crate::simulation::node::STALE_MILLIS;
use crate::simulation::scene::{Note, Scene};
use crate::simulation::town::Town;

/// An answer and everything that is known about how it came to be.
pub struct Heard {
    pub act: Act,
    pub status: u16,
    pub json: Value,
    pub note: Note,
    /// The node and how often it had been restarted.
    pub node: (usize, usize),
}

impl Heard {
    /// The error code, or nothing.
    pub fn code(&self) -> &str {
        self.json["error"].as_str().or_else(|| self.json["code"].as_str()).unwrap_or_default()
    }

    fn accepted(&self) -> bool {
        self.status == 200
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.json[member].as_str()
    }
}

/// What an answer is held against, and what is learned from it.
pub struct Judge<'a> {
    pub scene: &'a Scene,
    pub memory: &'a Memory,
    pub town: &'static Town,
    pub ledger: &'a mut Ledger,
}

impl Judge<'_> {
    /// Looks at an answer from all sides.
    pub fn hear(&mut self, heard: &Heard) {
        self.check_faults(heard);
        self.check_environment(heard);
        self.check_refusal_wrote_nothing(heard);
        match heard.act {
            Act::Start { env, client, person, .. } => self.hear_start(heard, env, client, person),
            Act::Poll { asked, .. } | Act::Wait { asked, .. } => self.hear_poll(heard, asked),
            Act::Answer { asked, approve } => self.hear_answer(heard, asked, approve),
            Act::Refresh { token, .. } => self.hear_refresh(heard, token),
            Act::Withdraw { asked, .. } => self.hear_withdrawal(heard, asked),
            Act::Revoke { token, .. } => self.hear_revocation(heard, token),
            Act::Enable { env, person, enabled } => self.hear_enable(heard, env, person, enabled),
            Act::Inbox { .. }
            | Act::Keys { .. }
            | Act::ForeignPoll { .. }
            | Act::ForeignAnswer { .. }
            | Act::ForeignRefresh { .. }
            | Act::Tend
            | Act::Sweep
            | Act::Look
            | Act::Send
            | Act::Chain => {}
        }
        self.check_assertion(heard);
    }

    fn expect(&self, holds: bool, what: &str, heard: &Heard) {
        if !holds {
            let told = format!("{} {}", heard.status, heard.code());
            self.scene.violate(format!("{what}: {:?} heard {told}", heard.act));
        }
    }

    /// I6: a fault is 503 and nothing else is; every other answer is documented.
    fn check_faults(&self, heard: &Heard) {
        // A replay is refused as one, fault or not.
        let replay = heard.act.assertion().filter(|_| heard.status == 401);
        let replay = replay.is_some_and(|it| self.ledger.assertions[it].presented > 1);
        let faulty = heard.note.faults > 0 && !replay;
        self.expect(!faulty || heard.status == 503, "I6 a fault was spoken as an answer", heard);
        self.expect(faulty || heard.status != 503, "I6 an outage without a fault", heard);
        let known = documented::is_documented(heard.act, heard.status, heard.code());
        self.expect(known, "I6 an answer that nobody documented", heard);
    }

    /// I5: what is asked in one environment changes nothing in another.
    fn check_environment(&self, heard: &Heard) {
        let Some(env) = heard.act.env(self.ledger) else { return };
        let id: EnvironmentId = self.town.quarters[env].id;
        let stays = heard.note.changes.iter().all(|changed| changed.key.env == id);
        self.expect(stays, "I5 another environment was changed", heard);
    }

    /// A refusal does not do what it refuses. What was presented is spent, a family may be revoked,
    /// a request of somebody who is gone is closed.
    fn check_refusal_wrote_nothing(&self, heard: &Heard) {
        if heard.accepted() || heard.status == 503 {
            return;
        }
        let harmless = heard.note.changes.iter().all(|changed| match &changed.after {
            Some(Record::SpentAssertion(_)) => true,
            Some(Record::Grant(grant)) => grant.revoked_at.is_some(),
            // That it was refused is told.
            Some(Record::AuditEntry(entry)) => entry.refused.is_some(),
            // A request that is closed is told.
            Some(Record::Notification(_)) => heard.code() == "access_denied",
            Some(Record::Authentication(it)) => {
                matches!(it.state, State::Denied { .. }) && heard.code() == "access_denied"
            }
            _ => false,
        });
        self.expect(harmless, "I1 refused, but done", heard);
    }

    fn account(&self, env: usize, person: usize) -> &Account {
        &self.ledger.accounts[env][person]
    }

    /// Nothing good comes to who was disabled before.
    fn check_person(&self, heard: &Heard, env: usize, person: usize) {
        let disabled = self.account(env, person).was(false, heard.note.began);
        self.expect(!disabled || !heard.accepted(), "I1 a disabled person acts", heard);
    }

    fn committed(&self, heard: &Heard, is_it: impl Fn(&Key, &Record) -> bool) -> bool {
        let mut changes = heard.note.changes.iter();
        changes.any(|it| it.after.as_ref().is_some_and(|after| is_it(&it.key, after)))
    }

    fn hear_start(&mut self, heard: &Heard, env: usize, client: usize, person: usize) {
        self.check_person(heard, env, person);
        let unknown = heard.code() == "unknown_user_id";
        let enabled = self.account(env, person).was(true, heard.note.began);
        self.expect(!unknown || !enabled, "I1 a person is not found", heard);
        let Some(auth_req_id) = heard.text("auth_req_id").filter(|_| heard.accepted()) else {
            return;
        };
        let id = self.town.quarters[env].id;
        let digest = Digest::of(Purpose::AuthReqId, id, auth_req_id.as_bytes());
        let key = Key::authentication(id, digest);
        let begun = self.committed(heard, |changed, _| *changed == key);
        self.expect(begun, "I1 an acknowledged request was not written", heard);
        let begun = self.memory.history(&key).into_iter().find_map(|past| past.found);
        let Some((Record::Authentication(begun), _)) = begun else { return };
        let (auth_req_id, request) = (auth_req_id.to_owned(), begun.inbox.request.to_string());
        let asked = Asked { env, client, person, auth_req_id, key, request, token_sets: 0 };
        self.ledger.asked.push(asked);
    }

    fn hear_answer(&mut self, heard: &Heard, asked: usize, approve: bool) {
        let asked = self.ledger.asked[asked].clone();
        self.check_person(heard, asked.env, asked.person);
        if heard.accepted() {
            let done = self.committed(heard, |key, record| match record {
                Record::Authentication(it) if *key == asked.key => match it.state {
                    State::Approved(_) => approve,
                    State::Denied { .. } => !approve,
                    State::Redeemed { .. } => approve && it.delivery == DeliveryMode::Push,
                    State::Pending | State::Withdrawn { .. } | State::Expired { .. } => false,
                },
                _ => false,
            });
            self.expect(done, "I1 an acknowledged answer was not written", heard);
        }
        let now = self.memory.authentication(&asked.key);
        let pending = now.as_ref().is_some_and(|it| it.state == State::Pending);
        self.expect(heard.status != 409 || !pending, "I1 told decided, but it is not", heard);
        self.expect(heard.status != 404 || now.is_none(), "I1 told unknown, but it is not", heard);
        let ended = now.is_none_or(|it| it.expires_at <= heard.note.latest());
        self.expect(heard.status != 410 || ended, "I1 told expired, but it is not", heard);
    }

    fn hear_poll(&mut self, heard: &Heard, place: usize) {
        let asked = self.ledger.asked[place].clone();
        self.check_person(heard, asked.env, asked.person);
        match heard.code() {
            "" if heard.accepted() => self.hear_token_set(heard, place, &asked),
            "authorization_pending" | "slow_down" => self.hear_pending(heard, &asked),
            "access_denied" => self.hear_denied(heard, &asked),
            "expired_token" => self.hear_expired(heard, &asked),
            "invalid_grant" => {
                let now = self.memory.authentication(&asked.key);
                let over = now.is_none_or(|it| {
                    matches!(
                        it.state,
                        State::Redeemed { .. } | State::Denied { .. } | State::Withdrawn { .. }
                    )
                });
                self.expect(over, "I1 told used up, but it is not", heard);
            }
            _ => {}
        }
    }

    /// I2.
    fn hear_token_set(&mut self, heard: &Heard, place: usize, asked: &Asked) {
        self.ledger.asked[place].token_sets += 1;
        let once = self.ledger.asked[place].token_sets == 1;
        self.expect(once, "I2 a second token set", heard);
        let redeemed = self.committed(heard, |key, record| match record {
            Record::Authentication(it) if *key == asked.key => {
                matches!(it.state, State::Redeemed { .. })
            }
            _ => false,
        });
        self.expect(redeemed, "I2 tokens without a redemption", heard);
        self.learn_tokens(heard, asked.env, asked.client, asked.person);
    }

    /// Pending is true, or was a moment ago; and never said after the end.
    fn hear_pending(&self, heard: &Heard, asked: &Asked) {
        let history = self.memory.history(&asked.key);
        let decided = history.iter().find(|past| match &past.found {
            Some((Record::Authentication(it), _)) => it.state != State::Pending,
            _ => true,
        });
        let known = decided.is_some_and(|past| past.since + STALE_MILLIS <= heard.note.began);
        self.expect(!known, "I1 told pending, but it was decided", heard);
        let Some((Record::Authentication(begun), _)) = &history[0].found else { return };
        let alive = heard.note.earliest() < begun.expires_at;
        self.expect(alive, "I1 told pending after the end", heard);
    }

    fn hear_denied(&self, heard: &Heard, asked: &Asked) {
        let now = self.memory.authentication(&asked.key);
        let denied = now.is_none_or(|it| matches!(it.state, State::Denied { .. }));
        self.expect(denied, "I1 told denied, but nobody did", heard);
    }

    /// What was decided when the poll came counts, not what the node had seen.
    fn hear_expired(&self, heard: &Heard, asked: &Asked) {
        let then = self.memory.at(&asked.key, heard.note.began_after);
        let Some(Record::Authentication(then)) = then else { return };
        // Of what has ended a node with an old memory may say so: there is nothing to lose.
        let ended = matches!(
            then.state,
            State::Redeemed { .. }
                | State::Denied { .. }
                | State::Withdrawn { .. }
                | State::Expired { .. }
        );
        let over = ended || then.redeemable_until() <= heard.note.latest();
        self.expect(over, "I1 told expired, but it can be redeemed", heard);
    }

    /// What is withdrawn gives no tokens any more.
    fn hear_withdrawal(&self, heard: &Heard, place: usize) {
        let asked = &self.ledger.asked[place];
        let now = self.memory.authentication(&asked.key);
        let waits = now.is_some_and(|it| match it.state {
            State::Pending | State::Approved(_) => true,
            State::Denied { .. }
            | State::Redeemed { .. }
            | State::Withdrawn { .. }
            | State::Expired { .. } => false,
        });
        self.expect(!heard.accepted() || !waits, "I1 withdrawn, but it waits", heard);
    }

    /// A family that was given up stays so.
    fn hear_revocation(&self, heard: &Heard, place: usize) {
        let now = self.memory.read(&self.ledger.tokens[place].grant).map(|(record, _)| record);
        let lives = matches!(now, Some(Record::Grant(grant)) if grant.revoked_at.is_none());
        self.expect(!heard.accepted() || !lives, "I1 revoked, but it lives", heard);
    }

    fn hear_refresh(&mut self, heard: &Heard, place: usize) {
        let token = self.ledger.tokens[place].clone();
        self.check_person(heard, token.env, token.person);
        if heard.accepted() {
            self.ledger.tokens[place].uses += 1;
            let once = self.ledger.tokens[place].uses == 1;
            self.expect(once, "I3 a rotated refresh token works again", heard);
            let rotated = self.committed(heard, |key, record| match record {
                Record::Grant(grant) if *key == token.grant => {
                    grant.generation == token.generation + 1 && grant.revoked_at.is_none()
                }
                _ => false,
            });
            self.expect(rotated, "I3 tokens without a rotation", heard);
            self.learn_tokens(heard, token.env, token.client, token.person);
        } else if heard.code() == "invalid_grant" {
            self.hear_refresh_refused(heard, &token);
        }
    }

    /// A refusal is for a reason; and who brings back an old token ends its family (T-88).
    fn hear_refresh_refused(&self, heard: &Heard, token: &Token) {
        let enabled = self.account(token.env, token.person).was(true, heard.note.began);
        let then = self.memory.at(&token.grant, heard.note.began_after);
        let now = self.memory.read(&token.grant).map(|(record, _)| record);
        let (Some(Record::Grant(then)), Some(Record::Grant(now))) = (then, now) else { return };
        let good =
            is_good(&then, token, heard.note.latest()) && is_good(&now, token, heard.note.latest());
        self.expect(!good || !enabled, "I1 a good refresh token was refused", heard);
        let reused = then.generation > token.generation;
        self.expect(!reused || now.revoked_at.is_some(), "I3 reused, and the family lives", heard);
    }

    fn learn_tokens(&mut self, heard: &Heard, env: usize, client: usize, person: usize) {
        let access_token = heard.text("access_token").unwrap_or_default();
        let seconds = u32::try_from(heard.json["expires_in"].as_u64().unwrap()).unwrap();
        let key_id = signed_by(access_token);
        let known = Key::signing_key(self.town.quarters[env].id, &key_id);
        let published = self.memory.read(&known).is_some();
        self.expect(published, "I1 signed with a key that is not published", heard);
        let lives_until = heard.note.latest().plus(Seconds::new(seconds));
        self.ledger.signed.push((key_id, lives_until));
        let written = heard.note.changes.iter().find_map(|changed| match &changed.after {
            Some(Record::Grant(grant)) => Some((changed.key.clone(), grant.generation)),
            _ => None,
        });
        let text = heard.text("refresh_token").map(str::to_owned);
        self.expect(text.is_some() == written.is_some(), "I1 a token without a family", heard);
        if let (Some(text), Some((grant, generation))) = (text, written) {
            let token = Token { env, client, person, text, grant, generation, uses: 0 };
            self.ledger.tokens.push(token);
        }
    }

    fn hear_enable(&mut self, heard: &Heard, env: usize, person: usize, enabled: bool) {
        let now = self.scene.time.elapsed();
        let acknowledged = heard.accepted().then_some(enabled);
        // A refused change changed nothing, but what was there before is not known here.
        self.ledger.accounts[env][person].end(acknowledged, now);
        if heard.accepted() {
            let done = self.committed(heard, |_, record| match record {
                Record::User(user) => user.enabled == enabled,
                _ => false,
            });
            self.expect(done, "I1 an acknowledged change of a person was not written", heard);
        }
    }

    /// I3: an assertion comes again only as its rule says, until nobody would accept it anyway.
    fn check_assertion(&mut self, heard: &Heard) {
        let Some(place) = heard.act.assertion() else { return };
        let assertion = &self.ledger.assertions[place];
        let client = &self.town.quarters[assertion.env].clients[assertion.client];
        let Some(this) = self.acceptance(heard, client.replay) else { return };
        let remembered = self.scene.time.latest() < assertion.expires_at.plus(Seconds::new(60));
        let again = |earlier: &Use| {
            let same_request = earlier.request.is_some() && earlier.request == this.request;
            client.replay == Some(AssertionReplay::Bound) && same_request
        };
        // A poll that this node remembers for the same request is not looked up in the store, so
        // what another node wrote down meanwhile is not seen. It gives no tokens.
        let known = assertion.uses.iter().any(|it| again(it) && it.node == this.node);
        let replayed = assertion.uses.iter().find(|earlier| {
            let elsewhere = known && !this.durable && earlier.node != this.node;
            !again(earlier) && !elsewhere && must_know(earlier, &this)
        });
        if let Some(earlier) = replayed.filter(|_| remembered) {
            let before = format!("I3 an assertion was accepted by {earlier:?} and by {this:?}");
            self.expect(false, &before, heard);
        }
        self.ledger.assertions[place].uses.push(this);
    }

    /// How an assertion was accepted, if it was.
    fn acceptance(&self, heard: &Heard, replay: Option<AssertionReplay>) -> Option<Use> {
        // A refused start uses nothing up unless assertions may come once only.
        let kept = matches!(heard.act, Act::Start { .. })
            && !heard.accepted()
            && replay == Some(AssertionReplay::Bound);
        if matches!(heard.status, 401 | 429 | 503) || kept {
            return None;
        }
        let request = match heard.act {
            Act::Start { .. } if heard.accepted() => Some(self.ledger.asked.len() - 1),
            Act::Poll { asked, .. } | Act::Wait { asked, .. } => Some(asked),
            _ => None,
        };
        let durable = heard.note.changes.iter().any(|it| it.key.kind == Kind::SpentAssertion);
        let during = (heard.note.began_after, self.scene.commits());
        Some(Use { request, durable, node: heard.node, during })
    }
}

/// Whether who accepted `this` had to know of `earlier`: it was written down before this one came,
/// both were written down, or both were seen by one process.
fn must_know(earlier: &Use, this: &Use) -> bool {
    let before = earlier.during.1 <= this.during.0;
    (earlier.durable && (before || this.durable)) || earlier.node == this.node
}

fn is_good(grant: &Grant, token: &Token, now: Timestamp) -> bool {
    grant.revoked_at.is_none()
        && grant.generation == token.generation
        && now < grant.token_expires_at
        && now < grant.expires_at
}

/// The name of the key that signed a token.
pub fn signed_by(jwt: &str) -> String {
    let header = assent_jose::base64url_decode(jwt.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
