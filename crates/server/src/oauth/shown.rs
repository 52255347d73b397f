//! The keys that a client shows to hold with a request: its tokens are bound to them (RFC 8705 §3,
//! RFC 9449 §5).

use assent_protocol::application::Application;
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::request::Request;
use assent_protocol::confirmation::Confirmation;
use assent_protocol::decision::Change;
use assent_protocol::dpop as protocol;
use assent_protocol::id::ApplicationId;
use assent_protocol::reason::Reason;
use http::{HeaderMap, Method};

use crate::app::App;
use crate::call::Call;
use crate::dpop::{self, Accepted};
use crate::failure::Failure;
use crate::registry::Tenant;

/// What was shown.
#[derive(Default)]
pub struct Shown {
    certificate: Option<Box<str>>,
    /// Most show none, and keep no room for one while their poll is held.
    proof: Option<Box<Accepted>>,
}

impl Shown {
    /// What `client` showed when it posted to `endpoint`. A proof is used up.
    ///
    /// # Errors
    /// The proof is not as it has to be, or was used before; or a fault.
    pub async fn read(
        app: &App,
        tenant: &Tenant,
        call: &Call,
        headers: &HeaderMap,
        (client, endpoint): (ApplicationId, &str),
    ) -> Result<Self, Failure> {
        // Most polls carry none.
        let proves = headers.contains_key(dpop::HEADER);
        let urls = if proves { tenant.urls(endpoint) } else { Vec::new() };
        let made_for =
            protocol::Call { method: Method::POST.as_str(), urls: &urls, access_token: None };
        let proof = match dpop::read(app, tenant, call, headers, made_for)? {
            Some(proof) => Some(Box::new(dpop::accept(app, tenant, client, &proof).await?)),
            None => None,
        };
        let certificate = call.certificate.as_ref().map(|it| it.thumbprint().into());
        Ok(Self { certificate, proof })
    }

    /// To what the tokens of `application` are bound. A proof always binds, a certificate those of
    /// who registered for it or is held to a profile.
    ///
    /// # Errors
    /// It registered to show what it did not show.
    pub fn confirmation(&self, application: &Application) -> Result<Confirmation, Reason> {
        let proof_key = self.key().map(Into::into);
        let confirmation = Confirmation { certificate: self.certificate(application), proof_key };
        confirmation.check_for(application)?;
        Ok(confirmation)
    }

    /// What a request is bound to while it waits: the key that its tokens will need (RFC 9449
    /// §10); with push also the certificate, because nobody comes for the tokens.
    ///
    /// # Errors
    /// The request names another key than the proof; or what is pushed could not be bound as the
    /// application registered.
    pub fn of_request(
        &self,
        request: &Request,
        application: &Application,
    ) -> Result<Confirmation, Reason> {
        let proof_key = match (request.dpop_jkt.as_deref(), self.key()) {
            (Some(named), Some(shown)) if named != shown => return Err(Reason::DpopKeyOther),
            (named, shown) => named.or(shown).map(Into::into),
        };
        match application.ciba.delivery_mode {
            DeliveryMode::Poll | DeliveryMode::Ping => {
                Ok(Confirmation { certificate: None, proof_key })
            }
            DeliveryMode::Push => {
                let certificate = self.certificate(application);
                let confirmation = Confirmation { certificate, proof_key };
                confirmation.check_for(application)?;
                Ok(confirmation)
            }
        }
    }

    fn certificate(&self, application: &Application) -> Option<Box<str>> {
        self.certificate.clone().filter(|_| application.binds_certificates())
    }

    /// The thumbprint of the key of its proof.
    pub fn key(&self) -> Option<&str> {
        self.proof.as_ref().map(|proof| proof.key.as_ref())
    }

    /// The change that remembers the proof with what is done for it.
    pub fn spend(&self) -> Option<Change> {
        self.proof.as_ref().and_then(|proof| proof.spend())
    }
}
