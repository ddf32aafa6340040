//! `estop runs`: list, show, watch, resume, stop.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::Room;
use super::answers::Answer;
use super::args::{Reach, RunsCommand};
use super::contain::{interrupted, post_reason};
use super::exit::Exit;
use super::server::{Server, query};
use super::table;
use super::terminal::{Terminal, Tint};
use super::wait::{Pause, Waited, pause, show, wait};
use crate::api::RunShown;
use crate::domain::coverage::Coverage;
use crate::domain::id::RunId;
use crate::domain::run::{Run, RunState};

/// How often all runs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest time one run is followed.
const FOLLOW_MAX: Duration = Duration::from_secs(24 * 3600);

#[derive(Deserialize)]
struct Listed {
    runs: Vec<Run>,
}

pub(super) async fn runs(room: &mut Room, reach: &Reach, command: RunsCommand) -> Answer {
    let server = room.server(reach)?;
    match command {
        RunsCommand::List { state, limit } => {
            let limit = limit.to_string();
            let mut pairs = vec![("limit", limit.as_str())];
            pairs.extend(state.iter().map(|state| ("state", state.as_str())));
            list(room, &server, &query(&pairs)).await
        }
        RunsCommand::Show { run } => {
            let shown = show(&server, run).await?;
            tell(&mut room.terminal, &shown);
            Ok(Exit::Done)
        }
        RunsCommand::Watch { run: Some(run) } => follow(room, &server, run).await,
        RunsCommand::Watch { run: None } => watch(room, &server).await,
        RunsCommand::Resume { runs, reason } => resume(room, &server, (&runs, &reason)).await,
        RunsCommand::Stop { run, reason } => {
            post_reason(&server, run, "stop", &reason).await?;
            let shown = show(&server, run).await?;
            tell(&mut room.terminal, &shown);
            Ok(Exit::Done)
        }
    }
}

/// Releases each; a single one is followed to its end.
async fn resume(room: &mut Room, server: &Server, (runs, reason): (&[RunId], &str)) -> Answer {
    for run in runs {
        post_reason(server, *run, "resume", reason).await?;
        room.terminal.say(&format!("released {run}"));
    }
    match runs {
        [run] => follow(room, server, *run).await,
        _ => Ok(Exit::Done),
    }
}

async fn list(room: &mut Room, server: &Server, query: &str) -> Answer {
    if room.terminal.wants_json() {
        let listed: serde_json::Value = server.get(&format!("/v1/runs?{query}")).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Listed = server.get(&format!("/v1/runs?{query}")).await?;
    let rows: Vec<Vec<String>> = listed.runs.iter().map(row).collect();
    let heading = [
        "RUN", "STATE", "KIND", "ENTITY", "PLAYBOOK", "RECEIVED", "TOOK",
    ];
    table::write(&mut room.terminal, &heading, &rows, "no runs");
    Ok(Exit::Done)
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.id.to_string(),
        run.state.to_string(),
        run.entity.kind.to_string(),
        run.entity.id.to_string(),
        run.playbook.to_string(),
        run.received_at.to_string(),
        took(run).unwrap_or_else(|| "-".to_owned()),
    ]
}

fn took(run: &Run) -> Option<String> {
    let span = run.contained_at?.since(run.received_at);
    Some(format!("{:.1} s", span.as_secs_f64()))
}

async fn follow(room: &mut Room, server: &Server, run: RunId) -> Answer {
    match wait(room, server, run, FOLLOW_MAX).await? {
        Waited::Stands(shown) => {
            tell(&mut room.terminal, &shown);
            let state = shown.run.state;
            let back = matches!(state, RunState::Undoing | RunState::Undone);
            let exit = if back {
                Exit::of_undo(state)
            } else {
                Exit::of_containment(state)
            };
            Ok(exit)
        }
        Waited::Interrupted => Ok(interrupted(room, run)),
    }
}

