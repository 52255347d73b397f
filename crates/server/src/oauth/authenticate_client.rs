//! Who is calling: credentials from headers and body, the registered client, the check.

use std::sync::Arc;

use assent_jose::Jwks;
use assent_protocol::application::{Application, GrantType, TokenEndpointAuthMethod};
use assent_protocol::assertion::SpentAssertion;
use assent_protocol::client_authentication::{
    self as authentication, AcceptedAssertion, Audiences, Evidence, Failure as Denied, Presented,
};
use assent_protocol::decision::Change;
use assent_protocol::environment::{AssertionReplay, Profile};
use assent_protocol::fapi;
use assent_protocol::id::ApplicationId;
use assent_protocol::params::Params;
use assent_protocol::reason::Reason;
use assent_protocol::record::Key;
use assent_protocol::secret::Digest;
use assent_protocol::time::Timestamp;
use http::HeaderMap;

use crate::app::App;
use crate::call::Call;
use crate::extract::credentials;
use crate::failure::Failure;
use crate::limits::Guess;
use crate::oauth::client_keys;
use crate::oauth::shown::Shown;
use crate::registry::Tenant;
use crate::replay::Remembered;

/// Whom the request claims to come from; nothing is proven yet.
pub struct Claimed {
    /// What it presents.
    pub presented: Presented,
    /// The registered application of that name, if there is one.
    pub application: Option<Arc<Application>>,
    /// Its public keys, where they are not part of its registration.
    published: Option<Arc<Jwks>>,
    /// Of what was used before it, the store may know nothing.
    epoch: Timestamp,
}

/// An authenticated client.
pub struct Client {
    /// The application.
    pub application: Arc<Application>,
    /// The keys that it showed, where it comes for tokens.
    pub shown: Shown,
    assertion: Option<AcceptedAssertion>,
    replay: AssertionReplay,
    /// What its environment holds it to.
    profile: Profile,
}

