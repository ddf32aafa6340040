//! Make the refresh tokens of an agent's user account invalid.
//!
//! Does      POST users/{id}/revokeSignInSessions
//! Undo      none: plan and lint say so
//! Twice     safe
//! Needs     User.ReadBasic.All, User.RevokeSessions.All
//! Limits    takes "a few minutes" (Microsoft); no effect on guests
//! Tactic    Evict (D3FEND Session Termination)

use super::disable_agent_user::users_of;
use super::kin::permit_entity;
use super::switch::stored;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Outcome, Switch};
use crate::graph::Priority;

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
        closes: Vec::new(),
        evidence: format!("{} user account(s) of {entity}", users.len()),
    })
}

pub(super) async fn perform(context: &Context<'_>, before: &Before) -> Result<Ended, Error> {
    let mut ended = (
        Outcome::AlreadyDone,
        "this agent has no user account".to_owned(),
    );
    for user in stored(before) {
        context.permit([user.id])?;
        let ask = context.ask(Priority::Contain);
        let receipt = context.graph.revoke_sessions(ask, user.id).await?;
        ended = (Outcome::Done, receipt.to_string());
    }
    Ok(ended)
}
