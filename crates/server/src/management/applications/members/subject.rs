//! What may be said about how an application knows people (OIDC Core §8). Ours: PingOne's API does
//! not know it, so what is not given is kept.

use assent_protocol::application::{Application, SectorFault, SubjectType};

use crate::management::applications::members::ciba::read_url;
use crate::management::detail::{Detail, DetailCode};
use crate::management::fields::Fields;

/// The member that names a document.
pub const DOCUMENT: &str = "sectorIdentifierUri";
const TYPE: &str = "subjectType";

/// The type and the document.
pub fn read(fields: &mut Fields, kept: &Application) -> (SubjectType, Option<String>) {
    let wanted = fields.choice(TYPE, &SubjectType::ALL).unwrap_or(kept.subject_type());
    let document = if fields.is_given(DOCUMENT) {
        read_url(fields, DOCUMENT)
    } else {
        kept.sector_identifier_uri.clone()
    };
    (wanted, document)
}

/// Which member is wrong when there is no sector.
pub fn describe(fault: SectorFault) -> Detail {
    let constraint =
        |target, message| Detail::new(DetailCode::ConstraintViolation, Some(target), message);
    match fault {
        SectorFault::NothingToList => constraint(
            DOCUMENT,
            "sectorIdentifierUri needs a jwksUrl to list; with PUSH, a notificationEndpoint",
        ),
        SectorFault::Nowhere => {
            constraint(TYPE, "PAIRWISE needs a jwksUrl; with PUSH, a notificationEndpoint")
        }
        SectorFault::KeysNotProven => {
            constraint(TYPE, "PAIRWISE needs a client that authenticates with a key at its jwksUrl")
        }
    }
}