/// Finds the credentials and the application they name.
///
/// # Errors
/// None or several credentials, or a malformed one.
pub async fn claim(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Claimed, Failure> {
    let shown = call.certificate.as_ref();
    let der = shown.and_then(|it| it.chain().first()).map(|it| it.as_ref());
    let presented = Presented::collect(&credentials::authorization(headers)?, params, der)?;
    let application = match ApplicationId::parse(presented.client_id()) {
        Some(id) => app.store.find::<Application>(&Key::application(tenant.id(), id)).await?,
        None => None,
    };
    let profile = tenant.environment.security.profile;
    let application = application.map(|found| fapi::held(found.record, profile));
    let published = match (&presented, &application) {
        (Presented::Assertion { key_id, .. }, Some(application)) if publishes(application) => {
            client_keys::find(app, tenant, application, key_id.as_deref()).await
        }
        (Presented::Certificate { .. }, Some(application)) if publishes(application) => {
            client_keys::find(app, tenant, application, None).await
        }
        _ => None,
    };
    Ok(Claimed { presented, application, published, epoch: app.store.epoch() })
}

/// Whether the keys that the application authenticates with are at its `jwksUrl`.
fn publishes(application: &Application) -> bool {
    application.auth_method.needs_keys()
        && application.jwks.is_none()
        && application.jwks_url.is_some()
}

/// Checks the credentials.
///
/// # Errors
/// The client is refused, was refused too often, or its secret cannot be read.
pub fn authenticate(
    app: &App,
    claimed: &Claimed,
    tenant: &Tenant,
    called_endpoint: &str,
    call: &Call,
) -> Result<Client, Failure> {
    let guess =
        claimed.application.as_ref().map(|it| Guess::Credential(tenant.id(), it.id, call.source));
    let most = tenant.environment.limits.failed_authentications_per_minute;
    if most > 0 && guess.is_some_and(|it| app.limits.is_exceeded(it, most, call.now)) {
        return Err(Reason::ClientThrottled.into());
    }
    let settings = &tenant.environment.ciba;
    let aliases = [&tenant.token_endpoint, called_endpoint].map(|it| tenant.alias(it));
    let aliases = aliases.iter().flatten().map(String::as_str);
    let endpoints: Vec<&str> =
        [tenant.token_endpoint.as_str(), called_endpoint].into_iter().chain(aliases).collect();
    let audiences = Audiences {
        issuer: &tenant.issuer,
        endpoints: &endpoints,
        rule: settings.assertion_audience,
    };
    let application = claimed.application.as_deref();
    let registered = application.and_then(|application| application.jwks.as_ref());
    let evidence = Evidence {
        jwks: registered.or(claimed.published.as_deref()),
        certificate_is_trusted: is_trusted(claimed, tenant, call),
    };
    let assertion = authentication::authenticate(
        &claimed.presented,
        application,
        evidence,
        &tenant.keys,
        audiences,
        call.now,
    )
    .map_err(|denied| match denied {
        Denied::Refused(reason) => {
            // T-60: who guesses from one address locks nobody out at another. Whoever shows the
            // right credential of a disabled application guesses nothing, and is let in at once
            // when it is enabled again.
            if let (1.., Some(guess), false) = (most, guess, reason == Reason::ClientDisabled) {
                app.limits.count(guess, call.now);
            }
            Failure::from(reason)
        }
        Denied::Fault(fault) => Failure::from(fault),
    })?;
    let application = claimed.application.clone().ok_or(Reason::ClientUnknown)?;
    let replay = application.assertion_replay(settings);
    if let (AssertionReplay::Bound | AssertionReplay::SingleUse, Some(assertion)) =
        (replay, &assertion)
    {
        assertion.require_since(claimed.epoch)?;
    }
    let profile = tenant.environment.security.profile;
    Ok(Client { application, shown: Shown::default(), assertion, replay, profile })
}

/// Whether an authority of the environment vouches for the certificate, where that matters.
fn is_trusted(claimed: &Claimed, tenant: &Tenant, call: &Call) -> bool {
    let asked = claimed.application.as_ref().is_some_and(|application| {
        application.auth_method == TokenEndpointAuthMethod::TlsClientAuth
    });
    let by_certificate = matches!(claimed.presented, Presented::Certificate { .. });
    let shown = call.certificate.as_ref().filter(|_| asked && by_certificate);
    shown.is_some_and(|shown| tenant.client_authorities.vouch_for(shown, call.now))
}

impl Client {
    /// Looks at the keys that it shows when it comes to `endpoint` for tokens. Whoever is refused
    /// for them has used nothing up but the proof.
    ///
    /// # Errors
    /// The proof is not as it has to be; or it registered to show what it does not; or a fault.
    pub async fn show(
        &mut self,
        app: &App,
        tenant: &Tenant,
        call: &Call,
        headers: &HeaderMap,
        endpoint: &str,
    ) -> Result<(), Failure> {
        let shown = Shown::read(app, tenant, call, headers, (self.application.id, endpoint)).await;
        let fitting = shown.and_then(|shown| {
            shown.confirmation(&self.application)?;
            Ok(shown)
        });
        match fitting {
            Ok(shown) => {
                self.shown = shown;
                Ok(())
            }
            Err(refused @ (Failure::Refused(_) | Failure::Wait(..))) => {
                self.remember_refused(app).await?;
                Err(refused)
            }
            Err(Failure::Broken(broken)) => Err(broken.into()),
        }
    }

    /// Looks at the application again: much may have happened while a poll was held (T-28).
    ///
    /// # Errors
    /// It may not have the outcome any more; or a fault.
    pub async fn recheck(&mut self, app: &App) -> Result<(), Failure> {
        let key = Key::application(self.application.env, self.application.id);
        let found = app.store.find::<Application>(&key).await?.ok_or(Reason::ClientUnknown)?;
        self.application = fapi::held(found.record, self.profile);
        // Where it may come once only, the poll used its assertion up before it was held.
        if self.replay == AssertionReplay::SingleUse {
            self.assertion = None;
        }
        if !self.application.enabled {
            return Err(Reason::ClientDisabled.into());
        }
        if !self.application.may_use(GrantType::Ciba) {
            return Err(Reason::GrantTypeNotAllowed.into());
        }
        Ok(())
    }

    /// The change that spends the client's assertion for `auth_req_id`, durably; `None` when there
    /// is nothing to spend, or it was spent for the same `auth_req_id` before.
    ///
    /// # Errors
    /// The assertion was used for something else before; or a fault.
    pub async fn spend(
        &self,
        app: &App,
        auth_req_id: Option<Digest>,
    ) -> Result<Option<Change>, Failure> {
        let Some(spent) = self.spent(auth_req_id) else { return Ok(None) };
        app.replay.check(&spent, self.replay)?;
        if self.is_spent_durably(app, &spent).await? {
            return Ok(None);
        }
        if self.replay == AssertionReplay::Bound {
            // A poll of this node that has looked for it in the store already meets it here.
            app.replay.remember(spent.clone(), self.replay)?;
        }
        Ok(Some(spent.spend()))
    }

    /// As [`Client::spend`], for a redemption: where an assertion may come again for its own
    /// request, whoever loses with it lost the race for the tokens, and it is no replay.
    ///
    /// # Errors
    /// As [`Client::spend`].
    pub async fn spend_again(
        &self,
        app: &App,
        auth_req_id: Digest,
    ) -> Result<Option<Change>, Failure> {
        let change = self.spend(app, Some(auth_req_id)).await?;
        Ok(change.map(|change| match self.replay {
            AssertionReplay::Bound => Change::new(change.write, Reason::AuthReqIdRedeemed),
            AssertionReplay::SingleUse | AssertionReplay::None => change,
        }))
    }

    /// What a redemption that lost its race is told: that its assertion was used for something
    /// else meanwhile, if that is why it lost.
    pub async fn explain_loss(&self, app: &App, auth_req_id: Digest, lost: Failure) -> Failure {
        // Under the other rules the lost write says it already.
        let is_open = matches!(lost, Failure::Refused(Reason::AuthReqIdRedeemed));
        if !is_open || self.replay != AssertionReplay::Bound {
            return lost;
        }
        match self.spend(app, Some(auth_req_id)).await {
            Ok(_) => lost,
            Err(why) => why,
        }
    }

    /// Remembers the client's assertion, for requests that change nothing: in the memory of this
    /// node where it may come again for its own request, and durably, for all nodes and beyond a
    /// restart, where it may be presented once only.
    ///
    /// # Errors
    /// The assertion was used for something else before; or a fault.
    pub async fn remember(&self, app: &App, auth_req_id: Option<Digest>) -> Result<(), Failure> {
        let Some(spent) = self.spent(auth_req_id) else { return Ok(()) };
        if self.replay == AssertionReplay::SingleUse {
            return app.spend(spent.spend()).await;
        }
        if app.replay.check(&spent, self.replay)? {
            return Ok(());
        }
        if self.is_spent_durably(app, &spent).await? {
            return Ok(());
        }
        match app.replay.remember(spent.clone(), self.replay)? {
            Remembered::Yes => Ok(()),
            Remembered::Full => app.spend(spent.spend()).await,
        }
    }

    /// As [`Client::remember`], for who is refused before anything began: the assertion is not used
    /// up, unless the rule is that it may be presented once only.
    ///
    /// # Errors
    /// As [`Client::remember`].
    pub async fn remember_refused(&self, app: &App) -> Result<(), Failure> {
        match self.replay {
            AssertionReplay::SingleUse => self.remember(app, None).await,
            AssertionReplay::Bound | AssertionReplay::None => Ok(()),
        }
    }

    fn spent(&self, auth_req_id: Option<Digest>) -> Option<SpentAssertion> {
        if self.replay == AssertionReplay::None {
            return None;
        }
        self.assertion.as_ref().map(|accepted| accepted.spent(&self.application, auth_req_id))
    }

    async fn is_spent_durably(&self, app: &App, spent: &SpentAssertion) -> Result<bool, Failure> {
        let key = Key::spent_assertion(spent.env, spent.client, spent.digest);
        match app.store.find::<SpentAssertion>(&key).await? {
            None => Ok(false),
            Some(known) => {
                known.record.permits(self.replay, spent.bound_to)?;
                Ok(true)
            }
        }
    }
}
