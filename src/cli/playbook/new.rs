//! `estop playbook new`: a playbook that is valid from the first minute, and its tests.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::NewArgs;
use super::super::exit::Exit;
use crate::catalog::{Fault, read, read_cases, test_file};

pub(super) fn new(room: &mut Room, args: &NewArgs) -> Answer {
    let file = args.folder.join(format!("{}.yaml", args.name));
    let tests = test_file(&file);
    let (playbook, cases) = (playbook_text(args), tests_text(args));
    // What is written must be what we take; a bad name or type is told before anything is.
    let remarks = read(&file.display().to_string(), &playbook).map_err(refused)?;
    read_cases(&tests.display().to_string(), &cases).map_err(refused)?;
    for (path, text) in [(&file, &playbook), (&tests, &cases)] {
        create(path, text).map_err(|why| {
            Failure::usage(format!("{}: {why}", path.display()))
                .fix("nothing is written over: name another, or remove it first")
        })?;
    }
    let (file, tests) = (file.display().to_string(), tests.display().to_string());
    if room.terminal.wants_json() {
        let told = json!({ "playbook": file, "tests": tests });
        room.terminal.json(&told);
    } else {
        room.terminal.line(&file);
        room.terminal.line(&tests);
        for remark in remarks.remarks {
            room.terminal.say(&remark.to_string());
        }
        room.terminal
            .say(&format!("next: estop playbook test {file}"));
    }
    Ok(Exit::Done)
}

fn refused(faults: Vec<Fault>) -> Failure {
    let said: Vec<_> = faults.iter().map(|fault| fault.what.clone()).collect();
    let help = faults.into_iter().find_map(|fault| fault.help.clone());
    Failure::usage(said.join("; ")).fix(help.unwrap_or_else(|| "nothing was written".to_owned()))
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// What stops an entity of this kind, and the name of one in the simulated tenant.
fn by_kind(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "blueprint" => ("steps:\n  - disable_blueprint\n", "Finance-Agents"),
        "agent_user" => (
            "steps:\n  - disable_agent_user\n",
            "invoice-bot@contoso.example",
        ),
        _ => (
            "steps:\n  - disable_agent\n  - disable_agent_user: { optional: true }\n",
            "invoice-bot",
        ),
    }
}

fn playbook_text(args: &NewArgs) -> String {
    let (steps, _) = by_kind(&args.entity);
    let also = match args.entity.as_str() {
        "agent" => "also: [agent_users]\n",
        _ => "",
    };
    let blueprints = match args.entity.as_str() {
        "blueprint" => "blueprints_max: 1, ",
        _ => "",
    };
    let (name, types, kind) = (&args.name, args.detection.join(", "), &args.entity);
    format!(
        "# yaml-language-server: $schema=playbook.schema.json\n\
         # Why: say here what this is an answer to, and what a false alarm would cost.\n\
         playbook: {name}\n\
         summary: Stop the {} that {types} names.\n\
         trigger:\n  detection: [{types}]\n  severity: high+\n\
         when:\n  fresh: age(detection.detected_at) < duration(\"24h\")\n\
         on_unknown: observe\n\
         entity: {kind}\n{also}\
         mode: observe\n\
         recommended: enforce\n\
         guardrail: {{ entities_max: 5, {blueprints}window: 10m, on_breach: ask }}\n\
         {steps}\
         hold: {{ for: 7d, then: keep }}\n\
         notify: [sponsors, incident]\n",
        kind.replace('_', " ")
    )
}

fn tests_text(args: &NewArgs) -> String {
    let (_, entity) = by_kind(&args.entity);
    let (name, first) = (&args.name, args.detection.first());
    let first = first.map_or("", String::as_str);
    format!(
        "# yaml-language-server: $schema=playbook.test.schema.json\n\
         playbook: {name}\n\
         cases:\n  \
         - case: what it names is stopped\n    \
         detection: {{ type: {first}, severity: high, entity: {entity} }}\n    \
         expect: {{ decision: respond, state: contained }}\n  \
         - case: medium severity is left to a person\n    \
         detection: {{ type: {first}, severity: medium, entity: {entity} }}\n    \
         expect: {{ decision: stand_down }}\n  \
         - case: what is a day old is left to a person\n    \
         detection: {{ type: {first}, severity: high, entity: {entity}, age: 25h }}\n    \
         expect: {{ decision: stand_down, clauses: {{ fresh: false }} }}\n"
    )
}
