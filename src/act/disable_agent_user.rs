//! Disable an agent's user account, which its agent's own switch does not reach.
//!
//! Does      accountEnabled = false on the agentUser, found from its agent where need be
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     User.ReadBasic.All, AgentIdUser.ReadWrite.All (reaches agent users only)
//! Limits    at most one user account for each agent (Microsoft, 2026-04)
//! Tactic    Evict (D3FEND Account Locking)

use super::kin::permit_entity;
use super::switch::{Whose, nothing, stored, turn_back, turn_off};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::step::{Before, Outcome, Switch, UndoOutcome};
use crate::graph::{AgentUserRead, Priority};

pub(super) async fn look(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    permit_entity(context, entity).await?;
    let users = users_of(context, entity).await?;
    context.permit(users.iter().flat_map(|user| [user.id, user.agent]))?;
    let switches = users
        .iter()
        .map(|user| Switch {
            id: user.id,
            account_enabled: user.enabled.flag(),
        })
        .collect();
    Ok(Seen {
        before: Before::Switches { switches },
        closes: users
            .iter()
            .map(|user| Entity::agent_user(user.id))
            .collect(),
        evidence: format!("{} user account(s) of {entity}", users.len()),
    })
}

async fn users_of(context: &Context<'_>, entity: Entity) -> Result<Vec<AgentUserRead>, Error> {
    let ask = context.ask(Priority::Contain);
    if entity.kind == EntityKind::AgentUser {
        return Ok(vec![context.graph.agent_user(ask, entity.id).await?]);
    }
    Ok(context.graph.agent_users_of(ask, entity.id).await?)
}

pub(super) async fn perform(context: &Context<'_>, before: &Before) -> Result<Ended, Error> {
    if stored(before).is_empty() {
        return Ok((
            Outcome::AlreadyDone,
            "this agent has no user account".to_owned(),
        ));
    }
    turn_off(context, Whose::AgentUser, before).await
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    if stored(before).is_empty() {
        return Ok(nothing("there was no user account"));
    }
    turn_back(context, Whose::AgentUser, before).await
}
