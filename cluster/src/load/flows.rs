//! Whole stories: an application asks, a person answers, tokens are fetched and renewed.

use std::rc::Rc;
use std::time::Duration;

use super::{Asked, Load, Relic, Token, pause};
use crate::chance::Chance;
use crate::history::{Rule, Through};
use crate::party::Assertion;
use crate::recorder::Outcome;

/// How often a step is tried again when it is in doubt.
const ATTEMPTS: usize = 6;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(150);
/// Life of a request, in seconds: longer than any fault.
const LIVES: u64 = 90;
/// Life of one that nobody answers: it must leave the person's list soon.
const LIVES_SHORT: u64 = 10;

/// One story after the other.
pub async fn work(load: Rc<Load>, mut chance: Chance) {
    while !load.is_over() {
        story(&load, &mut chance).await;
        pause(chance.millis(5, 60)).await;
    }
}

async fn story(load: &Load, chance: &mut Chance) -> Option<()> {
    let abandoned = chance.percent(8);
    let lives = if abandoned { LIVES_SHORT } else { LIVES };
    let parties = load.pair(chance);
    let asked = match load.start(Through::Balancer, parties, lives).await {
        Some(asked) => asked,
        None => {
            pause(BETWEEN_ATTEMPTS).await;
            return None;
        }
    };
    if let Some(assertion) = &asked.assertion {
        load.keep(Relic::Spent(asked.clone(), assertion.clone()));
    }
    if chance.percent(60) {
        let assertion = poll_assertion(load, chance, &asked);
        load.poll(Through::Balancer, &asked, assertion.clone()).await;
        if let Some(assertion) = assertion {
            load.keep(Relic::Spent(asked.clone(), assertion));
        }
    }
    if abandoned {
        return None;
    }
    let id = seek(load, &asked).await?;
    let approved = decide(load, chance, &asked, &id).await;
    let outcome = fetch(load, chance, &asked).await?;
    if !approved || !outcome.operation.is_done() {
        return None;
    }
    load.keep(Relic::Redeemed(asked.clone()));
    let token = load.first_token(&asked, &outcome)?;
    renew(load, chance, token).await;
    Some(())
}

/// Where the rule allows it, an assertion sometimes comes again for its own request.
fn poll_assertion(load: &Load, chance: &mut Chance, asked: &Asked) -> Option<Assertion> {
    let rule = load.world.applications.get(asked.application).map(|it| it.rule);
    if rule == Some(Rule::Bound) && chance.percent(30) {
        return asked.assertion.clone();
    }
    load.assertion(asked.application)
}

async fn seek(load: &Load, asked: &Asked) -> Option<String> {
    for _ in 0..ATTEMPTS {
        if let Some(id) = load.seek(Through::Balancer, asked).await {
            return Some(id);
        }
        pause(BETWEEN_ATTEMPTS).await;
    }
    None
}

/// The person's answer; whether it may have been a yes.
async fn decide(load: &Load, chance: &mut Chance, asked: &Asked, id: &str) -> bool {
    if chance.percent(10) {
        // Two devices at once, at two nodes: one of them wins.
        let (one, two) = (load.any_node(chance), load.any_node(chance));
        tokio::join!(load.decide(one, asked, id, true), load.decide(two, asked, id, false));
        return true;
    }
    let approve = chance.percent(80);
    for _ in 0..ATTEMPTS {
        let outcome = load.decide(Through::Balancer, asked, id, approve).await;
        if outcome.is_some_and(|outcome| !outcome.operation.is_in_doubt()) {
            break;
        }
        pause(BETWEEN_ATTEMPTS).await;
    }
    approve
}

/// Polls until the answer is final.
async fn fetch(load: &Load, chance: &mut Chance, asked: &Asked) -> Option<Outcome> {
    for _ in 0..ATTEMPTS {
        let outcome = if chance.percent(15) {
            fetch_at_once(load, asked).await?
        } else {
            load.poll(Through::Balancer, asked, poll_assertion(load, chance, asked)).await?
        };
        let said = &outcome.operation;
        let undecided = said.is_code("authorization_pending") || said.is_code("slow_down");
        if !undecided && !said.is_in_doubt() {
            return Some(outcome);
        }
        pause(BETWEEN_ATTEMPTS).await;
    }
    None
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

/// Renews the tokens some times; what the tokens replaced are used up.
async fn renew(load: &Load, chance: &mut Chance, first: Token) {
    let mut newest = first;
    for _ in 0..chance.below(4) {
        let (_, next) = load.refresh(Through::Balancer, &newest).await;
        // In doubt: whether the family lives on is not known, so it is left alone.
        let Some(next) = next else { return };
        load.keep(Relic::Rotated(newest, next.clone()));
        newest = next;
    }
}
