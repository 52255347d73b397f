//! What was used up comes again: at any node, directly, and in the other environment.

use std::rc::Rc;

use super::{Asked, Load, Relic, Token, pause};
use crate::chance::Chance;
use crate::http::Request;
use crate::party::{Application, Assertion, Proof};

const CIBA: &str = "urn:openid:params:grant-type:ciba";

/// One attempt after the other.
pub async fn work(load: Rc<Load>, mut chance: Chance) {
    while !load.is_over() {
        pause(chance.millis(20, 80)).await;
        match load.any_relic(&mut chance) {
            Some(Relic::Redeemed(asked)) => redeemed(&load, &mut chance, &asked).await,
            Some(Relic::Cancelled(asked)) => {
                let through = load.any_node(&mut chance);
                load.poll(through, &asked, load.assertion(asked.application)).await;
            }
            Some(Relic::Spent(asked, assertion)) => {
                spent(&load, &mut chance, &asked, assertion).await;
            }
            Some(Relic::Rotated(old, newest)) => rotated(&load, &mut chance, &old, &newest).await,
            None => {}
        }
    }
}

/// No second token set; not for another application, not in the other environment.
async fn redeemed(load: &Load, chance: &mut Chance, asked: &Asked) {
    let through = load.any_node(chance);
    if chance.percent(50) {
        load.poll(through, asked, load.assertion(asked.application)).await;
        return;
    }
    let Some(env) = load.world.applications.get(asked.application).map(|it| it.env) else { return };
    let fields = [("grant_type", CIBA), ("auth_req_id", asked.auth_req_id.as_str())];
    if let Some((stranger, path)) = stranger(load, 1 - env) {
        let request = stranger.request(path, &fields, None);
        load.trespass(through, "another environment's auth_req_id", &request).await;
    }
    let Some(person) = load.world.people.get(asked.person) else { return };
    let path = load.path(1 - env, "device/requests");
    let request = Request::get(path).bearer(&person.device);
    load.trespass(through, "another environment's device", &request).await;
}

/// An application of an environment that is known by its secret, and its token endpoint.
fn stranger(load: &Load, env: usize) -> Option<(&Application, String)> {
    let by_secret = |it: &&Application| it.env == env && matches!(it.proof, Proof::Basic(_));
    let stranger = load.world.applications.iter().find(by_secret)?;
    Some((stranger, load.path(env, "as/token")))
}

/// The assertion must not begin another request, nor poll another one.
async fn spent(load: &Load, chance: &mut Chance, asked: &Asked, assertion: Assertion) {
    let through = load.any_node(chance);
    let parties = (asked.application, asked.person);
    if chance.percent(60) {
        load.start_with(through, parties, 10, Some(assertion)).await;
        return;
    }
    let other = load.any_relic(chance);
    if let Some(Relic::Spent(other, _) | Relic::Redeemed(other)) = other
        && other.application == asked.application
        && other.number != asked.number
    {
        load.poll(through, &other, Some(assertion)).await;
    }
}

/// The old token is refused and takes its family with it; not in the other environment.
async fn rotated(load: &Load, chance: &mut Chance, old: &Token, newest: &Token) {
    let through = load.any_node(chance);
    let Some(env) = load.world.applications.get(old.application).map(|it| it.env) else { return };
    if chance.percent(50) {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", newest.text.as_str())];
        if let Some((stranger, path)) = stranger(load, 1 - env) {
            let request = stranger.request(path, &fields, None);
            load.trespass(through, "another environment's refresh token", &request).await;
        }
        return;
    }
    load.refresh(through, old).await;
    load.refresh(load.any_node(chance), newest).await;
}
