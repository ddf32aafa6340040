//! `estop undo`: what will be put back, the question, the word, the proof.

use serde_json::{Value, json};

use super::Room;
use super::answers::{Answer, Failure};
use super::args::{Reach, RiskWord, UndoArgs};
use super::contain::{interrupted, reason, yes};
use super::exit::Exit;
use super::runs;
use super::terminal::Terminal;
use super::wait::{Waited, wait};
use crate::command::UndoShown;
use crate::domain::action::RiskVerdict;
use crate::domain::step::PriorWord;

pub(super) async fn undo(room: &mut Room, reach: &Reach, args: UndoArgs) -> Answer {
    let server = room.server(reach)?;
    let path = format!("/v1/runs/{}/undo", args.run);
    let shown: UndoShown = server.post(&path, &json!({ "dry_run": true })).await?;
    if args.dry_run && room.terminal.wants_json() {
        room.terminal.json(&shown);
        return Ok(Exit::Done);
    }
    show(&mut room.terminal, &shown);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if let Some(stop) = shown.stopped_by.first() {
        return Err(Failure::new(
            Exit::Guarded,
            format!("{}: {}", stop.code, stop.why),
        ));
    }
    let risk = risk(&mut room.terminal, args.risk, &shown)?;
    let was = was(&mut room.terminal, args.was, &shown)?;
    if !args.yes {
        yes(&mut room.terminal, "Put it back? [y/N]")?;
    }
    let reason = reason(&mut room.terminal, args.reason)?;
    let word = json!({ "reason": reason, "risk": risk, "was": was });
    let _: Value = server.post(&path, &word).await?;
    match wait(room, &server, args.run, args.wait.0).await? {
        Waited::Stands(shown) => {
            runs::tell(&mut room.terminal, &shown);
            Ok(Exit::of_undo(shown.run.state))
        }
        Waited::Interrupted => Ok(interrupted(room, args.run)),
    }
}

fn show(terminal: &mut Terminal, shown: &UndoShown) {
    terminal.say(&format!("UNDO  {}  now {}", shown.run, shown.state));
    for back in &shown.restores {
        let entity = back.entity;
        terminal.say(&format!(
            "  {:<12} {entity}: enabled, as before",
            "puts back"
        ));
    }
    for line in &shown.again {
        terminal.say(&format!(
            "  {:<12} what was there before: {line}",
            "puts back"
        ));
    }
    for line in &shown.stays {
        terminal.say(&format!("  {:<12} {line}", "stays"));
    }
    for entity in &shown.needs_prior {
        terminal.say(&format!(
            "  {:<12} {entity}: nobody could read what it was",
            "unproved"
        ));
    }
    for line in &shown.no_way_back {
        terminal.say(&format!("  {:<12} {line}", "no way back"));
    }
    if shown.restores.is_empty() && shown.again.is_empty() {
        terminal.say("  nothing is put back");
    }
    terminal.say("  releasing a contained agent too early lets an adversary go on");
}

/// What a switch was, where nobody could read it. It is never chosen for the person.
fn was(
    terminal: &mut Terminal,
    given: Option<PriorWord>,
    shown: &UndoShown,
) -> Result<Option<PriorWord>, Failure> {
    if given.is_some() || shown.needs_prior.is_empty() {
        return Ok(given);
    }
    terminal.say("  it was written while it was read; what was it before?");
    terminal.say("    enabled   it is put back");
    terminal.say("    disabled  someone had stopped it before us; it is left so");
    let typed = terminal.ask("enabled or disabled:").unwrap_or_default();
    PriorWord::from_word(&typed).map(Some).ok_or_else(|| {
        Failure::usage("it must be said what it was").fix("add --was enabled or --was disabled")
    })
}

/// The verdict, where one must be chosen. It is never chosen for the person.
fn risk(
    terminal: &mut Terminal,
    given: Option<RiskWord>,
    shown: &UndoShown,
) -> Result<Option<RiskVerdict>, Failure> {
    let given = given.map(|word| match word {
        RiskWord::Safe => RiskVerdict::Safe,
        RiskWord::Dismiss => RiskVerdict::Dismiss,
        RiskWord::Leave => RiskVerdict::Leave,
    });
    if given.is_some() || !shown.needs_risk {
        return Ok(given);
    }
    terminal.say("  the run told Entra that it is compromised; what is Entra told now?");
    terminal.say("    safe     a false alarm; similar activity is no longer flagged");
    terminal.say("    dismiss  real but harmless; similar activity is flagged again");
    terminal.say("    leave    stays at high risk; a policy may go on blocking it");
    let typed = terminal.ask("safe, dismiss or leave:").unwrap_or_default();
    RiskVerdict::from_word(&typed).map(Some).ok_or_else(|| {
        Failure::usage("a risk verdict is required").fix("add --risk safe, dismiss or leave")
    })
}
