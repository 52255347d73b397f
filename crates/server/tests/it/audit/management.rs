//! Every write of the management API is told: by whom, to what, and which members by name.

use std::collections::BTreeSet;

use assent_protocol::audit::{Act, ActorKind, Entry};
use assent_protocol::ciba::notification::Notification;
use assent_protocol::id::EnvironmentId;
use assent_protocol::record::Write;
use assent_protocol::sealing::Sealed;
use assent_server::management;
use assent_store::{Outcome, Store};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::audit::waiting;
use crate::harness::Answer;
use crate::v1::applications::plain;
use crate::v1::console::Console;
use crate::v1::grants::id;
use crate::v1::notifications::notification;

/// A walk over routes, each of which must leave an entry.
struct Walk {
    console: Console,
    walked: BTreeSet<String>,
    known: usize,
}

impl Walk {
    async fn new() -> Self {
        Self { console: Console::new().await, walked: BTreeSet::new(), known: 0 }
    }

    async fn everything_told(&self) -> Vec<Arc<Entry>> {
        let world = &self.console.world;
        let mut all = waiting(world, world.main.id).await;
        all.extend(waiting(world, EnvironmentId::NIL).await);
        all.sort_by_key(|it| it.id);
        all
    }

    /// What the request told; it must tell something.
    async fn step(&mut self, route: &str, answer: Answer) -> (Entry, Value) {
        assert!(answer.status.is_success(), "{route}: {answer:?}");
        let all = self.everything_told().await;
        assert_eq!(all.len(), self.known + 1, "{route}: {:?}", all.last());
        self.known = all.len();
        self.walked.insert(route.to_owned());
        let entry = Entry::clone(all.last().unwrap());
        assert_eq!(entry.actor.kind, ActorKind::Administrator, "{route}");
        assert!(entry.actor.id.is_some() && entry.correlation.is_some() && entry.source.is_some());
        for secret in ["hush", &self.console.token] {
            assert!(!entry.canonical().unwrap().contains(secret), "{route}: {entry:?}");
        }
        (entry, serde_json::from_str(&answer.body).unwrap_or_default())
    }

    async fn post(&mut self, route: &str, path: &str, body: &Value) -> (Entry, Value) {
        let answer = self.console.post(path, body).await;
        self.step(&format!("POST {route}"), answer).await
    }

    async fn put(&mut self, route: &str, path: &str, body: &Value) -> Entry {
        let answer = self.console.put(path, body).await;
        self.step(&format!("PUT {route}"), answer).await.0
    }

    async fn delete(&mut self, route: &str, path: &str) -> Entry {
        let answer = self.console.delete(path).await;
        self.step(&format!("DELETE {route}"), answer).await.0
    }
}

/// The path of what was made.
fn path_of(made: &Value) -> String {
    let href = made["_links"]["self"]["href"].as_str().unwrap();
    href.replace("https://api.example.com", "")
}

const ENV: &str = "/environments/{env}";

async fn walk_applications(walk: &mut Walk) {
    let base = format!("{ENV}/applications");
    let one = format!("{base}/{{application}}");
    let (made, application) = walk.post(&base, &walk.console.main("/applications"), &plain()).await;
    assert_eq!((made.act, made.object.unwrap().id), (Act::ObjectCreated, id(&application)));
    let path = path_of(&application);
    let mut body = plain();
    body["name"] = json!("hush");
    let changed = walk.put(&one, &path, &body).await;
    assert_eq!(
        (changed.act, changed.members.as_slice()),
        (Act::ObjectChanged, &["name".into()][..])
    );
    let in_a_while = json!({ "previous": { "expiresAt": "2026-11-24T08:00:00Z" } });
    let secret = format!("{path}/secret");
    let (rotated, _) = walk.post(&format!("{one}/secret"), &secret, &in_a_while).await;
    assert_eq!(rotated.members, ["previous_secret", "secret.digest", "secret.sealed"]);
    walk.delete(&format!("{one}/secret"), &secret).await;
    let token = format!("{path}/registrationToken");
    let route = format!("{one}/registrationToken");
    let (rotated, _) = walk.post(&route, &token, &json!({})).await;
    assert_eq!(rotated.members, ["registration_token"]);
    walk.delete(&route, &token).await;
    let (route, cut) = (format!("{one}/tokenRevocation"), format!("{path}/tokenRevocation"));
    assert_eq!(walk.post(&route, &cut, &json!({})).await.0.members, ["cut_off"]);
    let roles = format!("{one}/roleAssignments");
    let env = walk.console.world.main.id.to_string();
    let role = json!({ "role": "IDENTITY_DATA_ADMIN", "environment": { "id": env } });
    let (_, held) = walk.post(&roles, &format!("{path}/roleAssignments"), &role).await;
    walk.delete(&format!("{roles}/{{roleAssignment}}"), &path_of(&held)).await;

    let resources = walk.console.get(&walk.console.main("/resources")).await.json();
    let resource = resources["_embedded"]["resources"][0]["id"].clone();
    let scopes_path = format!("/resources/{}/scopes", resource.as_str().unwrap());
    let scopes = walk.console.get(&walk.console.main(&scopes_path)).await.json();
    let scope = scopes["_embedded"]["scopes"][0]["id"].clone();
    let grants = format!("{one}/grants");
    let body = json!({ "resource": { "id": resource }, "scopes": [{ "id": scope }] });
    let (_, grant) = walk.post(&grants, &format!("{path}/grants"), &body).await;
    let grant_path = path_of(&grant);
    let changed = walk.put(&format!("{grants}/{{grant}}"), &grant_path, &body).await;
    assert_eq!(changed.members, ["grants"]);
    walk.delete(&format!("{grants}/{{grant}}"), &grant_path).await;
    let removed = walk.delete(&one, &path).await;
    assert_eq!(removed.object.unwrap().id, id(&application));
}

