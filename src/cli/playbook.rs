//! `estop playbook`: lint, list.

use serde::Deserialize;
use serde_json::json;

use super::Room;
use super::answers::Answer;
use super::args::{PlaybookCommand, Reach};
use super::exit::Exit;
use super::permissions::permissions;
use super::table;
use super::terminal::Terminal;
use crate::api::PlaybookShown;
use crate::catalog::{Fault, Level, lint};

#[derive(Deserialize)]
struct Listed {
    playbooks: Vec<PlaybookShown>,
}

pub(super) async fn playbook(room: &mut Room, reach: &Reach, command: PlaybookCommand) -> Answer {
    match command {
        PlaybookCommand::Lint { paths, deny } => {
            let faults = lint(&paths);
            tell(&mut room.terminal, &faults);
            let fails = |fault: &Fault| match fault.level {
                Level::Error => true,
                Level::Warning => deny.is_some(),
                Level::Note => false,
            };
            Ok(if faults.iter().any(fails) {
                Exit::Failed
            } else {
                Exit::Done
            })
        }
        PlaybookCommand::Permissions { paths, profile } => {
            permissions(&mut room.terminal, &paths, profile)
        }
        PlaybookCommand::List => {
            let server = room.server(reach)?;
            let listed: Listed = server.get("/v1/playbooks").await?;
            list(&mut room.terminal, &listed.playbooks);
            Ok(Exit::Done)
        }
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn tell(terminal: &mut Terminal, faults: &[Fault]) {
    if terminal.wants_json() {
        let said: Vec<_> = faults
            .iter()
            .map(|fault| {
                json!({
                    "level": word(fault.level), "file": fault.file, "line": fault.line,
                    "column": fault.column, "what": fault.what, "why": fault.why,
                    "help": fault.help,
                })
            })
            .collect();
        terminal.json(&json!({ "faults": said }));
        return;
    }
    for fault in faults {
        let drawn = if terminal.has_colours() {
            fault.coloured()
        } else {
            fault.to_string()
        };
        terminal.raw(&format!("{drawn}\n"));
    }
    let count = |level| faults.iter().filter(|fault| fault.level == level).count();
    terminal.say(&format!(
        "{} error(s), {} warning(s), {} note(s)",
        count(Level::Error),
        count(Level::Warning),
        count(Level::Note)
    ));
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
