//! `/v1/environments/{envID}/applications/{appID}/grants`

use http::StatusCode;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::applications::plain;
use super::console::{Console, in_short};

/// A fresh application, and the Payments resource with its scopes.
pub struct Ground {
    pub console: Console,
    pub application: String,
    pub resource: String,
    pub scopes: Vec<String>,
}

pub fn id(json: &Value) -> String {
    json["id"].as_str().unwrap_or_else(|| panic!("no id in {json}")).to_owned()
}

pub async fn ground() -> Ground {
    let console = Console::new().await;
    let (application, _) = console.made(&console.main("/applications"), &plain()).await;
    let listed = console.get(&console.main("/resources")).await.json();
    let resources = listed["_embedded"]["resources"].as_array().unwrap().clone();
    let resource = id(resources.iter().find(|it| it["name"] == "Payments").unwrap());
    let listed = console.get(&console.main(&format!("/resources/{resource}/scopes"))).await.json();
    let scopes = listed["_embedded"]["scopes"].as_array().unwrap().iter().map(id).collect();
    console.forget();
    Ground { console, application, resource, scopes }
}

impl Ground {
    fn grants(&self) -> String {
        format!("{}/grants", self.application)
    }

    fn body(&self, scopes: &[&str]) -> Value {
        let scopes: Vec<Value> = scopes.iter().map(|id| json!({ "id": id })).collect();
        json!({ "resource": { "id": self.resource }, "scopes": scopes })
    }
}

#[tokio::test]
async fn a_grant_is_made_changed_and_removed() {
    let ground = ground().await;
    let console = &ground.console;
    let (read, write) = (ground.scopes[0].as_str(), ground.scopes[1].as_str());
    let (path, _) = console.made(&ground.grants(), &ground.body(&[read])).await;
    console.get(&path).await;
    console.put(&path, &ground.body(&[write, read, write])).await;
    console.get(&ground.grants()).await;
    console.delete(&path).await;
    console.get(&path).await;
    console.get(&ground.grants()).await;
    assert_snapshot!(console.told());
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_creation_and_at_change() {
    let ground = ground().await;
    let console = &ground.console;
    let openid = console.get(&console.main("/resources")).await.json();
    let openid = openid["_embedded"]["resources"].as_array().unwrap().clone();
    let openid = id(openid.iter().find(|it| it["name"] == "openid").unwrap());
    let foreign = console.get(&console.other("/resources")).await.json();
    let foreign = id(&foreign["_embedded"]["resources"][0]);
    let scope = ground.scopes[0].as_str();
    let (path, made) = console.made(&ground.grants(), &ground.body(&[scope])).await;
    let one = json!([{ "id": scope }]);
    let mut table = String::new();
    for (name, body) in [
        ("nothing", json!({})),
        ("texts", json!({ "resource": ground.resource, "scopes": [scope] })),
        ("no scopes", ground.body(&[])),
        ("upper case", ground.body(&[&scope.to_uppercase()])),
        ("unknown scope", ground.body(&["00000000-0000-4000-8000-000000000000"])),
        ("too many", ground.body(&vec![scope; 201])),
        ("scope of another resource", json!({ "resource": { "id": openid }, "scopes": one })),
        (
            "resource of another environment",
            json!({ "resource": { "id": foreign }, "scopes": one }),
        ),
    ] {
        let at_creation = in_short(&console.post(&ground.grants(), &body).await);
        let at_change = in_short(&console.put(&path, &body).await);
        assert_eq!(at_creation, at_change, "{name}");
        table.push_str(&format!("{name}: {at_creation}\n"));
    }
    let again = console.post(&ground.grants(), &ground.body(&[scope])).await;
    table.push_str(&format!("a second one for the resource: {}\n", in_short(&again)));
    assert_snapshot!(table);
    assert_eq!(console.get(&path).await.json(), made);
}

#[tokio::test]
async fn a_grant_keeps_its_resource() {
    let ground = ground().await;
    let console = &ground.console;
    let (path, _) = console.made(&ground.grants(), &ground.body(&[&ground.scopes[0]])).await;
    let body = json!({ "name": "Ledger", "audience": "https://ledger.example.com" });
    let (ledger_path, ledger) = console.made(&console.main("/resources"), &body).await;
    let (_, scope) = console.made(&format!("{ledger_path}/scopes"), &json!({ "name": "l" })).await;
    let other = json!({ "resource": { "id": id(&ledger) }, "scopes": [{ "id": id(&scope) }] });
    let refused = console.put(&path, &other).await;
    assert_eq!(in_short(&refused), "400 INVALID_DATA: INVALID_VALUE resource");
    // A resource may go while it is granted; what was granted of it stays visible.
    assert_eq!(console.post(&ground.grants(), &other).await.status, StatusCode::CREATED);
    assert_eq!(console.delete(&ledger_path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(console.get(&ground.grants()).await.json()["count"], 2);
}
