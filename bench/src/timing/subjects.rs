//! What is measured: each comparison of a secret that somebody from outside can cause.

use anyhow::{Context, Result};
use assent_jose::{Algorithm, HmacKey};
use assent_protocol::application::{Application, TokenEndpointAuthMethod as Method};
use assent_protocol::client_authentication::{Audiences, Evidence, Presented, authenticate};
use assent_protocol::environment::AssertionAudience;
use assent_protocol::id::{ApplicationId, EnvironmentId};
use assent_protocol::keys::EnvironmentKeys;
use assent_protocol::sealing::RootKey;
use assent_protocol::secret::{Digest, Secret};
use assent_protocol::time::Timestamp;

const SECRET: &str = "a-secret-of-forty-three-characters-0123456789";

/// Whether an input is the right one.
pub type Check = Box<dyn Fn(&Input) -> bool>;

/// A comparison and the two classes of its inputs.
pub struct Subject {
    /// What it is.
    pub name: &'static str,
    /// Whether it is here to be seen leaking.
    pub leaks: bool,
    /// An input of the first class.
    pub first: Input,
    /// An input of the second class.
    pub second: Input,
    /// The comparison.
    pub act: Check,
}

/// What is compared. Both classes lie in memory alike.
pub struct Input {
    octets: Vec<u8>,
    presented: Option<Presented>,
    /// Whether the client exists.
    known: bool,
}

impl Input {
    fn octets(octets: Vec<u8>) -> Self {
        Self { octets, presented: None, known: true }
    }

    fn presents(secret: &str, known: bool) -> Self {
        let (client_id, secret) = (String::from("id"), Secret::new(secret.to_owned()));
        let presented = Some(Presented::Post { client_id, secret });
        Self { octets: Vec::new(), presented, known }
    }
}

/// Everything that is measured, the control first.
pub fn subjects() -> Result<Vec<Subject>> {
    let mut all = vec![control()];
    all.extend([digests(), codes(Algorithm::HS256)?, codes(Algorithm::HS512)?]);
    // Not the right secret: that one is let in, which the answer says.
    let wrong = (altered(0)?, altered(SECRET.len() - 1)?);
    let pairs = [
        ("client_secret: wrong at once, wrong at the end", &wrong.0, &wrong.1, true),
        ("client_secret: of a client, of nobody", &wrong.0, &wrong.0, false),
    ];
    for (name, first, second, known) in pairs {
        let first = Input::presents(first, true);
        let second = Input::presents(second, known);
        all.push(Subject { name, leaks: false, first, second, act: secrets()? });
    }
    Ok(all)
}

/// The secret with another character at a place.
fn altered(place: usize) -> Result<String> {
    let mut octets = SECRET.as_bytes().to_vec();
    *octets.get_mut(place).context("within the secret")? = b'!';
    Ok(String::from_utf8(octets)?)
}

/// Two copies of long texts that differ at once, or at the end, compared as texts are.
fn control() -> Subject {
    let right = vec![7_u8; 4096];
    let (mut early, mut late) = (right.clone(), right.clone());
    if let (Some(first), Some(last)) = (early.first_mut(), late.last_mut()) {
        (*first, *last) = (8, 8);
    }
    Subject {
        name: "control: == on 4096 octets",
        leaks: true,
        first: Input::octets(early),
        second: Input::octets(late),
        act: Box::new(move |input| input.octets == right),
    }
}

/// Digests of what was presented and of what is stored.
fn digests() -> Subject {
    let right = Digest::from_bytes([7; 32]);
    let (mut early, mut late) = ([7; 32], [7; 32]);
    (early[0], late[31]) = (8, 8);
    Subject {
        name: "digest: wrong at once, wrong at the end",
        leaks: false,
        first: Input::octets(early.to_vec()),
        second: Input::octets(late.to_vec()),
        act: Box::new(move |input| {
            let mut octets = [0; 32];
            octets.copy_from_slice(&input.octets);
            Digest::from_bytes(octets).matches(&right)
        }),
    }
}

/// Codes of client assertions.
fn codes(algorithm: Algorithm) -> Result<Subject> {
    let key = HmacKey::new(&[7; 64]);
    let message = [b'a'; 400];
    let right = key.sign(algorithm, &message)?;
    let (mut early, mut late) = (right.clone(), right);
    if let (Some(first), Some(last)) = (early.first_mut(), late.last_mut()) {
        (*first, *last) = (first.wrapping_add(1), last.wrapping_add(1));
    }
    let name = match algorithm {
        Algorithm::HS256 => "HS256: wrong at once, wrong at the end",
        _ => "HS512: wrong at once, wrong at the end",
    };
    let act = move |input: &Input| key.verify(algorithm, &message, &input.octets).is_ok();
    let (first, second) = (Input::octets(early), Input::octets(late));
    Ok(Subject { name, leaks: false, first, second, act: Box::new(act) })
}

/// The whole check of a client that presents a secret.
fn secrets() -> Result<Check> {
    let keys = EnvironmentKeys::derive(RootKey::new([7; 32])).ok().context("no keys")?;
    let id = ApplicationId::from_bytes([7; 16]);
    let secret = Secret::new(SECRET.to_owned());
    let secret = keys.seal_client_secret(id, &secret, [0; 12]).ok().context("not sealed")?;
    let now = Timestamp::from_millis(1_795_420_800_000);
    let mut client = Application::new(EnvironmentId::NIL, id, secret, now);
    client.enabled = true;
    client.auth_method = Method::ClientSecretPost;
    let issuer = "https://auth.example.com/e/as";
    let rule = AssertionAudience::Strict;
    let evidence = Evidence { jwks: None, certificate_is_trusted: false };
    let audiences = Audiences { issuer, endpoints: &[], rule };
    Ok(Box::new(move |input| {
        let Some(presented) = &input.presented else { return false };
        let known = input.known.then_some(&client);
        authenticate(presented, known, evidence, &keys, audiences, now).is_ok()
    }))
}
