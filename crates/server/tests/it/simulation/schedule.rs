//! What happens in a simulation, and when: the seed decides.

use assent_protocol::ciba::authentication::State;
use assent_protocol::record::{Key, Kind, Record};
use assent_protocol::signing;
use assent_store::Plan;

use crate::simulation::act::{self, Act};
use crate::simulation::audit;
use crate::simulation::run::{Broken, Planted, Simulation};
use crate::simulation::time::SKEWS;
use crate::simulation::told;

/// Steps of one seed. Each lets something begin or happen, and what is in flight go on.
const STEPS: usize = 150;
/// More is not in flight at once.
const IN_FLIGHT_MAX: usize = 10;
/// Polls that wait at once.
const WAITING_MAX: usize = 4;
const HOUR: i64 = 3_600_000;
const DAY: u64 = 86_400_000;

/// Runs one seed; gives its events.
///
/// # Errors
/// Something is not as it must be.
pub fn run(seed: u64, planted: Planted) -> Result<Vec<String>, Broken> {
    let mut simulation = Simulation::new(seed, planted);
    for step in 0..STEPS {
        happen(&mut simulation);
        let polls = below(&simulation, 24);
        for _ in 0..polls {
            simulation.poll_one();
        }
        check(&simulation, step)?;
    }
    settle(&mut simulation);
    check(&simulation, STEPS)?;
    Ok(simulation.scene.events())
}

fn check(simulation: &Simulation, step: usize) -> Result<(), Broken> {
    check_keys(simulation);
    let violations = simulation.scene.violations();
    if violations.is_empty() {
        return Ok(());
    }
    Err(Broken { step, violations, events: simulation.scene.events() })
}

/// There is a key that signs, and every living token can be verified.
fn check_keys(simulation: &Simulation) {
    let records = simulation.memory.all(Kind::SigningKey);
    let keys: Vec<_> = records
        .iter()
        .filter_map(|record| if let Record::SigningKey(key) = record { Some(key) } else { None })
        .collect();
    let now = simulation.scene.time.wall(*SKEWS.iter().min().unwrap());
    for quarter in &simulation.town.quarters {
        let mine = keys.iter().filter(|key| key.env == quarter.id).map(|key| key.as_ref());
        if signing::current(mine, assent_jose::Algorithm::ES256, now).is_none() {
            simulation.scene.violate("I1 nothing signs");
        }
    }
    for (key_id, lives_until) in &simulation.ledger.signed {
        let published = keys.iter().any(|key| key.key_id == *key_id);
        if !published && simulation.scene.time.latest() < *lives_until {
            simulation.scene.violate("I1 a token outlives its key");
        }
    }
}

fn below(simulation: &Simulation, bound: usize) -> usize {
    simulation.scene.chance.lock().below(bound)
}

fn one_in(simulation: &Simulation, times: usize) -> bool {
    simulation.scene.chance.lock().one_in(times)
}

/// One thing happens.
fn happen(simulation: &mut Simulation) {
    let node = below(simulation, simulation.nodes.len());
    match below(simulation, 100) {
        0..14 => time_passes(simulation),
        14..17 => set_clocks(simulation),
        17..25 => arm(simulation, node),
        25..28 => simulation.crash(node),
        28..31 => begin(simulation, node, Act::Tend),
        31..34 => begin(simulation, node, Act::Sweep),
        34..40 => begin(simulation, node, Act::Look),
        40..47 => begin(simulation, node, Act::Send),
        47..50 => begin(simulation, node, Act::Chain),
        50..58 => burst(simulation),
        _ => {
            if let Some(act) = choose(simulation) {
                begin(simulation, node, act);
            }
        }
    }
}

fn begin(simulation: &mut Simulation, node: usize, act: Act) {
    while simulation.in_flight() >= IN_FLIGHT_MAX {
        simulation.poll_one();
    }
    simulation.begin(node, act);
}

fn time_passes(simulation: &Simulation) {
    let mut chance = simulation.scene.chance.lock();
    let millis = match chance.below(12) {
        0..7 => chance.millis_below(3_000),
        7..10 => chance.millis_below(70_000),
        10 => chance.millis_below(800_000),
        _ => chance.pick(&[DAY / 24, DAY, 32 * DAY, 88 * DAY]),
    };
    drop(chance);
    simulation.scene.time.pass(millis);
    simulation.scene.log(format!("{millis} ms pass"));
}

/// Somebody sets all clocks, a little or a lot.
fn set_clocks(simulation: &Simulation) {
    let by = simulation.scene.chance.lock().pick(&[-HOUR, -60_000, -1_000, 1_000, 60_000, HOUR]);
    simulation.scene.time.set_clocks(by);
    simulation.scene.log(format!("all clocks are set by {by} ms"));
}

