//! The paths of the ingest listener, and what stands behind them.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use url::Url;

use crate::clock::Clock;
use crate::domain::callback::CallbackHosts;
use crate::domain::delivery::Delivery;
use crate::domain::id::{DeliveryId, DetectionId};
use crate::signature::TicketKey;
use crate::store::Store;
use crate::traces::Traces;
use crate::triage::Ahead;

use super::hearing::Hearing;
use super::quota::Quotas;
use super::refuse::OnRefusal;
use super::sources::Sources;
use super::tally::Tally;
use super::{receive, status};

/// Called with a new delivery after it is stored: a hint that there is work. Whoever loses it loses
/// nothing.
pub type Wake = Arc<dyn Fn(Delivery) + Send + Sync>;

/// Everything the door needs. The roof builds it.
pub struct Door {
    /// Who may send.
    pub sources: Sources,
    /// How much they may send.
    pub quotas: Quotas,
    /// Whose time signatures are held against.
    pub clock: Clock,
    /// Where deliveries go.
    pub store: Store,
    /// Makes the last part of a status address.
    pub tickets: TicketKey,
    /// What addresses we give away begin with.
    pub public_url: Url,
    /// Whom we may call back.
    pub callback_hosts: CallbackHosts,
    /// Who decides at once, where somebody does.
    pub ahead: Option<Ahead>,
    /// Whom to wake for the others.
    pub wake: Wake,
    /// Whom to tell that a configured source is refused.
    pub on_refusal: OnRefusal,
    /// What was said so far; shared with whoever shows it.
    pub tally: Arc<Tally>,
    /// What was heard lately; shared with whoever shows it.
    pub hearing: Arc<Hearing>,
    /// How long it took.
    pub traces: Traces,
}

/// `POST /v1/ingest/{source}` and `GET /v1/detections/{id}/status/{ticket}`, whose last part may be
/// left away by who brings its source's credential. Nothing else.
pub fn router(door: Door) -> Router {
    Router::new()
        .route("/v1/ingest/{source}", post(receive::receive))
        .route("/v1/detections/{id}/status", get(status::show))
        .route("/v1/detections/{id}/status/{ticket}", get(status::show))
        .with_state(Arc::new(door))
}

impl Door {
    /// The status address of a delivery: always the same, and from the configuration only, so
    /// that a forged `Host` sends nobody elsewhere.
    pub(super) fn status_url(&self, id: DeliveryId) -> String {
        let ticket = self.tickets.ticket(id);
        let id = DetectionId::from(id);
        format!("{}/v1/detections/{id}/status/{ticket}", self.public_base())
    }

    /// The console's page about a detection.
    pub(super) fn page_url(&self, id: DeliveryId) -> String {
        format!("{}/d/{}", self.public_base(), DetectionId::from(id))
    }

    fn public_base(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }
}

/// Whether the query holds this pair. Others are passed over: a sender's proxy may add its own.
pub(super) fn asks(query: Option<&str>, pair: &str) -> bool {
    query.is_some_and(|query| query.split('&').any(|part| part == pair))
}
