//! `estop trigger`: a detection made up for a trial, of any type and as any sender sends it.
//!
//! Knows: the fixtures, and how to make one fresh.
//! Never: what a service makes of it.
//!
//! Read next: `fixtures` (a new sender is one row there), then `fresh`.

mod fixtures;
mod fresh;

use serde_json::Value;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::TriggerArgs;
use super::deliveries::signed;
use super::exit::Exit;
use super::pen::Pen;
use super::send::{address, become_of, post, tell};
use fixtures::{FIXTURES, Fixture};
use fresh::Wishes;

use crate::catalog::{detection_types, nearest};

pub(super) async fn trigger(room: &mut Room, args: TriggerArgs) -> Answer {
    if args.list {
        return Ok(list(room));
    }
    let name = args.fixture.clone().unwrap_or_default();
    let body = body(room, &name, &args)?;
    if args.print {
        room.terminal.line(&body);
        return Ok(Exit::Done);
    }
    let Some(key) = &args.key else {
        return Err(Failure::usage("name the secret's file with --key"));
    };
    let pen = Pen::open(&args.way.scheme, key)?;
    let address = address(&args.way, key)?;
    pen.may_go_to(&address)?;
    let delivery = signed(room, &pen, (None, None), body.into_bytes());
    let transport = room.transport()?;
    let reply = post(room, &transport, &address, &delivery).await?;
    let exit = tell(room, &reply, None);
    match (exit, args.way.wait) {
        (Exit::Done, Some(limit)) => become_of(room, &transport, &reply, limit.0).await,
        (exit, _) => Ok(exit),
    }
}

fn list(room: &mut Room) -> Exit {
    let types: Vec<&str> = detection_types().collect();
    if room.terminal.wants_json() {
        let bodies: Vec<_> = FIXTURES
            .iter()
            .map(|it| serde_json::json!({ "name": it.name, "reader": it.reader }))
            .collect();
        let said = serde_json::json!({ "bodies": bodies, "types": types });
        room.terminal.json(&said);
        return Exit::Done;
    }
    room.terminal.line("As a sender sends it:");
    for fixture in FIXTURES {
        let line = format!("  {:<28} reader {}", fixture.name, fixture.reader);
        room.terminal.line(&line);
    }
    room.terminal
        .line("Of a type, in estop's own form (reader estop):");
    for name in types {
        room.terminal.line(&format!("  {name}"));
    }
    Exit::Done
}

/// The fixture of this name, or of this type, made fresh and changed as asked.
fn body(room: &Room, name: &str, args: &TriggerArgs) -> Result<String, Failure> {
    let (fixture, kind) = match (Fixture::named(name), known_type(name)) {
        (Some(fixture), _) => (fixture, None),
        (None, Some(kind)) => (Fixture::canonical(), Some(kind)),
        (None, None) => return Err(unknown(name)),
    };
    let wishes = Wishes {
        now: room.clock.now(),
        agent: args.agent,
        tenant: args.tenant,
    };
    let text = fixture.fresh(&wishes, || room.clock.uuid());
    let mut body: Value = serde_json::from_str(&text)
        .map_err(|why| Failure::new(Exit::Failed, format!("{name}: {why}")))?;
    if let Some(kind) = kind {
        fresh::put(&mut body, "type", kind)?;
    }
    for wish in &args.set {
        let (place, value) = wish
            .split_once('=')
            .ok_or_else(|| Failure::usage("--set is PLACE=VALUE, such as severity=low"))?;
        fresh::put(&mut body, place, value)?;
    }
    Ok(body.to_string())
}

fn known_type(name: &str) -> Option<&'static str> {
    detection_types().find(|known| known.eq_ignore_ascii_case(name))
}

fn unknown(name: &str) -> Failure {
    let bodies = FIXTURES.iter().map(|fixture| fixture.name);
    let known: Vec<&str> = bodies.chain(detection_types()).collect();
    let failure = Failure::new(Exit::NotFound, format!("`{name}` cannot be made up"));
    match nearest(name, &known) {
        Some(near) => failure.fix(format!("did you mean `{near}`?")),
        None => failure.fix("see them all: estop trigger --list"),
    }
}

#[cfg(test)]
mod tests;
