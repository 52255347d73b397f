//! What comes with an answer: numbers, parts, contexts, reports.

use assent_protocol::application::NumberMatching;
use assent_protocol::ciba::authentication::State;
use assent_protocol::device::Device;
use assent_protocol::record::{Key, Kind, Write};
use assent_protocol::user::User;
use assent_store::{Outcome, Range, Store};
use http::{Method, StatusCode};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::World;
use crate::rich::{
    account, change_type, give_types, outcome, payment, say, shown, start, started, stored,
};

async fn matching(world: &World, matching: NumberMatching) {
    let (env, client) = (&world.main, &world.main.basic);
    world.change_application(env, client, |it| it.ciba.number_matching = matching).await;
}

/// Three parts: one that must be, two that may be.
async fn three(world: &World) -> (String, String) {
    let details = json!([account("DE1"), payment("Corner Shop"), account("DE2")]).to_string();
    let params = [("scope", "openid payments:write"), ("authorization_details", &details)];
    let params = [params.as_slice(), &[("login_hint", "alice")]].concat();
    world.wait(1);
    let answer = world.start(&world.main, &world.main.basic, &params).await;
    let id = world.newest(&world.main, &world.main.alice).await;
    (answer.text("auth_req_id"), id)
}

#[tokio::test]
async fn details_and_numbers_are_shown_in_full() {
    let world = World::new().await;
    give_types(&world, &world.main, &world.main.basic).await;
    matching(&world, NumberMatching::SelectNumber).await;
    let (_, id) = three(&world).await;
    let shown = shown(&world, &world.main.alice, &id).await;
    assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap().replace(&id, "[id]"));
    let listed = world.phone(&world.main, &world.main.alice, Method::GET, "/requests").await;
    assert_eq!(listed.json()["requests"][0], shown);
    matching(&world, NumberMatching::EnterManually).await;
    let (_, id) = three(&world).await;
    let typed = crate::rich::shown(&world, &world.main.alice, &id).await;
    assert_eq!(typed["numberMatching"], json!({ "method": "ENTER_MANUALLY" }));
}

/// T-04: the number stands on the asking side alone.
#[tokio::test]
async fn a_number_is_needed_to_approve_and_a_wrong_one_denies() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    for kind in [NumberMatching::SelectNumber, NumberMatching::EnterManually] {
        matching(&world, kind).await;
        for (say_it, status, heard) in
            [("right", StatusCode::OK, "tokens"), ("wrong", StatusCode::FORBIDDEN, "access_denied")]
        {
            world.wait(1);
            let answer = start(&world, client, &[]).await;
            let (auth_req_id, number) = (answer.text("auth_req_id"), answer.text("number"));
            let id = world.newest(env, alice).await;
            let choices = shown(&world, alice, &id).await["numberMatching"]["choices"].clone();
            if kind == NumberMatching::SelectNumber {
                let choices = choices.as_array().unwrap();
                assert_eq!(choices.len(), 3);
                assert!(choices.contains(&json!(number)));
                assert!(choices.is_sorted_by_key(|it| it.as_str().unwrap().to_owned()));
            }
            for none in [json!({}), json!({ "number": "" }), json!({ "number": "x1" })] {
                let answer = say(&world, alice, &id, "approve", &none).await;
                assert_eq!(
                    (answer.status, answer.error()),
                    (StatusCode::BAD_REQUEST, String::from("invalid_request"))
                );
            }
            let empty =
                world.phone(env, alice, Method::POST, &format!("/requests/{id}/approve")).await;
            assert_eq!(empty.status, StatusCode::BAD_REQUEST);
            let wrong = if number == "42" { "43" } else { "42" };
            let said = if say_it == "right" { number.as_str() } else { wrong };
            let answer = say(&world, alice, &id, "approve", &json!({ "number": said })).await;
            assert_eq!(answer.status, status, "{answer:?}");
            // It is over either way.
            let again = say(&world, alice, &id, "approve", &json!({ "number": number })).await;
            assert_eq!(again.status, StatusCode::CONFLICT);
            assert_eq!(outcome(&world, client, &auth_req_id).await, heard);
        }
        let (auth_req_id, id) = started(&world, client, &[]).await;
        assert_eq!(say(&world, alice, &id, "deny", &json!({})).await.status, StatusCode::OK);
        assert_eq!(outcome(&world, client, &auth_req_id).await, "access_denied");
    }
}

