//! `estop contain` of many: every plan first, one question, then all of them at once, with progress
//! and a count of what became of each.
//!
//! Knows: which ids a person named, how each stands.
//! Never: more than what was shown; what a plan holds is the server's.
//!
//! Laws
//! * Nothing is ordered before every plan was shown and agreed to.
//! * One Ctrl-C starts nothing more and waits for what is in flight; two leave.
//! * What was not done is named, one line each, and the exit code says so.
//!
//! Read next: `targets`, `plans`, `strike`, `tally`, `display`.

mod display;
mod plans;
mod strike;
mod tally;
mod targets;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::json;

pub(super) use targets::named;

use super::Room;
use super::answers::{Answer, Failure};
use super::args::ContainArgs;
use super::contain::{reason, yes};
use super::exit::Exit;
use super::server::Server;
use super::terminal::Terminal;
use crate::domain::entity::ObjectId;
use plans::Planned;
use strike::{Interrupts, Orders};
use tally::{Item, Tally};

/// From this many on, the count is typed (facts: tier 2 begins at 11 agents).
const TYPED_FROM: usize = 11;

/// Contains each of these ids, as one word of a person.
pub(super) async fn contain_many(
    room: &mut Room,
    server: &Server,
    args: &ContainArgs,
    ids: Vec<ObjectId>,
) -> Answer {
    let mut interrupts = Interrupts::listen()?;
    let planned = tokio::select! {
        planned = plans::plan_all(server, args, ids) => planned?,
        () = interrupts.next() => {
            room.terminal.say("interrupted; nothing was ordered");
            return Ok(Exit::Interrupted);
        }
    };
    plans::show(&mut room.terminal, &planned);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let willing = planned.iter().filter(|one| one.plan.is_ok()).count();
    if willing > 0 {
        agreed(&mut room.terminal, args, willing)?;
        let reason = reason(&mut room.terminal, args.reason.clone())?;
        let orders = Orders {
            planned,
            reason,
            wait: args.wait.0,
        };
        let (items, took, end) = strike::strike(room, server, orders, &mut interrupts).await;
        let exit = tell(&mut room.terminal, &items, took);
        return Ok(match end {
            strike::End::Over => exit,
            strike::End::Interrupted => Exit::Interrupted,
        });
    }
    let items: Vec<Item> = planned.into_iter().map(Planned::into_item).collect();
    Ok(tell(&mut room.terminal, &items, Duration::ZERO))
}

/// A person's yes to so many: `--yes` up to ten, the count itself above.
fn agreed(terminal: &mut Terminal, args: &ContainArgs, willing: usize) -> Result<(), Failure> {
    if willing < TYPED_FROM {
        return match args.yes {
            true => Ok(()),
            false => yes(terminal, &format!("Contain {willing}? [y/N]")),
        };
    }
    let wanted = format!("CONTAIN {willing}");
    let question = format!("Type  {wanted}  to confirm:");
    let typed = args.confirm.clone().or_else(|| terminal.ask(&question));
    if typed.as_deref().map(str::trim) == Some(wanted.as_str()) {
        return Ok(());
    }
    Err(
        Failure::new(Exit::Guarded, "not confirmed; nothing was done").fix(format!(
            "add --confirm \"{wanted}\" once the plans are what you want"
        )),
    )
}

/// What became of each, the count first; as the last document where JSON is wanted.
fn tell(terminal: &mut Terminal, items: &[Item], took: Duration) -> Exit {
    let tally = Tally::of(items);
    let exit = tally.exit();
    let seconds = took.as_secs_f64();
    if terminal.wants_json() {
        terminal.json(&json!({
            "event": "summary", "of": items.len(), "counts": tally.counts(),
            "not_done": items.iter().filter(|item| !item.is_done()).collect::<Vec<_>>(),
            "seconds": seconds, "exit_code": exit.code(),
        }));
        return exit;
    }
    terminal.line(&format!("{tally}  {seconds:.1} s"));
    for item in items.iter().filter(|item| !item.is_done()) {
        terminal.line(&format!("  {item}"));
    }
    exit
}
