//! The record and its anchors handed on as they grow: to a file, a table, a webhook, each at its own
//! pace, from where it stood before a restart.
//!
//! A crash between handing on and noting it hands the same lines on again; each carries its seal as
//! `metadata.uid`, which finds the repeat. The file finds it by itself: its last line says how far
//! it came.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ocsf::event;
use super::place::{Item, Place, last_in, said};
use crate::clock::Clock;
use crate::domain::anchor::Anchor;
use crate::domain::detection::Detection;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::record::{Record, SealedLine};
use crate::store::{Error, Store};

/// How often there may be something new.
const EVERY: Duration = Duration::from_secs(5);
/// Pause after a failure; it doubles.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// Failures in a row after which a person is told.
const TOLERATED: u32 = 10;
/// A person is reminded after this.
const REMIND_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Records handed on at once.
const RECORDS_MAX: u32 = 500;
/// Bytes handed on at once (Logs Ingestion API: 1 MB a call).
const BYTES_MAX: usize = 900 * 1024;

/// What is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The record, in OCSF's words.
    Record,
    /// Its signed heads.
    Anchors,
}

/// What hands it on.
#[derive(Clone)]
pub struct Ship {
    /// The record.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What of it.
    pub what: What,
    /// Where to.
    pub place: Place,
}

/// Hands the record on until told to stop.
pub async fn ship_loop(ship: Ship, stop: CancellationToken) {
    let mut failures = 0;
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = ship.clock.sleep(pause) => {}
        }
        match ship.some().await {
            Ok(Came::Further) => (failures, pause) = (0, Duration::ZERO),
            Ok(Came::ToTheEnd) => (failures, pause) = (0, EVERY),
            Err(why) => {
                failures += 1;
                pause = PAUSE.saturating_mul(1 << failures.min(6)).min(PAUSE_MAX);
                ship.complain(failures, &why).await;
            }
        }
    }
}

/// How far one round came.
enum Came {
    Further,
    ToTheEnd,
}

impl Ship {
    /// What the store calls it.
    pub fn name(&self) -> String {
        let what = match self.what {
            What::Record => "ocsf",
            What::Anchors => "anchors",
        };
        format!("{what}.{}", self.place.word())
    }

    async fn some(&self) -> Result<Came, String> {
        let name = self.name();
        let noted = self.store.shipped(name.clone()).await.map_err(said)?;
        let (kind, items) = match self.what {
            What::Record => ("event", self.events(noted).await?),
            What::Anchors => ("anchor", self.anchors(noted).await.map_err(said)?),
        };
        let Some(last) = items.last().map(|item| item.number) else {
            return Ok(Came::ToTheEnd);
        };
        self.place.take(kind, items).await?;
        let now = self.clock.now();
        let noted = self.store.note_shipped(name, last, now).await;
        noted.map_err(said)?;
        Ok(Came::Further)
    }

    async fn anchors(&self, after: i64) -> Result<Vec<Item>, Error> {
        let anchors = self.store.anchors(after, RECORDS_MAX).await?;
        let item = |anchor: &Anchor| {
            let line = json!(anchor);
            let mut row = line.clone();
            row["TimeGenerated"] = json!(anchor.at);
            Item {
                number: anchor.number,
                line,
                row,
            }
        };
        Ok(anchors.iter().map(item).collect())
    }

    /// As many as one call takes. A file knows by itself how far it came.
    async fn events(&self, noted: i64) -> Result<Vec<Item>, String> {
        let after = match &self.place {
            Place::File(path) => {
                let last = last_in(path).await.map_err(said)?;
                let last = last.and_then(|event| event["metadata"]["sequence"].as_i64());
                noted.max(last.unwrap_or(0))
            }
            Place::Table(_) | Place::Webhook(..) => noted,
        };
        let lines = self.store.sealed_lines(after, RECORDS_MAX).await;
        let mut items = Vec::new();
        let mut bytes = 0;
        for sealed in &lines.map_err(said)? {
            let line = self.event(sealed).await.map_err(said)?;
            let size = line.to_string().len();
            if bytes + size > BYTES_MAX && !items.is_empty() {
                break;
            }
            bytes += size;
            items.push(Item {
                number: sealed.number,
                row: row(&line),
                line,
            });
        }
        Ok(items)
    }

    async fn event(&self, line: &SealedLine) -> Result<Value, Error> {
        let record: Option<Record> = serde_json::from_str(&line.line).ok();
        let about = record.filter(|it| it.what == "detection.decided");
        let detection: Option<Detection> = match about.and_then(|it| it.detection) {
            Some(id) => self.store.detection(id).await?.map(|found| found.0),
            None => None,
        };
        Ok(event(line, detection.as_ref()))
    }

    async fn complain(&self, failures: u32, why: &str) {
        let name = self.name();
        tracing::warn!("{name}: it could not be handed on, trying again: {why}");
        if failures < TOLERATED {
            return;
        }
        let now = self.clock.now();
        let text = format!(
            "{name}: nothing is handed on any more: {why}. Nothing is lost: it is kept here until then."
        );
        let notice = self
            .store
            .notice(now, Urgency::Page, format!("ship {name}"), text);
        if let Err(error) = self.store.remind(notice, now.minus(REMIND_EVERY)).await {
            tracing::warn!(%error, "that it is not handed on could not be told");
        }
    }
}

fn row(event: &Value) -> Value {
    let at = event["time"].as_i64().unwrap_or_default();
    json!({
        "TimeGenerated": Moment::from_millis(at),
        "Number": event["metadata"]["sequence"],
        "ClassUid": event["class_uid"],
        "EventUid": event["metadata"]["uid"],
        "Event": event,
    })
}
