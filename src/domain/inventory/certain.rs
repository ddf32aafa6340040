//! Who is known so well that the write may leave beside the read of what was there (design §5).

use super::Known;
use crate::domain::action::Action;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::guard::{Guards, Judgement};
use crate::domain::moment::Moment;
use crate::domain::plan::PlanStep;

/// An entity that is known for certain: every id that it and what it hangs from are known by, about
/// whom the guards are asked once more before the write leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certain(pub Vec<ObjectId>);

/// Can this action be struck before anything was read? It turns one switch, of a kind that the path of
/// the write itself protects.
pub const fn can_strike_unread(action: Action) -> bool {
    matches!(action, Action::DisableAgent | Action::DisableBlueprint)
}

/// Is this step's entity known well enough to be struck unread? It and its parent were seen lately,
/// it is of the kind the action is for, its switch is on, and nobody protects any of it. `line` is
/// the entity and what it hangs from, itself first.
pub fn certain(
    step: &PlanStep,
    line: &[Known],
    (guards, now): (&Guards, Moment),
) -> Option<Certain> {
    let (own, above) = line.split_first()?;
    let parents = match own.entity.kind {
        EntityKind::Agent => {
            let [parent] = above else { return None };
            own.parent.is_some() && parent.app_id == own.parent
        }
        EntityKind::Blueprint => own.app_id.is_some(),
        EntityKind::ServicePrincipal | EntityKind::AgentUser | EntityKind::User => false,
    };
    let action = step.action;
    let fits =
        own.entity == step.entity && can_strike_unread(action) && action.fits(own.entity.kind);
    let sound = own.enabled && !own.disabled_by_microsoft;
    let fresh = line.iter().all(|known| known.is_fresh(now));
    let ids: Vec<ObjectId> = line.iter().flat_map(Known::ids).collect();
    let free = guards.judge(ids.iter().copied()) == Judgement::Free;
    (parents && fits && sound && fresh && free).then_some(Certain(ids))
}
