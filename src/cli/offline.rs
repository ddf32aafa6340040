//! `estop contain --offline`: the break-glass, for when the server or its database is away.

use std::path::PathBuf;

use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ContainArgs, OfflineArgs};
use super::contain::{reason, yes};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::app::{Parts, Playbooks, StartError, glass};
use crate::command::at_the_machine;
use crate::config::{BadConfig, Config, Overrides, find};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::graph::{Ask, Error, Graph, Priority};
use crate::offline::{Glass, Journal, Report};

pub(super) async fn contain(room: &mut Room, args: ContainArgs) -> Answer {
    let [id] = args.targets.as_slice() else {
        return Err(Failure::usage("offline, one entity is contained at a time"));
    };
    let config = configuration(room, &args.offline)?;
    let journal = args.offline.journal.clone();
    let journal = journal.unwrap_or_else(|| config.offline_journal.clone());
    let unfit = |why: StartError| Failure::new(Exit::Unreachable, why.to_string());
    // No playbook is asked: one that cannot be read must not stand in the way.
    let parts = Parts::real(config, Playbooks::AsRecommended).map_err(unfit)?;
    let glass = glass(parts).await.map_err(unfit)?;
    let entity = found(&glass, args.kind, *id).await?;
    agreed(&mut room.terminal, &args, entity)?;
    let reason = reason(&mut room.terminal, args.reason.clone())?;
    let by = at_the_machine(room.environment.get("USER").unwrap_or_default()).name;
    let shown = journal.display().to_string();
    let unwritten = |why: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!("{shown}: {why}; nothing more is done"),
        )
        .fix("name another place: --journal FILE")
    };
    let mut journal = Journal::open(&journal).map_err(unwritten)?;
    let report = glass.contain(&mut journal, entity, (by, reason)).await;
    let report = report.map_err(unwritten)?;
    tell(&mut room.terminal, &report, &shown);
    Ok(exit_of(&report))
}

fn configuration(room: &Room, args: &OfflineArgs) -> Result<Config, Failure> {
    let unusable = |bad: BadConfig| Failure::usage(bad.to_string());
    let overrides = Overrides::default()
        .or_environment(&room.environment)
        .map_err(unusable)?;
    let path: PathBuf = find(args.config.as_deref()).map_err(unusable)?;
    Config::read(&path, &overrides).map_err(unusable)
}

/// The kind is read from the tenant and never guessed.
async fn found(glass: &Glass, named: Option<EntityKind>, id: ObjectId) -> Result<Entity, Failure> {
    let ask = Ask {
        priority: Priority::Contain,
        correlation: glass.clock.uuid(),
    };
    let kinds = match named {
        Some(kind) => vec![kind],
        None => vec![
            EntityKind::Agent,
            EntityKind::Blueprint,
            EntityKind::AgentUser,
        ],
    };
    for kind in kinds {
        match is_there(&glass.graph, ask, (kind, id)).await {
            Ok(id) => return Ok(Entity { kind, id }),
            Err(Error::NotFound { .. }) => {}
            Err(why) => return Err(Failure::new(Exit::Unreachable, why.to_string())),
        }
    }
    Err(Failure::new(
        Exit::NotFound,
        format!("{id} is no agent, blueprint or agent's user account in the tenant"),
    ))
}

async fn is_there(
    graph: &Graph,
    ask: Ask,
    (kind, id): (EntityKind, ObjectId),
) -> Result<ObjectId, Error> {
    match kind {
        EntityKind::Agent => graph.agent(ask, id).await.map(|read| read.id),
        EntityKind::AgentUser => graph.agent_user(ask, id).await.map(|read| read.id),
        EntityKind::Blueprint => match graph.blueprint(ask, id).await {
            Err(Error::NotFound { .. }) => graph.blueprint_by_app_id(ask, id).await,
            read => read,
        }
        .map(|read| read.id),
        EntityKind::ServicePrincipal | EntityKind::User => {
            graph.principal(ask, id).await.map(|read| read.id)
        }
    }
}

/// A blueprint stops all its agents, so its id is typed twice.
fn agreed(terminal: &mut Terminal, args: &ContainArgs, entity: Entity) -> Result<(), Failure> {
    terminal.say(&format!(
        "OFFLINE  contain {entity}: its switch, its user accounts and their proof; no approval, no \
         word about risk. It is told to the server's record later."
    ));
    if entity.kind == EntityKind::Blueprint
        && args.confirm.as_deref() != Some(&entity.id.to_string())
    {
        return Err(Failure::new(
            Exit::Guarded,
            "a blueprint stops all its agents: its id must be given again",
        )
        .fix(format!("add --confirm {}", entity.id)));
    }
    if args.yes {
        return Ok(());
    }
    yes(terminal, "Contain it? [y/N]")
}

fn tell(terminal: &mut Terminal, report: &Report, journal: &str) {
    if terminal.wants_json() {
        terminal.json(&json!({ "report": report, "journal": journal }));
        return;
    }
    for (action, outcome, evidence) in &report.steps {
        terminal.line(&format!(
            "  {:<20} {:<12} {evidence}",
            action.word(),
            outcome.word()
        ));
    }
    for (entity, closed, evidence) in &report.read_back {
        let closed = if *closed { "closed" } else { "NOT PROVED" };
        terminal.line(&format!(
            "  {:<20} {closed:<12} {entity}: {evidence}",
            "read back"
        ));
    }
    let state = if report.is_contained() {
        "CONTAINED"
    } else {
        "NOT PROVED"
    };
    terminal.line(&format!("{state}  {}  {}", report.run, report.entity));
    terminal.say(&format!(
        "  it stands in {journal}; the service tells it to its record. Then: estop undo {}",
        report.run
    ));
}

fn exit_of(report: &Report) -> Exit {
    if report.is_contained() {
        Exit::Done
    } else if report.read_back.iter().any(|(_, closed, _)| *closed) {
        Exit::Partial
    } else if report.read_back.is_empty() {
        Exit::Failed
    } else {
        Exit::Unknown
    }
}
