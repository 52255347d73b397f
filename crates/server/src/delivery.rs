//! Ping and push: what a client is told without asking (CIBA §10.2, §10.3).
//!
//! 1. [`arm`] rides in the commit that begins a request: endpoint and token as they are then.
//! 2. [`tell`] rides in the commit of a decision, or of expiry: what is sent, and the claim of this
//!    node to send it. Only after that commit it is offered to the [`outbox`].
//! 3. [`run`] takes what is in the outbox, and [`sends`](send) it to its receiver.
//! 4. What is due and was claimed by nobody, or by a node that is gone, [`look`] finds in the
//!    store: retries, requests that expired, and what is to be given up.
//!
//! Nothing depends on the outbox: it is memory of one node, and what it loses is found again.

pub mod look;
pub mod outbox;
pub mod run;
pub mod seals;
pub mod send;

use assent_protocol::application::{Application, GrantType};
use assent_protocol::ciba::authentication::{Approval, Authentication, State};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::ciba::notification::{Delivery, Notification, PushedTokens, Receiver};
use assent_protocol::decision::Change;
use assent_protocol::id::EnvironmentId;
use assent_protocol::keys::NotificationPart;
use assent_protocol::reason::Reason;
use assent_protocol::record::{Key, Lane, Stored, Versioned, Write};
use assent_protocol::secret::{Digest, Purpose, Secret};
use assent_protocol::time::Seconds;

use crate::app::App;
use crate::call::Call;
use crate::delivery::seals::Credentials;
use crate::failure::Failure;
use crate::oauth::issue::{self, Consent};
use crate::outbound;
use crate::registry::Tenant;

/// What is committed together with a decision so that the client hears of it.
pub struct Told {
    /// What becomes of the request: what was decided, except that what is pushed is redeemed.
    pub state: State,
    /// What rides in the same commit.
    pub changes: Vec<Change>,
    /// Why a yes came to nothing, if it did: what the person hears, too.
    pub refused: Option<Reason>,
    /// What this node sends once that commit is done.
    pub claimed: Option<Versioned<Notification>>,
}

impl Told {
    const fn nothing(state: State) -> Self {
        Self { state, changes: Vec::new(), refused: None, claimed: None }
    }
}

/// Readies the notification of a new request, in the commit that begins it; `None` when the
/// client polls.
///
/// # Errors
/// The application has no address that could be called, or gave no token; or a fault.
pub fn arm(
    app: &App,
    tenant: &Tenant,
    application: &Application,
    authentication: &Authentication,
    auth_req_id: &Secret,
    client_notification_token: Option<&Secret>,
) -> Result<Option<Change>, Failure> {
    if !authentication.delivery.notifies() {
        return Ok(None);
    }
    let token = client_notification_token.ok_or(Reason::NotificationTokenMissing)?.clone();
    let endpoint = application.ciba.notification_endpoint.as_deref();
    let endpoint = endpoint.ok_or(Reason::DeliveryModeNotOffered)?;
    let lane = lane(tenant.id(), endpoint).ok_or(Reason::DeliveryModeNotOffered)?;
    let credentials = Credentials { auth_req_id: auth_req_id.clone(), token };
    let plain = credentials.render();
    let sealed = tenant.keys.seal_notification(
        NotificationPart::Credentials,
        authentication.auth_req_id,
        plain.expose().as_bytes(),
        app.entropy.octets()?,
    )?;
    let to = Receiver { endpoint, lane };
    let armed = Notification::armed(authentication, to, sealed);
    Ok(Some(Change::new(Write::insert(armed), Reason::AuthReqIdUnknown)))
}

/// Whatever goes to one server of one environment shares a lane.
fn lane(env: EnvironmentId, endpoint: &str) -> Option<Lane> {
    let origin = outbound::check_url(endpoint).ok()?.origin().ascii_serialization();
    let digest = Digest::of(Purpose::NotificationEndpoint, env, origin.as_bytes());
    digest.as_bytes().first_chunk().map(|octets| Lane(i64::from_be_bytes(*octets)))
}

/// What an outcome means for the client of the request.
///
/// # Errors
/// A fault; nothing was used up.
pub async fn tell(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    found: &Versioned<Authentication>,
    state: State,
) -> Result<Told, Failure> {
    let about = &found.record;
    if !about.delivery.notifies() {
        return Ok(Told::nothing(state));
    }
    let key = Key::notification(about.env(), about.auth_req_id);
    let armed = app.store.find::<Notification>(&key).await?;
    let Some(armed) = armed.filter(|it| it.record.state == Delivery::Armed) else {
        return Ok(Told::nothing(state));
    };
    match about.delivery {
        DeliveryMode::Poll => Ok(Told::nothing(state)),
        DeliveryMode::Ping => Ok(claim(&armed, armed.record.told(None, None, call.now), state)),
        DeliveryMode::Push => push(app, tenant, call, (about, &armed), state).await,
    }
}

