//! Calls to other servers, over real sockets and real TLS.

mod certificates;
mod forbidden;
mod hostile;
mod rebinding;
mod settings;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use assent_protocol::secret::Secret;
use assent_server::outbound::resolve::Resolve;
use assent_server::outbound::{Errand, Internet};
use async_trait::async_trait;

/// A resolver that says what the function says.
struct Names<F>(F);

#[async_trait]
impl<F: Fn(&str) -> Vec<IpAddr> + Send + Sync> Resolve for Names<F> {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((self.0)(name))
    }
}

/// The Internet, if names were what the function says.
fn internet(names: impl Fn(&str) -> Vec<IpAddr> + Send + Sync + 'static) -> Internet {
    Internet::new(Arc::new(Names(names)))
}

fn post() -> Errand {
    let bearer = Secret::new(String::from("token-of-the-client"));
    Errand::Post { bearer, body: Secret::new(String::from("{\"auth_req_id\":\"x\"}")) }
}

const fn get(bytes_max: usize) -> Errand {
    Errand::Get { bytes_max }
}
