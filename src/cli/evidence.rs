//! `estop evidence`: show, export, verify.

use std::io::{Read as _, Write as _};
use std::path::Path;

use serde_json::json;
use serde_json::value::RawValue;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{EvidenceCommand, Reach};
use super::exit::Exit;
use super::table;
use crate::domain::evidence::{Effective, EvidencePart};
use crate::domain::id::RunId;
use crate::evidence::{FILE_MAX, PartShown, Shown, Verified, verify};
use crate::signature::PublicKey;

pub(super) async fn evidence(room: &mut Room, reach: &Reach, command: EvidenceCommand) -> Answer {
    match command {
        EvidenceCommand::Show { run } => show(room, reach, run).await,
        EvidenceCommand::Export { run, out } => export(room, reach, (run, out.as_deref())).await,
        EvidenceCommand::Verify { file, key } => check(room, &file, key),
    }
}

async fn show(room: &mut Room, reach: &Reach, run: RunId) -> Answer {
    let server = room.server(reach)?;
    let shown: Shown = server.get(&format!("/v1/runs/{run}/evidence")).await?;
    if room.terminal.wants_json() {
        room.terminal.json(&shown);
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = shown.parts.iter().map(row).collect();
    let heading = ["PART", "STATE", "READ", "WHAT"];
    table::write(&mut room.terminal, &heading, &rows, "nothing is gathered");
    let far = shown.evidence.map_or("never struck", |it| it.state.word());
    room.terminal.say(&format!("  {run}: {far}"));
    Ok(Exit::Done)
}

fn row(part: &PartShown) -> Vec<String> {
    vec![
        part.part.to_string(),
        part.state.word().replace('_', " "),
        part.read_at.to_string(),
        part.why.clone().unwrap_or_else(|| summary(part)),
    ]
}

/// One line about a part; all of it is in `--json` and in the bundle.
fn summary(part: &PartShown) -> String {
    let body = &part.body;
    let effective = body.get("effective").cloned().map(serde_json::from_value);
    if let Some(Ok(effective)) = effective {
        let effective: Effective = effective;
        return effective.words().to_owned();
    }
    if let Some(list) = body.as_array() {
        return list.len().to_string();
    }
    let counts: Vec<String> = body
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| {
            let count = value.as_array()?.len();
            Some(format!("{} {count}", name.replace('_', " ")))
        })
        .collect();
    let more = match body.get("whole").and_then(serde_json::Value::as_bool) {
        Some(false) => ", and more that were not read",
        Some(true) | None => "",
    };
    format!("{}{more}", counts.join(", "))
}

async fn export(room: &mut Room, reach: &Reach, (run, out): (RunId, Option<&Path>)) -> Answer {
    let server = room.server(reach)?;
    let path = format!("/v1/runs/{run}/evidence/bundle");
    let bundle: Box<RawValue> = server.get(&path).await?;
    // The bundle is one line; its line break is no part of the value.
    let text = format!("{}\n", bundle.get());
    let verified = verify(text.as_bytes(), None)
        .map_err(|broken| Failure::new(Exit::Failed, format!("NOT INTACT: {broken}")))?;
    match out {
        None => room.terminal.raw(&text),
        Some(path) => {
            let mut file = super::audit::new_file(path)?;
            file.write_all(text.as_bytes())
                .map_err(|why| Failure::new(Exit::Failed, format!("{}: {why}", path.display())))?;
        }
    }
    room.terminal.say(&format!("key {}", verified.key));
    room.terminal
        .say("  note it elsewhere: only against it can another signer be seen");
    Ok(Exit::Done)
}

fn check(room: &mut Room, path: &Path, key: Option<PublicKey>) -> Answer {
    let unreadable = |why: std::io::Error| Failure::usage(format!("{}: {why}", path.display()));
    let mut file = Vec::new();
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    opened
        .take(FILE_MAX)
        .read_to_end(&mut file)
        .map_err(unreadable)?;
    let verified = match verify(&file, key) {
        Ok(verified) => verified,
        Err(broken) => {
            if room.terminal.wants_json() {
                let why = broken.to_string();
                room.terminal.json(&json!({ "intact": false, "why": why }));
            } else {
                room.terminal.line(&format!("NOT INTACT: {broken}"));
            }
            return Ok(Exit::Failed);
        }
    };
    tell(room, &verified, key);
    Ok(Exit::Done)
}

fn tell(room: &mut Room, verified: &Verified, key: Option<PublicKey>) {
    let said = |(part, why): &(EvidencePart, String)| json!({ "part": part, "why": why });
    let missing: Vec<_> = verified.missing.iter().map(said).collect();
    if room.terminal.wants_json() {
        room.terminal.json(&json!({
            "intact": true, "run": verified.run, "key": verified.key.to_string(),
            "exported_at": verified.exported_at, "records": verified.records,
            "parts": verified.parts, "missing": missing,
        }));
        return;
    }
    let Verified {
        run,
        exported_at,
        records,
        parts,
        ..
    } = verified;
    let terminal = &mut room.terminal;
    terminal.line(&format!(
        "{run}: intact, {parts} parts, {records} records, exported {exported_at}"
    ));
    for (part, why) in &verified.missing {
        terminal.line(&format!("  without {part}: {why}"));
    }
    terminal.line(&format!("key {}", verified.key));
    if key.is_none() {
        terminal.say("  another signer cannot be seen without a key: add --key PUBLIC");
    }
}
