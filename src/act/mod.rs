//! One thing done to one entity: look, perform, read back, undo.
//!
//! Knows: Graph, Foundry, the guards, what the deployment may do.
//! Never: the store, playbooks, who asked, what comes next.
//!
//! Laws
//! * `look` touches nothing, and what it saw is stored by the caller before `perform` is called.
//! * Everything here may be called twice.
//! * The guards are asked at the last moment, with every id the object is known by.
//! * We disable, never delete an entity. What takes away more than a switch does, or gives power
//!   back, is not done without the profile for it and a stored approval of its very plan.
//!
//! Read next: `disable_agent`, then `held` with `remove_grant`, then `verify`; the others look alike.

mod error;
mod kin;
mod means;

mod at_once;
mod disable_agent;
mod disable_agent_user;
mod disable_blueprint;
mod disable_service_principal;
mod switch;

mod block_tools;
mod confirm_compromised;
mod quarantine_in_registry;
mod revoke_sessions;
mod stop_in_foundry;
mod tag_entity;

mod held;
mod remove_access_package;
mod remove_app_role;
mod remove_credential;
mod remove_grant;
mod remove_role;
mod restore_blueprint;

mod verify;

use uuid::Uuid;

pub use at_once::{close, permit, read_switch};
pub use error::Error;
pub use means::{Approval, Means};
pub use verify::{Reading, read_back};

use crate::domain::action::{Action, RiskVerdict};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::found::{AppRole, DirectoryRole, Found, Grant, Package};
use crate::domain::guard::{Guards, Judgement, PEOPLE_FOR_PROTECTED};
use crate::domain::plan::PlanStep;
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::graph::{Ask, Graph, Priority};
use switch::Whose;

/// What an act needs: the tenant, the guards, and what to say when asked who calls.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub graph: &'a Graph,
    /// Whom we do not touch.
    pub guards: &'a Guards,
    /// How many people agreed to the plan this is a step of.
    pub agreed: u32,
    /// What the deployment has set up.
    pub means: &'a Means,
    /// Have people agreed to this run's plan?
    pub approval: Approval,
    /// Ties Microsoft's logs to this step.
    pub correlation: Uuid,
}

/// What was there before anything was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// To be stored before `perform`.
    pub before: Before,
    /// The entities the step is about to close.
    pub closes: Vec<Entity>,
    /// For people: the read and its answer.
    pub evidence: String,
}

/// How an act ended, and the proof.
pub type Ended = (Outcome, String);

impl Context<'_> {
    fn ask(&self, priority: Priority) -> Ask {
        Ask {
            priority: self.approval.urgency(priority),
            correlation: self.correlation,
        }
    }

    /// The last check before the tenant is touched.
    fn permit(&self, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), Error> {
        match self.guards.judge(ids) {
            Judgement::Free => Ok(()),
            Judgement::Never { what } => Err(Error::Forbidden {
                because: format!("never touched: {what}"),
            }),
            Judgement::Protected if self.agreed >= PEOPLE_FOR_PROTECTED => Ok(()),
            Judgement::Protected => Err(Error::Forbidden {
                because: "it is protected, and two people have not agreed".to_owned(),
            }),
        }
    }
}

/// Reads what is there, and checks that it may be touched at all.
pub async fn look(context: &Context<'_>, step: &PlanStep) -> Result<Seen, Error> {
    context.allow(step.action)?;
    let entity = step.entity;
    match step.action {
        Action::DisableAgent => disable_agent::look(context, entity).await,
        Action::DisableServicePrincipal => disable_service_principal::look(context, entity).await,
        Action::DisableBlueprint => disable_blueprint::look(context, entity).await,
        Action::DisableAgentUser => disable_agent_user::look(context, entity).await,
        Action::StopInFoundry => stop_in_foundry::look(context, entity).await,
        Action::BlockTools => block_tools::look(context, entity).await,
        Action::RevokeSessions => revoke_sessions::look(context, entity).await,
        Action::ConfirmCompromised => confirm_compromised::look(context, entity).await,
        Action::TagEntity => tag_entity::look(context, entity).await,
        Action::QuarantineInRegistry => quarantine_in_registry::look(context, entity).await,
        Action::RemoveCredential => remove_credential::look(context, entity).await,
        Action::RemoveGrant => held::look::<Grant>(context, entity).await,
        Action::RemoveAppRole => held::look::<AppRole>(context, entity).await,
        Action::RemoveRole => held::look::<DirectoryRole>(context, entity).await,
        Action::RemoveAccessPackage => held::look::<Package>(context, entity).await,
        Action::RestoreBlueprint => restore_blueprint::look(context, entity).await,
        Action::Verify => Ok(Seen::nothing()),
    }
}

