//! Where what we hand on goes: a file, a table, a webhook.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::domain::moment::Moment;
use crate::pager::{Way, Webhook};
use crate::sentinel::Table;

/// How much of a file's end is looked at.
const TAIL_MAX: u64 = 8 * 1024 * 1024;

/// Where it goes.
#[derive(Clone, Debug)]
pub enum Place {
    /// A file of one JSON object a line.
    File(PathBuf),
    /// A table in a workspace.
    Table(Table),
    /// Anyone, by a webhook that we sign; one call for each.
    Webhook(Webhook, Way),
}

/// One thing to hand on.
pub(super) struct Item {
    /// The record it is about, or ends with.
    pub(super) number: i64,
    /// As a line of a file.
    pub(super) line: Value,
    /// As a row of a table.
    pub(super) row: Value,
}

impl Place {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Table(_) => "table",
            Self::Webhook(..) => "webhook",
        }
    }

    /// Hands all of these on. After an error some may have arrived.
    pub(super) async fn take(&self, kind: &str, items: Vec<Item>) -> Result<(), String> {
        match self {
            Self::File(path) => append(path, &items).await.map_err(said),
            Self::Table(table) => {
                let rows = items.into_iter().map(|item| item.row);
                table.add(rows.collect()).await.map_err(said)
            }
            Self::Webhook(webhook, way) => {
                for item in items {
                    let id = format!("{kind}-{}", item.number);
                    let at = way.clock.now();
                    let body = body(kind, at, &item.line);
                    webhook.tell(way, &id, body).await.map_err(said)?;
                }
                Ok(())
            }
        }
    }
}

fn body(kind: &str, at: Moment, line: &Value) -> Bytes {
    let body = json!({ "type": format!("record.{kind}"), "timestamp": at, "data": line });
    body.to_string().into()
}

pub(super) fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Adds whole lines; they are on disk when it answers.
async fn append(path: &Path, items: &[Item]) -> std::io::Result<()> {
    let mut text = String::new();
    for item in items {
        text.push_str(&item.line.to_string());
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

/// The last whole line; half a line, which a crash left, is cut off.
pub(super) async fn last_in(path: &Path) -> std::io::Result<Option<Value>> {
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
    Ok(last.and_then(|line| serde_json::from_slice(line).ok()))
}
