//! `estop playbook activate`, `statement` and `lift`: people's words about what may act.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::{ActivateArgs, Format, Reach};
use super::super::contain::yes;
use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::lint;
use crate::catalog::{Proved, proved};
use crate::domain::playbook::PlaybookName;
use crate::domain::restraint::{Activated, ChangeName, statement};

/// Longest signature file that is read, in bytes.
const SIGNATURE_MAX: u64 = 1024;

#[derive(Deserialize, Serialize)]
struct Answered {
    digest: String,
    activated: Option<Activated>,
    half_activated: Option<Activated>,
}

/// What is shown is what is activated: the digests are of the bytes that were read here.
pub(super) async fn activate(room: &mut Room, reach: &Reach, args: ActivateArgs) -> Answer {
    let server = room.server(reach)?;
    let files = match proved(&args.paths) {
        Ok(files) => files,
        Err(faults) => {
            lint::tell(&mut room.terminal, &faults, Format::Text);
            return Ok(Exit::Failed);
        }
    };
    let signature = signature(&args, files.len())?;
    for one in &files {
        room.terminal.say(&shown(one));
    }
    if !args.yes {
        let question = format!("Let these act, by {}? [y/N]", args.change);
        yes(&mut room.terminal, &question)?;
    }
    let mut answers = Vec::new();
    for one in &files {
        let playbook = &one.loaded.playbook;
        let body = json!({
            "digest": playbook.digest, "change": args.change, "reason": args.reason,
            "signature": signature,
        });
        let path = format!("/v1/playbooks/{}/activate", playbook.name);
        let answered: Answered = server.post(&path, &body).await?;
        if !room.terminal.wants_json() {
            room.terminal.line(&said(&playbook.name, &answered));
        }
        answers.push(answered);
    }
    if room.terminal.wants_json() {
        room.terminal.json(&json!({ "activations": answers }));
    }
    let active = answers.iter().all(|answer| answer.activated.is_some());
    Ok(if active {
        Exit::Done
    } else {
        Exit::WaitsForPerson
    })
}

fn shown(one: &Proved) -> String {
    let playbook = &one.loaded.playbook;
    format!(
        "{}  mode {}  {}  sha256 {}",
        playbook.name, playbook.mode, one.file, playbook.digest
    )
}

fn said(name: &PlaybookName, answered: &Answered) -> String {
    let by = |one: &Activated| one.by.join(" and ");
    match (&answered.activated, &answered.half_activated) {
        (Some(one), _) => format!(
            "ACTIVE  {name}  by {}, on the word of {}",
            one.change,
            by(one)
        ),
        (None, Some(one)) => format!(
            "ASKED  {name}  by {}, on the word of {}; another lead's word is needed",
            one.change,
            by(one)
        ),
        (None, None) => format!("ASKED  {name}"),
    }
}

fn signature(args: &ActivateArgs, files: usize) -> Result<Option<Value>, Failure> {
    let (Some(path), Some(signer)) = (&args.signature, &args.signer) else {
        return Ok(None);
    };
    if files != 1 {
        return Err(Failure::usage("a signature is for one playbook"));
    }
    let text = text_of(path)?;
    Ok(Some(json!({ "signer": signer, "signature": text.trim() })))
}

fn text_of(path: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let unusable = |why: std::io::Error| Failure::usage(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(unusable)?;
    let mut text = String::new();
    file.take(SIGNATURE_MAX)
        .read_to_string(&mut text)
        .map_err(unusable)?;
    Ok(text)
}

/// Exactly the bytes that are signed, and nothing else.
pub(super) fn print_statement(room: &mut Room, path: PathBuf, change: &ChangeName) -> Answer {
    match proved(&[path]) {
        Err(faults) => {
            lint::tell(&mut room.terminal, &faults, Format::Text);
            Ok(Exit::Failed)
        }
        Ok(files) => {
            let [one] = files.as_slice() else {
                return Err(Failure::usage("a statement is about one playbook"));
            };
            let playbook = &one.loaded.playbook;
            let text = statement(&playbook.name, &playbook.digest, change);
            room.terminal.raw(&text);
            Ok(Exit::Done)
        }
    }
}

pub(super) async fn lift(
    room: &mut Room,
    reach: &Reach,
    (name, reason): (PlaybookName, String),
) -> Answer {
    let server = room.server(reach)?;
    let body = json!({ "reason": reason });
    let said: Value = server
        .post(&format!("/v1/playbooks/{name}/lift"), &body)
        .await?;
    tell_lifted(&mut room.terminal, &name, &said);
    Ok(Exit::Done)
}

fn tell_lifted(terminal: &mut Terminal, name: &PlaybookName, said: &Value) {
    if terminal.wants_json() {
        terminal.json(said);
    } else {
        terminal.line(&format!("{name} acts as it says again"));
    }
}
