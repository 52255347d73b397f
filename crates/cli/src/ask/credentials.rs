//! How the application proves who it is (RFC 6749 §2.3.1, RFC 7523 §2.2).

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use assent_jose::{Algorithm, HmacKey, SigningKey, sign_jwt, sign_jwt_hmac};
use assent_protocol::client_authentication::JWT_BEARER;
use assent_protocol::time::Seconds;
use assent_server::machine::{Clock, SystemClock};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::json;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use crate::place::Place;

/// An assertion is used at once; this is for clocks that differ.
const ASSERTION_LIFETIME: Seconds = Seconds::new(60);

/// Who the application is.
#[derive(ClapArgs, Debug, Clone)]
pub struct ClientArgs {
    /// Application of the --env-file [default: the one for the --mode]
    #[arg(long, value_name = "APP", value_enum)]
    app: Option<DemoApp>,
    /// ID of the application, instead of one of the --env-file
    #[arg(long, value_name = "ID", env = "ASSENT_CLIENT_ID")]
    client_id: Option<String>,
    /// Secret of the application
    #[arg(long, value_name = "SECRET", env = "ASSENT_CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// How the secret is used
    #[arg(long, value_name = "METHOD", value_enum, default_value_t = SecretMethod::Basic)]
    auth: SecretMethod,
    /// PKCS#8 PEM file with the private key of the application, instead of a secret
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// Key ID of the private key, as registered
    #[arg(long, value_name = "KID")]
    kid: Option<String>,
    /// Algorithm of client assertions, for example ES256, PS256, RS256, EdDSA or HS256
    #[arg(long, value_name = "ALG")]
    alg: Option<String>,
}

/// The applications of the demonstration.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoApp {
    /// Corner Shop: client_secret_basic
    Basic,
    /// Call Centre: client_secret_post
    Post,
    /// Fuel Pump 7: client_secret_jwt
    SecretJwt,
    /// Travel Agent (AI): private_key_jwt with ES256
    PrivateKey,
    /// Example Bank: private_key_jwt with PS256
    RsaKey,
    /// Ticket Machine: client_secret_basic, is pinged
    Ping,
    /// Parcel Service: client_secret_basic, is pushed to
    Push,
    /// High Street Bank: client_secret_basic, shows a number to compare
    Number,
    /// Helpline: client_secret_basic, has to send the person's --user-code
    Code,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum SecretMethod {
    /// In the Authorization header
    Basic,
    /// In the body
    Post,
    /// As the key of a signed assertion
    SecretJwt,
}

/// A client that can authenticate.
pub struct Credentials {
    client_id: String,
    proof: Proof,
}

enum Proof {
    Basic(Zeroizing<String>),
    Post(Zeroizing<String>),
    SecretJwt(HmacKey, Algorithm),
    PrivateKeyJwt(Box<SigningKey>),
}

impl Credentials {
    /// Finds the one way to authenticate.
    pub fn find(args: &ClientArgs, usual: DemoApp, place: &Place) -> Result<Self> {
        match &args.client_id {
            Some(id) => Self::given(args, id.clone()),
            None => Self::from_demo(args.app.unwrap_or(usual), place),
        }
    }

    fn given(args: &ClientArgs, client_id: String) -> Result<Self> {
        let alg = args.alg.as_deref().map(algorithm).transpose()?;
        let proof = match (&args.client_secret, &args.private_key) {
            (Some(_), Some(_)) => bail!(
                "give one of --client-secret (or ASSENT_CLIENT_SECRET) and --private-key, not both"
            ),
            (None, None) => {
                bail!("say how the application authenticates: --client-secret or --private-key")
            }
            (Some(secret), None) => secret_proof(secret, args.auth, alg)?,
            (None, Some(file)) => {
                let kid = args.kid.clone().context("--private-key needs the --kid of the key")?;
                let alg = alg.context("--private-key needs --alg, for example --alg ES256")?;
                Proof::PrivateKeyJwt(Box::new(read_key(file, alg, kid)?))
            }
        };
        Ok(Self { client_id, proof })
    }

