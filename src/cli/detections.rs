//! `estop detections`: list, show, replay.

use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{DetectionsCommand, Reach};
use super::exit::Exit;
use super::server::{cell, query};
use super::table;
use super::terminal::Terminal;

pub(super) async fn detections(
    room: &mut Room,
    reach: &Reach,
    command: DetectionsCommand,
) -> Answer {
    let server = room.server(reach)?;
    match command {
        DetectionsCommand::List { state, limit } => {
            let limit = limit.to_string();
            let mut pairs = vec![("limit", limit.as_str())];
            pairs.extend(state.as_deref().map(|state| ("state", state)));
            let path = format!("/v1/detections?{}", query(&pairs));
            list(&mut room.terminal, &server.get(&path).await?);
        }
        DetectionsCommand::Show { id } => {
            let path = format!("/v1/detections/{}", plain(&id)?);
            show(&mut room.terminal, &server.get(&path).await?);
        }
        DetectionsCommand::Replay { id } => {
            let path = format!("/v1/detections/{}/replay", plain(&id)?);
            let said: Value = server.post(&path, &json!({})).await?;
            if room.terminal.wants_json() {
                room.terminal.json(&said);
            } else {
                let id = cell(&said, "delivery");
                room.terminal.line(&format!("{id} is read again"));
            }
        }
    }
    Ok(Exit::Done)
}

/// An id goes into a path, so it may hold nothing else.
fn plain(id: &str) -> Result<&str, Failure> {
    let fits = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits && !id.is_empty() {
        return Ok(id);
    }
    Err(Failure::usage("a detection is named det_... or dlv_..."))
}

fn list(terminal: &mut Terminal, said: &Value) {
    if terminal.wants_json() {
        terminal.json(said);
        return;
    }
    let listed = said.get("detections").and_then(Value::as_array);
    let names = [
        "delivery",
        "state",
        "type",
        "severity",
        "source",
        "received_at",
        "why",
    ];
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .flatten()
        .map(|row| names.iter().map(|name| cell(row, name)).collect())
        .collect();
    let heading = [
        "DELIVERY", "STATE", "TYPE", "SEVERITY", "SOURCE", "RECEIVED", "WHY",
    ];
    table::write(terminal, &heading, &rows, "no detections");
}

fn show(terminal: &mut Terminal, said: &Value) {
    if terminal.wants_json() {
        terminal.json(said);
        return;
    }
    terminal.line(&format!(
        "{}  {}",
        cell(said, "delivery"),
        cell(said, "state")
    ));
    if let Some(why) = said.get("why").and_then(Value::as_str) {
        terminal.line(&format!("  why: {why}"));
    }
    if let Some(detection) = said.get("detection").filter(|it| it.is_object()) {
        for name in [
            "detection_type",
            "severity",
            "source",
            "detected_at",
            "received_at",
        ] {
            terminal.line(&format!("  {name:<15} {}", cell(detection, name)));
        }
    }
    for decision in said
        .get("decisions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        decided(terminal, decision);
    }
    for run in said
        .get("runs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        terminal.line(&format!(
            "  run {}  {}",
            cell(run, "id"),
            cell(run, "state")
        ));
    }
}

/// What was decided for one entity, and every playbook that was weighed.
fn decided(terminal: &mut Terminal, decision: &Value) {
    terminal.line(&format!("  {}", verdict_in_words(decision)));
    let weighed = decision.get("considered").and_then(Value::as_array);
    for considered in weighed.into_iter().flatten() {
        let matched = considered.get("matched") == Some(&Value::Bool(true));
        let word = if matched { "matched" } else { "not matched" };
        let why = match considered.get("why_not").and_then(Value::as_str) {
            Some(why) => format!(": {why}"),
            None => String::new(),
        };
        terminal.line(&format!("    {} {word}{why}", cell(considered, "playbook")));
        for line in clauses(considered) {
            terminal.line(&line);
        }
    }
}

/// Whom a decision is about, what follows, by which playbook, and why.
pub(super) fn verdict_in_words(decision: &Value) -> String {
    let nothing = Value::Null;
    let entity = decision.get("entity").unwrap_or(&nothing);
    let verdict = decision.get("verdict").unwrap_or(&nothing);
    let playbook = match verdict.get("playbook").and_then(Value::as_str) {
        Some(playbook) => format!(" by {playbook}"),
        None => String::new(),
    };
    let because = match verdict.get("because") {
        None | Some(Value::Null) => String::new(),
        Some(_) => format!(", because {}", cell(verdict, "because")),
    };
    format!(
        "{} {}: {}{playbook}{because}",
        cell(entity, "kind"),
        cell(entity, "id"),
        cell(verdict, "verdict"),
    )
}

/// What each clause came to, and what lowered the mode of a playbook that matched.
pub(super) fn clauses(considered: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for list in ["when", "unless"] {
        let clauses = considered.get(list).and_then(Value::as_array);
        for clause in clauses.into_iter().flatten() {
            let because = match clause.get("because").and_then(Value::as_str) {
                Some(because) => format!("  ({because})"),
                None => String::new(),
            };
            lines.push(format!(
                "      {list} {}: {:<8} {}{because}",
                cell(clause, "name"),
                cell(clause, "truth"),
                cell(clause, "text"),
            ));
        }
    }
    if let Some(held) = considered.get("held_back").filter(|held| !held.is_null()) {
        let word = cell(held, "held_back").replace('_', " ");
        lines.push(format!("      held back: {word}"));
    }
    lines
}
