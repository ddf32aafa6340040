//! The record handed on as it grows: to a file, to a table, each at its own pace, from where it
//! stood before a restart.
//!
//! A crash between handing on and noting it hands the same lines on again; each carries its seal as
//! `metadata.uid`, which finds the repeat. The file finds it by itself: its last line says how far
//! it came.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use super::ocsf::event;
use crate::clock::Clock;
use crate::domain::detection::Detection;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::record::{Record, SealedLine};
use crate::sentinel::{Error as Refusal, Table};
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
/// How much of the file's end is looked at.
const TAIL_MAX: u64 = 8 * 1024 * 1024;

/// Where the record goes.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file of one event a line.
    File(PathBuf),
    /// A table in a workspace.
    Table(Table),
}

/// What hands it on.
#[derive(Clone)]
pub struct Ship {
    /// The record.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Where to.
    pub place: Place,
}

/// Hands the record on until told to stop.
pub async fn ship_loop(ship: Ship, stop: CancellationToken) {
    let mut failures = 0;
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
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
    const fn name(&self) -> &'static str {
        match self.place {
            Place::File(_) => "ocsf.file",
            Place::Table(_) => "ocsf.table",
        }
    }

    async fn some(&self) -> Result<Came, String> {
        let noted = self.store.shipped(self.name()).await.map_err(said)?;
        let after = match &self.place {
            Place::File(path) => noted.max(last_in(path).await.map_err(said)?),
            Place::Table(_) => noted,
        };
        let lines = self.store.sealed_lines(after, RECORDS_MAX).await;
        let lines = lines.map_err(said)?;
        let mut events = Vec::new();
        let (mut bytes, mut last) = (0, after);
        for line in &lines {
            let event = self.event(line).await.map_err(said)?;
            let size = event.to_string().len();
            if bytes + size > BYTES_MAX && !events.is_empty() {
                break;
            }
            bytes += size;
            last = line.number;
            events.push(event);
        }
        if events.is_empty() {
            return Ok(Came::ToTheEnd);
        }
        match &self.place {
            Place::File(path) => append(path, &events).await.map_err(said)?,
            Place::Table(table) => add(table, events).await.map_err(said)?,
        }
        let now = self.clock.now();
        let noted = self.store.note_shipped(self.name(), last, now).await;
        noted.map_err(said)?;
        Ok(Came::Further)
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
        tracing::warn!("{name}: the record could not be handed on, trying again: {why}");
        if failures < TOLERATED {
            return;
        }
        let now = self.clock.now();
        let text = format!(
            "{name}: the record is no longer handed on: {why}. Nothing is lost: it is kept here until then."
        );
        let notice = self
            .store
            .notice(now, Urgency::Page, format!("ship {name}"), text);
        if let Err(error) = self.store.remind(notice, now.minus(REMIND_EVERY)).await {
            tracing::warn!(%error, "that it is not handed on could not be told");
        }
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

async fn add(table: &Table, events: Vec<Value>) -> Result<(), Refusal> {
    let lines = events.into_iter().map(|event| {
        let at = event["time"].as_i64().unwrap_or_default();
        json!({
            "TimeGenerated": Moment::from_millis(at),
            "Number": event["metadata"]["sequence"],
            "ClassUid": event["class_uid"],
            "EventUid": event["metadata"]["uid"],
            "Event": event,
        })
    });
    table.add(lines.collect()).await
}

/// Adds whole lines; they are on disk when it answers.
async fn append(path: &Path, events: &[Value]) -> std::io::Result<()> {
    let mut text = String::new();
    for event in events {
        text.push_str(&event.to_string());
        text.push('\n');
    }
    let mut file = opened(path).await?;
    file.seek(std::io::SeekFrom::End(0)).await?;
    file.write_all(text.as_bytes()).await?;
    file.sync_all().await
}

async fn opened(path: &Path) -> std::io::Result<tokio::fs::File> {
    let mut options = tokio::fs::OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    file.mode(0o600).open(path).await
}

/// The number of the last whole line; half a line, which a crash left, is cut off.
async fn last_in(path: &Path) -> std::io::Result<i64> {
    let mut file = opened(path).await?;
    let length = file.metadata().await?.len();
    let from = length.saturating_sub(TAIL_MAX);
    file.seek(std::io::SeekFrom::Start(from)).await?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).await?;
    let whole = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if whole < tail.len() {
        file.set_len(from + whole as u64).await?;
        file.sync_all().await?;
    }
    let mut lines = tail[..whole].split(|byte| *byte == b'\n');
    let last = lines.rfind(|line| !line.is_empty());
    let event: Option<Value> = last.and_then(|line| serde_json::from_slice(line).ok());
    let number = event.and_then(|event| event["metadata"]["sequence"].as_i64());
    Ok(number.unwrap_or(0))
}
