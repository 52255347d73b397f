//! An administrator enables and disables people and an application, and it is looked at every
//! node what that does. One worker alone writes, so the order of writes is known.

use std::rc::Rc;

use serde_json::{Value, json};

use super::{Load, pause};
use crate::chance::Chance;
use crate::history::{Said, Through, What};
use crate::http::Request;
use crate::party::Person;
use crate::world::application_body;

/// What is switched.
#[derive(Clone, Copy)]
enum Switch<'a> {
    Person(&'a Person),
    Application,
}

/// One turn after the other.
pub async fn work(load: Rc<Load>, mut chance: Chance) {
    let mut switches: Vec<(usize, Switch<'_>, bool)> = Vec::new();
    for person in &load.world.toggled_people {
        let number = load.recorder.new_switch(format!("person {}", person.username));
        switches.push((number, Switch::Person(person), true));
    }
    let number = load.recorder.new_switch(String::from("application"));
    switches.push((number, Switch::Application, true));
    while !load.is_over() {
        let place = chance.below(switches.len());
        let Some((number, switch, on)) = switches.get_mut(place) else { return };
        *on = !*on;
        let request = turn(&load, *switch, *on);
        let what = What::Turn { switch: *number, on: *on };
        load.recorder.perform(Through::Balancer, what, &request, |_, _| None).await;
        for node in 0..load.recorder.nodes() {
            look(&load, &mut chance, Through::Node(node), *number, *switch).await;
        }
        pause(chance.millis(100, 900)).await;
        look(&load, &mut chance, Through::Balancer, *number, *switch).await;
    }
}

/// Looks once more at the first person, as an administrator.
pub async fn look_at_first(load: &Load, through: Through) {
    if let Some(person) = load.world.toggled_people.first() {
        look_at_person(load, through, 0, person).await;
    }
}

fn turn(load: &Load, switch: Switch<'_>, on: bool) -> Request {
    let env = load.world.envs.first().map_or("", String::as_str);
    let request = match switch {
        Switch::Person(person) => {
            let path = format!("/v1/environments/{env}/users/{}/enabled", person.id);
            Request::json("PUT", path, &json!({ "enabled": on }))
        }
        Switch::Application => {
            let id = &load.world.toggled_application.id;
            let path = format!("/v1/environments/{env}/applications/{id}");
            Request::json("PUT", path, &application_body("CLIENT_SECRET_BASIC", on))
        }
    };
    request.bearer(&load.world.token)
}

async fn look(
    load: &Load,
    chance: &mut Chance,
    through: Through,
    number: usize,
    switch: Switch<'_>,
) {
    let what = What::Look { switch: number };
    match switch {
        Switch::Person(person) if chance.percent(50) => {
            look_at_person(load, through, number, person).await;
        }
        Switch::Person(person) => {
            let fields = [
                ("scope", "openid"),
                ("login_hint", person.username.as_str()),
                ("requested_expiry", "10"),
            ];
            let path = load.path(person.env, "as/cibaAuthorization");
            let Some(asking) = load.world.applications.first() else { return };
            let request = asking.request(path, &fields, None);
            let seen = |said: &Said, _: &Value| match (said.status, said.code.as_str()) {
                (200, _) => Some(true),
                (400, "unknown_user_id") => Some(false),
                _ => None,
            };
            load.recorder.perform(through, what, &request, seen).await;
        }
        Switch::Application => {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", "art_none")];
            let application = &load.world.toggled_application;
            let path = load.path(application.env, "as/token");
            let request = application.request(path, &fields, None);
            let seen = |said: &Said, _: &Value| match (said.status, said.code.as_str()) {
                (400, "invalid_grant") => Some(true),
                (401, "invalid_client") => Some(false),
                _ => None,
            };
            load.recorder.perform(through, what, &request, seen).await;
        }
    }
}

async fn look_at_person(load: &Load, through: Through, number: usize, person: &Person) {
    let env = load.world.envs.first().map_or("", String::as_str);
    let path = format!("/v1/environments/{env}/users/{}/enabled", person.id);
    let request = Request::get(path).bearer(&load.world.token);
    let seen = |_: &Said, body: &Value| body.get("enabled").and_then(Value::as_bool);
    load.recorder.perform(through, What::Look { switch: number }, &request, seen).await;
}