    fn from_demo(app: DemoApp, place: &Place) -> Result<Self> {
        let (prefix, alg) = match app {
            DemoApp::Basic => ("app", Algorithm::HS256),
            DemoApp::Post => ("postApp", Algorithm::HS256),
            DemoApp::SecretJwt => ("secretJwtApp", Algorithm::HS256),
            DemoApp::PrivateKey => ("privateKey", Algorithm::ES256),
            DemoApp::RsaKey => ("rsaKey", Algorithm::PS256),
            DemoApp::Ping => ("pingApp", Algorithm::HS256),
            DemoApp::Push => ("pushApp", Algorithm::HS256),
            DemoApp::Number => ("numberApp", Algorithm::HS256),
            DemoApp::Code => ("codeApp", Algorithm::HS256),
        };
        let value = |name: &str| {
            place.value(&format!("{prefix}{name}")).with_context(|| {
                format!("say which application asks: --client-id ID, or an --env-file with {prefix}{name}")
            })
        };
        let secret = |method| secret_proof(&value("Secret")?, method, None);
        let (client_id, proof) = match app {
            DemoApp::Basic | DemoApp::Ping | DemoApp::Push | DemoApp::Number | DemoApp::Code => {
                (value("ID")?, secret(SecretMethod::Basic)?)
            }
            DemoApp::Post => (value("ID")?, secret(SecretMethod::Post)?),
            DemoApp::SecretJwt => (value("ID")?, secret(SecretMethod::SecretJwt)?),
            DemoApp::PrivateKey | DemoApp::RsaKey => {
                let key = read_key(Path::new(&value("File")?), alg, value("Kid")?)?;
                (value("AppID")?, Proof::PrivateKeyJwt(Box::new(key)))
            }
        };
        Ok(Self { client_id, proof })
    }

    /// Adds the proof to a form; what it returns is the `Authorization` header. `issuer` is the
    /// audience of assertions (RFC 7523 §3-3); each has a `jti` of its own.
    pub fn prove(
        &self,
        form: &mut Serializer<'_, String>,
        issuer: &str,
    ) -> Result<Option<Zeroizing<String>>> {
        let assertion = match &self.proof {
            Proof::Basic(secret) => return Ok(Some(self.basic(secret))),
            Proof::Post(secret) => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", secret);
                return Ok(None);
            }
            Proof::SecretJwt(key, alg) => {
                sign_jwt_hmac(key, *alg, "JWT", &self.claims(issuer)).context("cannot sign")?
            }
            Proof::PrivateKeyJwt(key) => {
                sign_jwt(key, "JWT", &self.claims(issuer)).context("cannot sign")?
            }
        };
        form.append_pair("client_assertion_type", JWT_BEARER)
            .append_pair("client_assertion", &assertion);
        Ok(None)
    }

    /// RFC 6749 §2.3.1: both halves form-encoded.
    fn basic(&self, secret: &str) -> Zeroizing<String> {
        let encode = |half: &str| byte_serialize(half.as_bytes()).collect::<String>();
        let pair = Zeroizing::new(format!("{}:{}", encode(&self.client_id), encode(secret)));
        Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
    }

    fn claims(&self, issuer: &str) -> serde_json::Value {
        let now = SystemClock.now();
        json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": issuer,
            "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now.as_seconds(),
            "exp": now.plus(ASSERTION_LIFETIME).as_seconds(),
        })
    }
}

fn secret_proof(secret: &str, method: SecretMethod, alg: Option<Algorithm>) -> Result<Proof> {
    let own = || Zeroizing::new(secret.to_owned());
    match method {
        SecretMethod::Basic => Ok(Proof::Basic(own())),
        SecretMethod::Post => Ok(Proof::Post(own())),
        SecretMethod::SecretJwt => {
            let alg = alg.unwrap_or(Algorithm::HS256);
            let key = HmacKey::new(secret.as_bytes());
            if !key.fits(alg) {
                bail!("the secret cannot sign with {}; use HS256, HS384 or HS512", alg.name());
            }
            Ok(Proof::SecretJwt(key, alg))
        }
    }
}

fn algorithm(name: &str) -> Result<Algorithm> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|_| anyhow::anyhow!("--alg {name:?} is not known; for example ES256"))
}

/// Reads an unencrypted PKCS#8 key in PEM (RFC 7468 §10).
pub fn read_key(file: &Path, alg: Algorithm, kid: String) -> Result<SigningKey> {
    let shown = file.display();
    let pem = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .with_context(|| format!("cannot read the private key {shown}"))?;
    let body = pem
        .split_once("-----BEGIN PRIVATE KEY-----")
        .and_then(|(_, rest)| rest.split_once("-----END PRIVATE KEY-----"))
        .map(|(body, _)| Zeroizing::new(body.split_whitespace().collect::<String>()));
    let Some(body) = body else {
        bail!(
            "{shown} is not an unencrypted PKCS#8 key; make one with \
             `openssl pkcs8 -topk8 -nocrypt -in {shown} -out NEW.pem`"
        );
    };
    let der = STANDARD.decode(body.as_bytes()).map(Zeroizing::new);
    let der = der.with_context(|| format!("{shown} is not valid PEM"))?;
    SigningKey::from_pkcs8(alg, &der, kid)
        .with_context(|| format!("{shown} is not a key for {}", alg.name()))
}
