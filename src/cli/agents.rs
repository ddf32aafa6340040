//! `estop agents`: list, show, orphans.

use serde_json::Value;

use super::Room;
use super::answers::Answer;
use super::args::{AgentsCommand, Reach};
use super::exit::Exit;
use super::server::{cell, query};
use super::table;
use super::terminal::Terminal;
use crate::command::EntityShown;
use crate::domain::inventory::{Bond, Known, Listed, Orphan, Radius};

/// Members of a family that are written; the count says how many there are.
const SHOWN_MAX: usize = 20;

pub(super) async fn agents(room: &mut Room, reach: &Reach, command: AgentsCommand) -> Answer {
    let server = room.server(reach)?;
    match command {
        AgentsCommand::List {
            kind,
            blueprint,
            limit,
            after,
        } => {
            let (limit, blueprint) = (limit.to_string(), blueprint.map(|id| id.to_string()));
            let after = after.map(|id| id.to_string());
            let mut pairs = vec![("limit", limit.as_str()), ("kind", kind.as_str())];
            pairs.extend(blueprint.as_deref().map(|id| ("blueprint", id)));
            pairs.extend(after.as_deref().map(|id| ("cursor", id)));
            let said: Value = server.get(&format!("/v1/agents?{}", query(&pairs))).await?;
            list(&mut room.terminal, &said);
        }
        AgentsCommand::Show { id } => {
            let said: Value = server.get(&format!("/v1/agents/{id}")).await?;
            if room.terminal.wants_json() {
                room.terminal.json(&said);
            } else if let Ok(shown) = serde_json::from_value::<EntityShown>(said) {
                show(&mut room.terminal, &shown);
            }
        }
        AgentsCommand::Orphans => {
            let said: Value = server.get("/v1/agents/orphans").await?;
            orphans(&mut room.terminal, &said);
        }
    }
    Ok(Exit::Done)
}

fn list(terminal: &mut Terminal, said: &Value) {
    if terminal.wants_json() {
        terminal.json(said);
        return;
    }
    let listed = ["agents", "blueprints"];
    let rows = listed.iter().find_map(|name| said.get(name)?.as_array());
    let names = ["id", "name", "state", "parent", "seen_at"];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .flatten()
        .map(|row| {
            let value = |name: &&str| match *name {
                "state" => state(row.get("enabled") == Some(&Value::Bool(true))).to_owned(),
                name => cell(row, name),
            };
            names.iter().map(value).collect()
        })
        .collect();
    let heading = ["OBJECT", "NAME", "STATE", "PARENT", "SEEN"];
    table::write(terminal, &heading, &rows, "nothing in the inventory yet");
    if let Some(next) = said.get("next").and_then(Value::as_str) {
        terminal.say(&format!("more: estop agents list --after {next}"));
    }
    tell_gaps(terminal, said);
}

fn show(terminal: &mut Terminal, shown: &EntityShown) {
    let EntityShown { family, radius, .. } = shown;
    let root = &family.root;
    terminal.line(&format!("{}  {}", root.entity, line(root)));
    for remark in &shown.remarks {
        terminal.line(&format!("  ! {remark}"));
    }
    if let Some(held) = &shown.containment {
        terminal.line(&format!(
            "  held        {} since {}",
            held.state.word(),
            held.since
        ));
    }
    for above in &family.above {
        terminal.line(&format!("  hangs from  {}  {}", above.entity, line(above)));
    }
    let below = family.agents.iter().chain(&family.users);
    let below: Vec<&Known> = below.filter(|it| it.entity != root.entity).collect();
    for known in below.iter().take(SHOWN_MAX) {
        terminal.line(&format!("  |- {}  {}", known.entity, line(known)));
    }
    if below.len() > SHOWN_MAX {
        let more = below.len() - SHOWN_MAX;
        terminal.line(&format!("  |- ... {more} more (--json shows all)"));
    }
    for person in family.people.iter().filter(|it| it.of == root.entity.id) {
        let name = person.name.as_deref().unwrap_or("-");
        let bond = match person.bond {
            Bond::Sponsor => "sponsor",
            Bond::Owner => "owner",
        };
        terminal.line(&format!("  {bond:<11} {name}  {}", person.id));
    }
    count(terminal, radius);
}

fn count(terminal: &mut Terminal, radius: &Radius) {
    let measured = radius
        .measured_at
        .map_or("never".to_owned(), |at| at.to_string());
    terminal.line(&format!(
        "BLAST RADIUS  measured {measured}, {}",
        if radius.complete {
            radius.extent.words()
        } else {
            format!(
                "partial ({} of {} read)",
                radius.extent.read, radius.extent.of
            )
        }
    ));
    terminal.line(&format!(
        "  {} agent(s) stop on {} identit(ies), {} enabled now",
        radius.agents, radius.identities, radius.enabled_now
    ));
    terminal.line(&format!(
        "  {} user account(s), {} enabled: switches of their own",
        radius.users, radius.users_enabled
    ));
    terminal.line(&format!(
        "  {} sponsor(s), {} owner(s), {}",
        radius.sponsors,
        radius.owners,
        radius.people.words()
    ));
    for (tag, count) in &radius.tags {
        terminal.line(&format!("  tag {tag}: {count}"));
    }
}

fn line(known: &Known) -> String {
    let name = known.name.as_deref().unwrap_or("-");
    format!("{name}  {}", state(known.enabled))
}

const fn state(enabled: bool) -> &'static str {
    if enabled { "enabled" } else { "DISABLED" }
}

fn orphans(terminal: &mut Terminal, said: &Value) {
    if terminal.wants_json() {
        terminal.json(said);
        return;
    }
    let orphans = said.get("orphans").cloned().unwrap_or_default();
    let orphans: Vec<Orphan> = serde_json::from_value(orphans).unwrap_or_default();
    let rows: Vec<Vec<String>> = orphans
        .iter()
        .map(|orphan| {
            let wants: Vec<_> = orphan.wants.iter().map(|want| want.words()).collect();
            vec![
                orphan.entity.id.to_string(),
                orphan.entity.kind.to_string(),
                orphan.name.clone().unwrap_or_else(|| "-".to_owned()),
                state(orphan.enabled).to_owned(),
                wants.join("; "),
            ]
        })
        .collect();
    let heading = ["OBJECT", "KIND", "NAME", "STATE", "WHY"];
    table::write(terminal, &heading, &rows, "no orphans");
    tell_gaps(terminal, said);
}

/// What could not be listed, so that silence is not taken for "there is none".
fn tell_gaps(terminal: &mut Terminal, said: &Value) {
    let listed = said.get("listed").cloned().unwrap_or_default();
    let listed: Vec<Listed> = serde_json::from_value(listed).unwrap_or_default();
    for gap in listed.iter().filter(|it| it.why.is_some()) {
        let why = gap.why.as_deref().unwrap_or_default();
        terminal.say(&format!("{}: {}, {why}", gap.part, gap.extent.words()));
    }
}
