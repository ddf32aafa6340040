//! Make the refresh tokens of an agent's user account, or of a person, invalid.
//!
//! Does      POST users/{id}/revokeSignInSessions
//! Undo      none: plan and lint say so
//! Twice     safe
//! Needs     User.ReadBasic.All, User.RevokeSessions.All
//! Limits    takes "a few minutes" (Microsoft); no effect on guests
//! Tactic    Evict (D3FEND Session Termination)

use super::switch::stored;
use super::{Context, Ended, Error, Seen, disable_agent_user};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::step::{Before, Outcome, Switch};
use crate::graph::Priority;

/// The same users as `disable_agent_user` finds; nothing is closed.
pub(super) async fn look(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    if entity.kind == EntityKind::User {
        return person(context, entity).await;
    }
    let seen = disable_agent_user::look(context, entity).await?;
    Ok(Seen {
        closes: Vec::new(),
        ..seen
    })
}

/// A person keeps their switch; only what they are signed in with ends.
async fn person(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    context.permit([entity.id])?;
    let ask = context.ask(Priority::Contain);
    let enabled = context.graph.person(ask, entity.id).await?;
    let switch = Switch {
        id: entity.id,
        account_enabled: enabled.flag(),
    };
    Ok(Seen {
        before: Before::Switches {
            switches: vec![switch],
        },
        closes: Vec::new(),
        evidence: format!("{entity} is there"),
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
