//! `estop config`: show and check; nothing is contacted.

use serde_json::json;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{ConfigArgs, ConfigCommand};
use super::exit::Exit;
use super::table;
use crate::config::{BadConfig, Config, Overrides, find, shown};

pub(super) fn config(room: &mut Room, args: &ConfigArgs) -> Answer {
    let unusable = |bad: BadConfig| Failure::usage(bad.to_string());
    let overrides = Overrides::default()
        .or_environment(&room.environment)
        .map_err(unusable)?;
    let path = find(args.config.as_deref()).map_err(unusable)?;
    let config = Config::read(&path, &overrides).map_err(unusable)?;
    for warning in &config.warnings {
        room.terminal.say(&format!("warning: {warning}"));
    }
    match args.command {
        ConfigCommand::Show { .. } => {
            let text = std::fs::read_to_string(&path)
                .map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
            let lines = shown(&config, &text, &overrides);
            if room.terminal.wants_json() {
                room.terminal.json(&json!({ "config": lines }));
                return Ok(Exit::Done);
            }
            let rows: Vec<Vec<String>> = lines
                .into_iter()
                .map(|line| vec![line.key, line.value, line.origin])
                .collect();
            let heading = ["KEY", "VALUE", "ORIGIN"];
            table::write(&mut room.terminal, &heading, &rows, "nothing is set");
        }
        ConfigCommand::Check => {
            config.store.files_fit().map_err(|why| {
                Failure::usage(format!("`store`, {}: {why}", config.store))
                    .fix("deploy/postgres.md says how a service comes to a server")
            })?;
            let shown = path.display().to_string();
            if room.terminal.wants_json() {
                let said = json!({ "file": shown, "fit": true, "store": config.store.to_string(), "warnings": config.warnings });
                room.terminal.json(&said);
            } else {
                room.terminal.line(&format!("{shown} is fit to be used"));
                if config.store.file().is_none() {
                    room.terminal.say(&format!(
                        "what {} is can only be asked of it: estop doctor",
                        config.store
                    ));
                }
            }
        }
    }
    Ok(Exit::Done)
}
