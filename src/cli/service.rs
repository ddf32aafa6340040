//! `estop mode`, `estop brake`, `estop status`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Room;
use super::answers::Answer;
use super::args::{BrakeCommand, ModeCommand, Reach};
use super::exit::Exit;
use super::server::{Server, cell};
use super::terminal::Terminal;
use crate::api::StandingShown;
use crate::domain::hold::Held;

#[derive(Deserialize)]
struct HeldShown {
    holds: Vec<Held>,
    next: Option<Value>,
}

pub(super) async fn mode(room: &mut Room, reach: &Reach, command: ModeCommand) -> Answer {
    let server = room.server(reach)?;
    if let ModeCommand::Set { mode, reason } = command {
        let body = json!({ "mode": mode, "reason": reason });
        let _: Value = server.put("/v1/mode", &body).await?;
    }
    let standing: StandingShown = server.get("/v1/mode").await?;
    if room.terminal.wants_json() {
        room.terminal.json(&standing);
    } else {
        mode_line(&mut room.terminal, &standing);
    }
    Ok(Exit::Done)
}

pub(super) async fn brake(room: &mut Room, reach: &Reach, command: BrakeCommand) -> Answer {
    let server = room.server(reach)?;
    let moved = match command {
        BrakeCommand::Status => None,
        BrakeCommand::Trip(word) => Some(("tripped", word.reason)),
        BrakeCommand::Reset(word) => Some(("reset", word.reason)),
    };
    if let Some((to, reason)) = moved {
        let body = json!({ "brake": to, "reason": reason });
        let _: Value = server.post("/v1/brake", &body).await?;
    }
    let standing: StandingShown = server.get("/v1/mode").await?;
    if room.terminal.wants_json() {
        room.terminal.json(&standing);
    } else {
        brake_line(&mut room.terminal, &standing);
    }
    Ok(Exit::Done)
}

/// Fit to act or not, and what is open.
pub(super) async fn status(room: &mut Room, reach: &Reach) -> Answer {
    let server = room.server(reach)?;
    let standing: StandingShown = server.get("/v1/mode").await?;
    let open = open_runs(&server).await?;
    let held: HeldShown = server.get("/v1/holds?limit=500").await?;
    let exit = match (&standing.not_ready, &standing.idle) {
        (None, None) => Exit::Done,
        (Some(_), _) | (_, Some(_)) => Exit::Failed,
    };
    if room.terminal.wants_json() {
        let said = json!({ "standing": standing, "open_runs": open, "holds": held.holds });
        room.terminal.json(&said);
        return Ok(exit);
    }
    mode_line(&mut room.terminal, &standing);
    brake_line(&mut room.terminal, &standing);
    let health = match &standing.not_ready {
        None => "ready".to_owned(),
        Some(why) => format!("NOT READY: {why}"),
    };
    room.terminal.line(&format!("health  {health}"));
    if let Some(why) = &standing.idle {
        room.terminal.line(&format!("work    NONE: {why}"));
    }
    holds_line(&mut room.terminal, &held);
    let open = open.as_array().map(Vec::as_slice).unwrap_or_default();
    room.terminal
        .line(&format!("open    {} run(s)", open.len()));
    for run in open {
        let (id, state) = (cell(run, "id"), cell(run, "state"));
        room.terminal.line(&format!("        {id}  {state}"));
    }
    Ok(exit)
}

async fn open_runs(server: &Server) -> Result<Value, super::answers::Failure> {
    let states = [
        "queued", "running", "waiting", "undoing", "unknown", "stuck",
    ];
    let query: Vec<String> = states
        .iter()
        .map(|state| format!("state={state}"))
        .collect();
    let mut said: Value = server
        .get(&format!("/v1/runs?limit=500&{}", query.join("&")))
        .await?;
    Ok(said.get_mut("runs").map(Value::take).unwrap_or_default())
}

/// How much is held, how much of it is open, and which end comes first.
fn holds_line(terminal: &mut Terminal, held: &HeldShown) {
    let adrift = |held: &&Held| held.drift.iter().any(|drift| drift.over_at.is_none());
    let ends = held.holds.iter().flat_map(|held| &held.holds);
    let next = ends
        .filter(|hold| hold.over_at.is_none())
        .filter_map(|hold| hold.until)
        .min();
    let next = next.map_or(String::new(), |next| format!(", the next ends at {next}"));
    let count = held.holds.len();
    let more = if held.next.is_some() {
        "more than "
    } else {
        ""
    };
    let adrift = held.holds.iter().filter(adrift).count();
    terminal.line(&format!(
        "holds   {more}{count} held, {adrift} not as it was left{next}"
    ));
}

fn mode_line(terminal: &mut Terminal, standing: &StandingShown) {
    let mode = standing
        .mode
        .map_or("observe (nobody has set it)", |mode| mode.word());
    let by = word_of(
        standing.mode_set_by.as_deref(),
        standing.mode_set_at.map(|at| at.to_string()),
    );
    terminal.line(&format!("mode    {mode}{by}"));
}

fn brake_line(terminal: &mut Terminal, standing: &StandingShown) {
    let brake = match standing.brake.as_str() {
        "tripped" => "TRIPPED: nothing is written to the tenant",
        _ => "not tripped",
    };
    let by = word_of(
        standing.brake_moved_by.as_deref(),
        standing.brake_moved_at.map(|at| at.to_string()),
    );
    terminal.line(&format!("brake   {brake}{by}"));
}

fn word_of(by: Option<&str>, at: Option<String>) -> String {
    match (by, at) {
        (Some(by), Some(at)) => format!("  by {by}, {at}"),
        _ => String::new(),
    }
}
