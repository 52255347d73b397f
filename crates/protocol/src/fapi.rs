//! The FAPI-CIBA profile: what an application that is held to it is and does beyond CIBA Core.
//!
//! - It authenticates with a key of its own: `private_key_jwt` or mutual TLS; an assertion
//!   counts once (`threats.md` D2).
//! - Its requests are signed and say what they are about: a `binding_message` or
//!   `authorization_details`.
//! - It is never pushed to.
//! - Signatures, its own and those for it, are PS256, ES256 or EdDSA.
//!
//! What is asked of a signed request is asked of everybody: see
//! [`crate::ciba::request_object`]. That its tokens are bound is looked at where they are made.

use std::sync::Arc;

use assent_jose::Algorithm;

use crate::application::{Application, CibaRegistration, TokenEndpointAuthMethod as Method};
use crate::ciba::delivery::DeliveryMode;
use crate::environment::{AssertionReplay, Profile};

/// What may be signed with (FAPI 1.0 Advanced §8.6; EdDSA as FAPI 2.0 §5.4.1 allows it).
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

impl Profile {
    /// Whether an application may sign, or be signed for, with this algorithm.
    pub fn allows(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Ciba => true,
            Self::FapiCiba => ALGORITHMS.contains(&algorithm),
        }
    }

    /// Whether an application may authenticate so.
    pub const fn allows_method(self, method: Method) -> bool {
        match self {
            Self::Ciba => true,
            // A secret of the client is no key of its own.
            Self::FapiCiba => !method.has_secret(),
        }
    }

    /// Whether outcomes may reach an application so.
    pub fn allows_mode(self, mode: DeliveryMode) -> bool {
        self == Self::Ciba || mode != DeliveryMode::Push
    }
}

/// The application as it is held in an environment of this profile: what the stricter of both
/// leaves no choice about is decided here, so that nobody has to ask who decided it.
pub fn held(application: Arc<Application>, environment: Profile) -> Arc<Application> {
    if application.profile == Profile::Ciba && environment == Profile::Ciba {
        return application;
    }
    let strict = |algorithm: Algorithm| {
        // RS256 keys sign nothing here; the environment has a key for each of ours.
        if Profile::FapiCiba.allows(algorithm) { algorithm } else { Algorithm::PS256 }
    };
    let it = application.as_ref();
    Arc::new(Application {
        profile: Profile::FapiCiba,
        assertion_replay: Some(AssertionReplay::SingleUse),
        token_signing_alg: strict(it.token_signing_alg),
        userinfo_signing_alg: it.userinfo_signing_alg.map(strict),
        introspection_signing_alg: it.introspection_signing_alg.map(strict),
        ciba: CibaRegistration { signed_request_required: true, ..it.ciba.clone() },
        ..it.clone()
    })
}

/// Why an application cannot be held to its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It authenticates with a secret.
    Method,
    /// Its assertions are signed with something else.
    AssertionAlgorithm,
    /// It is pushed to.
    DeliveryMode,
    /// It does not sign its requests, or with something else.
    RequestAlgorithm,
    /// Its tokens are signed with something else.
    TokenAlgorithm,
}

/// Whether `application` can work under `profile`: looked at when it is written, so that a mistake
/// shows there and not at the first payment. Applications of before are refused when they come.
///
/// # Errors
/// The first thing that stands against it.
pub fn check(application: &Application, environment: Profile) -> Result<(), Unfit> {
    if application.profile == Profile::Ciba && environment == Profile::Ciba {
        return Ok(());
    }
    let profile = Profile::FapiCiba;
    let allowed = |algorithm: Option<Algorithm>| algorithm.is_none_or(|it| profile.allows(it));
    if !profile.allows_method(application.auth_method) {
        return Err(Unfit::Method);
    }
    if !allowed(application.auth_signing_alg) {
        return Err(Unfit::AssertionAlgorithm);
    }
    if !profile.allows_mode(application.ciba.delivery_mode) {
        return Err(Unfit::DeliveryMode);
    }
    let signs = application.ciba.request_signing_alg.is_some();
    let asks = application.may_use(crate::application::GrantType::Ciba);
    if (asks && !signs) || !allowed(application.ciba.request_signing_alg) {
        return Err(Unfit::RequestAlgorithm);
    }
    let signed = [application.userinfo_signing_alg, application.introspection_signing_alg];
    if !signed.into_iter().all(allowed) {
        return Err(Unfit::TokenAlgorithm);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ApplicationId;
    use crate::testing;

    fn strict(change: impl FnOnce(&mut Application)) -> Application {
        let mut it = testing::application(ApplicationId::NIL);
        it.auth_method = Method::PrivateKeyJwt;
        it.ciba.request_signing_alg = Some(Algorithm::PS256);
        change(&mut it);
        it
    }

    #[test]
    fn what_cannot_work_under_the_profile_is_refused_when_it_is_written() {
        for (change, expected) in [
            ((|_| ()) as fn(&mut Application), Ok(())),
            (|it| it.auth_method = Method::TlsClientAuth, Ok(())),
            (|it| it.ciba.delivery_mode = DeliveryMode::Ping, Ok(())),
            (|it| it.auth_method = Method::ClientSecretJwt, Err(Unfit::Method)),
            (|it| it.auth_method = Method::ClientSecretBasic, Err(Unfit::Method)),
            (|it| it.auth_signing_alg = Some(Algorithm::RS256), Err(Unfit::AssertionAlgorithm)),
            (|it| it.auth_signing_alg = Some(Algorithm::ES384), Err(Unfit::AssertionAlgorithm)),
            (|it| it.ciba.delivery_mode = DeliveryMode::Push, Err(Unfit::DeliveryMode)),
            (|it| it.ciba.request_signing_alg = None, Err(Unfit::RequestAlgorithm)),
            (
                |it| it.ciba.request_signing_alg = Some(Algorithm::RS256),
                Err(Unfit::RequestAlgorithm),
            ),
            (|it| it.userinfo_signing_alg = Some(Algorithm::RS256), Err(Unfit::TokenAlgorithm)),
        ] {
            let application = strict(change);
            assert_eq!(check(&application, Profile::FapiCiba), expected, "{application:?}");
            assert_eq!(check(&application, Profile::Ciba), Ok(()), "nobody holds it to anything");
            let own = Application { profile: Profile::FapiCiba, ..application };
            assert_eq!(check(&own, Profile::Ciba), expected, "it is held to it alone");
        }
    }

    #[test]
    fn the_stricter_of_environment_and_application_decides() {
        let plain = Arc::new(strict(|it| it.token_signing_alg = Algorithm::RS256));
        let same = held(Arc::clone(&plain), Profile::Ciba);
        assert!(Arc::ptr_eq(&same, &plain));
        let own = Application { profile: Profile::FapiCiba, ..plain.as_ref().clone() };
        for it in [held(plain, Profile::FapiCiba), held(Arc::new(own), Profile::Ciba)] {
            assert_eq!(it.profile, Profile::FapiCiba);
            assert_eq!(it.token_signing_alg, Algorithm::PS256);
            assert_eq!(it.assertion_replay, Some(AssertionReplay::SingleUse));
            assert!(it.ciba.signed_request_required);
        }
    }
}
