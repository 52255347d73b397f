//! Whole stories: an application asks, a person answers, tokens are fetched and renewed.

use std::rc::Rc;
use std::time::Duration;

use super::answers::{answered, called_off};
use super::{Asked, Load, Relic, Token, pause};
use crate::chance::Chance;
use crate::history::{Rule, Through};
use crate::party::Assertion;

/// How often a step is tried again when it is in doubt.
pub const ATTEMPTS: usize = 6;
pub const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(150);
/// Life of a request, in seconds: longer than any fault.
const LIVES: u64 = 90;
/// Life of one that nobody answers: it must leave the person's list soon.
pub const LIVES_SHORT: u64 = 10;
/// Polls of who does not slow down: more than are told to.
const IMPATIENT_POLLS: usize = 13;

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
    early(load, chance, &asked).await;
    if abandoned {
        if chance.percent(30) {
            called_off(load, chance, &asked).await;
        }
        return None;
    }
    let id = seek(load, &asked).await?;
    let tokens = answered(load, chance, &asked, &id).await?;
    let token = load.first_token(&asked, &tokens)?;
    renew(load, chance, token).await;
    Some(())
}

/// Some cannot wait, some say that they will.
async fn early(load: &Load, chance: &mut Chance, asked: &Asked) {
    let pushed = load.mode(asked).is_push();
    match chance.below(100) {
        // Who is sent the outcome is told that it may not ask.
        _ if pushed && !chance.percent(10) => {}
        0..=44 => {
            let assertion = poll_assertion(load, chance, asked);
            load.poll(Through::Balancer, asked, assertion.clone()).await;
            if let Some(assertion) = assertion {
                load.keep(Relic::Spent(asked.clone(), assertion));
            }
        }
        45..=54 => {
            let (door, assertion) = (any_door(load, chance), load.assertion(asked.application));
            load.hold(door, asked, assertion, 1).await;
        }
        55..=56 => {
            let node = load.any_node(chance);
            for _ in 0..IMPATIENT_POLLS {
                load.poll(node, asked, load.assertion(asked.application)).await;
            }
        }
        _ => {}
    }
}

/// The balancer or some node.
pub fn any_door(load: &Load, chance: &mut Chance) -> Through {
    if chance.percent(40) { Through::Balancer } else { load.any_node(chance) }
}

/// Where the rule allows it, an assertion sometimes comes again for its own request. Who is sent
/// the outcome has no request to ask about.
pub fn poll_assertion(load: &Load, chance: &mut Chance, asked: &Asked) -> Option<Assertion> {
    let application = load.world.applications.get(asked.application);
    let bound = application.is_some_and(|it| it.rule == Rule::Bound && !it.mode.is_push());
    if bound && chance.percent(30) {
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
