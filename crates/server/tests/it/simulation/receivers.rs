//! The receivers of pings and pushes: what is on its way may be late, refused or lost, and whoever
//! took it may not be able to say so.

use std::sync::Arc;

use assent_protocol::environment::OutboundSettings;
use assent_server::outbound::{CallFault, Errand, Outbound, Reply};
use async_trait::async_trait;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;

use crate::simulation::executor;
use crate::simulation::scene::Scene;

/// What came to a receiver.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub url: String,
    pub bearer: String,
    pub json: Value,
    /// Whether the receiver keeps it.
    pub taken: bool,
}

/// All receivers of a simulation.
pub struct Receivers {
    scene: Arc<Scene>,
    /// The planted defect.
    loses: bool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    arrived: Vec<Arrival>,
    healed: bool,
}

/// What becomes of a call.
#[derive(Clone, Copy)]
enum Fate {
    /// It arrives and is answered so.
    Answered(StatusCode),
    /// It arrives and is taken, but that is not heard.
    AnswerLost,
    /// It does not arrive.
    Unreachable,
    /// It must not be sent there.
    Forbidden,
}

const FATES: [Fate; 12] = [
    Fate::Answered(StatusCode::NO_CONTENT),
    Fate::Answered(StatusCode::NO_CONTENT),
    Fate::Answered(StatusCode::NO_CONTENT),
    Fate::Answered(StatusCode::OK),
    Fate::Answered(StatusCode::SERVICE_UNAVAILABLE),
    Fate::Answered(StatusCode::TOO_MANY_REQUESTS),
    Fate::Answered(StatusCode::UNAUTHORIZED),
    Fate::Answered(StatusCode::FOUND),
    Fate::AnswerLost,
    Fate::Unreachable,
    Fate::Unreachable,
    Fate::Forbidden,
];

impl Receivers {
    /// The receivers of this scene.
    pub fn new(scene: &Arc<Scene>, loses: bool) -> Self {
        Self { scene: Arc::clone(scene), loses, inner: Mutex::default() }
    }

    /// What came since it was asked last.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.inner.lock().arrived)
    }

    /// Everything arrives and is taken from now on.
    pub fn heal(&self) {
        self.inner.lock().healed = true;
    }

    fn fate(&self) -> Fate {
        if self.inner.lock().healed { FATES[0] } else { self.scene.chance.lock().pick(&FATES) }
    }

    async fn dawdle(&self) {
        let times = self.scene.chance.lock().below(3);
        executor::pause(times).await;
    }

    fn arrive(&self, url: &str, (bearer, json): (&str, Value), taken: bool) {
        let (url, bearer) = (url.to_owned(), bearer.to_owned());
        let taken = taken && !self.loses;
        self.inner.lock().arrived.push(Arrival { url, bearer, json, taken });
    }
}

#[async_trait]
impl Outbound for Receivers {
    async fn call(
        &self,
        _: &OutboundSettings,
        url: &str,
        errand: Errand,
    ) -> Result<Reply, CallFault> {
        let Errand::Post { bearer, body } = errand else {
            return Err(CallFault::Forbidden("nobody is asked for documents here"));
        };
        let json = serde_json::from_str(body.expose()).unwrap_or_default();
        self.dawdle().await;
        let fate = self.fate();
        match fate {
            Fate::Answered(status) => {
                self.arrive(url, (bearer.expose(), json), status.is_success());
                self.dawdle().await;
                Ok(Reply { status, body: Vec::new() })
            }
            Fate::AnswerLost => {
                self.arrive(url, (bearer.expose(), json), true);
                self.dawdle().await;
                Err(CallFault::TimedOut)
            }
            Fate::Unreachable => Err(CallFault::Failed(String::from("nobody is there"))),
            Fate::Forbidden => Err(CallFault::Forbidden("chance has it so")),
        }
    }
}
