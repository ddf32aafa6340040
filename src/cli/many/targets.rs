//! Which ids a person named: on the command line, in a file, or as a blueprint's agents.

use std::path::Path;

use serde_json::json;

use super::super::answers::Failure;
use super::super::args::ContainArgs;
use super::super::server::Server;
use crate::command::Shown;
use crate::domain::entity::{EntityKind, ObjectId};

/// Most ids in one word. Above it a blueprint is one write, which is what is wanted then.
pub(super) const IDS_MAX: usize = 500;
/// Largest list that is read, in bytes.
const FILE_MAX: u64 = 64 * 1024;

/// Every id once, in the order they were named.
pub(in crate::cli) async fn named(
    server: &Server,
    args: &ContainArgs,
) -> Result<Vec<ObjectId>, Failure> {
    let mut ids = args.targets.clone();
    if let Some(file) = &args.file {
        ids.extend(listed(&read(file)?)?);
    }
    if args.agents {
        ids = agents_of(server, &ids).await?;
    }
    let mut once = Vec::new();
    for id in ids {
        if !once.contains(&id) {
            once.push(id);
        }
    }
    if once.is_empty() {
        return Err(Failure::usage("there is nobody to contain")
            .fix("name a GUID, or a --file that holds one in each line"));
    }
    if once.len() > IDS_MAX {
        return Err(Failure::usage(format!("more than {IDS_MAX} ids"))
            .fix("contain their blueprint, which is one write, or split the list"));
    }
    Ok(once)
}

fn read(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let shown = file.display();
    let unusable = |why: std::io::Error| Failure::usage(format!("{shown}: {why}"));
    let opened = std::fs::File::open(file).map_err(unusable)?;
    let mut text = String::new();
    let read = opened.take(FILE_MAX + 1).read_to_string(&mut text);
    match read.map_err(unusable)? {
        0.. if text.len() as u64 > FILE_MAX => Err(Failure::usage(format!(
            "{shown}: larger than {FILE_MAX} bytes"
        ))),
        _ => Ok(text),
    }
}

/// One GUID in each line; empty lines and what follows a `#` are left out.
pub(super) fn listed(text: &str) -> Result<Vec<ObjectId>, Failure> {
    let mut ids = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let word = line.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        let id = word.parse();
        ids.push(id.map_err(|why| Failure::usage(format!("line {number}: {why}")))?);
    }
    Ok(ids)
}

async fn agents_of(server: &Server, ids: &[ObjectId]) -> Result<Vec<ObjectId>, Failure> {
    let [blueprint] = ids else {
        return Err(Failure::usage("--agents wants one blueprint"));
    };
    let entity = json!({ "id": blueprint, "kind": EntityKind::Blueprint });
    let plan: Shown = server
        .post("/v1/plans", &json!({ "entity": entity }))
        .await?;
    Ok(plan.family.iter().map(|agent| agent.entity.id).collect())
}
