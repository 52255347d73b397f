use serde_json::json;

use super::*;
use crate::id::ApplicationId;
use crate::testing;

fn policy() -> RegistrationPolicy {
    RegistrationPolicy {
        scopes: vec![String::from("payments:read")],
        authorization_details_types: vec![String::from("payment")],
        ..Default::default()
    }
}

fn check(members: &Value) -> Result<Registered, Reason> {
    let blank = testing::application(ApplicationId::NIL);
    read(members.as_object().unwrap(), blank, &policy(), &CibaSettings::default())
}

fn key() -> Value {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "x": x, "y": y }] })
}

#[test]
fn what_is_not_said_has_a_default() {
    let made = check(&json!({ "unknown": 1, "logo_uri": "x", "client_id": "chosen" })).unwrap();
    let told = Metadata::of(&made.application, &ScopeSet::parse("openid").unwrap());
    insta::assert_json_snapshot!(told);
}

#[test]
fn what_a_fapi_ciba_client_registers_is_accepted() {
    let made = check(&json!({
        "client_name": "Bank",
        "grant_types": ["urn:openid:params:grant-type:ciba", "refresh_token"],
        "response_types": [],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "id_token_signed_response_alg": "PS256",
        "jwks": key(),
        "scope": "openid payments:read offline_access",
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://client.example.com/cb",
        "backchannel_authentication_request_signing_alg": "ES256",
        "backchannel_user_code_parameter": false,
        "require_auth_time": true,
        "tls_client_certificate_bound_access_tokens": true,
        "dpop_bound_access_tokens": true,
    }))
    .unwrap();
    let told = Metadata::of(&made.application, made.scope.as_ref().unwrap());
    insta::assert_json_snapshot!(told);
}

#[test]
fn a_poll_client_keeps_no_notification_endpoint() {
    let made = check(&json!({
        "backchannel_client_notification_endpoint": "https://client.example.com/cb",
    }));
    assert_eq!(made.unwrap().application.ciba.notification_endpoint, None);
}

#[test]
fn details_types_of_the_policy_are_registered() {
    let made = check(&json!({ "authorization_details_types": ["payment"] })).unwrap();
    assert_eq!(made.application.ciba.authorization_details_types, ["payment"]);
}

#[test]
fn what_is_wrong_or_not_offered_is_refused() {
    use Reason as R;
    let ciba = "urn:openid:params:grant-type:ciba";
    let ping = |endpoint: Value| {
        json!({ "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint })
    };
    let table = [
        (json!({ "client_name": 5 }), R::MetadataMalformed),
        (json!({ "client_name": "x".repeat(257) }), R::MetadataMalformed),
        (json!({ "client_name": "a\u{7}" }), R::MetadataMalformed),
        (json!({ "grant_types": [] }), R::MetadataGrantTypeNotOffered),
        (json!({ "grant_types": [ciba, "implicit"] }), R::MetadataGrantTypeNotOffered),
        (json!({ "grant_types": ["client_credentials"] }), R::MetadataGrantTypeNotOffered),
        (json!({ "grant_types": ciba }), R::MetadataGrantTypeNotOffered),
        (json!({ "response_types": ["code"] }), R::MetadataGrantTypeNotOffered),
        (json!({ "redirect_uris": ["/cb"] }), R::RedirectUriWrong),
        (json!({ "redirect_uris": ["https://a.example/#x"] }), R::RedirectUriWrong),
        (json!({ "redirect_uris": "https://a.example/" }), R::RedirectUriWrong),
        (json!({ "token_endpoint_auth_method": "none" }), R::MetadataAuthMethodNotOffered),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), R::MetadataKeysWrong),
        (json!({ "jwks": "text" }), R::MetadataKeysWrong),
        (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), R::MetadataKeysWrong),
        (json!({ "jwks": key(), "jwks_uri": "https://a.example/jwks" }), R::MetadataKeysWrong),
        (json!({ "jwks_uri": "http://a.example/jwks" }), R::MetadataKeysWrong),
        (json!({ "token_endpoint_auth_signing_alg": "ES256" }), R::MetadataAlgorithmNotOffered),
        (json!({ "id_token_signed_response_alg": "none" }), R::MetadataAlgorithmNotOffered),
        (json!({ "id_token_signed_response_alg": "HS256" }), R::MetadataAlgorithmNotOffered),
        (
            json!({ "backchannel_authentication_request_signing_alg": "RS256", "jwks": key() }),
            R::MetadataAlgorithmNotOffered,
        ),
        (
            json!({ "backchannel_authentication_request_signing_alg": "ES256" }),
            R::MetadataKeysWrong,
        ),
        (json!({ "backchannel_token_delivery_mode": "fax" }), R::MetadataDeliveryModeNotOffered),
        (ping(Value::Null), R::MetadataNotificationEndpointWrong),
        (ping(json!("http://a.example/cb")), R::MetadataNotificationEndpointWrong),
        (ping(json!("https://u:p@a.example/cb")), R::MetadataNotificationEndpointWrong),
        (json!({ "backchannel_user_code_parameter": "yes" }), R::MetadataMalformed),
        (json!({ "dpop_bound_access_tokens": "true" }), R::MetadataMalformed),
        (json!({ "tls_client_certificate_bound_access_tokens": 1 }), R::MetadataMalformed),
        (
            json!({ "authorization_details_types": ["payment", "account"] }),
            R::MetadataDetailsTypeNotOffered,
        ),
        (json!({ "authorization_details_types": "payment" }), R::MetadataDetailsTypeNotOffered),
        (json!({ "scope": "openid payments:write" }), R::MetadataScopeNotOffered),
        (json!({ "scope": ["openid"] }), R::MetadataScopeNotOffered),
        (json!({ "scope": "open\"id" }), R::MetadataScopeNotOffered),
    ];
    for (members, expected) in table {
        assert_eq!(check(&members).map(drop), Err(expected), "{members}");
    }
}
