//! Userinfo as the protected resource of the profile.

use http::{Method, StatusCode};

use super::Bank;
use crate::harness::request;

#[tokio::test]
async fn a_call_has_one_name_on_both_sides() {
    let bank = Bank::new().await;
    let token = bank.tokens(&bank.signs).await.text("access_token");
    let path = format!("/{}/as/userinfo", bank.world.main.id);
    let bearer = format!("Bearer {token}");
    let given = "c770aef3-6784-41f7-8e0e-ff5f97bddb3a";
    for (named, expected) in [(Some(given), Some(given)), (None, None), (Some("not a uuid"), None)]
    {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(named.map(|named| ("x-fapi-interaction-id", named)));
        headers.push(("x-fapi-customer-ip-address", "2001:db8::1"));
        let mut request = request(Method::GET, &path, &headers, axum::body::Body::empty());
        request.extensions_mut().insert(bank.signs.certificate.clone().unwrap());
        let answer = bank.world.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let told = answer.headers["x-fapi-interaction-id"].to_str().unwrap();
        assert!(uuid::Uuid::try_parse(told).is_ok(), "{told}");
        assert!(expected.is_none_or(|expected| expected == told), "{told}");
    }
    // Elsewhere it is said back, and nothing is made up.
    let path = format!("/{}/as/token", bank.world.main.id);
    let answer = bank.world.form(&path, &[("x-fapi-interaction-id", given)], "").await;
    assert_eq!(answer.headers["x-fapi-interaction-id"], given);
    assert!(!bank.world.form(&path, &[], "").await.headers.contains_key("x-fapi-interaction-id"));
}

#[tokio::test]
async fn the_token_stands_in_the_header_alone() {
    let bank = Bank::new().await;
    let token = bank.tokens(&bank.signs).await.text("access_token");
    let path = format!("/{}/as/userinfo", bank.world.main.id);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("access_token={token}");
    let mut by_form = request(Method::POST, &path, &headers, body.into());
    by_form.extensions_mut().insert(bank.signs.certificate.clone().unwrap());
    assert_eq!(bank.world.send(by_form).await.error(), "invalid_request");
    let queried = format!("{path}?access_token={token}");
    assert_eq!(bank.world.call(Method::GET, &queried, &[]).await.error(), "invalid_request");
}
