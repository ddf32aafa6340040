//! `estop freeze`, `estop motions`, `estop caps`: what takes two people.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Room;
use super::answers::Answer;
use super::args::{CapsCommand, FreezeCommand, MotionsCommand, Reach};
use super::contain::yes;
use super::exit::Exit;
use super::server::Server;
use super::table;
use super::terminal::Terminal;
use crate::command::{CapsShown, FreezeShown, MotionShown};
use crate::domain::freeze::Freeze;
use crate::domain::motion::{Motion, MotionState};

#[derive(Deserialize)]
struct Freezes {
    freezes: Vec<Freeze>,
}

#[derive(Deserialize)]
struct Motions {
    motions: Vec<Motion>,
}

pub(super) async fn freeze(room: &mut Room, reach: &Reach, command: FreezeCommand) -> Answer {
    let server = room.server(reach)?;
    match command {
        FreezeCommand::Plan => {
            let shown = plan(&server).await?;
            tell_plan(&mut room.terminal, &shown);
            Ok(Exit::Done)
        }
        FreezeCommand::Propose { reason, confirm } => {
            let shown = plan(&server).await?;
            if !room.terminal.wants_json() {
                tell_plan(&mut room.terminal, &shown);
            }
            let body = json!({
                "plan_digest": shown.plan_digest, "reason": reason,
                "confirm": confirm.unwrap_or_default(),
            });
            let motion: MotionShown = server.post("/v1/freezes", &body).await?;
            tell_motion(&mut room.terminal, &motion);
            Ok(Exit::WaitsForPerson)
        }
        FreezeCommand::List => list_freezes(room, &server).await,
        FreezeCommand::Show { freeze } => {
            let shown: Freeze = server.get(&format!("/v1/freezes/{freeze}")).await?;
            tell_freeze(&mut room.terminal, &shown);
            Ok(Exit::Done)
        }
        FreezeCommand::Stop(word) => {
            let path = format!("/v1/freezes/{}/stop", word.freeze);
            let shown: Freeze = server
                .post(&path, &json!({ "reason": word.reason }))
                .await?;
            tell_freeze(&mut room.terminal, &shown);
            Ok(Exit::Done)
        }
        FreezeCommand::Undo(word) => {
            let path = format!("/v1/freezes/{}/undo", word.freeze);
            let motion: MotionShown = server
                .post(&path, &json!({ "reason": word.reason }))
                .await?;
            tell_motion(&mut room.terminal, &motion);
            Ok(Exit::WaitsForPerson)
        }
    }
}

async fn plan(server: &Server) -> Result<FreezeShown, super::answers::Failure> {
    server
        .post("/v1/freezes", &json!({ "dry_run": true }))
        .await
}

