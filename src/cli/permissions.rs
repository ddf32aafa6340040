//! `estop playbook permissions`: what must be granted, to whom it is of use, and how far it reaches.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::answers::{Answer, Failure};
use super::exit::Exit;
use super::table;
use super::terminal::Terminal;
use crate::catalog::Catalog;
use crate::domain::needed::{Need, Needed, needed};
use crate::domain::permission::Profile;
use crate::domain::role::ServiceRole;
use crate::domain::sight::{OPTIONAL, Sight};

/// What Foundry asks for besides.
const FOUNDRY: &str = "an Azure role on each Foundry project that may disable its agents";
/// What a part reads for that carries nothing out.
const PLANS: &str = "plans";

/// A permission that only looking needs, and what a part sees with it.
pub(super) struct Extra {
    pub(super) name: &'static str,
    pub(super) uses: Vec<(Sight, &'static str)>,
}

pub(super) fn permissions(
    terminal: &mut Terminal,
    paths: &[PathBuf],
    (profile, role): (Option<Profile>, ServiceRole),
) -> Answer {
    let profiles = profile.map_or(Profile::ALL.to_vec(), |one| vec![one]);
    let each = profiles.into_iter().map(|one| of((one, role), paths));
    let all = each.collect::<Result<Vec<_>, _>>()?;
    if terminal.wants_json() {
        let said: Vec<Value> = all.iter().map(as_json).collect();
        terminal.json(&json!({ "profiles": said }));
    } else {
        for one in &all {
            show(terminal, one);
        }
    }
    // Asked for one profile, what it leaves out is left undone.
    let left_out = profile.is_some() && all.iter().any(|one| !one.beyond.is_empty());
    Ok(if left_out { Exit::Failed } else { Exit::Done })
}

/// What a part with a profile needs for the playbooks in a folder; without one, for the shipped
/// ones.
pub(super) fn of(whose: (Profile, ServiceRole), paths: &[PathBuf]) -> Result<Needed, Failure> {
    let mut catalogs = Vec::new();
    for path in paths {
        catalogs.push(Catalog::load_dir(path));
    }
    if catalogs.is_empty() {
        catalogs.push(Catalog::shipped());
    }
    let catalogs: Result<Vec<_>, _> = catalogs.into_iter().collect();
    let catalogs = catalogs.map_err(|faults| {
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Failure::usage(said.join("\n")).fix("estop playbook lint says more")
    })?;
    let playbooks = catalogs.iter().flat_map(Catalog::all);
    Ok(needed(whose, playbooks.map(|loaded| &*loaded.playbook)))
}

/// What needs it, in words.
pub(super) fn needed_by(needed: &Needed, need: &Need) -> Vec<&'static str> {
    if needed.role.works() {
        return need.by.iter().map(|action| action.word()).collect();
    }
    vec![PLANS]
}

fn show(terminal: &mut Terminal, needed: &Needed) {
    let part = match needed.role {
        ServiceRole::All => String::new(),
        role @ (ServiceRole::Ingest | ServiceRole::Worker | ServiceRole::Console) => {
            format!(", ROLE {role}")
        }
    };
    terminal.line(&format!("PROFILE {}{part}", needed.profile));
    let rows: Vec<Vec<String>> = needed
        .permissions
        .iter()
        .map(|need| {
            vec![
                need.permission.name.to_owned(),
                needed_by(needed, need).join(", "),
                need.permission.lets.to_owned(),
            ]
        })
        .collect();
    let heading = ["PERMISSION", "NEEDED BY", "SO THAT ESTOP CAN"];
    table::write(terminal, &heading, &rows, nothing(needed.role));
    if let Some(action) = needed.foundry {
        terminal.line(&format!("and {FOUNDRY} ({action})"));
    }
    let extras: Vec<Vec<String>> = extras(needed)
        .flat_map(|one| {
            one.uses.into_iter().map(move |(sight, sees)| {
                vec![one.name.to_owned(), sight.to_string(), sees.to_owned()]
            })
        })
        .collect();
    let heading = ["OPTIONAL", "FOR", "SO THAT ESTOP SEES"];
    table::write(terminal, &heading, &extras, "");
    for need in &needed.permissions {
        if let Some(reaches) = need.permission.reaches {
            let name = need.permission.name;
            terminal.say(&format!("warning: {name} reaches further: {reaches}"));
        }
    }
    for beyond in &needed.beyond {
        terminal.say(&format!(
            "note: {} of {} needs the profile {}",
            beyond.action,
            beyond.playbook,
            beyond.action.profile()
        ));
    }
    terminal.line("");
}

/// What to say where nothing is needed, and why.
pub(super) const fn nothing(role: ServiceRole) -> &'static str {
    match role.enters_tenant() {
        true => "nothing is needed",
        false => "nothing is needed: this role enters no tenant and holds no credential for it",
    }
}

/// What is only looked at by this part, and not granted above. Nothing that stops anything waits
/// for it.
pub(super) fn extras(needed: &Needed) -> impl Iterator<Item = Extra> {
    let granted = |name: &str| {
        let mut all = needed.permissions.iter();
        all.any(|it| it.permission.name == name)
    };
    // Who may write may read.
    let writes = |name: &str| name.replace(".Read.", ".ReadWrite.");
    let others = OPTIONAL
        .iter()
        .filter(move |one| !granted(one.name) && !granted(&writes(one.name)));
    let extra = others.map(|one| Extra {
        name: one.name,
        uses: one
            .uses
            .iter()
            .filter(|(sight, _)| sight.is_of(needed.role))
            .copied()
            .collect(),
    });
    extra.filter(|one| !one.uses.is_empty())
}

fn as_json(needed: &Needed) -> Value {
    let optional: Vec<Value> = extras(needed)
        .map(|one| {
            let uses: Vec<Value> = one
                .uses
                .iter()
                .map(|(sight, sees)| json!({ "for": sight.word(), "sees": sees }))
                .collect();
            json!({ "permission": one.name, "uses": uses })
        })
        .collect();
    let permissions: Vec<Value> = needed
        .permissions
        .iter()
        .map(|need| {
            json!({
                "permission": need.permission.name, "needed_by": needed_by(needed, need),
                "lets": need.permission.lets, "reaches": need.permission.reaches,
            })
        })
        .collect();
    let beyond: Vec<Value> = needed
        .beyond
        .iter()
        .map(|one| {
            json!({
                "playbook": one.playbook, "action": one.action,
                "needs_profile": one.action.profile(),
            })
        })
        .collect();
    json!({
        "profile": needed.profile, "role": needed.role, "permissions": permissions,
        "besides": needed.foundry.map(|action| json!({ "needed_by": action, "what": FOUNDRY })),
        "beyond": beyond, "optional": optional,
    })
}
