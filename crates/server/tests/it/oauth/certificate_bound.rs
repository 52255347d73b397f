//! Tokens that only the holder of a certificate can use (RFC 8705 §3).

use assent_protocol::application::GrantType;
use assent_protocol::resource::AccessTokenFormat;
use http::StatusCode;
use serde_json::json;

use super::refresh;
use crate::harness::{CIBA, Shows, World};
use crate::proofs::{approved, holders, token, userinfo};

const SCOPE: &str = "openid payments:read offline_access";

fn shown(octets: &[u8]) -> (Shows, String) {
    let shows = Shows::certificate(octets);
    let thumbprint = shows.certificate.as_ref().unwrap().thumbprint().to_owned();
    (shows, thumbprint)
}

#[tokio::test]
async fn the_tokens_of_who_registered_for_it_are_bound_to_the_certificate_shown() {
    let world = World::new().await;
    let env = &world.main;
    let (mine, thumbprint) = shown(b"mine");
    let (other, _) = shown(b"another");
    let nothing = Shows::default();
    // The method of authentication has nothing to do with it.
    for client in [&env.basic, &env.post, &env.secret_jwt, &env.private_key] {
        for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
            world.change_resource(env, |it| it.access_token_format = format).await;
            world.change_application(env, client, |it| it.certificate_bound = true).await;
            let id = approved(&world, client, SCOPE).await;
            let poll = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
            let bare = token(&world, env, (client, &nothing), &poll).await;
            assert_eq!(bare.status, StatusCode::BAD_REQUEST, "{bare:?}");
            assert_eq!(bare.error(), "invalid_request", "R-170");
            let tokens = token(&world, env, (client, &mine), &poll).await;
            assert_eq!(tokens.text("token_type"), "Bearer", "{tokens:?}");
            let access = tokens.text("access_token");
            let cnf = json!({ "x5t#S256": thumbprint });
            if format == AccessTokenFormat::Jwt {
                assert_eq!(refresh::claims(&access)["cnf"], cnf);
            }
            let told = world.introspect(env, client, &access).await.json();
            assert_eq!((&told["cnf"], &told["token_type"]), (&cnf, &json!("Bearer")));
            for (shows, status) in [(&mine, 200), (&other, 401), (&nothing, 401)] {
                let answer = userinfo(&world, env, ("Bearer", &access), shows).await;
                assert_eq!(answer.status.as_u16(), status, "{answer:?}");
                if status == 401 {
                    assert_eq!(answer.error(), "invalid_token");
                }
            }
            let renewal = tokens.text("refresh_token");
            let renewal = [("grant_type", "refresh_token"), ("refresh_token", renewal.as_str())];
            let bare = token(&world, env, (client, &nothing), &renewal).await;
            assert_eq!(bare.error(), "invalid_request");
            let renewed = token(&world, env, (client, &other), &renewal).await;
            assert_eq!(renewed.status, StatusCode::OK, "certificates are renewed: {renewed:?}");
            let access = renewed.text("access_token");
            let answer = userinfo(&world, env, ("Bearer", &access), &other).await;
            assert_eq!(answer.status, StatusCode::OK);
            world.change_application(env, client, |it| it.certificate_bound = false).await;
            let id = approved(&world, client, SCOPE).await;
            let poll = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
            let plain = token(&world, env, (client, &mine), &poll).await.text("access_token");
            let told = world.introspect(env, client, &plain).await.json();
            assert_eq!(told.get("cnf"), None, "who did not register for it has bearer tokens");
        }
    }
}

#[tokio::test]
async fn a_token_bound_to_both_needs_both() {
    let world = World::new().await;
    let (env, client) = (&world.main, &world.main.basic);
    let [one, _] = holders();
    let (mine, thumbprint) = shown(b"mine");
    let (other, _) = shown(b"another");
    let both = |shows: &Shows, proof: String| Shows { proofs: vec![proof], ..shows.clone() };
    let grants = |it: &mut assent_protocol::application::Application| {
        it.certificate_bound = true;
        it.grant_types.push(GrantType::ClientCredentials);
    };
    world.change_application(env, client, grants).await;
    let id = approved(&world, client, SCOPE).await;
    let poll = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    let proof = one.proof(&world, env, ("POST", "token"));
    let tokens = token(&world, env, (client, &both(&mine, proof)), &poll).await;
    assert_eq!(tokens.text("token_type"), "DPoP", "{tokens:?}");
    let access = tokens.text("access_token");
    let cnf = json!({ "x5t#S256": thumbprint, "jkt": one.thumbprint() });
    assert_eq!(refresh::claims(&access)["cnf"], cnf);
    let proof = || one.with_token(&world, env, &access);
    for (shows, status) in [
        (both(&mine, proof()), StatusCode::OK),
        (both(&other, proof()), StatusCode::UNAUTHORIZED),
        (Shows::proof(proof()), StatusCode::UNAUTHORIZED),
        (mine.clone(), StatusCode::UNAUTHORIZED),
    ] {
        let answer = userinfo(&world, env, ("DPoP", &access), &shows).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    let own = [("grant_type", "client_credentials"), ("scope", "payments:read")];
    let bare = world.token(env, client, &own).await;
    assert_eq!(bare.error(), "invalid_request");
    let own = token(&world, env, (client, &mine), &own).await.text("access_token");
    assert_eq!(refresh::claims(&own)["cnf"], json!({ "x5t#S256": thumbprint }));
}
