//! `estop pause`: stop all writes by whatever still works.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{PauseArgs, Reach};
use super::exit::Exit;
use crate::config::{Config, Overrides, find};

/// By the server; where it cannot be reached or asked, by the file that the service looks for.
pub(super) async fn pause(room: &mut Room, reach: &Reach, args: &PauseArgs) -> Answer {
    if args.file {
        return by_file(room, args);
    }
    match by_server(room, reach, args).await {
        Ok(exit) => Ok(exit),
        Err(refused) => {
            room.terminal
                .say(&format!("the server could not be asked: {}", refused.why()));
            by_file(room, args)
        }
    }
}

async fn by_server(room: &mut Room, reach: &Reach, args: &PauseArgs) -> Answer {
    let server = room.server(reach)?;
    let body = json!({ "brake": "tripped", "reason": args.reason });
    let said: Value = server.post("/v1/brake", &body).await?;
    if room.terminal.wants_json() {
        room.terminal.json(&said);
    } else {
        room.terminal
            .line("PAUSED  nothing more is written to the tenant");
        room.terminal
            .say("  allow it again: estop brake reset --reason TEXT");
    }
    Ok(Exit::Done)
}

fn by_file(room: &mut Room, args: &PauseArgs) -> Answer {
    let unusable = |bad: crate::config::BadConfig| Failure::usage(bad.to_string());
    let path = find(args.config.as_deref()).map_err(unusable)?;
    let overrides = Overrides::default()
        .or_environment(&room.environment)
        .map_err(unusable)?;
    let file = Config::read(&path, &overrides)
        .map_err(unusable)?
        .pause_file;
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| {
            writeln!(open, "{}", args.reason)?;
            open.sync_all()
        });
    let shown = file.display().to_string();
    written.map_err(|why| Failure::new(Exit::Failed, format!("{shown}: {why}")))?;
    if room.terminal.wants_json() {
        room.terminal.json(&json!({ "pause_file": shown }));
    } else {
        room.terminal.line(&format!(
            "PAUSING  {shown} is there: a service that runs on this machine writes nothing more \
             within seconds, and one that starts writes nothing"
        ));
        room.terminal.say(&format!(
            "  allow it again: rm {shown} && estop brake reset --reason TEXT"
        ));
    }
    Ok(Exit::Done)
}
