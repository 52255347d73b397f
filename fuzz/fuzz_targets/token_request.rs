//! The parameters of a token request, `authorization_details` and `resource` among them.
#![no_main]

use assent_fuzz::input::switched;
use assent_fuzz::sample::application;
use assent_protocol::application::GrantType;
use assent_protocol::granted_details::GrantedDetails;
use assent_protocol::params::Params;
use assent_protocol::resource::target::TARGETS_MAX;
use assent_protocol::token_request::{
    AUTH_REQ_ID_BYTES_MAX, CIBA_GRANT_TYPE, CLIENT_CREDENTIALS_GRANT_TYPE, Narrower,
    REFRESH_GRANT_TYPE, REFRESH_TOKEN_BYTES_MAX, TokenRequest,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((switches, body)) = switched(data) else { return };
    let mut client = application(0);
    let every = [GrantType::Ciba, GrantType::RefreshToken, GrantType::ClientCredentials];
    client.grant_types = every
        .into_iter()
        .zip(0..)
        .filter(|(_, bit)| switches & (1 << bit) != 0)
        .map(|(it, _)| it)
        .collect();
    let Ok(params) = Params::parse(body.as_bytes()) else { return };
    let Ok(request) = TokenRequest::parse(&params, &client) else { return };
    let (grant, wire) = match &request {
        TokenRequest::Ciba { auth_req_id, narrower } => {
            assert!(!auth_req_id.is_empty() && auth_req_id.len() <= AUTH_REQ_ID_BYTES_MAX);
            if let Some(narrower) = narrower {
                assert_ne!(**narrower, Narrower::default());
                check(narrower);
            }
            (GrantType::Ciba, CIBA_GRANT_TYPE)
        }
        TokenRequest::Refresh { refresh_token, narrower, .. } => {
            assert!(!refresh_token.is_empty() && refresh_token.len() <= REFRESH_TOKEN_BYTES_MAX);
            check(narrower);
            (GrantType::RefreshToken, REFRESH_GRANT_TYPE)
        }
        TokenRequest::ClientCredentials { resource, .. } => {
            assert!(resource.len() <= TARGETS_MAX);
            (GrantType::ClientCredentials, CLIENT_CREDENTIALS_GRANT_TYPE)
        }
    };
    assert!(client.may_use(grant), "an allowed grant");
    assert_eq!(params.find("grant_type"), Some(wire));
});

fn check(narrower: &Narrower) {
    assert!(narrower.resource.len() <= TARGETS_MAX);
    for resource in &narrower.resource {
        assert!(resource.contains(':') && !resource.contains('#'), "{resource}");
        assert_eq!(narrower.resource.iter().filter(|it| *it == resource).count(), 1);
    }
    let Some(asked) = &narrower.authorization_details else { return };
    // What is asked for is within itself, and only within what it is made of.
    assert_eq!(asked.narrowed(asked.clone()).as_ref(), Ok(asked));
    let nothing = GrantedDetails::default();
    assert_eq!(asked.narrowed(nothing.clone()), Ok(nothing.clone()));
    assert!(asked.is_empty() || nothing.narrowed(asked.clone()).is_err());
    let text = serde_json::to_string(asked.as_slice()).expect("JSON");
    if let Ok(again) = GrantedDetails::parse(&text) {
        assert_eq!(&again, asked, "{text}");
    }
}