async fn walk_resources(walk: &mut Walk) {
    let base = format!("{ENV}/resources");
    let one = format!("{base}/{{resource}}");
    let body = json!({ "name": "Doors", "audience": "https://doors.example.com" });
    let (_, made) = walk.post(&base, &walk.console.main("/resources"), &body).await;
    let path = path_of(&made);
    let body = json!({ "name": "Gates", "audience": "https://doors.example.com" });
    assert_eq!(walk.put(&one, &path, &body).await.members, ["name"]);
    walk.post(&format!("{one}/secret"), &format!("{path}/secret"), &json!({})).await;
    for (part, first, then, member) in [
        ("scope", json!({ "name": "open" }), json!({ "name": "shut" }), "scopes"),
        (
            "attribute",
            json!({ "name": "tier", "value": "gold" }),
            json!({ "name": "tier", "value": "hush" }),
            "attributes",
        ),
    ] {
        let route = format!("{one}/{part}s");
        let (_, made) = walk.post(&route, &format!("{path}/{part}s"), &first).await;
        let route = format!("{route}/{{{part}}}");
        assert_eq!(walk.put(&route, &path_of(&made), &then).await.members, [member]);
        walk.delete(&route, &path_of(&made)).await;
    }
    walk.delete(&one, &path).await;
    let base = format!("{ENV}/authorizationDetailsTypes");
    let body = json!({ "name": "payment", "schema": {}, "template": "Pay" });
    let (_, made) = walk.post(&base, &walk.console.main("/authorizationDetailsTypes"), &body).await;
    let body = json!({ "schema": {}, "template": "hush" });
    let changed = walk.put(&format!("{base}/{{type}}"), &path_of(&made), &body).await;
    assert_eq!(changed.members, ["template"]);
    walk.delete(&format!("{base}/{{type}}"), &path_of(&made)).await;
}

async fn walk_people(walk: &mut Walk) {
    let base = format!("{ENV}/users");
    let one = format!("{base}/{{user}}");
    let body = json!({ "username": "carol", "email": "hush@example.com" });
    let (made, user) = walk.post(&base, &walk.console.main("/users"), &body).await;
    assert_eq!(made.subject.unwrap().to_string(), id(&user));
    let path = path_of(&user);
    let body = json!({ "username": "carol", "email": "carol@example.com" });
    assert_eq!(walk.put(&one, &path, &body).await.members, ["email"]);
    let lock = "application/vnd.pingidentity.account.lock+json";
    let answer = walk.console.act(&path, lock).await;
    let (locked, _) = walk.step(&format!("POST {one}"), answer).await;
    assert_eq!(locked.members, ["locked_at"]);
    let enabled = json!({ "enabled": false });
    walk.put(&format!("{one}/enabled"), &format!("{path}/enabled"), &enabled).await;
    let code = json!({ "userCode": "hush-hush" });
    let code_path = format!("{path}/userCode");
    walk.put(&format!("{one}/userCode"), &code_path, &code).await;
    walk.delete(&format!("{one}/userCode"), &code_path).await;
    let (route, cut) = (format!("{one}/tokenRevocation"), format!("{path}/tokenRevocation"));
    assert_eq!(walk.post(&route, &cut, &json!({})).await.0.members, ["cut_off"]);
    let devices = format!("{one}/devices");
    let body = json!({ "type": "MOBILE", "nickname": "hush" });
    let (_, made) = walk.post(&devices, &format!("{path}/devices"), &body).await;
    let device = format!("{devices}/{{device}}");
    let changed = walk.put(&device, &path_of(&made), &json!({ "nickname": "Phone" })).await;
    assert_eq!(changed.members, ["nickname"]);
    assert_eq!(changed.subject.unwrap().to_string(), id(&user));
    walk.delete(&device, &path_of(&made)).await;
    walk.delete(&one, &path).await;

    let world = &walk.console.world;
    let blocked = world.main.basic.id;
    world.change_user(&world.main, &world.main.alice, |it| it.blocked = vec![blocked]).await;
    let path = format!("/users/{}/blockedApplications/{blocked}", world.main.alice.id);
    let path = walk.console.main(&path);
    walk.delete(&format!("{one}/blockedApplications/{{application}}"), &path).await;
}

