//! From a name to addresses.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

/// Look-ups at once. The system's cannot be called off: one that hangs keeps a thread, and its
/// place here, until the system gives up.
const LOOKUPS_MAX: usize = 64;

/// Where addresses of names come from.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// Every address of `name`.
    ///
    /// # Errors
    /// There is none, or nobody says.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub struct SystemResolver(Arc<Semaphore>);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOKUPS_MAX)))
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(io::Error::other)?;
        let name = name.to_owned();
        // The place is given back when the look-up ends, not when nobody waits for it any more.
        let lookup = tokio::spawn(async move {
            let found = tokio::net::lookup_host((name, 443)).await?;
            let addresses = found.map(|address| address.ip()).collect();
            drop(place);
            Ok(addresses)
        });
        lookup.await.map_err(io::Error::other)?
    }
}
