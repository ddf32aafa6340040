//! The templates of `deploy/sentinel`, filled in for one deployment.

use std::path::Path;

use serde_json::Value;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::SentinelArgs;
use super::super::exit::Exit;

/// Name and text of every template.
const TEMPLATES: [(&str, &str); 4] = [
    (
        "analytics-rules.json",
        include_str!("../../../deploy/sentinel/analytics-rules.json"),
    ),
    (
        "bridge.json",
        include_str!("../../../deploy/sentinel/bridge.json"),
    ),
    (
        "automation.json",
        include_str!("../../../deploy/sentinel/automation.json"),
    ),
    (
        "azure-monitor.json",
        include_str!("../../../deploy/sentinel/azure-monitor.json"),
    ),
];
/// Azure Monitor sends another body, so it is another source.
const MONITOR: &str = "azure-monitor.json";

/// Writes every template with its parameters' defaults filled in, and says what to do with them.
pub(super) fn write(room: &mut Room, args: &SentinelArgs) -> Answer {
    let refused = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, format!("{}: {why}", args.out.display()))
            .fix("name a folder that can be written to with --out")
    };
    if args.url.scheme() != "https" {
        return Err(Failure::usage(format!(
            "{} is no https address, and Azure calls no other",
            args.url
        )));
    }
    std::fs::create_dir_all(&args.out).map_err(|why| refused(&why))?;
    for (name, text) in TEMPLATES {
        let filled = filled(name, text, args).map_err(|why| refused(&why))?;
        write_new(&args.out.join(name), &filled).map_err(|why| refused(&why))?;
        room.terminal
            .say(&format!("wrote {}", args.out.join(name).display()));
    }
    for line in next(args) {
        room.terminal.say(&line);
    }
    Ok(Exit::Done)
}

/// A file that is there already may have been changed by hand.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    options.open(path)?.write_all(text.as_bytes())
}

fn filled(name: &str, text: &str, args: &SentinelArgs) -> Result<String, serde_json::Error> {
    let mut template: Value = serde_json::from_str(text)?;
    let principal = args.principal.map(|id| id.to_string());
    let source = (name != MONITOR).then(|| args.source.clone());
    for (parameter, value) in [
        ("workspace", Some(args.workspace.clone())),
        (
            "estopUrl",
            Some(args.url.as_str().trim_end_matches('/').to_owned()),
        ),
        ("audience", Some(args.audience.clone())),
        ("source", source),
        ("estopPrincipalId", principal),
    ] {
        let known = template["parameters"].get_mut(parameter);
        if let (Some(known), Some(value)) = (known, value) {
            known["defaultValue"] = Value::from(value);
        }
    }
    serde_json::to_string_pretty(&template).map(|text| text + "\n")
}

fn next(args: &SentinelArgs) -> Vec<String> {
    let group = "az deployment group create -g RESOURCE_GROUP -f";
    let out = args.out.display();
    let mut lines: Vec<String> = ["bridge.json", "analytics-rules.json", "automation.json"]
        .iter()
        .map(|name| format!("next: {group} {out}/{name}"))
        .collect();
    if args.principal.is_none() {
        lines.push(
            "analytics-rules.json asks for estopPrincipalId: the object id of estop's own \
             service principal"
                .to_owned(),
        );
    }
    lines.push(format!(
        "then let sources.{} accept incidentIdentity and alertIdentity, the outputs of bridge.json",
        args.source
    ));
    lines.push(format!(
        "without Sentinel: {group} {out}/{MONITOR} -p workspaceResourceId=ID appObjectId=ID"
    ));
    lines
}