/// Something is going to fail at a node.
fn arm(simulation: &Simulation, node: usize) {
    let node = &simulation.nodes[node];
    let mut chance = simulation.scene.chance.lock();
    match chance.below(6) {
        0 | 1 => node.fail_commit(Plan::FailBefore),
        2 | 3 => node.fail_commit(Plan::FailAfter),
        4 => node.fail_reads(1 + chance.below(4)),
        _ => node.fail_entropy(1 + chance.below(2)),
    }
}

/// Several nodes are asked about one request at once, while the person answers.
fn burst(simulation: &mut Simulation) {
    let Some(asked) = recent(simulation, simulation.ledger.asked.len(), 3) else { return };
    // Often with one assertion: clients that retry send the same octets again.
    let shared = assertion_of(simulation, asked);
    for node in 0..simulation.nodes.len() {
        let act = match below(simulation, 12) {
            0 | 1 => Act::Answer { asked, approve: true },
            2 | 3 => Act::Answer { asked, approve: false },
            4 => Act::Withdraw { asked, assertion: assertion_of(simulation, asked) },
            5 => Act::Wait { asked, assertion: assertion_of(simulation, asked) },
            6 => Act::Poll { asked, assertion: assertion_of(simulation, asked) },
            _ => Act::Poll { asked, assertion: shared },
        };
        begin(simulation, node, act);
    }
}

/// One of the last few, if there is one.
fn recent(simulation: &Simulation, len: usize, few: usize) -> Option<usize> {
    let few = few.min(len);
    (few > 0).then(|| len - 1 - below(simulation, few))
}

fn choose(simulation: &mut Simulation) -> Option<Act> {
    let env = usize::from(one_in(simulation, 4));
    let person = below(simulation, 2);
    let (asked, tokens) = (simulation.ledger.asked.len(), simulation.ledger.tokens.len());
    Some(match below(simulation, 60) {
        0..10 => {
            let client = below(simulation, simulation.town.quarters[env].clients.len());
            let assertion = assertion(simulation, env, client);
            Act::Start { env, client, person, assertion }
        }
        10..14 if simulation.waiting() < WAITING_MAX => {
            let asked = recent(simulation, asked, 4)?;
            Act::Wait { asked, assertion: assertion_of(simulation, asked) }
        }
        10..22 => {
            let asked = recent(simulation, asked, 6)?;
            Act::Poll { asked, assertion: assertion_of(simulation, asked) }
        }
        22..33 => {
            Act::Answer { asked: recent(simulation, asked, 4)?, approve: !one_in(simulation, 5) }
        }
        33..43 => {
            // Mostly the newest token; sometimes one that was replaced.
            let few = if one_in(simulation, 4) { 6 } else { 2 };
            let token = recent(simulation, tokens, few)?;
            Act::Refresh { token, assertion: assertion_for_token(simulation, token, false) }
        }
        43..45 => Act::Inbox { env, person },
        45 => Act::Keys { env },
        46 | 47 => Act::Enable { env, person, enabled: false },
        48..50 => Act::Enable { env, person, enabled: true },
        50 | 51 => {
            let asked = recent(simulation, asked, 6)?;
            let known = &simulation.ledger.asked[asked];
            let (env, client) = (1 - known.env, known.client);
            Act::ForeignPoll { asked, assertion: fresh_assertion(simulation, env, client) }
        }
        56 | 57 => {
            let asked = recent(simulation, asked, 4)?;
            Act::Withdraw { asked, assertion: assertion_of(simulation, asked) }
        }
        58 | 59 => {
            let token = recent(simulation, tokens, 6)?;
            Act::Revoke { token, assertion: assertion_for_token(simulation, token, false) }
        }
        52 | 53 => Act::ForeignAnswer { asked: recent(simulation, asked, 6)? },
        _ => {
            let token = recent(simulation, tokens, 6)?;
            Act::ForeignRefresh { token, assertion: assertion_for_token(simulation, token, true) }
        }
    })
}

fn assertion_of(simulation: &mut Simulation, asked: usize) -> Option<usize> {
    let (env, client) = {
        let asked = &simulation.ledger.asked[asked];
        (asked.env, asked.client)
    };
    assertion(simulation, env, client)
}

fn assertion_for_token(simulation: &mut Simulation, token: usize, foreign: bool) -> Option<usize> {
    let (env, client) = {
        let token = &simulation.ledger.tokens[token];
        (token.env, token.client)
    };
    if foreign {
        fresh_assertion(simulation, 1 - env, client)
    } else {
        assertion(simulation, env, client)
    }
}

