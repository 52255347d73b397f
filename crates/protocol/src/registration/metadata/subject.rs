//! Under which name a client wants to know people (OIDC Core §8, CIBA §4).

use serde_json::{Map, Value};

use super::{text, url};
use crate::application::{Application, SectorFault, SubjectType};
use crate::reason::Reason;

/// Reads `subject_type` and `sector_identifier_uri` into an application that is complete but for
/// them.
///
/// # Errors
/// The type is unknown, or nothing that the client registered gives it a sector.
pub fn read(members: &Map<String, Value>, application: Application) -> Result<Application, Reason> {
    let wrong = Reason::MetadataSubjectTypeNotOffered;
    let wanted = match text(members, "subject_type", wrong)? {
        None => SubjectType::Public,
        Some(name) => SubjectType::ALL.into_iter().find(|it| it.wire() == name).ok_or(wrong)?,
    };
    let document = url(members, "sector_identifier_uri", Reason::MetadataSectorDocumentWrong)?;
    let application = Application { sector_identifier_uri: document, ..application };
    application.knowing_people_as(wanted).map_err(|fault| match fault {
        SectorFault::NothingToList => Reason::MetadataSectorDocumentWrong,
        SectorFault::Nowhere | SectorFault::KeysNotProven => Reason::MetadataSectorWrong,
    })
}
