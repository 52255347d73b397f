//! Under which name an application knows people: one that all applications know, or one that only
//! those of its sector know (OIDC Core §8, CIBA §4).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::application::Application;
use crate::ciba::delivery::DeliveryMode;

/// `subject_type` (OIDC Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubjectType {
    /// One `sub` for all applications.
    #[default]
    Public,
    /// Another `sub` in each sector.
    Pairwise,
}

impl SubjectType {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Pairwise];

    /// The name in metadata.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}

/// Why an application cannot have the sector that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectorFault {
    /// `sector_identifier_uri` has nothing of the application to list.
    NothingToList,
    /// Nothing that it registered names a sector.
    Nowhere,
    /// It does not show that the keys at its `jwks_uri` are its own.
    KeysNotProven,
}

impl Application {
    /// What it registered.
    pub const fn subject_type(&self) -> SubjectType {
        if self.sector.is_some() { SubjectType::Pairwise } else { SubjectType::Public }
    }

    /// What the document at its `sector_identifier_uri` has to list: what of its
    /// registration stands in the place of redirect URIs.
    pub fn address_in_sector(&self) -> Option<&str> {
        match self.ciba.delivery_mode {
            DeliveryMode::Poll | DeliveryMode::Ping => self.jwks_url.as_deref(),
            DeliveryMode::Push => self.ciba.notification_endpoint.as_deref(),
        }
    }

    /// The application as one that knows people by names of this type. Whether the document at its
    /// `sector_identifier_uri` lists what it has to is seen elsewhere.
    ///
    /// # Errors
    /// It registered nothing that names a sector, or nothing that shows that it belongs there.
    pub fn knowing_people_as(self, wanted: SubjectType) -> Result<Self, SectorFault> {
        let address = self.address_in_sector();
        if self.sector_identifier_uri.is_some() && address.is_none() {
            return Err(SectorFault::NothingToList);
        }
        let sector = match wanted {
            SubjectType::Public => None,
            SubjectType::Pairwise => {
                let named = self.sector_identifier_uri.as_deref().or(address);
                let sector = named.and_then(host).ok_or(SectorFault::Nowhere)?;
                // What is pushed reaches the address itself; who polls could name any.
                let proven =
                    self.ciba.delivery_mode == DeliveryMode::Push || self.auth_method.needs_keys();
                if !proven {
                    return Err(SectorFault::KeysNotProven);
                }
                Some(sector)
            }
        };
        Ok(Self { sector, ..self })
    }
}

fn host(url: &str) -> Option<Box<str>> {
    Url::parse(url).ok()?.host_str().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::TokenEndpointAuthMethod as Method;
    use crate::id::ApplicationId;
    use crate::testing;

    const KEYS: Option<&str> = Some("https://keys.Example.com:8443/jwks");
    const CALLBACK: Option<&str> = Some("https://shop.example.com/callback");
    const DOCUMENT: Option<&str> = Some("https://sector.example.com/uris.json");

    fn check(
        (mode, method): (DeliveryMode, Method),
        (jwks, callback, document): (Option<&str>, Option<&str>, Option<&str>),
    ) -> Result<String, SectorFault> {
        let mut application = testing::application(ApplicationId::NIL);
        application.auth_method = method;
        application.jwks_url = jwks.map(str::to_owned);
        application.ciba.delivery_mode = mode;
        application.ciba.notification_endpoint = callback.map(str::to_owned);
        application.sector_identifier_uri = document.map(str::to_owned);
        let made = application.knowing_people_as(SubjectType::Pairwise)?;
        assert_eq!(made.subject_type(), SubjectType::Pairwise);
        Ok(made.sector.unwrap().into())
    }

    #[test]
    fn a_sector_comes_from_what_the_client_shows_to_be_its_own() {
        use DeliveryMode::{Ping, Poll, Push};
        use Method::{ClientSecretBasic as Secret, PrivateKeyJwt as Signs};
        let keys = Ok("keys.example.com");
        let sector = Ok("sector.example.com");
        for (how, what, expected) in [
            ((Poll, Signs), (KEYS, None, None), keys),
            ((Ping, Signs), (KEYS, CALLBACK, None), keys),
            ((Poll, Signs), (KEYS, None, DOCUMENT), sector),
            ((Ping, Signs), (KEYS, CALLBACK, DOCUMENT), sector),
            ((Push, Signs), (KEYS, CALLBACK, None), Ok("shop.example.com")),
            ((Push, Secret), (None, CALLBACK, None), Ok("shop.example.com")),
            ((Push, Secret), (None, CALLBACK, DOCUMENT), sector),
            ((Poll, Secret), (KEYS, None, None), Err(SectorFault::KeysNotProven)),
            ((Poll, Secret), (KEYS, None, DOCUMENT), Err(SectorFault::KeysNotProven)),
            ((Ping, Secret), (KEYS, CALLBACK, None), Err(SectorFault::KeysNotProven)),
            ((Poll, Signs), (None, None, None), Err(SectorFault::Nowhere)),
            ((Ping, Secret), (None, CALLBACK, None), Err(SectorFault::Nowhere)),
            ((Poll, Signs), (None, None, DOCUMENT), Err(SectorFault::NothingToList)),
        ] {
            let told = format!("{how:?} {what:?}");
            assert_eq!(check(how, what), expected.map(str::to_owned), "{told}");
        }
    }

    #[test]
    fn who_wants_no_sector_has_none_but_a_document_still_has_to_list_something() {
        let mut application = testing::application(ApplicationId::NIL);
        application.sector = Some("old.example.com".into());
        application.jwks_url = KEYS.map(str::to_owned);
        application.sector_identifier_uri = DOCUMENT.map(str::to_owned);
        let public = application.clone().knowing_people_as(SubjectType::Public).unwrap();
        assert_eq!((public.subject_type(), public.sector), (SubjectType::Public, None));
        application.jwks_url = None;
        let refused = application.knowing_people_as(SubjectType::Public).map(drop);
        assert_eq!(refused, Err(SectorFault::NothingToList));
    }
}
