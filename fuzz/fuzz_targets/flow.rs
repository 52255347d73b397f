//! A whole server, driven by a sequence of acts: a request gives one token set at the most, what
//! is decided stays decided, what is revoked stays revoked, and every answer is documented.
#![no_main]

use std::sync::{LazyLock, Mutex};

use assent_fuzz::harness::{Answer, CIBA, Client, Person, World};
use assent_protocol::ciba::authentication::{Authentication, State};
use assent_protocol::record::Key;
use assent_protocol::secret::{Digest, Purpose};
use assent_store::Store;
use http::Method;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
});

/// Acts of one input.
const ACTS_MAX: usize = 48;
/// Inputs that one server lives for: making one takes as long as many inputs.
const INPUTS_MAX: u32 = 500;
/// Between inputs so much time passes that nothing of the one before is left to be decided.
const BETWEEN_MILLIS: u64 = 20 * 60 * 1000;

/// The server, and how many inputs it has seen.
static WORLD: Mutex<Option<(World, u32)>> = Mutex::new(None);

fuzz_target!(|data: &[u8]| {
    RUNTIME.block_on(async {
        let kept = WORLD.lock().expect("one thread").take();
        let (world, inputs) = match kept.filter(|(_, inputs)| *inputs < INPUTS_MAX) {
            Some(kept) => kept,
            None => (World::new().await, 0),
        };
        world.clock.advance_millis(BETWEEN_MILLIS);
        let mut run = Run { world, asked: Vec::new(), tokens: Vec::new() };
        for act in data.chunks_exact(3).take(ACTS_MAX) {
            run.act([act[0], act[1], act[2]]).await;
        }
        *WORLD.lock().expect("one thread") = Some((run.world, inputs + 1));
    });
});

/// A request that was made.
struct Asked {
    client: usize,
    person: usize,
    auth_req_id: String,
    /// How its phone names it.
    request: String,
    state: State,
    /// Whether it gave tokens.
    redeemed: bool,
}

/// A token that was given.
struct Token {
    client: usize,
    text: String,
    /// Which family it is of; tokens that are rotated stay in it.
    family: usize,
    is_refresh: bool,
    is_dead: bool,
}

struct Run {
    world: World,
    asked: Vec<Asked>,
    tokens: Vec<Token>,
}

impl Run {
    async fn act(&mut self, [act, which, more]: [u8; 3]) {
        match act % 10 {
            0 => self.start(usize::from(which), usize::from(more)).await,
            1 | 2 => self.poll(usize::from(which), more).await,
            3 => self.decide(usize::from(which), more, "approve").await,
            4 => self.decide(usize::from(which), more, "deny").await,
            5 => self.withdraw(usize::from(which), more).await,
            6 => self.refresh(usize::from(which), more).await,
            7 => self.revoke(usize::from(which)).await,
            8 => {
                self.world.clock.advance_millis(u64::from(more) * 1000 * (1 + u64::from(which % 8)))
            }
            _ => self.world.clock.advance_millis(u64::from(more) * 40),
        }
        self.look().await;
    }

    fn client(&self, number: usize) -> &Client {
        let env = &self.world.main;
        [&env.basic, &env.post, &env.secret_jwt][number % 3]
    }

    fn person(&self, number: usize) -> &Person {
        [&self.world.main.alice, &self.world.main.bob][number % 2]
    }

    async fn start(&mut self, client: usize, person: usize) {
        let env = &self.world.main;
        let scope = ["openid", "openid offline_access", "openid payments:read"][client / 3 % 3];
        let expiry = ["1", "60", "600", ""][person / 2 % 4];
        let params = [
            ("scope", scope),
            ("login_hint", self.person(person).username),
            ("requested_expiry", expiry),
        ];
        let answer = self.world.start(env, self.client(client), &params).await;
        documented(&answer, &[]);
        // Requests of one instant have no order in the inbox; their names tell.
        let known: Vec<&str> = self.asked.iter().map(|it| it.request.as_str()).collect();
        let listed =
            self.world.phone(env, self.person(person), Method::GET, "/requests").await.json();
        let listed = listed["requests"].as_array().expect("a list");
        let named = listed.iter().filter_map(|it| it["id"].as_str());
        let request = named.filter(|id| !known.contains(id)).next_back().expect("it waits");
        self.asked.push(Asked {
            client,
            person,
            auth_req_id: answer.text("auth_req_id"),
            request: request.to_owned(),
            state: State::Pending,
            redeemed: false,
        });
    }

    async fn poll(&mut self, which: usize, by: u8) {
        if self.asked.is_empty() {
            return;
        }
        let place = which % self.asked.len();
        let asked = &self.asked[place];
        // Mostly its own client.
        let client = if by < 200 { asked.client } else { usize::from(by) };
        let stranger = client % 3 != asked.client % 3;
        let params = [("grant_type", CIBA), ("auth_req_id", &asked.auth_req_id)];
        let answer = self.world.token(&self.world.main, self.client(client), &params).await;
        let wait = ["authorization_pending", "slow_down"];
        documented(
            &answer,
            &[&wait[..], &["access_denied", "expired_token", "invalid_grant"]].concat(),
        );
        if answer.status != 200 {
            if stranger {
                assert_eq!(answer.error(), "invalid_grant", "a stranger learns nothing");
            }
            return;
        }
        assert!(!stranger, "another client's tokens");
        assert!(matches!(asked.state, State::Approved(_)), "{:?}", asked.state);
        assert!(!asked.redeemed, "a second token set");
        let family = self.tokens.len();
        let (client, given) = (asked.client, answer.json());
        for (member, is_refresh) in [("access_token", false), ("refresh_token", true)] {
            if let Some(text) = given[member].as_str() {
                let text = text.to_owned();
                self.tokens.push(Token { client, text, family, is_refresh, is_dead: false });
            }
        }
        self.asked[place].redeemed = true;
    }

