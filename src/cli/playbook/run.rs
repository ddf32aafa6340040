//! `estop playbook run`: a person calls a playbook, and sees what was decided.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::{Reach, RunPlaybookArgs};
use super::super::exit::Exit;
use super::super::server::{Server, cell};
use super::super::wait::{Pause, pause};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::DetectionId;

/// How often the server is asked what was decided.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How long.
const ASK_FOR: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Called {
    detection: DetectionId,
}

#[derive(Deserialize)]
struct Shown {
    state: DeliveryState,
    why: Option<String>,
    decisions: Vec<Value>,
    runs: Vec<Value>,
}

pub(super) async fn run(room: &mut Room, reach: &Reach, args: RunPlaybookArgs) -> Answer {
    let server = room.server(reach)?;
    let mut params = serde_json::Map::new();
    for (name, value) in args.params {
        params.insert(name, Value::String(value));
    }
    let body = json!({ "entities": args.entities, "params": params, "reason": args.reason });
    let path = format!("/v1/playbooks/{}/runs", args.name);
    let called: Called = server.post(&path, &body).await?;
    let Some(shown) = decided(room, &server, called.detection).await? else {
        room.terminal.say(&format!(
            "not decided yet; see: estop detections show {}",
            called.detection
        ));
        return Ok(Exit::Unknown);
    };
    tell(room, called.detection, &shown)
}

/// Waits until it was decided; `None` when it takes too long.
async fn decided(
    room: &mut Room,
    server: &Server,
    id: DetectionId,
) -> Result<Option<Shown>, Failure> {
    let begun = room.clock.elapsed();
    loop {
        let shown: Shown = server.get(&format!("/v1/detections/{id}")).await?;
        match shown.state {
            DeliveryState::Received => {}
            DeliveryState::Read => return Ok(Some(shown)),
            DeliveryState::Ignored | DeliveryState::Quarantined => {
                let why = shown.why.unwrap_or_default();
                return Err(Failure::new(
                    Exit::Failed,
                    format!("{id} was set aside: {why}"),
                ));
            }
        }
        let late = room.clock.elapsed().saturating_sub(begun) >= ASK_FOR;
        if late || pause(room, ASK_EVERY).await == Pause::Interrupted {
            return Ok(None);
        }
    }
}

fn tell(room: &mut Room, id: DetectionId, shown: &Shown) -> Answer {
    let terminal = &mut room.terminal;
    if terminal.wants_json() {
        let told = json!({
            "detection": id, "decisions": shown.decisions, "runs": shown.runs,
        });
        terminal.json(&told);
    } else {
        for decision in &shown.decisions {
            let (entity, verdict) = (&decision["entity"], &decision["verdict"]);
            terminal.line(&format!(
                "{} {}  {}",
                cell(entity, "kind"),
                cell(entity, "id"),
                cell(verdict, "verdict")
            ));
        }
        for run in &shown.runs {
            terminal.line(&format!("{}  {}", cell(run, "id"), cell(run, "state")));
        }
        terminal.say(&format!("next: estop detections show {id}"));
    }
    Ok(if shown.runs.is_empty() {
        Exit::Failed
    } else {
        Exit::Done
    })
}
