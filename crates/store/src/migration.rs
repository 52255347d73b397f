//! What a step of a schema is, whichever backend it belongs to.

/// One step of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its place; the schema's number is the highest that was applied.
    pub number: i64,
    /// What it is about.
    pub name: &'static str,
    /// Its statements.
    pub sql: &'static str,
    /// Nodes that know at least this schema may run after it; of no use where one process has
    /// the store for itself.
    pub(crate) compatible_from: i64,
}
