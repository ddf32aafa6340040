//! Every plan, asked for at once and shown in short.

use futures_util::StreamExt as _;
use futures_util::stream;

use super::super::answers::Failure;
use super::super::args::ContainArgs;
use super::super::contain::wanted;
use super::super::exit::Exit;
use super::super::server::Server;
use super::super::terminal::Terminal;
use super::tally::{Fate, Item};
use crate::command::Shown;
use crate::domain::entity::ObjectId;

/// Plans asked for at the same time.
const AT_ONCE: usize = 8;
/// Most lines of plans that are shown; the count stands for the rest.
const LINES_MAX: usize = 40;
/// From this tier on, an entity is contained by a word of its own.
const ALONE_FROM: u8 = 2;

/// One id and its plan, or why there will be none.
pub(super) struct Planned {
    pub(super) id: ObjectId,
    pub(super) plan: Result<Shown, Fate>,
}

impl Planned {
    /// What became of it when nothing was ordered.
    pub(super) fn into_item(self) -> Item {
        let (name, fate) = match self.plan {
            Ok(plan) => (plan.entity.name, Fate::NotStarted),
            Err(fate) => (None, fate),
        };
        Item {
            id: self.id,
            name,
            fate,
        }
    }
}

/// All plans in the order of the ids. A server that cannot be reached ends it all: nothing was
/// ordered yet.
pub(super) async fn plan_all(
    server: &Server,
    args: &ContainArgs,
    ids: Vec<ObjectId>,
) -> Result<Vec<Planned>, Failure> {
    let mut asked = stream::iter(ids)
        .map(|id| async move {
            let plan = server.post("/v1/plans", &wanted(args, id)).await;
            (id, plan)
        })
        .buffered(AT_ONCE);
    let mut planned = Vec::new();
    while let Some((id, plan)) = asked.next().await {
        let plan = match plan {
            Err(failure) if failure.exit() == Exit::Unreachable => return Err(failure),
            Err(failure) if failure.exit() == Exit::NotAllowed => return Err(failure),
            Err(failure) => Err(Fate::refused(&failure)),
            Ok(plan) => fit(plan),
        };
        planned.push(Planned { id, plan });
    }
    Ok(planned)
}

fn fit(plan: Shown) -> Result<Shown, Fate> {
    if let Some(stop) = plan.stopped_by.first() {
        return Err(Fate::Refused {
            exit: Exit::Guarded,
            why: format!("{}: {}", stop.code, stop.why),
        });
    }
    if plan.tier >= ALONE_FROM {
        return Err(Fate::Refused {
            exit: Exit::Guarded,
            why: format!("tier {}: contain it by a word of its own", plan.tier),
        });
    }
    Ok(plan)
}

pub(super) fn show(terminal: &mut Terminal, planned: &[Planned]) {
    let willing = planned.iter().filter(|one| one.plan.is_ok()).count();
    let of = planned.len();
    terminal.say(&format!("PLAN  contain {willing} of {of}"));
    for one in planned.iter().take(LINES_MAX) {
        let said = match &one.plan {
            Ok(plan) if !plan.entity.enabled => "disabled already".to_owned(),
            Ok(plan) => plan.stops.join("; "),
            Err(fate) => format!("left out: {fate}"),
        };
        terminal.say(&format!("  {}  {said}", one.id));
    }
    if of > LINES_MAX {
        terminal.say(&format!("  and {} more", of - LINES_MAX));
    }
    terminal.say("  not stopped: access tokens already issued; each run says until when");
}
