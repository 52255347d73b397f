//! Names of tables, and the number by which a kind is known in the change log.

use assent_protocol::record::Kind;

use crate::kinds::is_catalogue;

/// The table of a kind. Of authentications it is the whole, whose parts are partitions.
pub const fn name(kind: Kind) -> &'static str {
    match kind {
        // Words of SQL.
        Kind::User => "user_",
        Kind::Grant => "grant_",
        _ => kind.name(),
    }
}

/// Whether other nodes need to hear of a change: they keep such records in memory, or somebody
/// there waits for it.
pub const fn is_heard(kind: Kind) -> bool {
    is_catalogue(kind) || matches!(kind, Kind::Authentication)
}

/// The number of a kind in the change log; never reused.
pub const fn number(kind: Kind) -> i16 {
    match kind {
        Kind::Environment => 1,
        Kind::Application => 2,
        Kind::Resource => 3,
        Kind::User => 4,
        Kind::Login => 5,
        Kind::Device => 6,
        Kind::Credential => 7,
        Kind::Pairing => 8,
        Kind::Administrator => 9,
        Kind::SigningKey => 10,
        Kind::Authentication => 11,
        Kind::SpentAssertion => 12,
        Kind::Grant => 13,
        Kind::Notification => 14,
        Kind::Revocation => 15,
        Kind::DetailsType => 16,
        Kind::InitialAccessToken => 17,
        Kind::AuditEntry => 18,
        Kind::AuditLink => 19,
        Kind::AuditHead => 20,
    }
}

/// The kind of a number; `None` for one that a newer release added.
pub fn of_number(wanted: i16) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| number(*kind) == wanted)
}