/// Says each run whose state has changed, until Ctrl-C.
async fn watch(room: &mut Room, server: &Server) -> Answer {
    let mut known: BTreeMap<RunId, RunState> = BTreeMap::new();
    loop {
        let listed: Listed = server.get("/v1/runs?limit=500").await?;
        for run in listed.runs.iter().rev() {
            if known.get(&run.id) != Some(&run.state) {
                if room.terminal.wants_json() {
                    room.terminal.json(run);
                } else {
                    room.terminal.line(&row(run).join("  "));
                }
            }
        }
        known = listed.runs.iter().map(|run| (run.id, run.state)).collect();
        if pause(room, LOOK_EVERY).await == Pause::Interrupted {
            return Ok(Exit::Interrupted);
        }
    }
}

/// A run as data: its state first, then its steps, then what it did not stop.
pub(super) fn tell(terminal: &mut Terminal, shown: &RunShown) {
    if terminal.wants_json() {
        terminal.json(shown);
        return;
    }
    let run = &shown.run;
    for step in &shown.steps {
        let outcome = match (step.undo, step.outcome) {
            (Some(undo), _) => undo.word().replace('_', " "),
            (None, Some(outcome)) => outcome.to_string(),
            (None, None) => step.state.to_string(),
        };
        let action = step.plan.action.word().replace('_', " ");
        let evidence = step.evidence.as_deref().unwrap_or_default();
        terminal.line(format!("  {action:<20} {outcome:<18} {evidence}").trim_end());
    }
    let took = took(run)
        .map(|took| format!("  {took}"))
        .unwrap_or_default();
    let state = run.state.word().to_uppercase();
    let tint = match run.state {
        RunState::Contained | RunState::Undone => Tint::Good,
        RunState::Queued
        | RunState::Observed
        | RunState::Waiting
        | RunState::Running
        | RunState::Partial
        | RunState::Failed
        | RunState::Unknown
        | RunState::Undoing
        | RunState::Stuck
        | RunState::Expired
        | RunState::Stopped => Tint::Look,
    };
    let state = terminal.tinted(&state, tint);
    terminal.raw(&format!("{state}{took}  {}  {}\n", run.id, run.entity));
    if let Some(because) = &run.because {
        terminal.line(&format!("  because: {because}"));
    }
    why(terminal, shown);
    // What a run left open says nothing any more once it was put back.
    let put_back = run.state == RunState::Undone;
    if let Some(coverage) = run.coverage.as_ref().filter(|_| !put_back) {
        residual(terminal, coverage);
    }
    for held in &shown.holds {
        terminal.line(&format!("  holds {}  {}", held.entity, held.state.word()));
        for line in super::holds::lines(held) {
            terminal.line(&format!("  {line}"));
        }
    }
    for kept in &shown.kept {
        terminal.line(&format!("  kept for {} since {}", kept.case, kept.since));
    }
    if shown.undo_available {
        terminal.say(&format!("  undo: estop undo {}", run.id));
    }
}

/// What was decided, what each clause of the run's own playbook came to, and where the rest stands.
fn why(terminal: &mut Terminal, shown: &RunShown) {
    let Some(detection) = shown.run.detection else {
        return;
    };
    let decision = shown.decision.as_ref();
    let said = decision.map_or_else(String::new, |decision| {
        let verdict = serde_json::json!(decision.verdict);
        let word = verdict["verdict"].as_str().unwrap_or_default();
        format!("{} by {}, ", word.replace('_', " "), shown.run.playbook)
    });
    terminal.line(&format!("  why: {said}estop detections show {detection}"));
    let weighed = decision.into_iter().flat_map(|one| &one.considered);
    for own in weighed.filter(|one| one.playbook == shown.run.playbook) {
        for line in super::detections::clauses(&serde_json::json!(own)) {
            terminal.line(line.strip_prefix("  ").unwrap_or(&line));
        }
    }
}

fn residual(terminal: &mut Terminal, coverage: &Coverage) {
    for report in coverage.residual() {
        // A door's word is its name in JSON.
        let door = serde_json::json!(report.door);
        let door = door.as_str().unwrap_or_default().replace('_', " ");
        let until = report
            .until
            .map(|until| format!(" until {until}"))
            .unwrap_or_default();
        let words = report.state.words();
        terminal.line(&format!("  {door:<20} {words}{until}: {}", report.proof));
    }
}
