//! What every `accountEnabled` switch has in common: off going forward, back to what was on undo.

use super::{Context, Ended, Error};
use crate::domain::entity::ObjectId;
use crate::domain::step::{Before, Outcome, Switch, UndoOutcome};
use crate::graph::{Enabled, Priority, Receipt};

/// Whose switch is read and set; each kind has calls of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// An agent identity's, by its cast.
    Agent,
    /// A plain service principal's.
    ServicePrincipal,
    /// A blueprint principal's, by its cast.
    Blueprint,
    /// An agent's user account's.
    AgentUser,
}

impl Whose {
    async fn set(
        self,
        context: &Context<'_>,
        (priority, id): (Priority, ObjectId),
        to: Enabled,
    ) -> Result<Receipt, Error> {
        let (graph, ask) = (context.graph, context.ask(priority));
        Ok(match self {
            Self::Agent => graph.set_agent_enabled(ask, id, to).await?,
            Self::ServicePrincipal => graph.set_principal_enabled(ask, id, to).await?,
            Self::Blueprint => graph.set_blueprint_enabled(ask, id, to).await?,
            Self::AgentUser => graph.set_agent_user_enabled(ask, id, to).await?,
        })
    }

    /// The switch as it reads on the way back. Microsoft's own switch is not ours to fight: a
    /// person must look (threat G15).
    async fn now(self, context: &Context<'_>, id: ObjectId) -> Result<Enabled, Error> {
        let (graph, ask) = (context.graph, context.ask(Priority::Undo));
        let (enabled, by_microsoft) = match self {
            Self::Agent => {
                let agent = graph.agent(ask, id).await?;
                (agent.enabled, agent.disabled_by_microsoft)
            }
            Self::ServicePrincipal => {
                let principal = graph.principal(ask, id).await?;
                (principal.enabled, principal.disabled_by_microsoft)
            }
            Self::Blueprint => {
                let blueprint = graph.blueprint(ask, id).await?;
                (blueprint.enabled, blueprint.disabled_by_microsoft)
            }
            // Graph has no such switch for users.
            Self::AgentUser => (graph.agent_user(ask, id).await?.enabled, false),
        };
        if by_microsoft {
            return Err(Error::Refused {
                code: "disabledByMicrosoftStatus".to_owned(),
                because: "Microsoft itself has disabled it; only Microsoft support can change that"
                    .to_owned(),
            });
        }
        Ok(enabled)
    }
}

/// The switches a step stored before it struck.
pub(super) fn stored(before: &Before) -> &[Switch] {
    match before {
        Before::Switches { switches } => switches,
        Before::Found { .. } | Before::Nothing | Before::Unproven { .. } => &[],
    }
}

/// Turns off whatever was on. What was off before is left alone.
pub(super) async fn turn_off(
    context: &Context<'_>,
    whose: Whose,
    before: &Before,
) -> Result<Ended, Error> {
    let mut ended = (Outcome::AlreadyDone, "it was disabled before".to_owned());
    for was in stored(before) {
        context.permit([was.id])?;
        if was.account_enabled {
            let to = (Priority::Contain, was.id);
            let receipt = whose.set(context, to, Enabled::No).await?;
            ended = (Outcome::Done, receipt.to_string());
        }
    }
    Ok(ended)
}

/// Turns everything off again that a step closed, whatever it was before us.
pub(super) async fn turn_off_again(
    context: &Context<'_>,
    whose: Whose,
    before: &Before,
) -> Result<Ended, Error> {
    let mut ended = (Outcome::AlreadyDone, "nothing was closed".to_owned());
    for was in stored(before) {
        context.permit([was.id])?;
        let to = (Priority::Contain, was.id);
        let receipt = whose.set(context, to, Enabled::No).await?;
        ended = (Outcome::Done, receipt.to_string());
    }
    Ok(ended)
}

/// Turns on again what was on before us and is off now.
pub(super) async fn turn_back(
    context: &Context<'_>,
    whose: Whose,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let mut ended = nothing("nothing was disabled");
    for was in stored(before) {
        let now = whose.now(context, was.id).await?;
        if !was.account_enabled {
            ended = nothing("it was disabled before us");
            continue;
        }
        // A read that says it is on may be old news, and turning on what is on changes nothing.
        let to = (Priority::Undo, was.id);
        let receipt = whose.set(context, to, Enabled::Yes).await?;
        ended = match now {
            Enabled::Yes => nothing("it is enabled already"),
            Enabled::No => (UndoOutcome::Restored, receipt.to_string()),
        };
    }
    Ok(ended)
}

/// The words for an undo that has nothing to write.
pub(super) fn nothing(why: &str) -> (UndoOutcome, String) {
    (UndoOutcome::NothingToRestore, why.to_owned())
}

/// What a read said, for people.
pub(super) fn seen(enabled: Enabled) -> String {
    format!("accountEnabled reads {}", enabled.flag())
}
