use super::*;
use crate::application::ScopeGrant;
use crate::id::{ApplicationId, EnvironmentId, ResourceId, ScopeGrantId, ScopeId};
use crate::resource::AccessTokenFormat;
use crate::resource::Scope;
use crate::time::Timestamp;

fn resource(number: u8, kind: ResourceType, names: &[&str]) -> Arc<Resource> {
    let scope = |(place, name): (usize, &&str)| Scope {
        id: ScopeId::from_bytes([number * 16 + u8::try_from(place).unwrap(); 16]),
        name: (*name).to_owned(),
        description: (number == 2).then(|| format!("Words for {name}")),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    Arc::new(Resource {
        access_token_format: AccessTokenFormat::Jwt,
        introspection: None,
        attributes: Vec::new(),
        env: EnvironmentId::NIL,
        id: ResourceId::from_bytes([number; 16]),
        name: number.to_string(),
        description: None,
        kind,
        audience: format!("https://r{number}"),
        access_token_validity: Seconds::new(u32::from(number) * 100),
        scopes: names.iter().enumerate().map(scope).collect(),
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    })
}

fn world() -> (Application, Vec<Arc<Resource>>) {
    let resources = vec![
        resource(1, ResourceType::OpenidConnect, &["openid", "email", "offline_access"]),
        resource(2, ResourceType::Custom, &["read", "write", "pay"]),
        resource(3, ResourceType::Custom, &["see", "read"]),
    ];
    let mut client = crate::testing::application(ApplicationId::NIL);
    // Everything but r2's `write` and r3's `read`.
    let granted = [(0, vec![1]), (1, vec![0, 2]), (2, vec![0])];
    client.grants = granted
        .into_iter()
        .map(|(at, scopes): (usize, Vec<usize>)| ScopeGrant {
            id: ScopeGrantId::NIL,
            resource: resources[at].id,
            scopes: scopes.into_iter().map(|place| resources[at].scopes[place].id).collect(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        })
        .collect();
    (client, resources)
}

fn check(
    asked: &str,
    several: bool,
    missing: Missing,
) -> Result<(String, Vec<String>, u32), Reason> {
    check_at(asked, &[], several, missing)
}

fn check_at(
    asked: &str,
    targets: &[&str],
    several: bool,
    missing: Missing,
) -> Result<(String, Vec<String>, u32), Reason> {
    let (mut client, resources) = world();
    client.several_resources = several;
    let targets: Vec<Box<str>> = targets.iter().map(|it| (*it).into()).collect();
    resolve_at(&ScopeSet::parse(asked).unwrap(), &targets, &client, &resources, missing)
        .map(|it| (it.scope.as_str().to_owned(), it.audience.clone(), it.lifetime().get()))
}

fn is(scope: &str, audience: &[&str], lifetime: u32) -> Result<(String, Vec<String>, u32), Reason> {
    Ok((scope.to_owned(), audience.iter().map(|it| (*it).to_owned()).collect(), lifetime))
}

#[test]
fn scopes_are_granted_by_resource() {
    use Missing::{Drop, Refuse};
    let table = [
        ("openid", false, Refuse, is("openid", &["https://r1"], 100)),
        ("openid offline_access", false, Refuse, is("openid offline_access", &["https://r1"], 100)),
        ("openid email read", false, Refuse, is("openid email read", &["https://r2"], 200)),
        ("openid write", false, Refuse, Err(Reason::ScopeNotGranted)),
        ("openid write", false, Drop, is("openid", &["https://r1"], 100)),
        ("openid unknown", false, Refuse, Err(Reason::ScopeNotGranted)),
        ("openid read see", false, Refuse, Err(Reason::ScopeOfSeveralResources)),
        // r3 would take r2's `read` for its own.
        ("openid read see", true, Refuse, Err(Reason::ScopeOfSeveralResources)),
        ("openid pay see", true, Refuse, is("openid pay see", &["https://r2", "https://r3"], 200)),
    ];
    for (asked, several, missing, expected) in table {
        assert_eq!(check(asked, several, missing), expected, "{asked} {missing:?}");
    }
}

#[test]
fn a_token_is_for_the_resources_that_were_asked_for() {
    use Missing::{Drop, Refuse};
    let (r1, r2, r3) = ("https://r1", "https://r2", "https://r3");
    let table: [(&str, &[&str], bool, Missing, _); 10] = [
        ("openid pay see", &[r2], false, Refuse, is("openid pay", &[r2], 200)),
        ("openid email see", &[r2], false, Refuse, is("openid email", &[r2], 200)),
        ("openid read see", &[r3], true, Refuse, is("openid see", &[r3], 300)),
        ("openid pay see", &[r3, r2], true, Refuse, is("openid pay see", &[r2, r3], 200)),
        ("openid pay see", &[r3, r2], false, Refuse, Err(Reason::ScopeOfSeveralResources)),
        ("openid pay", &[r1], false, Refuse, is("openid", &[r1], 100)),
        ("openid", &["https://r4"], false, Refuse, Err(Reason::ResourceUnknown)),
        ("openid pay", &[r2, "https://r4"], false, Refuse, Err(Reason::ResourceUnknown)),
        ("openid pay", &[r2, "https://r4"], false, Drop, is("openid pay", &[r2], 200)),
        ("openid pay", &["https://r4"], false, Drop, Err(Reason::ResourceUnknown)),
    ];
    for (asked, targets, several, missing, expected) in table {
        let verdict = check_at(asked, targets, several, missing);
        assert_eq!(verdict, expected, "{asked} at {targets:?} {missing:?}");
    }
}

#[test]
fn one_resource_that_wants_nobody_to_read_its_tokens_is_enough() {
    let (mut client, mut resources) = world();
    client.several_resources = true;
    let format = |resources: &[Arc<Resource>]| {
        let scope = ScopeSet::parse("pay see").unwrap();
        resolve(&scope, &client, resources, Missing::Refuse).unwrap().format()
    };
    assert_eq!(format(&resources), AccessTokenFormat::Jwt);
    Arc::make_mut(&mut resources[2]).access_token_format = AccessTokenFormat::Opaque;
    assert_eq!(format(&resources), AccessTokenFormat::Opaque);
}

#[test]
fn a_scope_is_told_in_words() {
    let (_, resources) = world();
    assert_eq!(words("write", &resources), "Words for write");
    assert_eq!(words("email", &resources), "See your e-mail address");
    assert_eq!(words("see", &resources), "see");
}
