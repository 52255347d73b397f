//! What can be told.

use serde::{Deserialize, Serialize};

/// An act, as the log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Act {
    /// A client asked that a person be asked.
    RequestBegun,
    /// The person said yes to everything.
    RequestApproved,
    /// The person said yes to a part of it.
    RequestPartlyApproved,
    /// The person said no, or the request was ended for them.
    RequestDenied,
    /// Nobody answered in time, and the client was told.
    RequestExpired,
    /// The client took it back.
    RequestWithdrawn,
    /// "This was not me": the application may not ask this person again.
    PromptReported,
    /// The tokens of an approved request were handed out.
    TokensRedeemed,
    /// The person said yes, and the tokens were sent.
    TokensPushed,
    /// New tokens for an old grant.
    TokensRefreshed,
    /// Tokens for the application itself.
    TokensIssued,
    /// A refresh token came back that was used before: its family is over.
    RefreshTokenReused,
    /// All tokens of a grant are worth nothing any more.
    GrantRevoked,
    /// An access token is worth nothing any more.
    TokenRevoked,
    /// The `user_code` was wrong, or too many were before.
    UserCodeRefused,
    /// A device was paired, or a browser signed in.
    DevicePaired,
    /// A device was removed by its person, or a browser signed out.
    DeviceRemoved,
    /// A client registered itself.
    ClientRegistered,
    /// A client changed its own registration.
    ClientChanged,
    /// A client removed its own registration.
    ClientRemoved,
    /// The management API made something.
    ObjectCreated,
    /// The management API changed something.
    ObjectChanged,
    /// The management API removed something.
    ObjectRemoved,
    /// The management API showed a secret.
    SecretRead,
    /// A signing key was made and published.
    SigningKeyPublished,
    /// A signing key was removed.
    SigningKeyRemoved,
    /// What a client was to be told cannot be delivered.
    NotificationGivenUp,
    /// The store was set back to an older state.
    EpochBegan,
    /// Something was refused, and nothing else happened.
    Refused,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 29] = [
        Self::RequestBegun,
        Self::RequestApproved,
        Self::RequestPartlyApproved,
        Self::RequestDenied,
        Self::RequestExpired,
        Self::RequestWithdrawn,
        Self::PromptReported,
        Self::TokensRedeemed,
        Self::TokensPushed,
        Self::TokensRefreshed,
        Self::TokensIssued,
        Self::RefreshTokenReused,
        Self::GrantRevoked,
        Self::TokenRevoked,
        Self::UserCodeRefused,
        Self::DevicePaired,
        Self::DeviceRemoved,
        Self::ClientRegistered,
        Self::ClientChanged,
        Self::ClientRemoved,
        Self::ObjectCreated,
        Self::ObjectChanged,
        Self::ObjectRemoved,
        Self::SecretRead,
        Self::SigningKeyPublished,
        Self::SigningKeyRemoved,
        Self::NotificationGivenUp,
        Self::EpochBegan,
        Self::Refused,
    ];

    /// The act of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let name = serde_json::Value::String(name.to_owned());
        serde_json::from_value(name).ok()
    }
}