/// An assertion of a client that has them: mostly new, sometimes one of its last few again.
fn assertion(simulation: &mut Simulation, env: usize, client: usize) -> Option<usize> {
    let used = &simulation.ledger.assertions;
    let mine: Vec<usize> = (0..used.len())
        .filter(|place| used[*place].env == env && used[*place].client == client)
        .collect();
    if one_in(simulation, 3)
        && let Some(again) = recent(simulation, mine.len(), 3)
    {
        return Some(mine[again]);
    }
    fresh_assertion(simulation, env, client)
}

fn fresh_assertion(simulation: &mut Simulation, env: usize, client: usize) -> Option<usize> {
    simulation.town.quarters[env].clients[client].replay?;
    let new = act::assertion(simulation.town, &simulation.scene, env, client);
    simulation.ledger.assertions.push(new);
    Some(simulation.ledger.assertions.len() - 1)
}

/// In the end nothing fails any more, everybody knows everything, and whatever was acknowledged
/// can still be had.
fn settle(simulation: &mut Simulation) {
    simulation.finish();
    for node in &simulation.nodes {
        node.heal();
    }
    simulation.scene.time.pass(2_000);
    for (env, person) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        simulation.begin(0, Act::Enable { env, person, enabled: true });
        simulation.finish();
    }
    simulation.scene.time.pass(2_000);
    for asked in 0..simulation.ledger.asked.len() {
        redeem_what_was_approved(simulation, asked);
    }
    for token in 0..simulation.ledger.tokens.len() {
        refresh_what_is_good(simulation, token);
    }
    tell_what_is_left(simulation);
    for node in 0..simulation.nodes.len() {
        simulation.begin(node, Act::Tend);
        simulation.begin(node, Act::Sweep);
    }
    simulation.finish();
    // All at once, then one alone: who lost against another leaves nothing behind.
    for nodes in [simulation.nodes.len(), 1] {
        for node in 0..nodes {
            simulation.begin(node, Act::Chain);
        }
        simulation.finish();
    }
    audit::check_end(&simulation.scene, &simulation.memory, simulation.town);
}

/// Whatever was decided is told, or given up. Clocks that were set back make it last longer.
fn tell_what_is_left(simulation: &mut Simulation) {
    simulation.receivers.heal();
    for millis in [16_000; 12].into_iter().chain([3_600_000; 8]) {
        simulation.scene.time.pass(millis);
        for act in [Act::Look, Act::Send] {
            for node in 0..simulation.nodes.len() {
                simulation.begin(node, act);
            }
            simulation.finish();
        }
    }
    let now = simulation.scene.time.wall(*SKEWS.iter().min().unwrap());
    let heard = &simulation.ledger.heard;
    told::check_end(&simulation.scene, &simulation.memory, heard, now);
}

fn redeem_what_was_approved(simulation: &mut Simulation, asked: usize) {
    let (env, client, key) = {
        let asked = &simulation.ledger.asked[asked];
        (asked.env, asked.client, asked.key.clone())
    };
    let Some(found) = simulation.memory.authentication(&key) else { return };
    let now = simulation.scene.time.wall(SKEWS[0]);
    if !matches!(found.state, State::Approved(_)) || found.redeemable_until() <= now {
        return;
    }
    let assertion = fresh_assertion(simulation, env, client);
    simulation.begin(0, Act::Poll { asked, assertion });
    simulation.finish();
    let now = simulation.memory.authentication(&key);
    if !now.is_some_and(|it| matches!(it.state, State::Redeemed { .. })) {
        simulation.scene.violate(format!("I1 request {asked} was approved and gives no tokens"));
    }
}

fn refresh_what_is_good(simulation: &mut Simulation, token: usize) {
    let (env, client, key, generation) = {
        let token = &simulation.ledger.tokens[token];
        (token.env, token.client, token.grant.clone(), token.generation)
    };
    let now = simulation.scene.time.wall(SKEWS[0]);
    let good = is_at(simulation, &key, generation).is_some_and(|until| now < until);
    if !good {
        return;
    }
    let assertion = fresh_assertion(simulation, env, client);
    simulation.begin(0, Act::Refresh { token, assertion });
    simulation.finish();
    if is_at(simulation, &key, generation + 1).is_none() {
        simulation.scene.violate(format!("I1 token {token} is good and gives no tokens"));
    }
}

/// Until when the family's token works, if it is of this generation.
fn is_at(
    simulation: &Simulation,
    key: &Key,
    generation: u32,
) -> Option<assent_protocol::time::Timestamp> {
    match simulation.memory.read(key) {
        Some((Record::Grant(grant), _))
            if grant.generation == generation && grant.revoked_at.is_none() =>
        {
            Some(grant.token_expires_at.min(grant.expires_at))
        }
        _ => None,
    }
}
