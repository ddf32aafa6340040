//! What every removal of things an entity holds has in common: all of them going forward, the
//! missing ones made again on undo.

use super::kin::permit_entity;
use super::switch::nothing;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::Found;
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::graph::{self, Ask, Graph, Priority, Receipt};

/// Most things of one kind that are taken from one entity; more is a person's.
const HELD_MAX: usize = 100;

/// A kind of thing that an entity holds.
pub(super) trait Held: Sized + Clone {
    /// For people, such as `delegated grant`.
    const NOUN: &'static str;

    /// All that the entity holds now.
    async fn list(graph: &Graph, ask: Ask, entity: Entity) -> Result<Vec<Self>, graph::Error>;

    /// Takes one away. `NotFound` when it is gone already.
    async fn remove(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error>;

    /// Makes it again.
    async fn again(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error>;

    /// Does the other, which may have an id of its own, give the same?
    fn gives_the_same(&self, other: &Self) -> bool;

    /// As it is stored.
    fn found(held: Vec<Self>) -> Found;

    /// As it was stored; empty for anything else.
    fn stored(found: &Found) -> &[Self];
}

pub(super) async fn look<T: Held>(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    permit_entity(context, entity).await?;
    let ask = context.ask(Priority::Contain);
    let held = T::list(context.graph, ask, entity).await?;
    if held.len() > HELD_MAX {
        return Err(Error::Refused {
            code: "tooMany".to_owned(),
            because: format!("{} {}s, more than {HELD_MAX}", held.len(), T::NOUN),
        });
    }
    let evidence = format!("{} {}(s) of {entity}", held.len(), T::NOUN);
    Ok(Seen::found(T::found(held), evidence))
}

/// Removes what was recorded and nothing else: what came since was nobody's approval.
pub(super) async fn perform<T: Held>(
    context: &Context<'_>,
    entity: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    let all = recorded::<T>(before);
    let (mut removed, mut last) = (0, String::new());
    for one in all {
        context.permit([entity.id])?;
        match one
            .remove(context.graph, context.ask(Priority::Contain))
            .await
        {
            Ok(receipt) => (removed, last) = (removed + 1, receipt.to_string()),
            // Gone already, by an earlier attempt of ours or by someone else.
            Err(graph::Error::NotFound { because }) => last = because,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(match (all.len(), removed) {
        (0, _) => (
            Outcome::AlreadyDone,
            format!("{entity} holds no {}", T::NOUN),
        ),
        (all, 0) => (
            Outcome::AlreadyDone,
            format!("all {all} {}(s) were gone; {last}", T::NOUN),
        ),
        (all, removed) => (
            Outcome::Done,
            format!("{removed} of {all} {}(s) removed; {last}", T::NOUN),
        ),
    })
}

/// Makes again what was recorded and is missing now.
pub(super) async fn undo<T: Held>(
    context: &Context<'_>,
    entity: Entity,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let all = recorded::<T>(before);
    if all.is_empty() {
        return Ok(nothing("nothing was removed"));
    }
    let ask = context.ask(Priority::Undo);
    let now = T::list(context.graph, ask, entity).await?;
    let (mut made, mut last) = (0, String::new());
    for one in all {
        if now.iter().any(|held| one.gives_the_same(held)) {
            continue;
        }
        let receipt = one.again(context.graph, ask).await?;
        (made, last) = (made + 1, receipt.to_string());
    }
    Ok(match made {
        0 => nothing("all of it is there already"),
        made => (
            UndoOutcome::Restored,
            format!("{made} of {} {}(s) made again; {last}", all.len(), T::NOUN),
        ),
    })
}

fn recorded<T: Held>(before: &Before) -> &[T] {
    match before {
        Before::Found { found } => T::stored(found),
        Before::Switches { .. } | Before::Unproven { .. } | Before::Nothing => &[],
    }
}