async fn walk_installation(walk: &mut Walk) {
    let role = json!({ "role": "ENVIRONMENT_ADMIN_READ_ONLY" });
    let body = json!({ "name": "hush", "roles": [role] });
    let (made, administrator) = walk.post("/administrators", "/v1/administrators", &body).await;
    assert_eq!((made.env, made.object.unwrap().id), (EnvironmentId::NIL, id(&administrator)));
    let path = path_of(&administrator);
    let removed = walk.delete("/administrators/{administrator}", &path).await;
    assert_eq!(removed.object.unwrap().id, id(&administrator), "whose token is not its name");

    let tokens = format!("{ENV}/initialAccessTokens");
    let path = walk.console.main("/initialAccessTokens");
    let (_, token) = walk.post(&tokens, &path, &json!({ "description": "hush" })).await;
    walk.delete(&format!("{tokens}/{{token}}"), &path_of(&token)).await;

    let env = &walk.console.world.main;
    let sealed = Sealed::from_base64url("AAAA").unwrap();
    let dead = [1, 2].map(|number| {
        let due = Notification { credentials: Some(sealed.clone()), ..notification(env, number) };
        due.dead("nobody answers", crate::harness::START)
    });
    let paths = dead.each_ref().map(|it| walk.console.main(&format!("/notifications/{}", it.id())));
    let writes = dead.into_iter().map(Write::insert).collect();
    assert_eq!(walk.console.world.store.commit(writes).await.unwrap(), Outcome::Done);
    let one = format!("{ENV}/notifications/{{notification}}");
    let again = "application/vnd.assent.notification.resend+json";
    let answer = walk.console.act(&paths[0], again).await;
    let (sent, _) = walk.step(&format!("POST {one}"), answer).await;
    assert_eq!(sent.application, Some(walk.console.world.main.basic.id));
    walk.delete(&one, &paths[1]).await;

    let body = json!({ "name": "New", "type": "SANDBOX" });
    let (made, environment) = walk.post("/environments", "/v1/environments", &body).await;
    assert_eq!((made.env, made.object.unwrap().id), (EnvironmentId::NIL, id(&environment)));
    let removed = walk.console.delete(&path_of(&environment)).await;
    let (removed, _) = walk.step(&format!("DELETE {ENV}"), removed).await;
    assert_eq!((removed.act, removed.env), (Act::ObjectRemoved, EnvironmentId::NIL));
    let body = json!({ "name": "Example", "type": "SANDBOX", "audit": { "retentionDays": 30 } });
    let (route, cut) = (format!("{ENV}/tokenRevocation"), walk.console.main("/tokenRevocation"));
    assert_eq!(walk.post(&route, &cut, &json!({})).await.0.members, ["cut_off"]);
    let changed = walk.put(ENV, &walk.console.main(""), &body).await;
    assert_eq!(changed.members, ["audit.retentionDays"]);
    assert_eq!(changed.env, walk.console.world.main.id, "in its own log");
}

/// A route that is added and does not tell what it does fails here.
#[tokio::test]
async fn every_write_of_the_management_api_is_told() {
    let mut walk = Walk::new().await;
    walk_applications(&mut walk).await;
    walk_resources(&mut walk).await;
    walk_people(&mut walk).await;
    walk_installation(&mut walk).await;
    let routes: BTreeSet<String> = management::paths()
        .iter()
        .flat_map(|path| path.rules.iter().map(|(method, _)| (method.clone(), path.path)))
        .filter(|(method, _)| *method != Method::GET)
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    assert_eq!(walk.walked, routes);
}

#[tokio::test]
async fn who_looks_at_a_secret_is_told_and_nobody_sees_it_untold() {
    let mut walk = Walk::new().await;
    let env = &walk.console.world.main;
    let paths = [
        format!("/applications/{}/secret", env.basic.id),
        format!("/resources/{}/secret", env.payments),
    ];
    for path in paths.map(|path| walk.console.main(&path)) {
        walk.console.world.store.plan([assent_store::Plan::FailBefore]);
        let answer = walk.console.get(&path).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        let answer = walk.console.get(&path).await;
        let (entry, _) = walk.step(&path, answer).await;
        assert_eq!(entry.act, Act::SecretRead);
        assert!(path.contains(&entry.object.unwrap().id));
    }
    // Every other look at what is secret shows none.
    let secret_routes: Vec<&str> = management::paths()
        .iter()
        .filter(|path| path.path.ends_with("/secret"))
        .map(|path| path.path)
        .collect();
    assert_eq!(secret_routes.len(), 2, "{secret_routes:?}");
}
