//! Tokens that are bound to a key, and the proofs that show it (RFC 9449).

use assent_jose::{Algorithm, SigningKey, sign_key_proof};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::client::now;
use crate::secrets::Hidden;
use crate::secrets::world::{CIBA, World, text, tokens};

/// Proofs that count and proofs that do not; answers what came up.
pub fn exercise(world: &World) -> Vec<Hidden> {
    let app = world.app("postApp");
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let token = format!("{}/as/token", world.base());
    let userinfo = format!("{}/as/userinfo", world.base());
    let id = world.start(&app, &[("scope", "openid offline_access")]);
    world.allow(&id);
    let mut secrets = vec![Hidden::new("bound auth_req_id", &id)];
    let mut ask = |form: &[(&str, &str)], proof: &str| {
        secrets.push(Hidden::new("proof", proof));
        let client = [("client_id", app.0.as_str()), ("client_secret", &app.1)];
        world.form("/as/token", &[("dpop", proof)], &[form, &client].concat()).1
    };
    let poll = [("grant_type", CIBA), ("auth_req_id", id.as_str())];
    let elsewhere = ask(&poll, &proof(&key, &userinfo, None));
    assert_eq!(elsewhere["error"], "invalid_dpop_proof");
    let broken = format!("{}CANARY", proof(&key, &token, None));
    assert_eq!(ask(&poll, &broken)["error"], "invalid_dpop_proof");
    let issued = ask(&poll, &proof(&key, &token, None));
    assert_eq!(issued["token_type"], "DPoP", "{issued}");
    let refresh_token = text(&issued, "refresh_token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    let renewed = ask(&renew, &proof(&key, &token, None));
    secrets.extend(tokens("bound", &issued));
    secrets.extend(tokens("bound and renewed", &renewed));

    let access_token = text(&renewed, "access_token");
    let bearer = format!("DPoP {access_token}");
    for (shown, status) in [(&access_token, 200), (&refresh_token, 401)] {
        let proof = proof(&key, &userinfo, Some(shown));
        let headers = [("authorization", bearer.as_str()), ("dpop", &proof)];
        assert_eq!(world.send("POST", &userinfo, &headers, "").0, status);
        secrets.push(Hidden::new("proof for userinfo", &proof));
    }
    secrets
}

/// A proof for a POST to `url`, with `access_token` if there is one.
fn proof(key: &SigningKey, url: &str, access_token: Option<&str>) -> String {
    let mut claims = json!({ "jti": format!("CANARY-{}", uuid::Uuid::new_v4()), "htm": "POST",
        "htu": url, "iat": now() });
    if let Some(access_token) = access_token {
        let hash = digest(&SHA256, access_token.as_bytes());
        claims["ath"] = json!(URL_SAFE_NO_PAD.encode(hash));
    }
    sign_key_proof(key, "dpop+jwt", &claims).unwrap()
}