fn claim(armed: &Versioned<Notification>, told: Notification, state: State) -> Told {
    let record = std::sync::Arc::new(told);
    let write = Write::Replace(Notification::wrap(record.clone()), armed.version);
    let changes = vec![Change::new(write, Reason::RequestDecided)];
    let claimed = Versioned { record, version: armed.version + 1 };
    Told { state, changes, refused: None, claimed: Some(claimed) }
}

/// A push carries the outcome itself, so tokens are made now and the request is over with them.
async fn push(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (about, armed): (&Authentication, &Versioned<Notification>),
    state: State,
) -> Result<Told, Failure> {
    let credentials = seals::open_credentials(tenant, &armed.record)?;
    let auth_req_id = credentials.auth_req_id.expose();
    let approved = match &state {
        State::Approved(approval) => {
            tokens(app, tenant, call, (about, approval), auth_req_id).await?
        }
        State::Expired { .. } => Err(Reason::AuthReqIdExpired),
        State::Pending
        | State::Denied { .. }
        | State::Redeemed { .. }
        | State::Withdrawn { .. } => Err(Reason::EndUserDenied),
    };
    let (payload, tokens, grant) = match &approved {
        Ok(made) => (made.payload.clone(), Some(made.tokens), made.grant.clone()),
        Err(reason) => (seals::render_refusal(auth_req_id, *reason, call)?, None, None),
    };
    let (state, refused) = match (state, approved) {
        (State::Approved(_), Ok(_)) => (State::Redeemed { at: call.now }, None),
        (State::Approved(_), Err(reason)) => (State::Denied { at: call.now }, Some(reason)),
        (state, _) => (state, None),
    };
    let salt = app.entropy.octets()?;
    let part = NotificationPart::Payload;
    let plain = payload.expose().as_bytes();
    let sealed = tenant.keys.seal_notification(part, about.auth_req_id, plain, salt)?;
    let mut told = claim(armed, armed.record.told(Some(sealed), tokens, call.now), state);
    told.changes.extend(grant);
    Ok(Told { refused, ..told })
}

struct Made {
    payload: Secret,
    tokens: PushedTokens,
    grant: Option<Change>,
}

/// The tokens of an approved request. Person and application are looked at again (T-27, T-28).
async fn tokens(
    app: &App,
    tenant: &Tenant,
    call: &Call,
    (about, approval): (&Authentication, &Approval),
    auth_req_id: &str,
) -> Result<Result<Made, Reason>, Failure> {
    let key = Key::application(tenant.id(), about.application);
    let application = app.store.find::<Application>(&key).await?.map(|found| found.record);
    let usable = application.filter(|it| it.enabled && it.may_use(GrantType::Ciba));
    let Some(application) = usable else {
        return Ok(Err(Reason::TransactionFailed));
    };
    let approved = (about.inbox.user, approval.at);
    let person = issue::usable_person(app, tenant, &application, approved).await?;
    let Some(person) = person else {
        return Ok(Err(Reason::EndUserGone));
    };
    let grant = app.entropy.id(call.now)?;
    let consent = Consent::new(grant, &application, about, approval, &person)?;
    let consent = Consent { pushed: Some(auth_req_id), ..consent };
    // What it registered for since then cannot be made up for.
    if consent.bound_to.check_for(&application).is_err() {
        return Ok(Err(Reason::TransactionFailed));
    }
    let first = match issue::first(app, tenant, call, &application, &consent).await {
        Ok(first) => first,
        Err(Failure::Refused(reason) | Failure::Wait(reason, _)) => {
            let correlation = call.correlation.as_str();
            tracing::info!(correlation, ?reason, "approved, but no tokens can be pushed");
            return Ok(Err(Reason::TransactionFailed));
        }
        Err(Failure::Broken(broken)) => return Err(broken.into()),
    };
    let lifetime = Seconds::new(first.response.expires_in);
    let tokens = PushedTokens { grant: consent.grant, lifetime };
    let payload = seals::render_tokens(auth_req_id, &first.response)?;
    Ok(Ok(Made { payload, tokens, grant: first.grant }))
}
