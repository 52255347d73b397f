//! One attempt: call the receiver, write down what became of it.

use assent_protocol::ciba::notification::{CALL_MAX, Delivery, Met, Notification};
use assent_protocol::record::{Stored, Versioned, Write};
use assent_protocol::time::Timestamp;
use assent_store::Outcome;

use crate::app::App;
use crate::call::Call;
use crate::delivery::outbox::Landing;
use crate::delivery::seals;
use crate::failure::Broken;
use crate::outbound::{CallFault, Errand};

/// Sends what was taken from the outbox. What becomes of it is durable or, when that fails, is
/// found again once the claim has run out: at least once (F-34).
pub async fn send(app: &App, taken: Versioned<Notification>) {
    let mut flight = app.outbox.flight(&taken.record);
    match attempt(app, &taken.record).await {
        Ok((met, random)) => {
            let now = app.clock.now();
            // Whoever answers is there, whatever it answers.
            let answers = !matches!(met, Met::Failed(_));
            flight.landing = Some(Landing { answers, at: now, random });
            drop(flight);
            remember(app, &taken, &met, (now, random)).await;
        }
        Err(broken) => {
            let env = taken.record.env;
            tracing::error!(%env, error = %broken, "a notification could not be sent");
        }
    }
}

async fn attempt(app: &App, notification: &Notification) -> Result<(Met, u32), Broken> {
    let random = u32::from_be_bytes(app.entropy.octets()?);
    let Some(tenant) = app.tenant(notification.env).await? else {
        return Ok((Met::Refused(String::from("the environment is gone")), random));
    };
    let credentials = seals::open_credentials(&tenant, notification)?;
    let body = seals::body(&tenant, notification, &credentials)?;
    let errand = Errand::Post { bearer: credentials.token, body };
    let rules = &tenant.environment.outbound;
    let call = app.outbound.call(rules, &notification.endpoint, errand);
    let limit = std::time::Duration::from_millis(CALL_MAX.as_millis());
    let met = match tokio::time::timeout(limit, call).await {
        Ok(Ok(reply)) => Met::status(reply.status.as_u16()),
        Ok(Err(fault @ CallFault::Forbidden(_))) => Met::Refused(fault.to_string()),
        Ok(Err(fault @ (CallFault::Failed(_) | CallFault::TimedOut))) => {
            Met::Failed(fault.to_string())
        }
        Err(_) => Met::Failed(CallFault::TimedOut.to_string()),
    };
    Ok((met, random))
}

/// Writes down what an attempt met with, unless somebody else has the notification now.
async fn remember(
    app: &App,
    taken: &Versioned<Notification>,
    met: &Met,
    (now, random): (Timestamp, u32),
) {
    let notification = &taken.record;
    let next = notification.after(met, now, random);
    let write = match &next {
        None => Write::Delete(notification.key(), taken.version),
        Some(next) => Write::replace(next.clone(), taken.version),
    };
    let (env, application) = (notification.env, notification.application);
    app.outbox.count(met);
    let call = Call { now, ..Call::by_server(app) };
    match app.commit(&call, vec![write]).await {
        Ok(Outcome::Done) => tell(app, next.as_ref(), met),
        Ok(Outcome::Lost(_)) => {
            tracing::info!(%env, %application, "a notification was somebody else's meanwhile");
        }
        Err(error) => {
            tracing::warn!(%env, %application, %error, "what became of a notification is not known");
        }
    }
}

fn tell(app: &App, next: Option<&Notification>, met: &Met) {
    let (Some(next), Met::Refused(why) | Met::Failed(why)) = (next, met) else { return };
    let (env, application, attempts) = (next.env, next.application, next.attempts);
    match next.state {
        Delivery::Dead { .. } => {
            app.outbox.count_dead();
            tracing::warn!(%env, %application, attempts, why, "a notification is given up");
        }
        Delivery::Armed | Delivery::Due => {
            tracing::info!(%env, %application, attempts, why, "a notification failed");
        }
    }
}