/// Makes it so. `before` is what [`look`] saw and the caller has stored.
pub async fn perform(
    context: &Context<'_>,
    step: &PlanStep,
    before: &Before,
) -> Result<Ended, Error> {
    if let Before::Unproven { .. } = before {
        return close(context, step).await;
    }
    context.allow_now(step.action)?;
    let entity = step.entity;
    match step.action {
        Action::DisableAgent => disable_agent::perform(context, before).await,
        Action::DisableServicePrincipal => {
            disable_service_principal::perform(context, before).await
        }
        Action::DisableBlueprint => disable_blueprint::perform(context, before).await,
        Action::DisableAgentUser => disable_agent_user::perform(context, before).await,
        Action::StopInFoundry => stop_in_foundry::perform(context, entity, before).await,
        Action::BlockTools => block_tools::perform(context, entity, before),
        Action::RevokeSessions => revoke_sessions::perform(context, before).await,
        Action::ConfirmCompromised => confirm_compromised::perform(context, entity).await,
        Action::TagEntity => tag_entity::perform(context, entity, before).await,
        Action::QuarantineInRegistry => {
            quarantine_in_registry::perform(context, entity, before).await
        }
        Action::RemoveCredential => remove_credential::perform(context, entity, before).await,
        Action::RemoveGrant => held::perform::<Grant>(context, entity, before).await,
        Action::RemoveAppRole => held::perform::<AppRole>(context, entity, before).await,
        Action::RemoveRole => held::perform::<DirectoryRole>(context, entity, before).await,
        Action::RemoveAccessPackage => held::perform::<Package>(context, entity, before).await,
        Action::RestoreBlueprint => restore_blueprint::perform(context, before).await,
        Action::Verify => Ok((Outcome::Done, "read back".to_owned())),
    }
}

/// Closes again what a step closed and someone opened since.
pub async fn close_again(
    context: &Context<'_>,
    step: &PlanStep,
    before: &Before,
) -> Result<Ended, Error> {
    context.allow_now(step.action)?;
    let whose = match step.action {
        Action::DisableAgent => Whose::Agent,
        Action::DisableServicePrincipal => Whose::ServicePrincipal,
        Action::DisableBlueprint => Whose::Blueprint,
        Action::DisableAgentUser => Whose::AgentUser,
        Action::StopInFoundry
        | Action::BlockTools
        | Action::RevokeSessions
        | Action::ConfirmCompromised
        | Action::TagEntity
        | Action::QuarantineInRegistry
        | Action::RemoveCredential
        | Action::RemoveGrant
        | Action::RemoveAppRole
        | Action::RemoveRole
        | Action::RemoveAccessPackage
        | Action::RestoreBlueprint
        | Action::Verify => return perform(context, step, before).await,
    };
    switch::turn_off_again(context, whose, before).await
}

/// Puts back what was, if it is still as we left it. The read-back of what was put back is the
/// caller's.
pub async fn undo(
    context: &Context<'_>,
    step: &PlanStep,
    before: &Before,
    risk: Option<RiskVerdict>,
) -> Result<(UndoOutcome, String), Error> {
    if let Before::Unproven { .. } = before {
        return Err(at_once::prior_unknown());
    }
    let entity = step.entity;
    let left = |why: &str| Ok((UndoOutcome::Left, why.to_owned()));
    match step.action {
        Action::DisableAgent => disable_agent::undo(context, before).await,
        Action::DisableServicePrincipal => disable_service_principal::undo(context, before).await,
        Action::DisableBlueprint => disable_blueprint::undo(context, before).await,
        Action::DisableAgentUser => disable_agent_user::undo(context, before).await,
        Action::StopInFoundry => stop_in_foundry::undo(context, before).await,
        Action::BlockTools => Ok(block_tools::undo(before)),
        Action::RevokeSessions => {
            left("revoked sessions have no way back: the user signs in again")
        }
        Action::ConfirmCompromised => confirm_compromised::undo(context, entity, risk).await,
        Action::TagEntity => tag_entity::undo(context, entity, before).await,
        Action::QuarantineInRegistry => quarantine_in_registry::undo(context, before).await,
        Action::RemoveCredential => left(
            "removed credentials have no way back: give the blueprint new ones; what they were is \
             in the record",
        ),
        Action::RemoveGrant => held::undo::<Grant>(context, entity, before).await,
        Action::RemoveAppRole => held::undo::<AppRole>(context, entity, before).await,
        Action::RemoveRole => held::undo::<DirectoryRole>(context, entity, before).await,
        Action::RemoveAccessPackage => held::undo::<Package>(context, entity, before).await,
        Action::RestoreBlueprint => left("a blueprint that was restored is not deleted again"),
        Action::Verify => Ok((
            UndoOutcome::NothingToRestore,
            "it changed nothing".to_owned(),
        )),
    }
}

impl Seen {
    fn nothing() -> Self {
        Self {
            before: Before::Nothing,
            closes: Vec::new(),
            evidence: String::new(),
        }
    }

    /// Something that is no switch, and closes nothing.
    fn found(found: Found, evidence: String) -> Self {
        Self {
            before: Before::Found { found },
            closes: Vec::new(),
            evidence,
        }
    }
}
