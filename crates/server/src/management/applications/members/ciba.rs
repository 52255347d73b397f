//! What may be said about an application's CIBA registration (CIBA §4).

use assent_jose::Algorithm;
use assent_protocol::application::{CibaRegistration, NumberMatching};
use assent_protocol::ciba::delivery::DeliveryMode;
use assent_protocol::environment::LONG_POLL_MAX;
use assent_protocol::time::Seconds;

use crate::management::detail::{Detail, DetailCode};
use crate::management::fields::Fields;
use crate::outbound;

/// Longest URL that is called, in characters.
pub const URL_CHARS_MAX: usize = 2048;
const TYPES_MAX: usize = 20;
const TYPE_CHARS_MAX: usize = 128;
const MATCHINGS: [NumberMatching; 3] =
    [NumberMatching::None, NumberMatching::SelectNumber, NumberMatching::EnterManually];

/// The object `ciba`; kept as it is unless given, because PingOne's API does not know it.
pub fn read(fields: &mut Fields, kept: CibaRegistration) -> CibaRegistration {
    let Some(mut inner) = fields.object("ciba") else { return kept };
    let registration = CibaRegistration {
        delivery_mode: inner.choice("deliveryMode", &DeliveryMode::ALL).unwrap_or_default(),
        notification_endpoint: read_url(&mut inner, "notificationEndpoint"),
        request_signing_alg: inner.choice("requestSigningAlg", &Algorithm::ASYMMETRIC),
        signed_request_required: inner.flag("signedRequestRequired").unwrap_or(false),
        user_code: inner.flag("userCode").unwrap_or(false),
        conceal_unknown_user: inner.flag("concealUnknownUser").unwrap_or(false),
        long_poll: inner
            .number("longPoll", &(0..=LONG_POLL_MAX.get()))
            .map_or_else(Seconds::default, Seconds::new),
        number_matching: inner.choice("numberMatching", &MATCHINGS).unwrap_or_default(),
        authorization_details_types: read_types(&mut inner),
    };
    if registration.delivery_mode.notifies() && registration.notification_endpoint.is_none() {
        //
        inner.required::<()>("notificationEndpoint", None, ());
    }
    if registration.signed_request_required && registration.request_signing_alg.is_none() {
        inner.required::<()>("requestSigningAlg", None, ());
    }
    fields.absorb(inner);
    registration
}

/// A URL that the server may call.
pub fn read_url(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.text(name, URL_CHARS_MAX)?;
    match outbound::check_url(&text) {
        Ok(_) => Some(text),
        Err(refused) => {
            let message = format!("{name} is refused: {refused}");
            fields.refuse(Detail::invalid(&fields.target(name), message));
            None
        }
    }
}

fn read_types(fields: &mut Fields) -> Vec<String> {
    let name = "authorizationDetailsTypes";
    let mut types = Vec::new();
    for value in fields.list(name, TYPES_MAX).unwrap_or_default() {
        match value.as_str().filter(|it| !it.is_empty() && it.len() <= TYPE_CHARS_MAX) {
            Some(it) if types.iter().any(|known| known == it) => {}
            Some(it) => types.push(it.to_owned()),
            None => {
                let message = "authorizationDetailsTypes must be names of types";
                let target = fields.target(name);
                fields.refuse(Detail::new(DetailCode::InvalidValue, Some(&target), message));
                break;
            }
        }
    }
    types
}
