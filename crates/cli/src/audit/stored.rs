//! The log of a store, as it was at one moment, whether or not a server runs on it.

use assent_protocol::audit::chain::{Head, Link};
use assent_protocol::environment::Environment;
use assent_protocol::record::{Kind, Record};
use std::sync::Arc;

use anyhow::Result;

use crate::serve;
use crate::store::Location;

/// Something of the log.
pub enum Part {
    /// An environment, which holds the key of its log.
    Environment(Arc<Environment>),
    /// Where a chain ends; all of them come before the first link.
    Head(Arc<Head>),
    /// The next link of a chain.
    Link(Arc<Link>),
    /// An entry that waits for its place.
    Waiting,
}

/// In this order, so that links can be followed while they are read.
const KINDS: [Kind; 4] = [Kind::Environment, Kind::AuditHead, Kind::AuditLink, Kind::AuditEntry];

/// Hands every part to `take`.
pub fn read(
    location: &Location,
    take: &mut (dyn FnMut(Part) -> std::io::Result<()> + Send),
) -> Result<()> {
    let mut sink = |record: Record| {
        let part = match record {
            Record::Environment(it) => Part::Environment(it),
            Record::AuditHead(it) => Part::Head(it),
            Record::AuditLink(it) => Part::Link(it),
            Record::AuditEntry(_) => Part::Waiting,
            // No other kind is asked for.
            _ => return Ok(()),
        };
        take(part)
    };
    serve::runtime()?.block_on(location.export_kinds(&KINDS, &mut sink))?;
    Ok(())
}

/// Hands every head to `take`.
pub fn read_heads(location: &Location, take: &mut (dyn FnMut(&Head) + Send)) -> Result<()> {
    let mut sink = |record: Record| {
        if let Record::AuditHead(head) = record {
            take(&head);
        }
        Ok(())
    };
    serve::runtime()?.block_on(location.export_kinds(&[Kind::AuditHead], &mut sink))?;
    Ok(())
}
