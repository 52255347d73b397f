//! Writes inputs to begin with, one file each, into $SEEDS/TARGET. `fuzz/run --seed` merges them
//! into the corpora.
#![no_main]

use std::path::PathBuf;

use assent_fuzz::harness::{CIBA, START, World};
use assent_fuzz::sample::{CLIENT_ID, ISSUER, KEY, NOW, SECRET, sealed, signed, token};
use assent_jose::{Algorithm, SigningKey};
use assent_protocol::administrator::{Role, RoleAssignment};
use assent_protocol::application::Application;
use assent_protocol::authorization_details::DetailsType;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::client_authentication::JWT_BEARER;
use assent_protocol::device::DeviceType;
use assent_protocol::id::InitialAccessTokenId;
use assent_protocol::record::{Key, Kind, Record, Write};
use assent_protocol::registration::InitialAccessToken;
use assent_protocol::secret::{Digest, Purpose};
use assent_protocol::time::Seconds;
use assent_server::provision;
use assent_store::{Range, Store};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

struct Seeds(PathBuf);

impl Seeds {
    fn put(&self, target: &str, octets: impl AsRef<[u8]>) {
        let directory = self.0.join(target);
        std::fs::create_dir_all(&directory).expect("a directory");
        let number = std::fs::read_dir(&directory).expect("a directory").count();
        std::fs::write(directory.join(format!("seed-{number:03}")), octets).expect("a file");
    }

    /// Text after an octet of switches.
    fn switched(&self, target: &str, switches: u8, text: &str) {
        self.put(target, [&[switches], text.as_bytes()].concat());
    }

    /// A form after an octet of switches.
    fn form(&self, target: &str, switches: u8, pairs: &[(&str, &str)]) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.switched(target, switches, &form.extend_pairs(pairs).finish());
    }
}

// What is instrumented runs under the engine alone; this target does its work before the first run.
fuzz_target!(init: write(), |_data: &[u8]| {});

fn write() {
    let directory = std::env::var("SEEDS").expect("where to");
    let seeds = Seeds(PathBuf::from(directory));
    tokens(&seeds);
    keys(&seeds);
    claims(&seeds);
    forms(&seeds);
    credentials(&seeds);
    signed_requests(&seeds);
    urls(&seeds);
    heads(&seeds);
    flows(&seeds);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(records(&seeds));
}

fn tokens(seeds: &Seeds) {
    let headers = [
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"key","typ":"at+jwt"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"ES256","kid":"../../dev/null"}"#,
        r#"{"alg":"RS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","jku":"https://a/","x5u":"https://b/","zip":"DEF"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#,
    ];
    for header in headers {
        let payload = r#"{"iss":"a","exp":1700000000,"aud":["b"]}"#;
        seeds.switched("compact_jws", 0, &sealed(header, payload));
        seeds.switched("compact_jws", 1, &format!("{header}\n{payload}"));
        seeds.switched("compact_jws", 2, &format!("{header}\n{payload}"));
    }
    seeds.switched("compact_jws", 0, "eyJhbGciOiJub25lIn0.e30.");
    seeds.switched("compact_jws", 0, r#"{"payload":"e30","signatures":[]}"#);
    seeds.switched("compact_jws", 0, "a.b.c.d.e");
}

