//! `estop hold`: keep a run for a case, list what cases keep, let it go again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Room;
use super::answers::Answer;
use super::args::{HoldArgs, Reach};
use super::exit::Exit;
use super::table;
use crate::domain::retention::KeptRun;

#[derive(Serialize, Deserialize)]
struct Listed {
    kept: Vec<KeptRun>,
}

pub(super) async fn hold(room: &mut Room, reach: &Reach, args: HoldArgs) -> Answer {
    let server = room.server(reach)?;
    let (Some(run), Some(case)) = (args.run, &args.case) else {
        let listed: Listed = server.get("/v1/kept").await?;
        list(room, &listed);
        return Ok(Exit::Done);
    };
    let body = json!({ "case": case, "reason": args.reason });
    let (word, line) = if args.release {
        (
            "release",
            format!("{run} is no longer kept for {case}; it goes when it is old"),
        )
    } else {
        (
            "keep",
            format!("{run} is kept for {case} until it is released"),
        )
    };
    let said: Value = server
        .post(&format!("/v1/runs/{run}/{word}"), &body)
        .await?;
    if room.terminal.wants_json() {
        room.terminal.json(&said);
    } else {
        room.terminal.line(&line);
    }
    Ok(Exit::Done)
}

fn list(room: &mut Room, listed: &Listed) {
    if room.terminal.wants_json() {
        room.terminal.json(listed);
        return;
    }
    let row = |kept: &KeptRun| {
        vec![
            kept.run.to_string(),
            kept.case.to_string(),
            kept.since.to_string(),
            kept.by.clone(),
            kept.because.clone(),
        ]
    };
    let rows: Vec<_> = listed.kept.iter().map(row).collect();
    let heading = ["RUN", "CASE", "SINCE", "BY", "BECAUSE"];
    table::write(
        &mut room.terminal,
        &heading,
        &rows,
        "no case keeps anything",
    );
}