#[tokio::test]
async fn a_part_is_approved_where_the_type_allows_it() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    give_types(&world, env, client).await;
    let refused = |body: Value| (body, Err(StatusCode::BAD_REQUEST));
    for (body, approved) in [
        (json!({}), Ok(None)),
        (json!({ "authorizationDetails": null }), Ok(None)),
        (json!({ "authorizationDetails": [0, 1, 2] }), Ok(None)),
        (json!({ "authorizationDetails": [1] }), Ok(Some(vec![1]))),
        (json!({ "authorizationDetails": [2, 1] }), Ok(Some(vec![1, 2]))),
        refused(json!({ "authorizationDetails": [] })),
        refused(json!({ "authorizationDetails": [0, 2] })),
        refused(json!({ "authorizationDetails": [1, 3] })),
        refused(json!({ "authorizationDetails": [1, 1] })),
        refused(json!({ "authorizationDetails": [-1] })),
        refused(json!({ "authorizationDetails": "1" })),
        refused(json!({ "authorizationdetails": [1] })),
        refused(json!([])),
    ] {
        let (auth_req_id, id) = three(&world).await;
        let answer = say(&world, alice, &id, "approve", &body).await;
        let state = stored(&world, env, &auth_req_id).await.state;
        match approved {
            Ok(details) => {
                let State::Approved(approval) = state else { panic!("{body}: {answer:?}") };
                assert_eq!(approval.details, details, "{body}");
            }
            Err(status) => assert_eq!((answer.status, state), (status, State::Pending), "{body}"),
        }
    }
    let (_, id) = started(&world, client, &[]).await;
    let answer = say(&world, alice, &id, "approve", &json!({ "authorizationDetails": [0] })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "there are none");
}

#[tokio::test]
async fn a_body_that_is_none_approves_nothing() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    let (auth_req_id, id) = started(&world, client, &[]).await;
    let path = format!("/{}/device/requests/{id}/approve", env.id);
    let bearer = format!("Bearer {}", alice.device_token);
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", "{\"number\":42}"),
        ("application/json", "{\"number\":\"42\",\"number\":\"43\"}"),
        ("application/json", "{} {}"),
        ("text/plain", "{}"),
        ("application/x-www-form-urlencoded", "number=42"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let request = crate::harness::request(Method::POST, &path, &headers, body.into());
        let answer = world.send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(stored(&world, env, &auth_req_id).await.state, State::Pending);
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    let request = crate::harness::request(Method::POST, &path, &headers, "".into());
    assert_eq!(world.send(request).await.status, StatusCode::OK, "no body is no mistake");
}

///
#[tokio::test]
async fn the_device_that_decides_says_how_strongly() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    let claims = |essential| {
        json!({ "id_token": { "acr": { "essential": essential, "values": ["urn:bank:sca"] } } })
            .to_string()
    };
    let (essential, voluntary) = (claims(true), claims(false));
    // What the device reaches, what is asked for, and the context or none.
    type Case<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>, Result<&'a str, ()>);
    let cases: Vec<Case<'_>> = vec![
        (vec![], vec![("acr_values", "urn:bank:sca")], Ok("urn:assent:acr:device")),
        (vec!["urn:bank:sca"], vec![("acr_values", "urn:x urn:bank:sca")], Ok("urn:bank:sca")),
        (vec!["urn:bank:sca"], vec![], Ok("urn:assent:acr:device")),
        (vec![], vec![("claims", &voluntary)], Ok("urn:assent:acr:device")),
        (vec![], vec![("claims", &essential)], Err(())),
        (vec!["urn:bank:sca"], vec![("claims", &essential)], Ok("urn:bank:sca")),
    ];
    for (reaches, params, acr) in cases {
        set_reach(&world, &reaches).await;
        let (auth_req_id, id) = started(&world, client, &params).await;
        let answer = say(&world, alice, &id, "approve", &json!({})).await;
        match (acr, stored(&world, env, &auth_req_id).await.state) {
            (Ok(acr), State::Approved(approval)) => assert_eq!(approval.acr, acr, "{params:?}"),
            (Err(()), State::Pending) => {
                assert_eq!(
                    (answer.status, answer.error()),
                    (StatusCode::FORBIDDEN, String::from("access_denied"))
                );
                assert_eq!(
                    say(&world, alice, &id, "deny", &json!({})).await.status,
                    StatusCode::OK
                );
            }
            (_, state) => panic!("{params:?}: {state:?}, {answer:?}"),
        }
    }
}

