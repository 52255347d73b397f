//! A person answers, and the client comes to hear of it: it asks, waits for the answer to its
//! question, or is called; or it has taken the request back meanwhile.

use std::time::Duration;

use serde_json::Value;

use super::flows::{ATTEMPTS, BETWEEN_ATTEMPTS, any_door, poll_assertion};
use super::{Asked, Load, Relic, pause};
use crate::chance::Chance;
use crate::history::{Mode, Through};
use crate::recorder::Outcome;

/// How long a client waits to be called before it asks, or gives up.
const LETTER_PATIENCE: Duration = Duration::from_secs(3);
/// How long polls are held, in seconds: a fault may last longer.
const WAITS: [u64; 3] = [2, 3, 5];

/// The person's answer and the tokens, if it was a yes.
pub async fn answered(load: &Load, chance: &mut Chance, asked: &Asked, id: &str) -> Option<Value> {
    if chance.percent(10) {
        raced(load, chance, asked, id).await;
        return None;
    }
    match load.mode(asked) {
        Mode::Push(_) => {
            decide(load, chance, Through::Balancer, (asked, id)).await;
            return load.receivers.letter(asked.number, LETTER_PATIENCE).await;
        }
        Mode::Ping(_) => {
            decide(load, chance, Through::Balancer, (asked, id)).await;
            load.receivers.letter(asked.number, LETTER_PATIENCE).await;
        }
        Mode::Poll if chance.percent(45) => {
            if let Some(outcome) = held(load, chance, asked, id).await {
                return tokens(load, asked, outcome);
            }
        }
        Mode::Poll => {
            decide(load, chance, Through::Balancer, (asked, id)).await;
        }
    }
    let outcome = fetch(load, chance, asked).await?;
    tokens(load, asked, outcome)
}

fn tokens(load: &Load, asked: &Asked, outcome: Outcome) -> Option<Value> {
    if !outcome.operation.is_done() {
        return None;
    }
    load.keep(Relic::Redeemed(asked.clone()));
    Some(outcome.body)
}

/// The person answers while a poll is held, at another node mostly.
async fn held(load: &Load, chance: &mut Chance, asked: &Asked, id: &str) -> Option<Outcome> {
    let (here, there) = (any_door(load, chance), any_door(load, chance));
    let wait = chance.pick(&WAITS).copied().unwrap_or(2);
    let assertion = poll_assertion(load, chance, asked);
    let thinking = chance.millis(20, 400);
    let answering = async {
        pause(thinking).await;
        decide(load, chance, there, (asked, id)).await;
    };
    let (outcome, ()) = tokio::join!(load.hold(here, asked, assertion, wait), answering);
    outcome.filter(is_final)
}

/// The person's answer.
async fn decide(load: &Load, chance: &mut Chance, through: Through, (asked, id): (&Asked, &str)) {
    if chance.percent(10) {
        // Two devices at once, at two nodes: one of them wins.
        let (one, two) = (load.any_node(chance), load.any_node(chance));
        tokio::join!(load.decide(one, asked, id, true), load.decide(two, asked, id, false));
        return;
    }
    let approve = chance.percent(80);
    let mut door = through;
    for _ in 0..ATTEMPTS {
        let outcome = load.decide(door, asked, id, approve).await;
        let heard = outcome.map(|outcome| outcome.operation).filter(|it| it.said().is_some());
        if heard.is_some_and(|operation| !operation.is_in_doubt()) {
            return;
        }
        pause(BETWEEN_ATTEMPTS).await;
        door = Through::Balancer;
    }
}

/// Polls until the answer is final.
async fn fetch(load: &Load, chance: &mut Chance, asked: &Asked) -> Option<Outcome> {
    for _ in 0..ATTEMPTS {
        let outcome = if chance.percent(15) {
            fetch_at_once(load, asked).await?
        } else {
            load.poll(Through::Balancer, asked, poll_assertion(load, chance, asked)).await?
        };
        if is_final(&outcome) {
            return Some(outcome);
        }
        pause(BETWEEN_ATTEMPTS).await;
    }
    None
}

fn is_final(outcome: &Outcome) -> bool {
    let said = &outcome.operation;
    let undecided = ["authorization_pending", "slow_down", "invalid_request"];
    !undecided.iter().any(|code| said.is_code(code)) && !said.is_in_doubt()
}

/// Every node is asked at the same moment.
async fn fetch_at_once(load: &Load, asked: &Asked) -> Option<Outcome> {
    let poll = |node| load.poll(Through::Node(node), asked, load.assertion(asked.application));
    let (zero, one, two) = tokio::join!(poll(0), poll(1), poll(2));
    let mut outcomes: Vec<Outcome> = [zero, one, two].into_iter().flatten().collect();
    // The tokens, if there are any.
    outcomes.sort_by_key(|outcome| outcome.operation.is_done());
    outcomes.pop()
}

/// The client takes its request back while the person answers, and while it waits itself.
async fn raced(load: &Load, chance: &mut Chance, asked: &Asked, id: &str) {
    let (door, other) = (load.any_node(chance), any_door(load, chance));
    match chance.below(4) {
        0 => {}
        1 => decide(load, chance, other, (asked, id)).await,
        2 => {
            let approving = load.decide(other, asked, id, true);
            tokio::join!(approving, load.cancel(door, asked));
        }
        _ => {
            let waiting = async {
                if !load.mode(asked).is_push() {
                    let here = Through::Balancer;
                    load.hold(here, asked, load.assertion(asked.application), 2).await;
                }
            };
            let (first, second) = (chance.millis(0, 200), chance.millis(0, 200));
            let approving = async {
                pause(first).await;
                load.decide(other, asked, id, true).await
            };
            let cancelling = async {
                pause(second).await;
                load.cancel(door, asked).await
            };
            tokio::join!(waiting, approving, cancelling);
        }
    }
    called_off(load, chance, asked).await;
}

/// The client takes its request back, for certain, and looks whether that holds at every node.
pub async fn called_off(load: &Load, chance: &mut Chance, asked: &Asked) {
    let mut done = None;
    for attempt in 0..ATTEMPTS {
        let door = if attempt == 0 { load.any_node(chance) } else { Through::Balancer };
        done = load.cancel(door, asked).await.filter(|outcome| outcome.operation.is_done());
        if done.is_some() {
            break;
        }
        pause(BETWEEN_ATTEMPTS).await;
    }
    if done.is_none() || load.mode(asked).is_push() {
        return;
    }
    for node in 0..load.recorder.nodes() {
        load.poll(Through::Node(node), asked, load.assertion(asked.application)).await;
    }
    load.keep(Relic::Cancelled(asked.clone()));
}
