//! The parameters of an authentication request. What is understood of one, written out as a form,
//! is understood the same again.
#![no_main]

use assent_fuzz::input::switched;
use assent_fuzz::sample::{application, settings};
use assent_protocol::authorization_details::Details;
use assent_protocol::ciba::request::{Hint, Request, admit};
use assent_protocol::claims_request::ClaimsRequest;
use assent_protocol::params::Params;
use assent_protocol::scope::OPENID;
use assent_protocol::secret::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((switches, body)) = switched(data) else { return };
    let (client, settings) = (application(switches), settings(switches));
    let Ok(params) = Params::parse(body.as_bytes()) else { return };
    assert_eq!(admit(&client, &settings), Ok(()));
    let Ok(request) = Request::parse(&params, &client, &settings) else { return };
    assert!(request.scope.contains(OPENID));
    let hints = ["login_hint", "id_token_hint", "login_hint_token"];
    assert_eq!(hints.iter().filter(|name| params.find(name).is_some()).count(), 1);
    assert_eq!(request.client_notification_token.is_some(), client.ciba.delivery_mode.notifies());
    assert_eq!(request.user_code.is_some(), client.ciba.user_code);
    assert!((1..=settings.expires_in_max.get()).contains(&request.expires_in.get()));
    if let Some(message) = &request.binding_message {
        assert_eq!(params.find("binding_message"), Some(message.as_str()), "never altered");
        assert!(message.chars().all(|c| !c.is_control() && !"<>&\"'`".contains(c)));
    }
    assert!(request.binding_message.is_some() || !settings.binding_message_required);
    let written = write(&request);
    let params = Params::parse(written.as_bytes()).expect("written by the rules");
    let again = Request::parse(&params, &client, &settings);
    let again = again.unwrap_or_else(|reason| panic!("{reason:?} {written}"));
    assert_eq!(write(&again), written);
});

fn write(request: &Request) -> String {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("scope", request.scope.as_str());
    let (name, hint) = match &request.hint {
        Hint::LoginHint(hint) => ("login_hint", hint),
        Hint::IdTokenHint(hint) => ("id_token_hint", hint),
        Hint::LoginHintToken(hint) => ("login_hint_token", hint),
    };
    body.append_pair(name, hint);
    let secret = |it: &Option<Secret>| it.as_ref().map(|it| it.expose().to_owned());
    let others = [
        ("client_notification_token", secret(&request.client_notification_token)),
        ("binding_message", request.binding_message.clone()),
        ("user_code", secret(&request.user_code)),
        ("acr_values", request.acr_values.clone()),
        ("claims", request.claims.as_ref().map(ClaimsRequest::text).map(str::to_owned)),
        ("authorization_details", request.authorization_details.as_ref().map(Details::text)),
        ("requested_expiry", Some(request.expires_in.get().to_string())),
    ];
    for (name, value) in others {
        if let Some(value) = value {
            body.append_pair(name, &value);
        }
    }
    for resource in &request.resource {
        body.append_pair("resource", resource);
    }
    body.finish()
}