fn keys(seeds: &Seeds) {
    let algorithms =
        [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512];
    let mut keys = vec![KEY.public_key().to_jwk()];
    keys.extend(
        algorithms
            .map(|algorithm| SigningKey::generate(algorithm).expect("a key").public_key().to_jwk()),
    );
    for key in &keys {
        seeds.put("jwks", json!(key).to_string());
        let mut unbound = key.clone();
        unbound.remove("alg");
        unbound.remove("kid");
        seeds.put("jwks", json!({ "keys": [unbound] }).to_string());
    }
    seeds.put("jwks", json!({ "keys": keys }).to_string());
    let private = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    seeds.put("jwks", private);
    seeds.put("jwks", r#"{"keys":[{"kty":"EC","crv":"P-256","use":"enc","alg":"ECDH-ES","key_ops":["deriveKey"]}]}"#);
}

fn claims(seeds: &Seeds) {
    for text in [
        r#"{"iss":"a","sub":"b","aud":"c","exp":1700000000,"nbf":1.5e9,"iat":0,"jti":"d"}"#,
        r#"{"aud":["a","b"],"exp":1700000000.999,"nbf":-1,"iat":253402300799.5}"#,
        r#"{"aud":[],"exp":1e300,"iat":18446744073709551615,"nbf":"1"}"#,
        r#"{"a":{"b":[1,{"c":null}]},"\u0061\ud83d\ude00":true}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}"#,
        r#"{"id_token":{"acr":{"essential":true,"values":["a","b"]},"sub":{"value":"x"}}}"#,
        r#"{"userinfo":{"email":null,"phone":{"essential":false}},"id_token":null}"#,
        "{\"a\":\"\\ud800\"}",
        "\u{feff}{}",
    ] {
        seeds.put("claims", text);
    }
}

const DETAILS: &str = r#"[{"type":"payment","amount":"12.50","to":{"name":"Shop"},"actions":["pay"],"locations":["https://a"]}]"#;

fn forms(seeds: &Seeds) {
    for body in [
        "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=x",
        "a=1&b=&&c&d=%C3%A9+x&resource=urn:a&resource=urn:b",
        "a=1&%61=2",
        "a=%zz&b=%00",
        "=x&%3D=%26",
    ] {
        seeds.put("params", body);
    }
    let hint = token(&json!({ "iss": CLIENT_ID, "sub": "alice", "exp": NOW + 60 }));
    for (switches, pairs) in [
        (0, vec![("scope", "openid"), ("login_hint", "alice")]),
        (0, vec![("scope", "openid profile"), ("login_hint_token", hint.as_str())]),
        (0x20, vec![("scope", "openid"), ("id_token_hint", "a.b.c"), ("binding_message", "PAY-1")]),
        (
            4,
            vec![
                ("scope", "openid"),
                ("login_hint", "a"),
                ("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255"),
            ],
        ),
        (
            0x48,
            vec![
                ("scope", "openid"),
                ("login_hint", "a"),
                ("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255="),
                ("user_code", "1234"),
            ],
        ),
        (
            0x10,
            vec![
                ("scope", "openid"),
                ("login_hint", "a"),
                ("binding_message", "Überw. 7"),
                ("requested_expiry", "300"),
            ],
        ),
        (
            0,
            vec![
                ("scope", "openid"),
                ("login_hint", "a"),
                ("acr_values", "urn:a urn:b"),
                ("claims", r#"{"id_token":{"email":{"essential":true}}}"#),
                ("authorization_details", DETAILS),
                ("resource", "https://a/b"),
                ("resource", "urn:c"),
            ],
        ),
    ] {
        seeds.form("start", switches, &pairs);
    }
    for (switches, pairs) in [
        (7, vec![("grant_type", CIBA), ("auth_req_id", "1c266114-a1be-4252-8ad1-04986c5b9ac1")]),
        (
            7,
            vec![
                ("grant_type", CIBA),
                ("auth_req_id", "x"),
                ("resource", "https://a"),
                ("authorization_details", DETAILS),
            ],
        ),
        (
            7,
            vec![
                ("grant_type", "refresh_token"),
                ("refresh_token", "art_x"),
                ("scope", "openid"),
                ("resource", "urn:a"),
                ("resource", "urn:b"),
                ("authorization_details", DETAILS),
            ],
        ),
        (7, vec![("grant_type", "client_credentials"), ("scope", "a b")]),
        (0, vec![("grant_type", "password")]),
    ] {
        seeds.form("token_request", switches, &pairs);
    }
}

fn assertion_claims() -> Value {
    json!({ "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "exp": NOW + 300, "iat": NOW, "jti": "a" })
}

fn credentials(seeds: &Seeds) {
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{SECRET}"));
    let claims = assertion_claims();
    let kind = JWT_BEARER;
    // The order of methods: Basic, post, secret JWT, private key JWT.
    seeds.switched("credentials", 0, &format!("Basic {basic}\n\ngrant_type=x"));
    seeds.switched(
        "credentials",
        0,
        &format!("bAsIc {basic}\nBasic {basic}\n\nclient_id={CLIENT_ID}"),
    );
    seeds.switched("credentials", 0, &format!("Bearer {basic}\n\n"));
    let escaped = STANDARD.encode("a%3Ab:c%2Bd+e");
    seeds.switched("credentials", 0, &format!("Basic {escaped}\n\n"));
    seeds.switched("credentials", 1, &format!("\n\nclient_id={CLIENT_ID}&client_secret={SECRET}"));
    let post = format!("\n\nclient_id={CLIENT_ID}&client_assertion_type={kind}&client_assertion=");
    seeds.switched("credentials", 2, &format!("{post}{}", token(&claims)));
    let by_key = signed(r#"{"alg":"EdDSA","kid":"key"}"#, &claims.to_string());
    seeds.switched("credentials", 3, &format!("{post}{by_key}"));
    for (switches, header) in [
        (0x82, r#"{"alg":"HS256","typ":"JWT"}"#),
        (0x83, r#"{"alg":"EdDSA","typ":"client-authentication+jwt"}"#),
        (0x92, r#"{"alg":"HS256"}"#),
        (0x83, r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
    ] {
        for audience in [json!(ISSUER), json!([format!("{ISSUER}/token")]), json!([ISSUER, "x"])] {
            let mut claims = claims.clone();
            claims["aud"] = audience;
            claims["nbf"] = json!(NOW);
            seeds.switched("credentials", switches, &format!("{header}\n{claims}"));
        }
    }
}

fn signed_requests(seeds: &Seeds) {
    let mut claims = json!({
        "iss": CLIENT_ID, "aud": ISSUER, "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "one",
        "scope": "openid", "login_hint": "alice", "binding_message": "PAY-1",
    });
    let header = r#"{"alg":"EdDSA","typ":"oauth-authz-req+jwt"}"#;
    seeds.switched("request_object", 1, &format!("{header}\n{claims}"));
    seeds.form("request_object", 0, &[("request", &signed(header, &claims.to_string()))]);
    claims["aud"] = json!([ISSUER, "https://elsewhere"]);
    claims["client_id"] = json!(CLIENT_ID);
    claims["requested_expiry"] = json!(120);
    claims["resource"] = json!(["urn:a", "urn:b"]);
    claims["claims"] = json!({ "id_token": { "email": null } });
    claims["authorization_details"] = serde_json::from_str(DETAILS).expect("JSON");
    seeds.switched("request_object", 1, &format!("{header}\n{claims}"));
    claims["request"] = json!("a.b.c");
    seeds.switched("request_object", 1, &format!("{{\"alg\":\"EdDSA\"}}\n{claims}"));
    seeds.form("request_object", 0, &[("request_uri", "https://a/b")]);
    seeds.form("request_object", 0, &[("request", "a.b.c"), ("scope", "openid")]);
}

fn urls(seeds: &Seeds) {
    for url in [
        "https://shop.example.com/cb?x=1",
        "https://shop.example.com:8443/",
        "https://127.0.0.1/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://user:pass@example.com/#x",
        "https://localhost./",
        "https://a.localhost/",
        "https://１２７.０.０.１/",
        "http://example.com/",
        "https://xn--nxasmq6b/",
        "https://example.com\\@127.0.0.1/",
    ] {
        seeds.put("outbound_url", url);
        seeds.put(
            "outbound_url",
            format!("{url}\n10.1.0.0/16\n8443\n*.example.com\n\n10.1.2.3\n93.184.216.34"),
        );
    }
    for address in [
        "8.8.8.8",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "172.31.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.19.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:a00:1::",
        "3fff::1",
        "64:ff9b::808:808",
        "2606:4700::1",
        "2606:4700::5efe:a00:1",
    ] {
        seeds
            .put("outbound_url", format!("https://a.example/\nfc00::/7\n127.0.0.0/8\n\n{address}"));
    }
}

fn heads(seeds: &Seeds) {
    for head in [
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        "HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.1\nhost: x\n\n",
        "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET http://a/healthz HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n",
        "POST {token} HTTP/1.1\r\nhost: x\r\nauthorization: {basic}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 12\r\n\r\ngrant_type=x",
        "POST {token} HTTP/1.1\r\nhost: x\r\nauthorization: {basic}\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\ngrant\r\n7\r\n_type=x\r\n0\r\nt: x\r\n\r\n",
        "POST {token} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST {token} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST {token} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nfolded: a\r\n b\r\n\r\n",
        "GET /%2e%2e/healthz HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ] {
        seeds.switched("http_head", 0, head);
    }
    for choices in [[0, 1, 2], [3, 4, 5], [2, 2, 0], [4, 3, 1]] {
        for piece in [1, 9, 255] {
            seeds.put("http_head", [&[piece], choices.as_slice()].concat());
        }
    }
}

fn flows(seeds: &Seeds) {
    for acts in [
        // Start, approve, poll, poll, refresh, refresh the same.
        [[0, 3, 0], [3, 0, 0], [1, 0, 0], [1, 0, 0], [6, 0, 0], [6, 0, 0]],
        // Start, poll, deny, wait, poll, approve.
        [[0, 0, 1], [1, 0, 0], [4, 0, 0], [8, 0, 9], [1, 0, 0], [3, 0, 0]],
        // Start, withdraw, poll, approve; another, somebody else's client and person.
        [[0, 1, 2], [5, 0, 0], [1, 0, 0], [0, 2, 3], [1, 1, 201], [3, 1, 201]],
        // Start, wait until it is over, poll, approve, poll.
        [[0, 0, 0], [8, 0, 2], [1, 0, 0], [3, 0, 0], [1, 0, 0], [9, 0, 99]],
        // Start, approve, poll, revoke, refresh, revoke.
        [[0, 4, 4], [3, 0, 0], [1, 0, 0], [7, 1, 0], [6, 0, 0], [7, 0, 0]],
    ] {
        seeds.put("flow", acts.concat());
    }
}

/// One row of every kind at the least.
async fn records(seeds: &Seeds) {
    let world = World::new().await;
    let env = &world.main;
    world.change_application(env, &env.post, ping).await;
    let params = [
        ("scope", "openid offline_access payments:read"),
        ("claims", r#"{"userinfo":{"email":null}}"#),
        ("resource", "https://payments.example.com"),
    ];
    let tokens = world.tokens(env, &env.basic, &env.alice, &params).await;
    world.revoke(env, &env.basic, &tokens.text("access_token")).await;
    let waiting = world.started(env, &env.secret_jwt, &env.alice).await;
    let notified = [
        ("scope", "openid"),
        ("login_hint", "bob"),
        ("client_notification_token", "8d67dc78-7faa-4d41-aabd-67707b374255"),
        ("acr_values", "urn:a"),
        ("binding_message", "PAY-1"),
    ];
    let denied = world.start(env, &env.post, &notified).await;
    world.decide(env, &env.bob, "deny").await;
    let entropy = world.app.entropy.as_ref();
    let device = provision::device(
        entropy,
        env.id,
        env.alice.id,
        String::from("Browser"),
        DeviceType::Browser,
        START,
    );
    let roles = vec![RoleAssignment { role: Role::EnvironmentAdmin, environment: Some(env.id) }];
    let (administrator, _) =
        provision::administrator(entropy, String::from("Root"), roles, START).expect("one");
    seeds.put("record", row(&Record::from(administrator)));
    let mut writes = device.expect("one").writes;
    writes.push(Write::insert(InitialAccessToken {
        env: env.id,
        token: Digest::of(Purpose::InitialAccessToken, env.id, b"t"),
        id: InitialAccessTokenId::NIL,
        description: String::from("CI"),
        uses_left: 10,
        expires_at: START.plus(Seconds::new(60)),
        created_at: START,
    }));
    writes.push(Write::insert(DetailsType {
        env: env.id,
        name: String::from("payment"),
        schema: String::from("{}"),
        template: String::from("Pay {{ amount }}"),
        partial: true,
        created_at: START,
        updated_at: START,
    }));
    world.store.commit(writes).await.expect("a store");
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Authentication) {
        let range = Range { env: env.id, kind, prefix: Vec::new(), after: None, limit: 20 };
        for (record, _) in world.store.list_records(&range).await.expect("a store") {
            seeds.put("record", row(&record));
        }
    }
    for auth_req_id in [waiting, denied.text("auth_req_id")] {
        let digest = Digest::of(Purpose::AuthReqId, env.id, auth_req_id.as_bytes());
        let key = Key::authentication(env.id, digest);
        let found = world.store.find_record(&key).await.expect("a store");
        seeds.put("record", row(&found.expect("it was asked").0));
    }
}

fn ping(application: &mut Application) {
    application.ciba.delivery_mode = DeliveryMode::Ping;
    application.ciba.notification_endpoint = Some(String::from("https://shop.example.com/cb"));
}

fn row(record: &Record) -> String {
    format!("{}\n{}", record.key().kind.name(), record.to_json().expect("our own types"))
}
