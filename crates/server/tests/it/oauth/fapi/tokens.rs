//! The profile's tokens are bound to who holds a key.

use http::StatusCode;
use serde_json::json;

use super::Bank;
use crate::harness::{CIBA, Client, Shows};
use crate::oauth::refresh;
use crate::proofs::{holders, token, userinfo};

#[tokio::test]
async fn under_the_profile_tokens_are_bound_or_there_are_none() {
    let bank = Bank::new().await;
    let (world, env) = (&bank.world, &bank.world.main);
    let [one, _] = holders();
    for client in bank.clients() {
        let tokens = bank.tokens(client).await;
        assert_eq!(tokens.text("token_type"), "Bearer", "{tokens:?}");
        let access = tokens.text("access_token");
        let thumbprint = client.certificate.as_ref().unwrap().thumbprint();
        assert_eq!(refresh::claims(&access)["cnf"], json!({ "x5t#S256": thumbprint }));
        let stolen = userinfo(world, env, ("Bearer", &access), &Shows::default()).await;
        assert_eq!(stolen.error(), "invalid_token", "{stolen:?}");
    }
    let bare = Client { certificate: None, ..bank.signs.clone() };
    let started = bank.start(&bare, &bank.claims(&bare)).await;
    world.decide(env, &env.alice, "approve").await;
    let id = started.text("auth_req_id");
    let poll = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    let refused = world.token(env, &bare, &poll).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
    assert_eq!(refused.error(), "invalid_request");
    let proof = Shows::proof(one.proof(world, env, ("POST", "token")));
    let tokens = token(world, env, (&bare, &proof), &poll).await;
    assert_eq!(tokens.text("token_type"), "DPoP", "nothing was used up: {tokens:?}");
}
