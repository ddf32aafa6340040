//! What became of a delivery that was taken: which playbook matched, and what runs.
//!
//! It is read a moment after it is taken, so it is asked about until there is an answer, and not
//! for ever.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::cli::Room;
use crate::cli::answers::Failure;
use crate::cli::detections::verdict_in_words;
use crate::cli::server::{Server, cell};

/// Most detections that are followed at once; of a storm the newest are.
const FOLLOWED_MAX: usize = 16;
/// How often each is asked about.
const ASKED_MAX: u8 = 30;

/// Detections nobody has told about yet, and how often each was asked about.
#[derive(Default)]
pub(super) struct Followed(VecDeque<(String, u8)>);

impl Followed {
    /// Follows what this delivery became, where it was taken for the first time.
    pub(super) fn add(&mut self, line: &Value) {
        let taken = line.get("verdict").and_then(Value::as_str) == Some("taken");
        let detection = line.get("detection").and_then(Value::as_str);
        let Some(detection) = detection.filter(|_| taken) else {
            return;
        };
        if self.0.len() == FOLLOWED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((detection.to_owned(), 0));
    }

    /// Asks about each, and tells what is known by now.
    pub(super) async fn look(&mut self, room: &mut Room, server: &Server) -> Result<(), Failure> {
        for (detection, asked) in std::mem::take(&mut self.0) {
            let known: Value = server.get(&format!("/v1/detections/{detection}")).await?;
            if known.get("state").and_then(Value::as_str) != Some("received") {
                tell(room, &detection, &known);
            } else if asked < ASKED_MAX {
                self.0.push_back((detection, asked + 1));
            }
        }
        Ok(())
    }
}

fn tell(room: &mut Room, detection: &str, known: &Value) {
    let list = |name: &str| {
        known
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    if room.terminal.wants_json() {
        let decided = |one: &Value| json!({ "entity": one["entity"], "decided": one["verdict"] });
        let decisions: Vec<_> = list("decisions").map(decided).collect();
        let run = |one: &Value| json!({ "id": one["id"], "playbook": one["playbook"] });
        let runs: Vec<_> = list("runs").map(run).collect();
        room.terminal.json(&json!({
            "detection": detection, "state": known["state"], "why": known["why"],
            "decisions": decisions, "runs": runs,
        }));
        return;
    }
    let mut lines: Vec<_> = list("decisions").map(verdict_in_words).collect();
    lines.extend(list("runs").map(|run| format!("run {}", cell(run, "id"))));
    if lines.is_empty() {
        lines.push(format!("{}: {}", cell(known, "state"), cell(known, "why")));
    }
    for line in lines {
        room.terminal
            .line(&format!("            {detection}  {line}"));
    }
}