async fn set_reach(world: &World, reaches: &[&str]) {
    let (env, alice) = (world.main.id, &world.main.alice);
    let prefix = alice.id.as_bytes().to_vec();
    let range = Range { env, kind: Kind::Device, prefix, after: None, limit: 10 };
    let store: &dyn Store = world.store.as_ref();
    let found = store.list::<Device>(&range).await.unwrap().remove(0);
    let acr_values = reaches.iter().map(|it| (*it).to_owned()).collect();
    let next = Device { acr_values, ..Device::clone(&found.record) };
    let writes = vec![Write::replace(next, found.version)];
    assert_eq!(store.commit(writes).await.unwrap(), Outcome::Done);
}

/// one commit denies and blocks; what else the application asked is out of sight.
#[tokio::test]
async fn this_was_not_me_denies_and_blocks_the_application() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    let (before, _) = started(&world, client, &[]).await;
    let other = world.newest(env, alice).await;
    let (auth_req_id, id) = started(&world, client, &[]).await;
    let answer = say(&world, alice, &id, "deny", &json!({ "reported": true })).await;
    assert_eq!((answer.status, answer.text("status")), (StatusCode::OK, String::from("DENIED")));
    assert_eq!(outcome(&world, client, &auth_req_id).await, "access_denied");
    let store: &dyn Store = world.store.as_ref();
    let user = store.find::<User>(&Key::user(env.id, alice.id)).await.unwrap().unwrap();
    assert_eq!(user.record.blocked, [client.id]);
    let listed = world.phone(env, alice, Method::GET, "/requests").await.json();
    assert_eq!(listed["requests"], json!([]));
    let approve = say(&world, alice, &other, "approve", &json!({})).await;
    assert_eq!(approve.status, StatusCode::FORBIDDEN);
    assert_eq!(outcome(&world, client, &before).await, "authorization_pending");
    let deny = say(&world, alice, &other, "deny", &json!({ "reported": true })).await;
    assert_eq!(deny.status, StatusCode::OK);
    assert_eq!(start(&world, client, &[]).await.error(), "access_denied");
    assert_eq!(start(&world, &env.post, &[]).await.status, StatusCode::OK, "only that one");
    // An approval reports nothing.
    let (_, id) = started(&world, &env.post, &[]).await;
    let approve = say(&world, alice, &id, "approve", &json!({ "reported": true })).await;
    assert_eq!(approve.status, StatusCode::OK);
    assert_eq!(start(&world, &env.post, &[]).await.status, StatusCode::OK);
}

/// Reports of one person race for that person's record: whoever loses is told to come again, not
/// that a request was decided which still waits.
#[tokio::test]
async fn a_report_that_loses_the_record_of_the_person_is_not_taken_for_decided() {
    let world = World::new().await;
    let (env, alice) = (&world.main, &world.main.alice);
    let mut ids = Vec::new();
    for client in [&env.basic, &env.post, &env.basic, &env.post, &env.basic, &env.post] {
        ids.push(started(&world, client, &[]).await.1);
    }
    let report = async |id: &String| {
        say(&world, alice, id, "deny", &json!({ "reported": true })).await.status
    };
    let answers = futures_util::future::join_all(ids.iter().map(&report)).await;
    assert!(answers.contains(&StatusCode::OK), "{answers:?}");
    for (id, answer) in ids.iter().zip(answers) {
        let again = report(id).await;
        match answer {
            StatusCode::OK => assert_eq!(again, StatusCode::CONFLICT, "{id}"),
            StatusCode::SERVICE_UNAVAILABLE => assert_eq!(again, StatusCode::OK, "{id}"),
            other => panic!("{id}: {other}"),
        }
    }
}