async fn list_freezes(room: &mut Room, server: &Server) -> Answer {
    let path = "/v1/freezes?limit=50";
    if room.terminal.wants_json() {
        let listed: Value = server.get(path).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Freezes = server.get(path).await?;
    let rows: Vec<Vec<String>> = listed.freezes.iter().map(freeze_row).collect();
    let heading = [
        "FREEZE",
        "STATE",
        "AGENTS",
        "LEFT",
        "AT WORK",
        "CONTAINED",
        "BACK",
        "LOOK AT",
    ];
    table::write(&mut room.terminal, &heading, &rows, "no freezes");
    Ok(Exit::Done)
}

fn freeze_row(freeze: &Freeze) -> Vec<String> {
    let tally = &freeze.tally;
    let counts = [
        freeze.agents,
        tally.left,
        tally.at_work,
        tally.contained,
        tally.undone,
        tally.other,
    ];
    let head = [freeze.id.to_string(), freeze.state.word().to_owned()];
    let counts = counts.iter().map(ToString::to_string);
    head.into_iter().chain(counts).collect()
}

fn tell_freeze(terminal: &mut Terminal, freeze: &Freeze) {
    if terminal.wants_json() {
        terminal.json(freeze);
        return;
    }
    let state = freeze.state.word().to_uppercase();
    let tally = &freeze.tally;
    terminal.line(&format!("{state}  {}  {} agents", freeze.id, freeze.agents));
    terminal.line(&format!(
        "  {} left, {} at work, {} contained, {} put back, {} to be looked at",
        tally.left, tally.at_work, tally.contained, tally.undone, tally.other
    ));
}

fn tell_plan(terminal: &mut Terminal, shown: &FreezeShown) {
    if terminal.wants_json() {
        terminal.json(shown);
        return;
    }
    terminal.line(&format!("FREEZE  {} agents", shown.agents));
    for target in &shown.first {
        let why = match (target.detected_at, target.critical, target.instances) {
            (Some(at), _, _) => format!("detected {at}"),
            (None, true, _) => "tagged critical".to_owned(),
            (None, false, count) => format!("{count} registered agent(s)"),
        };
        terminal.line(&format!("  {}  {why}", target.agent));
    }
    for spared in &shown.spared {
        terminal.line(&format!("  spared {}: {}", spared.entity, spared.because));
    }
    for remark in &shown.remarks {
        terminal.line(&format!("  note: {remark}"));
    }
    for stop in &shown.stopped_by {
        terminal.line(&format!("  refused now: {}", stop.why));
    }
    terminal.say(&format!(
        "  propose it: estop freeze propose --confirm \"{}\"",
        shown.confirm
    ));
}

pub(super) async fn motions(room: &mut Room, reach: &Reach, command: MotionsCommand) -> Answer {
    let server = room.server(reach)?;
    let shown: MotionShown = match command {
        MotionsCommand::List => return list_motions(room, &server).await,
        MotionsCommand::Show { motion } => server.get(&format!("/v1/motions/{motion}")).await?,
        MotionsCommand::Second {
            motion,
            reason,
            yes: sure,
        } => {
            let shown: MotionShown = server.get(&format!("/v1/motions/{motion}")).await?;
            if !room.terminal.wants_json() {
                tell_motion(&mut room.terminal, &shown);
            }
            if !sure {
                yes(&mut room.terminal, "Second it? [y/N]")?;
            }
            let body = json!({ "digest": shown.digest, "reason": reason });
            server
                .post(&format!("/v1/motions/{motion}/second"), &body)
                .await?
        }
        MotionsCommand::Deny { motion, reason } => {
            let body = json!({ "reason": reason });
            server
                .post(&format!("/v1/motions/{motion}/deny"), &body)
                .await?
        }
    };
    tell_motion(&mut room.terminal, &shown);
    Ok(match shown.motion.state {
        MotionState::Proposed => Exit::WaitsForPerson,
        MotionState::Carried | MotionState::Denied | MotionState::Expired => Exit::Done,
    })
}

async fn list_motions(room: &mut Room, server: &Server) -> Answer {
    let path = "/v1/motions?limit=50";
    if room.terminal.wants_json() {
        let listed: Value = server.get(path).await?;
        room.terminal.json(&listed);
        return Ok(Exit::Done);
    }
    let listed: Motions = server.get(path).await?;
    let rows: Vec<Vec<String>> = listed
        .motions
        .iter()
        .map(|motion| {
            vec![
                motion.id.to_string(),
                motion.state.to_string(),
                motion.by.name.clone(),
                motion.expires_at.to_string(),
                motion.kind.words(),
            ]
        })
        .collect();
    let heading = ["MOTION", "STATE", "BY", "ENDS", "WHAT"];
    table::write(&mut room.terminal, &heading, &rows, "no motions");
    Ok(Exit::Done)
}

fn tell_motion(terminal: &mut Terminal, shown: &MotionShown) {
    if terminal.wants_json() {
        terminal.json(shown);
        return;
    }
    let motion = &shown.motion;
    let state = motion.state.word().to_uppercase();
    terminal.line(&format!("{state}  {}  {}", motion.id, shown.what));
    terminal.line(&format!("  by      {}: {}", motion.by.name, motion.reason));
    match &motion.result {
        Some(result) => terminal.line(&format!("  result  {result}")),
        None => terminal.line(&format!(
            "  ends    {}, then: nothing is done",
            motion.expires_at
        )),
    }
    if motion.state == MotionState::Proposed {
        terminal.say(&format!("  second it: estop motions second {}", motion.id));
    }
}

pub(super) async fn caps(room: &mut Room, reach: &Reach, command: CapsCommand) -> Answer {
    let server = room.server(reach)?;
    let shown: CapsShown = match command {
        CapsCommand::Show => server.get("/v1/caps").await?,
        CapsCommand::Lower { reason } => {
            let body = json!({ "reason": reason });
            server.post("/v1/caps/lower", &body).await?
        }
        CapsCommand::Raise {
            tenant,
            source,
            fleet_percent,
            lasts,
            reason,
        } => {
            let body = json!({
                "tenant": tenant, "source": source, "fleet_percent": fleet_percent,
                "for": lasts, "reason": reason,
            });
            let motion: MotionShown = server.post("/v1/caps", &body).await?;
            tell_motion(&mut room.terminal, &motion);
            return Ok(Exit::WaitsForPerson);
        }
    };
    tell_caps(&mut room.terminal, &shown);
    Ok(Exit::Done)
}

fn tell_caps(terminal: &mut Terminal, shown: &CapsShown) {
    if terminal.wants_json() {
        terminal.json(shown);
        return;
    }
    let caps = &shown.in_force;
    terminal.line(&format!(
        "caps    {} in the tenant, {} a source, {} % of the fleet, within {}, {} in reserve",
        caps.tenant, caps.source, caps.fleet_percent, caps.window, caps.reserve
    ));
    match &shown.raised {
        Some(raised) => terminal.line(&format!("raised  until {}", raised.until)),
        None => terminal.line("raised  no"),
    }
    let blueprints = if shown.automatic_blueprints {
        "where their playbook says so"
    } else {
        "never without a person"
    };
    terminal.line(&format!("blueprints  {blueprints}"));
}
