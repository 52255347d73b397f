//! The signed authentication request: as it comes, and with a right signature round any claims.
#![no_main]

use assent_fuzz::input::{halves, switched};
use assent_fuzz::sample::{CLIENT_ID, ISSUER, JWKS, NOW, application, now, settings, signed};
use assent_jose::parse_object;
use assent_protocol::ciba::request::{PARAMETERS, Request};
use assent_protocol::ciba::request_object;
use assent_protocol::params::Params;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((switches, text)) = switched(data) else { return };
    let (client, settings) = (application(switches), settings(switches));
    if switches & 1 == 0 {
        let Ok(params) = Params::parse(text.as_bytes()) else { return };
        let Ok(found) = request_object::find(&params, &client, &settings) else { return };
        assert_eq!(found.is_some(), params.find("request").is_some());
        assert!(found.is_some() || !client.ciba.signed_request_required);
        if let Some(presented) = found {
            assert!(PARAMETERS.iter().all(|name| params.find(name).is_none()));
            // Nobody but the target below can sign.
            let _ = presented.verify(Some(&JWKS), ISSUER, &client, now());
            assert!(presented.verify(None, ISSUER, &client, now()).is_err());
        }
        return;
    }
    let (header, claims) = halves(text);
    let jwt = signed(header, claims);
    let params = Params::of(vec![(String::from("request"), jwt)]);
    let Ok(found) = request_object::find(&params, &client, &settings) else { return };
    let presented = found.expect("it is there");
    let verdict = presented.verify(Some(&JWKS), ISSUER, &client, now());
    assert!(
        presented.verify(Some(&JWKS), "https://elsewhere", &client, now()).is_err()
            || claims.contains("elsewhere")
    );
    let Ok(accepted) = verdict else { return };
    let claims = Value::Object(parse_object(claims.as_bytes()).expect("accepted"));
    assert_eq!(claims["iss"], CLIENT_ID);
    let audience = match &claims["aud"] {
        Value::Array(many) => many.contains(&Value::from(ISSUER)),
        one => *one == ISSUER,
    };
    assert!(audience && claims["sub"] != CLIENT_ID);
    assert!(claims.get("request").is_none() && claims.get("request_uri").is_none());
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    let time = |name: &str| claims[name].as_f64().expect("required").floor();
    let (issued_at, begins, ends) = (time("iat"), time("nbf"), time("exp"));
    let now = NOW as f64;
    assert!(issued_at <= now + 10.0 && begins <= now + 10.0);
    assert!(now < ends + 10.0 && ends <= begins + 3600.0);
    // What it says is read as a form is, and says nothing that the claims do not say.
    for name in PARAMETERS {
        if accepted.params.find(name).is_some() {
            assert!(claims.get(name).is_some(), "{name}");
        }
    }
    let _ = Request::parse(&accepted.params, &client, &settings);
});
