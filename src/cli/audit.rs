//! `estop audit`: list, export, verify.

use std::io::{BufReader, Write as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{AuditCommand, ProofArgs, Reach, StoreArgs};
use super::exit::Exit;
use super::server::{Server, cell, query};
use super::terminal::Terminal;
use super::{table, token};
use crate::audit::{
    Anchors, Bad, Head, Noted, PAGE, Verified, cut_line, verify_export, verify_store,
};
use crate::signature::PublicKey;

/// Records as the server sends them; each keeps its bytes.
#[derive(Deserialize)]
struct Page {
    records: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct HeadSaid {
    head: String,
    cut: Option<String>,
}

pub(super) async fn audit(room: &mut Room, reach: &Reach, command: AuditCommand) -> Answer {
    match command {
        AuditCommand::List { after, limit } => {
            let server = room.server(reach)?;
            list(room, &server, after, limit).await
        }
        AuditCommand::Export { out } => {
            let server = room.server(reach)?;
            export(room, &server, out.as_deref()).await
        }
        AuditCommand::Verify(args) => verify(room, args).await,
    }
}

async fn list(room: &mut Room, server: &Server, after: Option<u32>, limit: u32) -> Answer {
    let (limit, after) = (limit.to_string(), after.map(|after| after.to_string()));
    let mut pairs = vec![("limit", limit.as_str())];
    pairs.extend(after.as_deref().map(|after| ("after", after)));
    let said: serde_json::Value = server.get(&format!("/v1/audit?{}", query(&pairs))).await?;
    if room.terminal.wants_json() {
        room.terminal.json(&said);
        return Ok(Exit::Done);
    }
    let records = said.get("records").and_then(|records| records.as_array());
    let nothing = serde_json::Value::Null;
    let rows: Vec<Vec<String>> = records
        .into_iter()
        .flatten()
        .map(|line| {
            let record = line.get("record").unwrap_or(&nothing);
            let about = ["run", "detection", "delivery"].map(|name| cell(record, name));
            let about = about.into_iter().find(|id| id != "-");
            vec![
                cell(line, "number"),
                cell(record, "at"),
                cell(record, "what"),
                cell(record, "who"),
                about.unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    let heading = ["NUMBER", "AT", "WHAT", "WHO", "ABOUT"];
    table::write(&mut room.terminal, &heading, &rows, "no records");
    Ok(Exit::Done)
}

/// Every record up to the head of this moment, page by page.
async fn export(room: &mut Room, server: &Server, out: Option<&Path>) -> Answer {
    let said: HeadSaid = server.get("/v1/audit/head").await?;
    let head: Head = said.head.parse().map_err(Failure::usage)?;
    let cut: Option<Head> = said
        .cut
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(Failure::usage)?;
    let mut file = out.map(new_file).transpose()?;
    let mut after = 0;
    if let Some(cut) = cut {
        put(room, file.as_mut(), &format!("{}\n", cut_line(cut)))?;
        after = cut.number;
    }
    while after < head.number {
        let page: Page = server
            .get(&format!("/v1/audit?after={after}&limit={PAGE}"))
            .await?;
        let left = usize::try_from(head.number - after).unwrap_or(usize::MAX);
        let lines: Vec<&str> = page
            .records
            .iter()
            .take(left)
            .map(|raw| raw.get())
            .collect();
        if lines.is_empty() {
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "the records end at {after}, before the head at {}",
                    head.number
                ),
            ));
        }
        after += i64::try_from(lines.len()).unwrap_or(i64::MAX);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        put(room, file.as_mut(), &text)?;
        room.terminal
            .progress(&format!("  {after} of {}", head.number));
    }
    room.terminal.progress_over();
    room.terminal.say(&format!("head {head}"));
    room.terminal
        .say("  note it elsewhere: only against it can a missing end be seen");
    Ok(Exit::Done)
}

fn put(room: &mut Room, file: Option<&mut std::fs::File>, text: &str) -> Result<(), Failure> {
    let Some(file) = file else {
        room.terminal.raw(text);
        return Ok(());
    };
    file.write_all(text.as_bytes())
        .map_err(|why| Failure::new(Exit::Failed, format!("it cannot be written: {why}")))
}

pub(super) fn new_file(path: &Path) -> Result<std::fs::File, Failure> {
    let opened = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    opened.map_err(|why| Failure::usage(format!("{}: {why}", path.display())))
}

async fn verify(room: &mut Room, args: ProofArgs) -> Answer {
    let ProofArgs {
        file,
        head,
        anchors,
        key,
        store,
    } = args;
    let verified = match anchors.map(|path| anchors_in(&path, key)).transpose()? {
        None => walk(room, file.as_deref(), (Noted::head(head), &store)).await?,
        Some(Err(bad)) => Err(bad),
        Some(Ok(anchors)) => {
            signed_by(&mut room.terminal, &anchors, key);
            match anchors.beside(Noted::head(head)) {
                Ok(noted) => walk(room, file.as_deref(), (noted, &store)).await?,
                Err(bad) => Err(bad),
            }
        }
    };
    room.terminal.progress_over();
    Ok(told(&mut room.terminal, verified))
}

fn opened(path: &Path) -> Result<BufReader<std::fs::File>, Failure> {
    let opened = std::fs::File::open(path);
    let opened = opened.map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    Ok(BufReader::new(opened))
}

fn anchors_in(path: &Path, key: Option<PublicKey>) -> Result<Result<Anchors, Bad>, Failure> {
    Ok(Anchors::read(opened(path)?, key))
}

fn signed_by(terminal: &mut Terminal, anchors: &Anchors, key: Option<PublicKey>) {
    let Some(signer) = anchors.signer else { return };
    terminal.say(&format!("{} anchors, signed by {signer}", anchors.count()));
    if key.is_none() {
        terminal.say("  another signer cannot be seen without a key: add --key PUBLIC");
    }
}

/// The proof, and whether anything was there to hold the chain against.
type Walked = Result<(Verified, bool), Bad>;

async fn walk(
    room: &mut Room,
    file: Option<&Path>,
    (noted, store): (Noted, &StoreArgs),
) -> Result<Walked, Failure> {
    let held = !noted.is_nothing();
    let verified = match file {
        Some(path) => verify_export(opened(path)?, noted),
        None => in_store(room, noted, store).await?,
    };
    Ok(verified.map(|verified| (verified, held)))
}

async fn in_store(
    room: &mut Room,
    noted: Noted,
    store: &StoreArgs,
) -> Result<Result<Verified, Bad>, Failure> {
    let mut reached = 0;
    let verified = token::visit(room, store, async |store| {
        Ok(verify_store(store, noted, |number| reached = number).await)
    })
    .await?;
    room.terminal.progress(&format!("  {reached} records"));
    Ok(verified)
}

fn told(terminal: &mut Terminal, verified: Walked) -> Exit {
    let (exit, said) = match &verified {
        Ok((Verified { head, cut }, _)) => (
            Exit::Done,
            json!({
                "intact": true, "records": head.number, "head": head.to_string(),
                "cut": cut.map(|cut| cut.to_string()),
            }),
        ),
        Err(bad) => (
            Exit::Failed,
            json!({ "intact": false, "why": bad.to_string() }),
        ),
    };
    if terminal.wants_json() {
        terminal.json(&said);
        return exit;
    }
    match verified {
        Ok((Verified { head, cut }, held)) => {
            terminal.line(&format!("{} records, chain intact", head.number));
            terminal.line(&format!("head {head}"));
            if let Some(cut) = cut {
                terminal.line(&format!(
                    "begins behind {cut}: what came before was cut off"
                ));
            }
            if !held {
                terminal.say(
                    "  a missing end cannot be seen without a head: add --head NUMBER:SEAL or --anchors FILE",
                );
            }
        }
        Err(bad) => terminal.line(&format!("NOT INTACT: {bad}")),
    }
    exit
}
