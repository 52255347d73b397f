//! How the outcome reaches the client (CIBA §5): a property of the registration, never of a
//! request.

use serde::{Deserialize, Serialize};

/// A `backchannel_token_delivery_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryMode {
    /// The client asks the token endpoint.
    #[default]
    Poll,
    /// The client is told that there is an outcome, and asks the token endpoint.
    Ping,
    /// The client is sent the outcome.
    Push,
}

impl DeliveryMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Poll, Self::Ping, Self::Push];

    /// The spelling in metadata (CIBA §4).
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Ping => "ping",
            Self::Push => "push",
        }
    }

    /// Whether the client is called back.
    pub const fn notifies(self) -> bool {
        matches!(self, Self::Ping | Self::Push)
    }

    /// Whether it is the mode that needs no word in a record.
    pub fn is_poll(&self) -> bool {
        *self == Self::Poll
    }
}
