//! A synthetic detection through the whole path: the door, its check, the store, triage. It is the
//! proof that the next real one would be read, and it never acts.
//!
//! It comes in like any sender's, signed with a source's own key. Triage stands down for its type
//! before any playbook is weighed, whatever the source may ask for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::clock::Clock;
use crate::domain::delivery::DeliveryState;
use crate::domain::detection::{DetectionType, SourceName};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::playbook::ServiceMode;
use crate::signature::{Secret, header, sign};
use crate::store::{Error, Store};
use crate::telemetry::Metrics;
use crate::transport::{Request, Transport};

/// Longest time from the door to its reading.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked whether it was read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Beats that may fail before a person is told: a restart costs one.
const FAILURES_MAX: u32 = 2;
/// An agent that is nobody's.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// How the heart beats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartTerms {
    /// Whose path it comes by.
    pub source: SourceName,
    /// Where the door is.
    pub to: Url,
    /// From beat to beat.
    pub every: Duration,
}

/// What a beat needs.
#[derive(Clone)]
pub struct Heart {
    /// Where it must arrive.
    pub store: Store,
    /// Time and chance.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The way to the door.
    pub transport: Transport,
    /// The key it is signed with.
    pub key: Arc<Secret>,
    /// How it beats.
    pub terms: HeartTerms,
}

/// Beats until told to stop.
pub async fn heart_loop(heart: Heart, stop: CancellationToken) {
    let beating = async {
        let (mut last_good, mut failures) = (heart.clock.now(), 0);
        loop {
            heart.clock.sleep(heart.terms.every).await;
            match heart.beat().await {
                Ok(()) => (last_good, failures) = (heart.clock.now(), 0),
                Err(why) => {
                    failures += 1;
                    tracing::warn!("a synthetic detection did not come through: {why}");
                    if failures >= FAILURES_MAX
                        && let Err(error) = heart.complain(last_good, &why).await
                    {
                        tracing::warn!(%error, "nobody could be told of it");
                    }
                }
            }
        }
    };
    let _ = stop.run_until_cancelled(beating).await;
}

impl Heart {
    /// One beat. An error says how far it came. A service that is off reads nothing, and is not
    /// asked to.
    pub async fn beat(&self) -> Result<(), String> {
        let standing = self.store.standing().await.map_err(|it| it.to_string())?;
        if standing.mode == Some(ServiceMode::Off) {
            return Ok(());
        }
        let through = self.through().await;
        let sources = &self.metrics.sources;
        let outcome = if through.is_ok() { "good" } else { "failed" };
        Metrics::count(&sources.heartbeats, outcome);
        if through.is_ok() {
            sources.beat(self.clock.now().as_seconds());
        }
        through
    }

    async fn through(&self) -> Result<(), String> {
        let answer = self.transport.send(self.request()?).await;
        let answer = answer.map_err(|failure| format!("the door was not reached: {failure}"))?;
        let said: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let id = said["id"].as_str().and_then(|id| id.parse().ok());
        let Some(id): Option<DetectionId> = id else {
            return Err(format!("the door answered {}", answer.status()));
        };
        self.until_read(DeliveryId::from_uuid(id.uuid())).await
    }

    async fn until_read(&self, id: DeliveryId) -> Result<(), String> {
        let until = self.clock.now().plus(READ_WITHIN);
        loop {
            let status = self.store.status_of(id).await;
            let status = status.map_err(|error| format!("the store did not answer: {error}"))?;
            match status.map(|it| it.delivery_state) {
                Some(DeliveryState::Read) => return Ok(()),
                Some(state @ (DeliveryState::Ignored | DeliveryState::Quarantined)) => {
                    return Err(format!("{id} is {}", state.word()));
                }
                Some(DeliveryState::Received) | None if self.clock.now() >= until => {
                    return Err(format!("{id} was taken and is not read"));
                }
                Some(DeliveryState::Received) | None => self.clock.sleep(LOOK_EVERY).await,
            }
        }
    }

    fn request(&self) -> Result<Request, String> {
        let now = self.clock.now();
        let id = format!("heartbeat_{}", self.clock.uuid().simple());
        let body = json!({
            "type": DetectionType::HEARTBEAT, "severity": "informational", "detection_id": id,
            "detected_at": now, "entities": [{ "kind": "agent", "id": NOBODY }],
        })
        .to_string();
        let base = self.terms.to.as_str().trim_end_matches('/');
        http::Request::post(format!("{base}/v1/ingest/{}", self.terms.source))
            .header(CONTENT_TYPE, "application/json")
            .header(header::ID, &id)
            .header(header::TIMESTAMP, now.as_seconds())
            .header(
                header::SIGNATURE,
                sign(&self.key, &id, now.as_seconds(), body.as_bytes()),
            )
            .body(Bytes::from(body))
            .map_err(|error| format!("no request can be made of `heartbeat.to`: {error}"))
    }

    /// Told once for each time it stops.
    async fn complain(&self, last_good: Moment, why: &str) -> Result<(), Error> {
        let notice = self.store.notice(
            self.clock.now(),
            Urgency::Page,
            format!("heartbeat {last_good}"),
            format!(
                "Synthetic detections do not come through since {last_good}: {why}. A real one would \
                 not either. See: estop doctor"
            ),
        );
        self.store.tell_once(notice).await
    }
}
