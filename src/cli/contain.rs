//! `estop contain`: the plan, the question, the word, the proof.

use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ContainArgs, Reach};
use super::exit::Exit;
use super::many::{contain_many, named};
use super::runs;
use super::server::Server;
use super::terminal::Terminal;
use super::wait::{Waited, wait};
use crate::command::Shown;
use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::playbook::Also;

/// From this tier on, the name is typed.
const TYPED_FROM: u8 = 2;

pub(super) async fn contain(room: &mut Room, reach: &Reach, args: ContainArgs) -> Answer {
    if args.offline.offline {
        return super::offline::contain(room, args).await;
    }
    let server = room.server(reach)?;
    let ids = named(&server, &args).await?;
    match ids.as_slice() {
        [id] => contain_one(room, &server, args, *id).await,
        _ => contain_many(room, &server, &args, ids).await,
    }
}

async fn contain_one(room: &mut Room, server: &Server, args: ContainArgs, id: ObjectId) -> Answer {
    let plan: Shown = server.post("/v1/plans", &wanted(&args, id)).await?;
    if args.dry_run && room.terminal.wants_json() {
        room.terminal.json(&plan);
        return Ok(Exit::Done);
    }
    show(&mut room.terminal, &plan);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if let Some(stop) = plan.stopped_by.first() {
        return Err(Failure::new(
            Exit::Guarded,
            format!("{}: {}", stop.code, stop.why),
        ));
    }
    let confirm = agreed(&mut room.terminal, &args, &plan)?;
    let reason = reason(&mut room.terminal, args.reason)?;
    let word = json!({
        "plan_digest": plan.plan_digest, "reason": reason, "confirm": confirm,
    });
    let taken: Value = server.post("/v1/runs", &word).await?;
    let run = run_of(&taken)?;
    match wait(room, server, run, args.wait.0).await? {
        Waited::Stands(shown) => {
            runs::tell(&mut room.terminal, &shown);
            Ok(Exit::of_containment(shown.run.state))
        }
        Waited::Interrupted => Ok(interrupted(room, run)),
    }
}

pub(super) fn wanted(args: &ContainArgs, id: ObjectId) -> Value {
    let mut entity = json!({ "id": id });
    if let Some(kind) = args.kind {
        entity["kind"] = json!(kind);
    }
    if args.only {
        json!({ "entity": entity, "also": Vec::<Also>::new() })
    } else {
        json!({ "entity": entity })
    }
}

/// The plan, on standard error: it is talk, the run is the data.
fn show(terminal: &mut Terminal, plan: &Shown) {
    let name = plan.entity.name.as_deref().unwrap_or("-");
    let entity = plan.entity.entity;
    terminal.say(&format!(
        "PLAN  tier {}: contain {entity} {name}",
        plan.tier
    ));
    for (heading, lines) in [
        ("stops", &plan.stops),
        ("not stopped", &plan.not_stopped),
        ("undo", &plan.undo),
        ("note", &plan.remarks),
    ] {
        for (place, line) in lines.iter().enumerate() {
            let heading = if place == 0 { heading } else { "" };
            terminal.say(&format!("  {heading:<12} {line}"));
        }
    }
    for stop in &plan.stopped_by {
        terminal.say(&format!(
            "  {:<12} {}: {}",
            "refused now", stop.code, stop.why
        ));
    }
}

/// A person's yes: `--yes`, or typed. Without a terminal nothing is assumed.
fn agreed(
    terminal: &mut Terminal,
    args: &ContainArgs,
    plan: &Shown,
) -> Result<Option<String>, Failure> {
    if plan.tier >= TYPED_FROM {
        let name = plan.entity.name.clone().unwrap_or_default();
        let question = format!("Type  {name}  to confirm:");
        let typed = args.confirm.clone().or_else(|| terminal.ask(&question));
        let named = format!("tier {} needs --confirm NAME", plan.tier);
        return typed
            .map(Some)
            .ok_or_else(|| Failure::new(Exit::Guarded, named));
    }
    if !args.yes {
        yes(terminal, "Contain it? [y/N]")?;
    }
    Ok(args.confirm.clone())
}

/// Asks for a yes; anything else is a no.
pub(super) fn yes(terminal: &mut Terminal, question: &str) -> Result<(), Failure> {
    if !terminal.can_ask() {
        return Err(Failure::new(
            Exit::Guarded,
            "nobody is there to be asked, and --yes is missing",
        )
        .fix("add --yes once the plan is what you want; --dry-run shows it"));
    }
    let typed = terminal.ask(question).unwrap_or_default();
    if matches!(typed.to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Guarded,
        "not confirmed; nothing was done",
    ))
}

/// The reason that was given, or typed now.
pub(super) fn reason(terminal: &mut Terminal, given: Option<String>) -> Result<String, Failure> {
    given
        .or_else(|| terminal.ask("Reason:"))
        .filter(|reason| !reason.trim().is_empty())
        .ok_or_else(|| Failure::usage("a reason is required").fix("add --reason TEXT"))
}

pub(super) fn run_of(taken: &Value) -> Result<RunId, Failure> {
    let run = taken.get("run").and_then(Value::as_str);
    run.and_then(|run| run.parse().ok())
        .ok_or_else(|| Failure::new(Exit::Unknown, "the server took it and named no run"))
}

pub(super) fn interrupted(room: &mut Room, run: RunId) -> Exit {
    let terminal = &mut room.terminal;
    terminal.say(&format!("interrupted; the server carries on with {run}"));
    terminal.say(&format!("  follow it: estop runs watch {run}"));
    Exit::Interrupted
}

/// Posts a reason to a run's word, such as `stop`.
pub(super) async fn post_reason(
    server: &Server,
    run: RunId,
    word: &str,
    reason: &str,
) -> Result<Value, Failure> {
    let path = format!("/v1/runs/{run}/{word}");
    server.post(&path, &json!({ "reason": reason })).await
}
