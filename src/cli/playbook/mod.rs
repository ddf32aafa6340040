//! `estop playbook`: written, checked, proved and explained at a desk; `list`, `run`, `activate` and
//! `lift` ask a server.

mod activate;
mod diff;
mod explain;
mod fmt;
mod formats;
mod lint;
mod new;
mod run;
mod sets;
mod simulate;
mod test;

use serde::Deserialize;
use serde_json::json;

use super::Room;
use super::answers::Answer;
use super::args::{PlaybookCommand, Reach, Which};
use super::exit::Exit;
use super::permissions::permissions;
use super::table;
use super::terminal::Terminal;
use crate::api::PlaybookShown;
use crate::catalog::{playbook_schema, test_schema};
use crate::domain::restraint::HeldBack;
use crate::store::SetShown;

#[derive(Deserialize)]
struct Listed {
    playbooks: Vec<PlaybookShown>,
    set: Option<SetShown>,
}

pub(super) async fn playbook(room: &mut Room, reach: &Reach, command: PlaybookCommand) -> Answer {
    match command {
        PlaybookCommand::List => {
            let server = room.server(reach)?;
            let listed: Listed = server.get("/v1/playbooks").await?;
            list(&mut room.terminal, &listed);
            Ok(Exit::Done)
        }
        PlaybookCommand::Run(args) => run::run(room, reach, args).await,
        PlaybookCommand::New(args) => new::new(room, &args),
        PlaybookCommand::Lint {
            paths,
            deny,
            format,
        } => lint::lint(room, &paths, deny.is_some().into(), format),
        PlaybookCommand::Test { paths, format } => test::test(room, &paths, format).await,
        PlaybookCommand::Explain(args) => explain::explain(room, &args).await,
        PlaybookCommand::Simulate(args) => simulate::simulate(room, &args).await,
        PlaybookCommand::Diff(args) => diff::diff(room, &args).await,
        PlaybookCommand::Schema { which } => {
            let schema = match which {
                Which::Playbook => playbook_schema(),
                Which::Test => test_schema(),
            };
            // It is kept in repositories, so it is written for people and ends in a line.
            room.terminal.raw(&format!("{schema:#}\n"));
            Ok(Exit::Done)
        }
        PlaybookCommand::Activate(args) => activate::activate(room, reach, args).await,
        PlaybookCommand::Statement { path, change } => {
            activate::print_statement(room, path, &change)
        }
        PlaybookCommand::Lift { name, reason } => activate::lift(room, reach, (name, reason)).await,
        PlaybookCommand::Permissions {
            paths,
            profile,
            role,
        } => permissions(&mut room.terminal, &paths, (profile, role)),
        PlaybookCommand::Fmt { paths, check } => fmt::fmt(room, &paths, check.into()),
    }
}

fn list(terminal: &mut Terminal, listed: &Listed) {
    if terminal.wants_json() {
        terminal.json(&json!({ "playbooks": listed.playbooks, "set": listed.set }));
        return;
    }
    let rows: Vec<Vec<String>> = listed
        .playbooks
        .iter()
        .map(|playbook| {
            let recommended = playbook.recommended.map(|mode| mode.to_string());
            vec![
                playbook.name.to_string(),
                playbook.mode.to_string(),
                recommended.unwrap_or_else(|| "-".to_owned()),
                playbook.entity.to_string(),
                held_back(playbook),
                playbook.summary.clone(),
            ]
        })
        .collect();
    let heading = [
        "PLAYBOOK",
        "MODE",
        "RECOMMENDED",
        "ENTITY",
        "HELD BACK",
        "SUMMARY",
    ];
    table::write(terminal, &heading, &rows, "no playbooks");
    let Some(set) = &listed.set else { return };
    let digest = set.digest.get(..12).unwrap_or(&set.digest);
    terminal.say(&format!(
        "in force since {} ({}), set {digest}",
        set.since, set.cause
    ));
    if let Some(refused) = &set.refused {
        terminal.say(&format!(
            "the folder holds another set, refused {}: {}",
            refused.at, refused.why
        ));
    }
}

/// What keeps it from acting as it says, beside the service's mode.
fn held_back(playbook: &PlaybookShown) -> String {
    match (
        &playbook.held_back,
        &playbook.demoted,
        &playbook.half_activated,
    ) {
        (Some(HeldBack::NotActivated), _, Some(one)) => format!(
            "observes: activated by {} alone ({})",
            one.by.join(", "),
            one.change
        ),
        (Some(HeldBack::NotActivated), _, None) => "observes: not activated".to_owned(),
        (_, Some(demotion), _) => format!("asks: {}", demotion.because),
        (Some(HeldBack::Demoted | HeldBack::Expected { .. }), None, _) => "asks".to_owned(),
        (None, None, _) => "-".to_owned(),
    }
}
