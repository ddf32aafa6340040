//! `estop init`: the scripts and templates a person runs before the first start. Nothing is run
//! from here.

mod az;
mod powershell;
mod sentinel;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{InitCommand, ShellWord};
use super::exit::Exit;
use super::permissions::{extras, needed_by, nothing, of};
use crate::domain::needed::Needed;
use crate::domain::role::ServiceRole;

pub(super) fn init(room: &mut Room, command: &InitCommand) -> Answer {
    let (paths, whose, shell, optional) = match command {
        InitCommand::Sentinel(args) => return sentinel::write(room, args),
        InitCommand::Entra {
            paths,
            profile,
            role,
            shell,
            optional,
        } => (paths, (*profile, *role), shell, *optional),
    };
    if !whose.1.enters_tenant() {
        let role = whose.1;
        return Err(Failure::usage(format!("role {role}: {}", nothing(role)))
            .fix("Grant it nothing, and give it no identity in the tenant"));
    }
    let needed = of(whose, paths)?;
    let script = match shell {
        ShellWord::Az => az::script(&needed, optional),
        ShellWord::Powershell => powershell::script(&needed, optional),
    };
    room.terminal.raw(&script);
    for beyond in &needed.beyond {
        room.terminal.say(&format!(
            "warning: {} of {} is left out: it needs --profile {}",
            beyond.action,
            beyond.playbook,
            beyond.action.profile()
        ));
    }
    Ok(Exit::Done)
}

/// Whose permissions they are: of a profile, and of which part where they are one part's alone.
fn whose(needed: &Needed) -> String {
    let profile = format!("the profile {}", needed.profile);
    match needed.role {
        ServiceRole::All => profile,
        role @ (ServiceRole::Ingest | ServiceRole::Worker | ServiceRole::Console) => {
            format!("the role {role} in {profile}")
        }
    }
}

/// One line for each permission, in the shell's own comment and call.
fn lines(needed: &Needed, optional: bool, call: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for need in &needed.permissions {
        if let Some(reaches) = need.permission.reaches {
            text.push_str(&format!("# Reaches further: {reaches}.\n"));
        }
        text.push_str(&format!("# {}\n", needed_by(needed, need).join(", ")));
        text.push_str(&call(need.permission.name));
        text.push('\n');
    }
    if optional {
        text.push_str("\n# These only read. Nothing that stops anybody waits for them.\n");
        for one in extras(needed) {
            for (sight, sees) in one.uses {
                text.push_str(&format!("# {sight}: {sees}\n"));
            }
            text.push_str(&call(one.name));
            text.push('\n');
        }
    }
    text
}
