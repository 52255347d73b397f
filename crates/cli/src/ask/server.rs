//! The server as its metadata describes it (OIDC Discovery §4, RFC 8414 §3).

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::ask::credentials::Credentials;
use crate::place::Place;
use crate::terminal::harmless;
use crate::web::Answer;

const FORM: &str = "application/x-www-form-urlencoded";

/// The server and who asks it.
pub struct Server {
    place: Place,
    credentials: Credentials,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    backchannel_authentication_endpoint: String,
}

/// Where a form is sent.
#[derive(Clone, Copy, Debug)]
pub enum Endpoint {
    /// CIBA §7.
    BackchannelAuthentication,
    /// RFC 6749 §3.2.
    Token,
}

/// An error of OAuth (RFC 6749 §5.2).
#[derive(Deserialize)]
pub struct OAuthError {
    /// The code.
    pub error: String,
    #[serde(default)]
    error_description: String,
}

impl Server {
    /// Reads the metadata of the environment.
    pub fn discover(place: Place, credentials: Credentials) -> Result<Self> {
        let issuer = format!("{}/as", place.base);
        let url = format!("{issuer}/.well-known/openid-configuration");
        let answer = place.web.get(&url, None)?;
        if answer.status == 404 {
            bail!("there is no such environment on this server; check --url and --env");
        }
        if answer.status != 200 {
            bail!("the server answered discovery with status {}", answer.status);
        }
        let metadata: Metadata = serde_json::from_str(&answer.body)
            .context("the metadata is not that of a CIBA server; is the URL right?")?;
        // OIDC Discovery §4.3: another issuer could be an impostor.
        if metadata.issuer != issuer {
            bail!(
                "the metadata is of issuer {}, not {issuer}; give the --url that the server calls \
                 its own",
                harmless(&metadata.issuer)
            );
        }
        Ok(Self { place, credentials, metadata })
    }

    /// Posts a form with the proof of the client; `hold` asks the server to answer when there is
    /// something to say, or after so many seconds (RFC 7240 §4.3).
    pub fn post(
        &self,
        endpoint: Endpoint,
        params: &[(&str, &str)],
        hold: Option<u32>,
    ) -> Result<Answer> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(params);
        let authorization = self.credentials.prove(&mut form, &self.metadata.issuer)?;
        let prefer = hold.map(|seconds| format!("wait={seconds}"));
        let headers = [
            ("Authorization", authorization.as_ref().map(|it| it.as_str())),
            ("Prefer", prefer.as_deref()),
        ];
        let body = Zeroizing::new(form.finish());
        let url = match endpoint {
            Endpoint::BackchannelAuthentication => {
                &self.metadata.backchannel_authentication_endpoint
            }
            Endpoint::Token => &self.metadata.token_endpoint,
        };
        self.place.web.post(url, &headers, FORM, &body)
    }
}

impl OAuthError {
    /// The error of a refused request.
    pub fn read(answer: &Answer) -> Result<Self> {
        serde_json::from_str(&answer.body)
            .map_err(|_| anyhow::anyhow!("the server answered with status {}", answer.status))
    }

    /// In words.
    pub fn words(&self) -> String {
        format!("{}: {}", harmless(&self.error), harmless(&self.error_description))
    }
}
