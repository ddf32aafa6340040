//! `estop playbook diff`: what would have been decided otherwise, said as consequences.

use serde_json::json;

use super::super::Room;
use super::super::answers::Answer;
use super::super::args::DiffArgs;
use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::super::token::{unreadable, visit_at};
use super::sets::{Desk, load};
use crate::catalog::Catalog;
use crate::rehearse::{Direction, Replay};

pub(super) async fn diff(room: &mut Room, args: &DiffArgs) -> Answer {
    let desk = Desk::of(room, args.store.config.as_deref())?;
    let modes = |catalog: Catalog| {
        if args.as_recommended {
            catalog.as_recommended()
        } else {
            catalog
        }
    };
    let (old, new) = (modes(load(&args.old)?), modes(load(&args.new)?));
    let since = room.clock.now().minus(args.since.0);
    let mut replay = Replay::default();
    let terminal = &mut room.terminal;
    visit_at(&room.clock, &args.store, async |store| {
        let all = store.count_detections(since).await.map_err(unreadable)?;
        let mut after = None;
        loop {
            let page = store.detections_since(since, after).await;
            let page = page.map_err(unreadable)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for (detection, before) in &page {
                let tenant = desk.tenant(Some(detection));
                let judges = (desk.judge(&old, tenant), desk.judge(&new, tenant));
                replay.add((&judges.0, &judges.1), detection, before);
            }
            let done = format!("{} of {all} detections", replay.detections);
            terminal.progress(&done);
        }
    })
    .await?;
    room.terminal.progress_over();
    if room.terminal.wants_json() {
        room.terminal.json(&json!({
            "detections": replay.detections, "same": replay.same, "changes": replay.changes,
            "left_out": replay.left_out,
        }));
    } else {
        tell(&mut room.terminal, &replay, args);
    }
    Ok(if replay.changes.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn tell(terminal: &mut Terminal, replay: &Replay, args: &DiffArgs) {
    terminal.line(&format!(
        "{} detections of the last {}: {} decided the same",
        replay.detections, args.since, replay.same
    ));
    for (direction, words) in [
        (Direction::NowContained, "would now be contained"),
        (Direction::NoLongerContained, "would no longer be contained"),
        (Direction::Other, "would be decided otherwise"),
    ] {
        let count = replay.count(direction);
        if count == 0 {
            continue;
        }
        terminal.line(&format!("{count} {words}:"));
        for change in &replay.changes {
            if change.direction == direction {
                terminal.line(&format!(
                    "  {}  {}  {}  {}",
                    change.at, change.detection, change.detection_type, change.entity
                ));
                terminal.line(&format!("    - {}", change.old));
                terminal.line(&format!("    + {}", change.new));
            }
        }
    }
    if replay.left_out > 0 {
        terminal.line(&format!("{} more are not shown", replay.left_out));
    }
}
