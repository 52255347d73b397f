//! What goes wrong in a store. There is no way from here to a refusal: an outage is never told
//! to a client as a state of the protocol.

/// The store failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be used right now and may recover.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// More is asked of it than it takes; try again.
    #[error("the store has too many commits waiting")]
    Overloaded,
    /// An earlier write may not have reached the disk; only a restart can tell (F-07).
    #[error("the store is closed after a failed write; restart the server")]
    Fenced,
    /// It holds something that it cannot have written.
    #[error("the store holds a damaged record: {0}")]
    Corrupt(&'static str),
}

/// Why not everything could be read out.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] crate::OpenFault),
    /// What was read could not be put where it should go.
    #[error("cannot write what was read: {0}")]
    Sink(#[from] std::io::Error),
}
