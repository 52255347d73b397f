//! What both backends need to know of a kind of record.

use assent_protocol::record::Kind;

/// Whether records of a kind are read often enough to be kept in memory, however long they live.
pub const fn is_catalogue(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Environment
            | Kind::Application
            | Kind::Resource
            | Kind::User
            | Kind::Device
            | Kind::Credential
            | Kind::Administrator
            | Kind::DetailsType
    )
}

/// Whether rows of a kind say when they may be removed, one by one.
pub const fn expires(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Pairing
            | Kind::SpentAssertion
            | Kind::Grant
            | Kind::Notification
            | Kind::Revocation
            | Kind::InitialAccessToken
    )
}

/// Whether rows of a kind say when something is to be done about them.
pub const fn is_due(kind: Kind) -> bool {
    matches!(kind, Kind::Notification)
}
