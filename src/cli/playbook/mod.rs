//! `estop playbook`: written, checked, proved and explained at a desk; only `list` asks a server.

mod diff;
mod explain;
mod fmt;
mod formats;
mod lint;
mod new;
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

#[derive(Deserialize)]
struct Listed {
    playbooks: Vec<PlaybookShown>,
}

pub(super) async fn playbook(room: &mut Room, reach: &Reach, command: PlaybookCommand) -> Answer {
    match command {
        PlaybookCommand::List => {
            let server = room.server(reach)?;
            let listed: Listed = server.get("/v1/playbooks").await?;
            list(&mut room.terminal, &listed.playbooks);
            Ok(Exit::Done)
        }
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
        PlaybookCommand::Permissions { paths, profile } => {
            permissions(&mut room.terminal, &paths, profile)
        }
        PlaybookCommand::Fmt { paths, check } => fmt::fmt(room, &paths, check.into()),
    }
}

fn list(terminal: &mut Terminal, playbooks: &[PlaybookShown]) {
    if terminal.wants_json() {
        terminal.json(&json!({ "playbooks": playbooks }));
        return;
    }
    let rows: Vec<Vec<String>> = playbooks
        .iter()
        .map(|playbook| {
            let recommended = playbook.recommended.map(|mode| mode.to_string());
            vec![
                playbook.name.to_string(),
                playbook.mode.to_string(),
                recommended.unwrap_or_else(|| "-".to_owned()),
                playbook.entity.to_string(),
                playbook.summary.clone(),
            ]
        })
        .collect();
    let heading = ["PLAYBOOK", "MODE", "RECOMMENDED", "ENTITY", "SUMMARY"];
    table::write(terminal, &heading, &rows, "no playbooks");
}
