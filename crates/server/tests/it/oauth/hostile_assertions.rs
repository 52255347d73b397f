//! Assertions that only look like one, through the whole server (T-43, T-48 to T-53, T-56): all of
//! them read the same to who sends them, and nobody is called because of them.

use std::net::TcpListener;

use assent_jose::{Algorithm, HmacKey, TOKEN_BYTES_MAX, base64url_encode};
use serde_json::{Value, json};

use crate::harness::{Answer, CIBA, Client, World, assertion_params, secret};

/// A poll of an unknown request: whoever gets past authentication reads `invalid_grant`.
async fn knock(world: &World, jwt: &str) -> Answer {
    let mut body = form_urlencoded::Serializer::new(format!("grant_type={CIBA}&auth_req_id=x"));
    body.extend_pairs(assertion_params(jwt));
    world.form(&format!("/{}/as/token", world.main.id), &[], &body.finish()).await
}

/// Any header and payload, rightly signed by the client.
fn signed(client: &Client, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url_encode(header), base64url_encode(payload));
    let signature = match &client.key {
        Some(key) => key.sign(input.as_bytes()).unwrap(),
        None => {
            let key = HmacKey::new(secret().as_bytes());
            key.sign(Algorithm::HS256, input.as_bytes()).unwrap()
        }
    };
    format!("{input}.{}", base64url_encode(&signature))
}

/// Headers that no assertion has, each made of the sound one.
fn headers(alg: &str, elsewhere: &str) -> Vec<String> {
    let with = |more: &str| format!(r#"{{"alg":"{alg}"{more}}}"#);
    let mut all = vec![
        with(&format!(r#","jku":"{elsewhere}/jwks""#)),
        with(&format!(r#","x5u":"{elsewhere}/certificate""#)),
        with(&format!(r#","kid":"{elsewhere}/key""#)),
        with(r#","kid":"../../../../dev/null""#),
        with(r#","kid":"' OR 1=1 --""#),
        with(r#","kid":1"#),
        with(r#","kid":"a\u0000b""#),
        with(&format!(r#","kid":"{}""#, "k".repeat(129))),
        with(r#","crit":["exp"]"#),
        with(r#","crit":[]"#),
        with(r#","crit":"b64","b64":false"#),
        with(r#","b64":false"#),
        with(r#","zip":"DEF""#),
        with(r#","enc":"A128GCM""#),
        with(r#","cty":"JWT""#),
        with(r#","typ":"at+jwt""#),
        with(r#","typ":"dpop+jwt""#),
        with(r#","typ":"logout+jwt""#),
        with(r#","typ":["JWT"]"#),
        with(&format!(r#","alg":"{alg}""#)),
        with(r#","\u0061lg":"none""#),
        with(r#","jwk":{"kty":"oct","kty":"RSA"}"#),
        format!("[\"{alg}\"]"),
        format!("\u{feff}{{\"alg\":\"{alg}\"}}"),
        with("/* */"),
        with(r#","x":"\ud800""#),
        with(&format!(",\"x\":{}{}", "[".repeat(2000), "]".repeat(2000))),
        with(&format!(",\"x\":{}", "9".repeat(5000))),
        with(",\"x\":NaN"),
        with(",\"x\":1e400"),
    ];
    all.extend(
        ["none", "None", "NONE", "", "HS1", "ES256K", "RSA1_5", "dir", "PBES2-HS256+A128KW"]
            .map(|alg| format!(r#"{{"alg":"{alg}","p2c":2147483647}}"#)),
    );
    all
}

/// Forms that no assertion has, each made of the sound one.
fn forms(sound: &str) -> Vec<String> {
    let (input, signature) = sound.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let nested = base64url_encode(sound.as_bytes());
    vec![
        String::from("."),
        String::from(".."),
        ".".repeat(10_000),
        input.to_owned(),
        format!("{input}."),
        format!("{sound}."),
        format!("{sound}.{signature}"),
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        format!("{header}..{nested}.{nested}.{nested}"),
        format!("{header}.{nested}.{signature}"),
        format!("{sound}="),
        format!("{sound} "),
        format!(" {sound}"),
        format!("{sound}\n"),
        format!("{header}\n.{payload}.{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{input}.{}", format_args!("+{}", &signature[1..])),
        format!("{input}.{signature}AA"),
        format!("{input}.{}", &signature[..signature.len() - 2]),
        json!({ "protected": header, "payload": payload, "signature": signature }).to_string(),
        json!({ "payload": payload, "signatures": [] }).to_string(),
        json!({ "payload": payload, "signatures": [{ "protected": header, "signature": signature }] })
            .to_string(),
        "a".repeat(TOKEN_BYTES_MAX + 1),
        format!("{sound}{}", "A".repeat(TOKEN_BYTES_MAX)),
    ]
}

#[tokio::test]
async fn hostile_assertions_read_alike_and_call_nobody() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let elsewhere = format!("https://{}", listener.local_addr().unwrap());
    let mut refused = 0;
    let mut spoken: Option<Value> = None;
    for client in [&world.main.private_key, &world.main.secret_jwt] {
        let alg = if client.key.is_some() { "ES256" } else { "HS256" };
        let claims = || world.assertion_claims(&world.main, client).to_string();
        let sound = format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#);
        let good = knock(&world, &signed(client, sound.as_bytes(), claims().as_bytes())).await;
        assert_eq!(good.error(), "invalid_grant", "{alg}");
        let mut hostile: Vec<String> = headers(alg, &elsewhere)
            .iter()
            .map(|header| signed(client, header.as_bytes(), claims().as_bytes()))
            .collect();
        for payload in [
            claims().replacen('{', "{\"iss\":\"x\",", 1),
            claims().replacen('{', "{\"\\u0073ub\":\"x\",", 1),
            claims().replacen('{', "{\"cnf\":{\"a\":1,\"a\":2},", 1),
            claims().replacen('{', "{\"x\":\"\\udc00\",", 1),
            claims().replacen('{', "{\"x\":NaN,", 1),
            format!("\u{feff}{}", claims()),
            format!("{} x", claims()),
            format!("{0}{0}", claims()),
            format!("[{}]", claims()),
            String::new(),
        ] {
            hostile.push(signed(client, sound.as_bytes(), payload.as_bytes()));
        }
        hostile.extend(forms(&signed(client, sound.as_bytes(), claims().as_bytes())));
        for jwt in &hostile {
            // A key set without the name that a secret's token gives is no matter of a secret.
            let answer = knock(&world, jwt).await;
            let shown = jwt.get(..200).unwrap_or(jwt);
            if alg == "HS256" && answer.error() == "invalid_grant" {
                assert!(is_merely_named(jwt), "{shown}");
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (401, "invalid_client"));
            let mut whole = answer.json();
            whole["error_description"] =
                without_id(whole["error_description"].as_str().unwrap()).into();
            assert_eq!(*spoken.get_or_insert_with(|| whole.clone()), whole, "{shown}");
            refused += 1;
        }
    }
    assert!(refused > 120, "{refused}");
    let called = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(called, Err(std::io::ErrorKind::WouldBlock), "somebody followed an address");
}

/// Under a secret there is nothing that a `kid` could choose; a sound one is ignored.
fn is_merely_named(jwt: &str) -> bool {
    let header = assent_jose::base64url_decode(jwt.split('.').next().unwrap()).unwrap();
    let header = assent_jose::parse_object(&header).unwrap();
    header.contains_key("kid") && header.len() == 2
}

fn without_id(description: &str) -> &str {
    description.split(" (Correlation ID").next().unwrap_or_default()
}
