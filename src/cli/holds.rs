//! `estop holds`: what is contained, by whose word, until when, and whether it still is.

use serde::Deserialize;
use serde_json::Value;

use super::Room;
use super::answers::Answer;
use super::args::{HoldsCommand, Reach};
use super::exit::Exit;
use super::server::{Server, query};
use super::table;
use super::terminal::Terminal;
use crate::domain::hold::{Drift, Held, Hold};
use crate::domain::playbook::HoldThen;

#[derive(Deserialize)]
struct Listed {
    holds: Vec<Held>,
}

pub(super) async fn holds(room: &mut Room, reach: &Reach, command: HoldsCommand) -> Answer {
    let server = room.server(reach)?;
    match command {
        HoldsCommand::List { run, after, limit } => {
            let (limit, run) = (limit.to_string(), run.map(|run| run.to_string()));
            let after = after.map(|id| id.to_string());
            let mut pairs = vec![("limit", limit.as_str())];
            pairs.extend(run.iter().map(|run| ("run", run.as_str())));
            pairs.extend(after.iter().map(|id| ("cursor", id.as_str())));
            list(room, &server, &query(&pairs)).await
        }
        HoldsCommand::Show { id } => {
            let held: Held = server.get(&format!("/v1/holds/{id}")).await?;
            if room.terminal.wants_json() {
                room.terminal.json(&held);
            } else {
                tell(&mut room.terminal, &held);
            }
            Ok(Exit::Done)
        }
    }
}

async fn list(room: &mut Room, server: &Server, query: &str) -> Answer {
    let path = format!("/v1/holds?{query}");
    if room.terminal.wants_json() {
        let listed: Value = server.get(&path).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Listed = server.get(&path).await?;
    let rows: Vec<Vec<String>> = listed.holds.iter().flat_map(rows).collect();
    let heading = [
        "KIND", "ENTITY", "STATE", "SINCE", "RUN", "UNTIL", "THEN", "DRIFT",
    ];
    table::write(&mut room.terminal, &heading, &rows, "nothing is held");
    Ok(Exit::Done)
}

/// One row for each hold, so that nothing is hidden behind another run.
fn rows(held: &Held) -> Vec<Vec<String>> {
    let row = |hold: &Hold| {
        vec![
            held.entity.kind.to_string(),
            held.entity.id.to_string(),
            held.state.word().to_owned(),
            held.since.to_string(),
            hold.run.to_string(),
            until(hold),
            then(hold).to_owned(),
            held.drift.first().map_or("-".to_owned(), drifted),
        ]
    };
    held.holds.iter().map(row).collect()
}

fn until(hold: &Hold) -> String {
    let until = hold.until.filter(|_| hold.over_at.is_none());
    until.map_or("released by a person".to_owned(), |until| until.to_string())
}

fn then(hold: &Hold) -> &'static str {
    match hold.then.filter(|_| hold.over_at.is_none()) {
        Some(HoldThen::Ask) => "people are asked",
        Some(HoldThen::Undo) => "it is put back",
        Some(HoldThen::Keep) => "it stays",
        None => "-",
    }
}

fn drifted(drift: &Drift) -> String {
    let over = if drift.over_at.is_some() {
        ", over"
    } else {
        ""
    };
    let (what, answer) = (drift.what.word(), drift.answer.word());
    format!("{what}: {answer}{over}").replace('_', " ")
}

/// A held entity as people read it: its holds, then what differed.
pub(super) fn tell(terminal: &mut Terminal, held: &Held) {
    let state = held.state.word().to_uppercase();
    terminal.line(&format!("{state}  {}  since {}", held.entity, held.since));
    for line in lines(held) {
        terminal.line(&line);
    }
}

/// Its holds and its drift, without the entity's own line.
pub(super) fn lines(held: &Held) -> Vec<String> {
    let mut lines: Vec<String> = held
        .holds
        .iter()
        .map(|hold| {
            let end = format!("until {}, then: {}", until(hold), then(hold));
            format!("  held by {}  {end}", hold.run)
        })
        .collect();
    lines.extend(held.drift.iter().map(|drift| {
        let about = if drift.about.is_empty() {
            String::new()
        } else {
            format!(" ({})", drift.about)
        };
        let what = drift.what.words();
        format!(
            "  drift {}  {what}{about}: {}",
            drift.seen_at,
            drifted(drift)
        )
    }));
    lines
}