    async fn decide(&mut self, which: usize, by: u8, action: &str) {
        if self.asked.is_empty() {
            return;
        }
        let asked = &self.asked[which % self.asked.len()];
        let person = if by < 200 { asked.person } else { usize::from(by) };
        let stranger = person % 2 != asked.person % 2;
        let path = format!("/requests/{}/{action}", asked.request);
        let env = &self.world.main;
        let answer = self.world.phone(env, self.person(person), Method::POST, &path).await;
        assert!([200, 404, 409, 410].contains(&answer.status.as_u16()), "{answer:?}");
        assert!(answer.status != 200 || !stranger, "somebody else decides");
        // Said twice it is still true; said differently it is not.
        let fits = match (&asked.state, action) {
            (State::Pending, _) => true,
            (State::Approved(_) | State::Redeemed { .. }, "approve") => true,
            (State::Denied { .. }, "deny") => true,
            _ => false,
        };
        assert!(answer.status != 200 || fits, "{:?} {action}", asked.state);
    }

    async fn withdraw(&mut self, which: usize, by: u8) {
        if self.asked.is_empty() {
            return;
        }
        let asked = &self.asked[which % self.asked.len()];
        let client = if by < 200 { asked.client } else { usize::from(by) };
        let env = &self.world.main;
        let answer = self.world.revoke(env, self.client(client), &asked.auth_req_id).await;
        documented(&answer, &[]);
    }

    async fn refresh(&mut self, which: usize, by: u8) {
        let tokens: Vec<usize> =
            (0..self.tokens.len()).filter(|place| self.tokens[*place].is_refresh).collect();
        if tokens.is_empty() {
            return;
        }
        let place = tokens[which % tokens.len()];
        let token = &self.tokens[place];
        let client = if by < 200 { token.client } else { usize::from(by) };
        let stranger = client % 3 != token.client % 3;
        let params = [("grant_type", "refresh_token"), ("refresh_token", token.text.as_str())];
        let answer = self.world.token(&self.world.main, self.client(client), &params).await;
        documented(&answer, &["invalid_grant"]);
        if stranger {
            assert_ne!(answer.status, 200, "another client's refresh token");
            return;
        }
        let (client, family) = (token.client, token.family);
        if answer.status != 200 {
            // Used twice, too old or revoked: the family is at its end.
            self.kill(family);
            return;
        }
        assert!(!token.is_dead, "a dead family gives tokens");
        self.tokens[place].is_dead = true;
        let given = answer.json();
        let text = given["refresh_token"].as_str().expect("it is rotated").to_owned();
        self.tokens.push(Token { client, text, family, is_refresh: true, is_dead: false });
    }

    async fn revoke(&mut self, which: usize) {
        if self.tokens.is_empty() {
            return;
        }
        let place = which % self.tokens.len();
        let token = &self.tokens[place];
        let (env, client) = (&self.world.main, self.client(token.client));
        let answer = self.world.revoke(env, client, &token.text).await;
        documented(&answer, &[]);
        if token.is_refresh {
            self.kill(token.family);
        } else {
            let said = self.world.introspect(env, client, &token.text).await;
            assert_eq!(said.json()["active"], false, "a revoked token is active");
        }
    }

    fn kill(&mut self, family: usize) {
        for token in self.tokens.iter_mut().filter(|it| it.family == family) {
            token.is_dead = true;
        }
    }

    /// What became of every request, and whether that may become of it.
    async fn look(&mut self) {
        let store: &dyn Store = self.world.store.as_ref();
        let env = self.world.main.id;
        for asked in &mut self.asked {
            let digest = Digest::of(Purpose::AuthReqId, env, asked.auth_req_id.as_bytes());
            let key = Key::authentication(env, digest);
            let found = store.find::<Authentication>(&key).await.expect("a store");
            let Some(found) = found else { continue };
            let after = found.record.state.clone();
            assert!(may_follow(&asked.state, &after), "{:?} → {after:?}", asked.state);
            let redeemed = matches!(after, State::Redeemed { .. });
            assert_eq!(redeemed, asked.redeemed, "what is stored is what was given");
            asked.state = after;
        }
    }
}

fn may_follow(before: &State, after: &State) -> bool {
    before == after
        || match (before, after) {
            (State::Pending, State::Redeemed { .. }) => false,
            (State::Pending, _) => true,
            (State::Approved(_), State::Redeemed { .. } | State::Withdrawn { .. }) => true,
            _ => false,
        }
}

/// 200, or 400 with one of these codes.
fn documented(answer: &Answer, codes: &[&str]) {
    if answer.status == 200 {
        return;
    }
    let code = answer.error();
    assert!(answer.status == 400 && codes.contains(&code.as_str()), "{answer:?}");
}