/// T-27, T-28: what was changed since the request began counts.
#[tokio::test]
async fn everything_is_looked_at_again_at_the_decision() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    give_types(&world, env, client).await;
    let (auth_req_id, id) = three(&world).await;
    let approve = async || say(&world, alice, &id, "approve", &json!({})).await;
    let gone = async |what: &str| {
        let answer = approve().await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}: {answer:?}");
        assert_eq!(stored(&world, env, &auth_req_id).await.state, State::Pending, "{what}");
        let listed = world.phone(env, alice, Method::GET, "/requests").await;
        assert!(!listed.body.contains(&id), "{what}");
    };
    world.change_application(env, client, |it| it.enabled = false).await;
    gone("a disabled application").await;
    world
        .change_application(env, client, |it| {
            it.enabled = true;
            it.grant_types.clear();
        })
        .await;
    gone("an application without the grant").await;
    world
        .change_application(env, client, |it| {
            it.grant_types = vec![assent_protocol::application::GrantType::Ciba];
            it.ciba.authorization_details_types = vec![String::from("account")];
        })
        .await;
    gone("a type that the application may not use any more").await;
    let all = ["payment", "account"].map(str::to_owned).to_vec();
    world.change_application(env, client, |it| it.ciba.authorization_details_types = all).await;
    change_type(&world, env, "payment", Some(|it| it.schema = String::from("{}"))).await;
    gone("a type that changed so that it does not fit").await;
    change_type(&world, env, "payment", None).await;
    gone("a type that is gone").await;
    let path = format!("/requests/{id}");
    let shown = world.phone(env, alice, Method::GET, &path).await;
    assert_eq!(shown.status, StatusCode::NOT_FOUND);
    // Declining needs nothing of it, and what is decided says so.
    assert_eq!(say(&world, alice, &id, "deny", &json!({})).await.status, StatusCode::OK);
    assert_eq!(approve().await.status, StatusCode::CONFLICT);
}

/// What was optional when the person chose need not be when the choice comes.
#[tokio::test]
async fn what_was_left_out_is_not_approved_when_the_type_changes() {
    let world = World::new().await;
    let (env, client, alice) = (&world.main, &world.main.basic, &world.main.alice);
    give_types(&world, env, client).await;
    let (auth_req_id, id) = three(&world).await;
    change_type(&world, env, "account", Some(|it| it.partial = false)).await;
    let part = json!({ "authorizationDetails": [1, 2] });
    let answer = say(&world, alice, &id, "approve", &part).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(stored(&world, env, &auth_req_id).await.state, State::Pending);
}

/// T-27: also where no device is asked.
#[tokio::test]
async fn the_simulator_answers_for_nobody_who_is_locked_and_needs_the_number_too() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    matching(&world, NumberMatching::EnterManually).await;
    let started = start(&world, client, &[]).await;
    let (auth_req_id, number) = (started.text("auth_req_id"), started.text("number"));
    let answer = async |more: &str| {
        let query = format!("action=allow&auth_req_id={auth_req_id}{more}");
        world.call(Method::POST, &format!("/{}/simulator/answer?{query}", env.id), &[]).await
    };
    assert_eq!(answer("").await.status, StatusCode::BAD_REQUEST);
    let right = format!("&number={number}");
    world.change_user(env, &env.alice, |user| user.enabled = false).await;
    assert_eq!(answer(&right).await.status, StatusCode::FORBIDDEN);
    world.change_user(env, &env.alice, |user| user.enabled = true).await;
    assert_eq!(answer(&right).await.status, StatusCode::NO_CONTENT);
    assert_eq!(outcome(&world, client, &auth_req_id).await, "tokens");
}
